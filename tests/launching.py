"""Servers that are forked of one process which has imported everything."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[1]


class Launcher:
    """Forks the processes. `close` kills all that still live."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.launcher", str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        self._channel.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def launch(
        self,
        folder: Path,
        env: Mapping[str, str],
        *arguments: str,
        errors: IO[str],
        status: int | None = None,
        module: str = "",
    ) -> tuple[int, int]:
        """The new process's id, and the end to read of its standard output. Its exit code, or the
        number of a signal below zero, is written to `status` as a line.
        """
        asked = {
            "folder": str(folder),
            "module": module,
            "arguments": arguments,
            "environment": dict(env),
        }
        reading, writing = os.pipe()
        told = [] if status is None else [status]
        streams = [writing, errors.fileno(), *told]
        socket.send_fds(self._channel, [json.dumps(asked).encode()], streams)
        os.close(writing)
        return int(self._channel.recv(32)), reading


@cache
def launcher() -> Launcher:
    """One for all tests: to load everything takes longer than most of them."""
    made = Launcher()
    atexit.register(made.close)
    return made


class Forked:
    """One process; of `subprocess.Popen`, what tests need. A context manager that waits for it."""

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str],
        *arguments: str,
        errors: IO[str],
        module: str = "",
    ) -> None:
        self._status, status = os.pipe()
        self._code: int | None = None
        self.pid, output = launcher().launch(
            folder, env, *arguments, errors=errors, status=status, module=module
        )
        os.close(status)
        self.stdout = os.fdopen(output, encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stdout.close()
        self.wait()
        os.close(self._status)

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The code with which it ended. Raises TimeoutExpired."""
        if self._code is None:
            ready, _, _ = select.select([self._status], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired("holdfast serve", timeout or 0)
            self._code = int(os.read(self._status, 32))
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
