"""Connections without a way into the network that Holdfast runs in.

Every address is checked when it is connected to, and that very address is connected to: a name
that resolves to something else a moment later gains nothing, and neither does a redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable

import httpcore2

# IPv6 networks whose addresses stand for an IPv4 one, and where in them it stands.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, whatever form it is written in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64 or ip in _COMPATIBLE:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if ip.teredo or ip.is_site_local:
            return False
        if inner:
            return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class NotPublic(Exception):
    """The host is inside, or nowhere. Nothing was connected to."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Guard(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only, each to the very one that was checked."""

    def __init__(self, permits: Callable[[str], bool]) -> None:
        self._permits = permits
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:  # as no name can be: a label is empty, or too long
            raise NotPublic(host) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(map(self._permits, addresses)):
            raise NotPublic(host)
        errors: list[Exception] = []
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                errors.append(error)
        raise errors[0]

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
