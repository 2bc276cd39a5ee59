"""Starts `holdfast serve` again and again without the price of importing it: it forks.

The argument is a socket. Each message on it is the JSON of folder, arguments and environment,
with two descriptors for the standard streams; the answer is the process's id.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from holdfast.cli import main

# What a start imports when it needs it.
_LOADED = (
    "anyio._backends._asyncio",
    "holdfast.agent.mcp",
    "holdfast.app",
    "holdfast.engine.cluster",
    "holdfast.platforms.qq.adapter",
    "holdfast_crash",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
    "websockets.asyncio.client",
)


CLOCK = "HOLDFAST_CRASH_CLOCK"  # names a file that says how many seconds the clock is ahead


def launch(channel: socket.socket) -> None:
    """Until the other end of `channel` is closed; then all that was started ends too."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 2)
        if not message:
            os.killpg(0, signal.SIGKILL)  # the test died: nobody else would end them
        pid = os.fork()
        if pid == 0:
            channel.close()
            become(json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.sendall(b"%d\n" % pid)


def become(asked: dict[str, object], descriptors: Sequence[int]) -> None:
    """Never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for stream, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *descriptors)):
            os.dup2(descriptor, stream)
        os.chdir(str(asked["folder"]))
        os.environ.update(dict(asked["environment"]))  # type: ignore[call-overload]
        if CLOCK in os.environ:
            set_clock(Path(os.environ[CLOCK]))
        sys.argv = ["holdfast", "serve", *asked["arguments"]]  # type: ignore[misc]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def set_clock(ahead: Path) -> None:
    """Wall time is what the file says from now on, and monotonic time is not."""
    seconds, nanoseconds = time.time, time.time_ns  # noqa: TID251 - what all clocks ask
    time.time = lambda: seconds() + int(ahead.read_text("ascii"))  # noqa: TID251
    time.time_ns = lambda: nanoseconds() + int(ahead.read_text("ascii")) * 10**9


if __name__ == "__main__":
    launch(socket.socket(fileno=int(sys.argv[1])))
