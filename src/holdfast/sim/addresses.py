"""Addresses at which a connection fails before a word of HTTP is spoken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, cast

_NOBODY = "nobody.invalid"  # RFC 2606: never resolves
_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


def reset(transport: asyncio.Transport) -> None:
    """Ends the connection with a TCP RST: without lingering there is no orderly end."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


class Addresses:
    """Holds the sockets that make the addresses fail, for as long as it is entered."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._ports: dict[str, int] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._ports["refuse"] = _port(stack.enter_context(self._bound()))
            self._ports["blackhole"] = self._full(stack)
            for name, react in _HANDSHAKES.items():
                self._ports[name] = await self._listen(stack, react)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def origin(self, name: str) -> str | None:
        """Scheme, host and port; None if the fault is no matter of an address of its own."""
        if name == "dns":
            return f"http://{_NOBODY}"
        if name not in self._ports:
            return None
        scheme = "https" if name in _HANDSHAKES else "http"
        return origin(scheme, self._host, self._ports[name])

    def _bound(self) -> socket.socket:
        """A port that is taken, so that nobody else can listen there."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.bind((self._host, 0))
        return taken

    def _full(self, stack: AsyncExitStack) -> int:
        """A queue of connections that is full: to more of them the kernel gives no answer."""
        listener = stack.enter_context(self._bound())
        listener.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket(listener.family, socket.SOCK_STREAM))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return _port(listener)

    async def _listen(
        self, stack: AsyncExitStack, react: Callable[[asyncio.Transport], None]
    ) -> int:
        loop = asyncio.get_running_loop()
        open_ones: set[asyncio.Transport] = set()
        server = await loop.create_server(lambda: _Handshake(react, open_ones), self._host, 0)
        stack.push_async_callback(server.wait_closed)
        stack.callback(_abort_all, open_ones)
        stack.callback(server.close)
        return int(server.sockets[0].getsockname()[1])


class _Handshake(asyncio.Protocol):
    """Reacts to the first words of the peer."""

    def __init__(
        self, react: Callable[[asyncio.Transport], None], open_ones: set[asyncio.Transport]
    ) -> None:
        self._react = react
        self._open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._open_ones.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._react(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self._transport)


_HANDSHAKES: Mapping[str, Callable[[asyncio.Transport], None]] = {
    "tls_cut": lambda transport: transport.close(),
    "tls_reset": reset,
    "tls_stall": lambda transport: None,
}


def _abort_all(transports: set[asyncio.Transport]) -> None:
    for transport in transports:
        transport.abort()


def origin(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _port(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])
