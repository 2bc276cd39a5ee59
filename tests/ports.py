"""Ports for servers that are told theirs: nobody else gets one between the choice and the start."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved() -> Iterator[int]:
    """A port on which nothing listens but what is told of it, as often as that starts again.

    It stays bound here. The kernel gives a bound port to nobody who asks for any, and lets who
    names it listen there beside a socket that does not, where both allow it by SO_REUSEADDR.
    """
    with _bound() as held:
        yield int(held.getsockname()[1])


def closed() -> int:
    """A port on which nothing listens as long as this process lives."""
    held = _bound()
    port = int(held.getsockname()[1])
    held.detach()
    return port


def _bound() -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
