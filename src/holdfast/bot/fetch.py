"""Gets what people attach from where their platform keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from dataclasses import replace

import httpcore2
import httpx2

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..upstream.progress import CURRENT, Progress
from ..upstream.translate import failure_from
from .event import Attachment

PATIENCE = 20.0  # seconds for a whole file

_ERRORS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpcore2.ConnectError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
)


class HttpFetch:
    """`pipeline.Fetch` over one transport. The addresses are those that a platform told us, not
    words of a person; redirects are not followed.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def __call__(self, attachment: Attachment, limit: int) -> bytes:
        progress = Progress(lambda phase: None)
        CURRENT.set(progress)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._get(attachment.url, limit, progress)
        except _ERRORS as error:
            failed = replace(failure_from(error, progress), hop=Hop.PLATFORM)
            raise StreamFailed(failed) from error

    async def _get(self, url: str, limit: int, progress: Progress) -> bytes:
        request = httpx2.Request(
            "GET",
            f"https:{url}" if url.startswith("//") else url,
            headers={"Accept-Encoding": "identity"},
            extensions={"trace": progress.trace},
        )
        answer = await self._transport.handle_async_request(request)
        progress.phase = Phase.FIRST
        body = bytearray()
        try:
            if answer.status_code != httpx2.codes.OK:
                raise StreamFailed(_refused(answer.status_code))
            assert isinstance(answer.stream, AsyncIterable)
            async for chunk in answer.stream:
                body += chunk
                if len(body) > limit:
                    raise StreamFailed(Failure(Kind.TOO_LONG, Phase.STREAM, Hop.PLATFORM))
        finally:
            await answer.aclose()
        return bytes(body)


def _refused(status: int) -> Failure:
    kind = Kind.NOT_FOUND if status in (404, 410) else Kind.SERVER_ERROR
    return Failure(kind, Phase.HEADERS, Hop.PLATFORM, status=status)
