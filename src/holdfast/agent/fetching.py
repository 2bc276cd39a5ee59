"""Web pages for models, without a way into the network that Holdfast runs in.

A model asks for whatever an attacker's text tells it to: see `upstream.guard`.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import httpx2

from .. import __version__
from ..upstream.guard import Guard, NotPublic, is_public
from ..upstream.transport import HttpTransport, trusted
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
        self._transport = HttpTransport(trusted(), backend=Guard(permits))

    async def fetch(self, url: str) -> Page:
        """The text of the page. Raises ToolFailed, httpcore2's exceptions, OSError."""
        where = _url(url)
        for _ in range(REDIRECTS + 1):
            timeout = httpx2.Timeout(PATIENCE).as_dict()
            asked = httpx2.Request("GET", where, headers=_HEADERS, extensions={"timeout": timeout})
            async with aclosing(await self._answer(asked)) as answer:
                if answer.has_redirect_location:
                    where = _url(str(where.join(answer.headers["location"])))
                    continue
                if answer.status_code >= 400:
                    raise ToolFailed(f"{where.host} answered {answer.status_code}")
                return await _page(answer, where)
        raise ToolFailed(f"more than {REDIRECTS} redirects")

    async def _answer(self, asked: httpx2.Request) -> httpx2.Response:
        try:
            return await self._transport.handle_async_request(asked)
        except NotPublic as error:
            raise ToolFailed(f"{error.host} is not on the public internet") from None

    async def aclose(self) -> None:
        await self._transport.aclose()


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
