"""One request to the platform, and exactly what failed if it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import httpcore2
import httpx2

from ...core.clock import Clock
from ...core.failure import STALE, Failure, Hop, Kind, Phase, StreamFailed
from ...core.redact import conceal
from ...upstream.progress import CURRENT, Progress
from ...upstream.translate import EXCHANGE, failure_from
from .codec.errors import failure

PATIENCE = 10.0  # seconds
ANSWER_LIMIT = 1024 * 1024  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request. `repeatable`: sent twice, it has its effect once. `secrets` are what
    the request authenticates with; no failure shows them. `patience` is in seconds for the whole
    exchange, None for the usual.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    repeatable: bool = False
    patience: float | None = None
    secrets: tuple[str, ...] = ()


class Http:
    """Over one transport; `upstream.transport` tells the phases."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, clock: Clock, patience: float = PATIENCE
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._patience = patience

    async def ask(self, call: Call) -> bytes:
        """The body of a successful answer. Raises StreamFailed (hop PLATFORM).

        A connection that was closed while it was idle is no failure of a repeatable request.
        """
        try:
            return await self._once(call)
        except StreamFailed as failed:
            if failed.failure.code != STALE:
                raise
            if not call.repeatable:
                raise StreamFailed(replace(failed.failure, code=None)) from failed
        return await self._once(call)

    async def _once(self, call: Call) -> bytes:
        progress = Progress(lambda phase: None)
        CURRENT.set(progress)
        try:
            async with asyncio.timeout(call.patience or self._patience):
                status, headers, body = await self._exchange(call, progress)
        except EXCHANGE as error:
            raise StreamFailed(_ours(failure_from(error, progress), call)) from error
        failed = failure(status, headers, body, self._clock.wall())
        if failed:
            raise StreamFailed(conceal(failed, call.secrets))
        return body

    async def _exchange(
        self, call: Call, progress: Progress
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = httpx2.Request(
            call.method,
            _parsed(call.url),
            headers=[("Accept-Encoding", "identity"), *call.headers],
            content=call.body,
        )
        answer = await self._transport.handle_async_request(request)
        progress.phase = Phase.FIRST
        body = bytearray()
        try:
            assert isinstance(answer.stream, AsyncIterable)
            async for chunk in answer.stream:
                body += chunk
                if len(body) > ANSWER_LIMIT:
                    raise httpcore2.RemoteProtocolError("the answer does not end")
        finally:
            await answer.aclose()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status_code, headers, bytes(body)


@lru_cache(maxsize=1024)
def _parsed(url: str) -> httpx2.URL:
    """A growing message goes to one address again and again."""
    return httpx2.URL(url)


def _ours(failed: Failure, call: Call) -> Failure:
    """The same on this platform's hop. Faults of our own stay our own."""
    if failed.kind is Kind.CONFIG:
        failed = replace(failed, phase=Phase.ADMIT)
    hop = Hop.PLATFORM if failed.hop is Hop.UPSTREAM else failed.hop
    return conceal(replace(failed, hop=hop), call.secrets)
