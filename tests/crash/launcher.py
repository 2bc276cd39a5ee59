"""Starts `holdfast serve` again and again without the price of importing it: it forks.

The argument is a socket. Each message on it is the JSON of folder, arguments and environment,
with two descriptors for the standard streams; the answer is the process's id.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence

import psycopg
import uvloop

import holdfast.app
from holdfast.cli import main

_LOADED = (holdfast.app, psycopg, uvloop)  # what a start imports when it needs it


def launch(channel: socket.socket) -> None:
    """Until the other end of `channel` is closed; then all that was started ends too."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
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
