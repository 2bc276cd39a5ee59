"""Gets what people attach from where their platform keeps it.

The addresses come from a platform, and its word is not enough to let it into our own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import replace

import httpx2

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..upstream.guard import Guard, NotPublic, is_public
from ..upstream.progress import CURRENT, Progress
from ..upstream.translate import EXCHANGE, failure_from
from ..upstream.transport import HttpTransport, trusted
from .event import Attachment

PATIENCE = 20.0  # seconds for a whole file
REDIRECTS = 3

# Of tests of networks (RFC 2544), where nobody lives: what local proxies give out as the
# addresses of all names that go through them.
_STAND_INS = ipaddress.ip_network("198.18.0.0/15")


def reachable(address: str) -> bool:
    """Whether an IP address is outside, or stands for one that is."""
    if is_public(address):
        return True
    try:
        return ipaddress.ip_address(address) in _STAND_INS
    except ValueError:
        return False


class HttpFetch:
    """`pipeline.Fetch` over a pool of its own. `permits` says which IP addresses may be connected
    to; `patience` is how many seconds a whole file may take.
    """

    def __init__(
        self, permits: Callable[[str], bool] = reachable, patience: float = PATIENCE
    ) -> None:
        self._transport = HttpTransport(trusted(), backend=Guard(permits))
        self._patience = patience

    async def __call__(self, attachment: Attachment, limit: int) -> bytes:
        progress = Progress(lambda phase: None)
        CURRENT.set(progress)
        try:
            async with asyncio.timeout(self._patience):
                return await self._get(attachment.url, limit, progress)
        except NotPublic as error:
            failed = Failure(Kind.FORBIDDEN, Phase.CONNECT, Hop.PLATFORM)
            raise StreamFailed(failed) from error
        except EXCHANGE as error:
            failed = replace(failure_from(error, progress), hop=Hop.PLATFORM)
            raise StreamFailed(failed) from error

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _get(self, url: str, limit: int, progress: Progress) -> bytes:
        where = httpx2.URL(f"https:{url}" if url.startswith("//") else url)
        for _ in range(REDIRECTS + 1):
            if where.scheme not in ("http", "https"):
                break
            request = httpx2.Request("GET", where, headers={"Accept-Encoding": "identity"})
            async with aclosing(await self._transport.handle_async_request(request)) as answer:
                progress.phase = Phase.FIRST
                if not answer.has_redirect_location:
                    return await _body(answer, limit)
                where = where.join(answer.headers["location"])
        raise StreamFailed(Failure(Kind.PROTOCOL, Phase.HEADERS, Hop.PLATFORM))


async def _body(answer: httpx2.Response, limit: int) -> bytes:
    if answer.status_code != httpx2.codes.OK:
        raise StreamFailed(_refused(answer.status_code))
    body = bytearray()
    assert isinstance(answer.stream, AsyncIterable)
    async for chunk in answer.stream:
        body += chunk
        if len(body) > limit:
            raise StreamFailed(Failure(Kind.TOO_LONG, Phase.STREAM, Hop.PLATFORM))
    return bytes(body)


def _refused(status: int) -> Failure:
    kind = Kind.NOT_FOUND if status in (404, 410) else Kind.SERVER_ERROR
    return Failure(kind, Phase.HEADERS, Hop.PLATFORM, status=status)
