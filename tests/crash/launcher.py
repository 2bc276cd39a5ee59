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
from collections.abc import Sequence

from holdfast.cli import main

# What a start imports when it needs it.
_LOADED = (
    "anyio._backends._asyncio",
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
        sys.argv = ["holdfast", "serve", *asked["arguments"]]  # type: ignore[misc]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    launch(socket.socket(fileno=int(sys.argv[1])))
