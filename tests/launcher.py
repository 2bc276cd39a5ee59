"""Starts `holdfast serve` again and again without the price of importing it: it forks.

The argument is a socket. Each message on it is the JSON of folder, arguments, environment and, if
it is not to be the command, a module that is run; with descriptors for the standard output, the
standard errors and, if wanted, the status at which the process ends. The answer is its id.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from holdfast.cli import main
from holdfast.store.conversations import SqlConversations
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.upstream.capabilities import known

# What a start imports when it needs it.
_LOADED = (
    "anyio._backends._asyncio",
    "holdfast.agent.mcp",
    "holdfast.app",
    "holdfast.engine.cluster",
    "holdfast.platforms.qq.adapter",
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


class Parent:
    """Of all that was started. `told` are the descriptors that are told how a process ended."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._told: dict[int, int] = {}  # by process
        self._watched = selectors.DefaultSelector()
        self._watched.register(channel, selectors.EVENT_READ)

    def serve(self) -> NoReturn:
        """Until the other end of the channel is closed; then all that was started ends too."""
        while True:
            for ready, _ in self._watched.select():
                if ready.fileobj is self._channel:
                    self._start()
                else:
                    self._bury(ready.fd, ready.data)

    def _start(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._channel, 1 << 16, 3)
        if not message:
            os.killpg(0, signal.SIGKILL)  # the tests ended: nobody else would end them
        pid = os.fork()
        if pid == 0:
            self._channel.close()
            self._watched.close()
            become(json.loads(message), descriptors[:2])
        for descriptor in descriptors[:2]:
            os.close(descriptor)
        self._told[pid] = descriptors[2] if descriptors[2:] else -1
        self._watched.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
        self._channel.sendall(b"%d\n" % pid)

    def _bury(self, pidfd: int, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        self._watched.unregister(pidfd)
        os.close(pidfd)
        told = self._told.pop(pid)
        if told >= 0:
            os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(told)


def become(asked: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """What the interpreter and the command would do from their beginning."""
    code = 1
    try:
        for stream, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *descriptors)):
            os.dup2(descriptor, stream)
        os.closerange(3, 1 << 12)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if CLOCK in os.environ:
            set_clock(Path(os.environ[CLOCK]))
        module = asked["module"]
        sys.argv = [*([module] if module else ["holdfast", "serve"]), *asked["arguments"]]
        if module:
            runpy.run_module(module, run_name="__main__")
        else:
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def set_clock(ahead: Path) -> None:
    """Wall time is what the file says from now on, and monotonic time is not."""
    seconds, nanoseconds = time.time, time.time_ns  # noqa: TID251 - what all clocks ask
    time.time = lambda: seconds() + int(ahead.read_text("ascii"))  # noqa: TID251
    time.time_ns = lambda: nanoseconds() + int(ahead.read_text("ascii")) * 10**9


def prepare() -> None:
    """What every process would compile again."""
    known()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "holdfast.db")
        SqlDeliveries(database, {})
        SqlConversations(database)
        database.close()


if __name__ == "__main__":
    for name in _LOADED:
        importlib.import_module(name)
    prepare()
    gc.freeze()
    Parent(socket.socket(fileno=int(sys.argv[1]))).serve()
