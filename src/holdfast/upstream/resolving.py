"""Names to addresses, without the event loop's own threads.

A resolver that does not answer holds a thread for half a minute, whoever has stopped waiting. The
loop has few, and all that waits for a disk shares them. So each name that is asked for has a
thread of its own, which nobody waits for at the end, and whoever asks meanwhile shares its answer.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

Address = tuple[socket.AddressFamily, Any]  # the second as the socket module takes it

_LITERALS = ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0)))


class Resolver:
    """Of one event loop."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], asyncio.Future[list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Raises OSError, or UnicodeError for what no resolver takes."""
        for family, more in _LITERALS:
            with suppress(OSError, UnicodeError, ValueError):
                socket.inet_pton(family, host)
                return [(family, (host, port, *more))]
        key = host, port
        if key not in self._asked:
            found = self._asked[key] = _looked_up(host, port)
            found.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(self._asked[key])

    def _answered(self, key: tuple[str, int], done: asyncio.Future[list[Address]]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # perhaps nobody waits for it any more


def _looked_up(host: str, port: int) -> asyncio.Future[list[Address]]:
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def look() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            tell(None, error)
        else:
            tell([(entry[0], entry[4]) for entry in entries], None)

    def tell(addresses: list[Address] | None, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, addresses, error)

    def settle(addresses: list[Address] | None, error: Exception | None) -> None:
        if found.done():
            return
        if addresses is None:
            found.set_exception(error or OSError())
        else:
            found.set_result(addresses)

    threading.Thread(target=look, name=f"look up {host}", daemon=True).start()
    return found
