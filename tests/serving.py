"""`holdfast serve` as a process of its own before a simulated vendor, all on real sockets.

It is forked of one that has imported everything, unless a test asks for the command itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog
from tests.launching import Forked
from tests.pulse import Pulse
from tests.upstream.leaks import HANG

from holdfast.sim.upstream import SimulatedUpstream

PATIENCE = HANG

# Nothing of the machine's own decides a test: no key, no language, no colour.
_UNSET = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "FORCE_COLOR")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**kept, "LANG": "C.UTF-8", "COLUMNS": "80", **more}


@contextmanager
def logging_put_back() -> Iterator[None]:
    """For tests that call `log.configure` in their own process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def command(*args: str) -> list[str]:
    return [sys.executable, "-c", "from holdfast.cli import main; main()", *args]


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: the line that told it was ready, its address, its process."""

    line: str
    url: str
    process: subprocess.Popen[str] | Forked


@contextmanager
def serving(
    folder: Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    argv: Sequence[str] = (),
    patience: float = PATIENCE,
) -> Iterator[Served]:
    """Runs `holdfast serve` in `folder` until the block ends; it must then stop by itself.

    `argv` is the command, if it is to be that and no fork: `command("serve")`, or a script.
    """
    arguments, given = ["--port", "0", *args], environment(**(env or {}))
    with (
        (folder / "stderr.txt").open("w", encoding="utf-8") as errors,
        _commanded([*argv, *arguments], folder, given, errors)
        if argv
        else Forked(folder, given, *arguments, errors=errors) as process,
    ):
        hung = threading.Timer(patience, process.kill)
        hung.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline().rstrip("\n")
            assert "http://" in line, (line, (folder / "stderr.txt").read_text(encoding="utf-8"))
            hung.cancel()
            url = "http://" + line.partition("http://")[2].split()[0]
            yield Served(line, url, process)
            process.terminate()
            process.wait(PATIENCE)
        finally:
            hung.cancel()
            if process.poll() is None:
                process.kill()


def _commanded(
    argv: Sequence[str], folder: Path, env: Mapping[str, str], errors: IO[str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
    )


@contextmanager
def vendor(pulse: Pulse | None = None) -> Iterator[SimulatedUpstream]:
    """A simulated vendor on a thread of its own. With a `pulse` its models may be held."""
    entered, over = threading.Event(), threading.Event()
    upstream = SimulatedUpstream(sleep=(pulse or Pulse()).sleep)

    async def play() -> None:
        async with upstream:
            entered.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(play(),))
    thread.start()
    try:
        assert entered.wait(PATIENCE)
        yield upstream
    finally:
        over.set()
        thread.join()


def configuration(base_url: str, routes: Mapping[str, Sequence[str]], more: str = "") -> str:
    """A holdfast.toml in which each route asks these models of the vendor at `base_url`."""
    lines = ["[providers.vendor]", f'base_url = "{base_url}"', more]
    for name, models in routes.items():
        targets = ", ".join(f'"vendor/{model}"' for model in models)
        lines += [f'[routes."{name}"]', f"targets = [{targets}]"]
    return "\n".join(lines)
