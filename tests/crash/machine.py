"""What a machine has beside Holdfast, as one test's own: a PostgreSQL and a NATS that may be killed
and started again, and a clock that may be set.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.conformance.databases import lacking
from tests.launcher import CLOCK
from tests.ports import reserved
from tests.serving import environment

_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
# What survives the death of a process is all that is asked for here: no power cut is played.
_SETTINGS = "-c fsync=off -c listen_addresses=127.0.0.1 -c max_connections=200"


def found(program: str) -> str:
    """Its path; a test that needs it and has not got it is skipped, or fails."""
    where = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(_POSTGRES))])
    path = shutil.which(program, path=where)
    if path is None:
        lacking(f"there is no {program} on this machine")
        raise AssertionError
    return path


class Clock:
    """The wall clock of servers that are started with `ours` in their environment, and of other
    programs that are with `theirs`. Monotonic time goes on as ever.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="holdfast-clock-"))
        self._folder.chmod(0o755)
        self.ours = {CLOCK: str(self._folder / "ours")}
        self.set(0)

    @property
    def theirs(self) -> Mapping[str, str]:
        """Under which our own servers would be many times slower."""
        if not _FAKETIME:
            lacking("there is no libfaketime on this machine")
        return {
            "LD_PRELOAD": str(_FAKETIME[-1]),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / "theirs"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: int) -> None:
        """So many seconds before the true time, or behind it."""
        for name, unit in (("ours", ""), ("theirs", "s")):
            new = self._folder / "new"
            new.write_text(f"{ahead:+d}{unit}\n")
            new.chmod(0o644)
            new.replace(self._folder / name)

    def remove(self) -> None:
        shutil.rmtree(self._folder)


class Postgres:
    """A whole cluster of databases in a folder, on a port that is kept for it."""

    def __init__(self, folder: Path, port: int, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = environment(LC_ALL="C", **env)
        self._port = port
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to be run by root

    @property
    def url(self) -> str:
        return f"postgresql://holdfast@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        if self._user:
            shutil.chown(self._folder, self._user, self._user)
        self._run(
            "initdb", "-D", "data", "-A", "trust", "-U", "holdfast", "--no-sync", "-E", "UTF8"
        )
        options = f"{_SETTINGS} -c port={self._port} -c unix_socket_directories={self._folder}"
        self._control("start", "-o", options, "-l", "log.txt")

    async def restart(self) -> None:
        """As if it had crashed: nobody is told, and all that was under way is undone."""
        await asyncio.to_thread(self._control, "restart", "-m", "immediate", "-l", "log.txt")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def set_read_only(self, refuses: bool) -> None:
        """As providers do when the disk is full, or a standby has not been promoted yet."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            value = "on" if refuses else "off"
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
            connection.execute("SELECT pg_reload_conf()")

    def _control(self, *what: str) -> None:
        self._run("pg_ctl", *what, "-D", "data", "-w", "-s")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [found(program), *arguments],
            cwd=self._folder,
            env=self._env,
            user=self._user,
            group=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def postgres(env: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """Where any user may look: pytest's folders are for one."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
    try:
        with reserved() as port:
            made = Postgres(folder, port, env or {})
            made.make()
            try:
                yield made
            finally:
                made.stop()
    finally:
        shutil.rmtree(folder)


class Nats:
    """A server with JetStream on a folder, on a port that is kept for it."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    async def start(self) -> None:
        options = ["-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder)]
        self._process = await asyncio.create_subprocess_exec(
            found("nats-server"), *options, "-l", os.devnull
        )

    async def kill(self) -> None:
        """If it was started. It must not have ended by itself."""
        process, self._process = self._process, None
        if process is not None:
            assert process.returncode is None, f"NATS ended by itself: {process.returncode}"
            process.kill()
            await process.wait()

    async def restart(self, *, forgetful: bool = False) -> None:
        """`forgetful`: its disk is lost too."""
        await self.kill()
        if forgetful:
            await asyncio.to_thread(shutil.rmtree, self._folder)
        await self.start()
