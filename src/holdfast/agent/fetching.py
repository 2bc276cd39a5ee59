"""Web pages for models, without a way into the network that Holdfast runs in.

A model asks for whatever an attacker's text tells it to. So every address is checked when it
is connected to, and that very address is connected to: a name that resolves to something else
a moment later gains nothing, and neither does a redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

import httpcore2
import httpx2

from .. import __version__
from ..upstream.transport import HttpTransport
from .tools import ToolFailed
from .webpage import decode, readable

MOST = 2 * 1024 * 1024  # bytes of a page, unpacked
REDIRECTS = 5
PATIENCE = 15.0  # seconds for any one step
LONGEST_URL = 2048

_HEADERS = {
    "user-agent": f"holdfast/{__version__}",
    "accept": "text/html, application/xhtml+xml, text/plain, application/json;q=0.9, */*;q=0.1",
    "accept-encoding": "gzip, deflate",
}
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/javascript", "application/yaml")

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


@dataclass(frozen=True, slots=True)
class Page:
    """`url` is where it was found after all redirects."""

    url: str
    title: str
    text: str
    cut: bool = False


class Fetcher:
    """An own pool of connections, and no memory: a cookie of one person is not sent for another.

    `permits` says which IP addresses may be connected to.
    """

    def __init__(self, permits: Callable[[str], bool] = is_public) -> None:
        self._permits = permits
        self._made: HttpTransport | None = None

    @property
    def _transport(self) -> HttpTransport:
        """Made when first needed: most of a start would be spent on reading certificates."""
        if self._made is None:
            self._made = HttpTransport(httpx2.create_ssl_context(), backend=_Guard(self._permits))
        return self._made

    async def fetch(self, url: str) -> Page:
        """The text of the page. Raises ToolFailed, httpcore2's exceptions, OSError."""
        where = _url(url)
        for _ in range(REDIRECTS + 1):
            timeout = httpx2.Timeout(PATIENCE).as_dict()
            asked = httpx2.Request("GET", where, headers=_HEADERS, extensions={"timeout": timeout})
            async with aclosing(await self._transport.handle_async_request(asked)) as answer:
                if answer.has_redirect_location:
                    where = _url(str(where.join(answer.headers["location"])))
                    continue
                if answer.status_code >= 400:
                    raise ToolFailed(f"{where.host} answered {answer.status_code}")
                return await _page(answer, where)
        raise ToolFailed(f"more than {REDIRECTS} redirects")

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()


class _Guard(httpcore2.AsyncNetworkBackend):
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
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(map(self._permits, addresses)):
            raise ToolFailed(f"{host} is not on the public internet")
        errors: list[Exception] = []
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                errors.append(error)
        raise errors[0]

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _url(text: str) -> httpx2.URL:
    """Raises ToolFailed."""
    try:
        url = httpx2.URL(text.strip() if "://" in text else f"https://{text.strip()}")
    except (httpx2.InvalidURL, ValueError):
        raise ToolFailed("this is no valid URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ToolFailed("only http and https pages can be fetched")
    if url.userinfo:
        raise ToolFailed("a URL with a user name in it is not fetched")
    if len(str(url)) > LONGEST_URL:
        raise ToolFailed(f"the URL is longer than {LONGEST_URL} characters")
    return url


async def _page(answer: httpx2.Response, where: httpx2.URL) -> Page:
    kind = answer.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if not (kind in _HTML or kind in _TEXT or kind.startswith("text/") or kind.endswith("+json")):
        raise ToolFailed(f"this is not a page of text but {kind}")
    body, cut = await _read(answer)
    text = decode(body, answer.charset_encoding)
    title = ""
    if kind in _HTML:
        title, text = readable(text, str(where))
    return Page(str(where), title, text, cut)


async def _read(answer: httpx2.Response) -> tuple[bytes, bool]:
    """The body, unpacked no further than there is room, and whether it was cut."""
    unpack = _unpacker(answer.headers.get("content-encoding", "identity").strip().lower())
    body = bytearray()
    async for chunk in _raw(answer):
        body += unpack(chunk, MOST + 1 - len(body))
        if len(body) > MOST:
            return bytes(body[:MOST]), True
    return bytes(body), False


async def _raw(answer: httpx2.Response) -> AsyncIterator[bytes]:
    assert isinstance(answer.stream, AsyncIterable)
    async for chunk in answer.stream:
        yield chunk


def _unpacker(coding: str) -> Callable[[bytes, int], bytes]:
    """Takes packed bytes and how many unpacked ones there is room for."""
    if coding in ("identity", ""):
        return lambda chunk, room: chunk[:room]
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ToolFailed("the page is packed in a way that was not asked for")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            return unpacking.decompress(chunk, room)
        except zlib.error:
            raise ToolFailed("the page is packed wrongly") from None

    return unpack
