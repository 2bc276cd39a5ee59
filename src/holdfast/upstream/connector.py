"""One attempt on the wire: the encoded request out, batches of events in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Protocol

import httpcore2
import httpx2

from ..core.attempt import How, Target
from ..core.clock import Clock
from ..core.events import StreamEvent
from ..core.failure import Failure, Phase, StreamFailed
from ..core.redact import conceal, upstream_ids
from ..core.request import Request
from ..wire.dialect import Decoder, Dialect, ErrorAnswer
from .progress import CURRENT, Progress
from .translate import failure_from

ERROR_BODY = 64 * 1024  # bytes of an error answer that are read
ERROR_PATIENCE = 5.0  # seconds in which they must come
DRAIN_PATIENCE = 1.0  # seconds for the end of a body whose answer is whole

Batch = Sequence[StreamEvent | Failure]
Ids = tuple[tuple[str, str], ...]
Report = Callable[[Phase, int | None, Ids], None]

_HTTP_ERRORS = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    OSError,
)


class Connecting(Protocol):
    """What the executor needs: the connector, or a twin of it."""

    def open(
        self, request: Request, target: Target, how: How, released: str, report: Report
    ) -> AbstractAsyncContextManager[AsyncIterator[Batch]]: ...


class Connector:
    """Opens attempts over a transport per forward proxy ("" is none).

    `via` names this gateway to whoever is asked, so that a loop can be seen (RFC 9110, 7.6.3).
    """

    def __init__(
        self,
        transports: Callable[[str], httpx2.AsyncBaseTransport],
        dialects: Mapping[str, Dialect],
        via: str,
        clock: Clock,
    ) -> None:
        self._transports = transports
        self._dialects = dialects
        self._via = f"1.1 {via}"
        self._clock = clock

    @asynccontextmanager
    async def open(
        self, request: Request, target: Target, how: How, released: str, report: Report
    ) -> AsyncIterator[AsyncIterator[Batch]]:
        """The answer's batches; iteration ends when the answer is whole or its bytes end.

        Raises StreamFailed. Leaving the context closes the connection, or, after a whole
        answer, waits a moment for the end of the body so that it can serve again.
        """
        progress = Progress(lambda phase: report(phase, None, ()))
        CURRENT.set(progress)
        dialect = self._dialects[target.dialect]
        try:
            response = await self._send(dialect, request, target, how, released, progress)
        except _HTTP_ERRORS as error:
            raise StreamFailed(conceal(failure_from(error, progress), target.secrets)) from error
        try:
            progress.phase = Phase.FIRST
            report(Phase.FIRST, response.status_code, upstream_ids(response.headers))
            if not 200 <= response.status_code < 300:
                answer = await self._error_answer(response, target)
                raise StreamFailed(conceal(dialect.classify(answer), target.secrets))
            decoder = dialect.decoder(response.headers.get("content-type", ""))
            chunks = _chunks(response)
            async with aclosing(_batches(chunks, decoder, progress, target)) as batches:
                yield batches
            if decoder.done:
                await _drain(chunks)
        finally:
            await response.aclose()

    async def _send(
        self,
        dialect: Dialect,
        request: Request,
        target: Target,
        how: How,
        released: str,
        progress: Progress,
    ) -> httpx2.Response:
        encoded = dialect.encode_request(request, target, how, released)
        asked = httpx2.Request(
            "POST",
            target.base_url.rstrip("/") + encoded.path,
            headers=[
                ("Accept", "text/event-stream, application/json"),
                ("Accept-Encoding", "identity"),
                ("Via", self._via),
                *encoded.headers,
            ],
            content=encoded.body,
            extensions={"trace": progress.trace},
        )
        return await self._transports(target.proxy).handle_async_request(asked)

    async def _error_answer(self, response: httpx2.Response, target: Target) -> ErrorAnswer:
        """The answer with as much of its body as comes in time; what breaks it off is no news."""
        body = bytearray()
        try:
            async with asyncio.timeout(ERROR_PATIENCE):
                async for chunk in _chunks(response):
                    body += chunk
                    if len(body) >= ERROR_BODY:
                        break
        except _HTTP_ERRORS:
            pass
        return ErrorAnswer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=bytes(body[:ERROR_BODY]),
            host=httpx2.URL(target.base_url).netloc.decode(),
            phase=Phase.HEADERS,
            received_at=self._clock.wall(),
        )


def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    coded = response.headers.get("content-encoding", "identity").strip().lower()
    if coded in ("", "identity"):
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return aiter(response.stream)
    return response.aiter_bytes()


async def _batches(
    chunks: AsyncIterator[bytes], decoder: Decoder, progress: Progress, target: Target
) -> AsyncGenerator[Batch]:
    try:
        async for chunk in chunks:
            batch = _concealed(decoder.receive_data(chunk), target)
            if batch and progress.phase is Phase.FIRST:
                progress.phase = Phase.STREAM
            yield batch
            if decoder.done:
                return
    except _HTTP_ERRORS as error:
        raise StreamFailed(conceal(failure_from(error, progress), target.secrets)) from error
    yield _concealed(decoder.receive_eof(), target)


def _concealed(batch: Batch, target: Target) -> Batch:
    """A failure comes last or not at all."""
    if batch and isinstance(batch[-1], Failure):
        return (*batch[:-1], conceal(batch[-1], target.secrets))
    return batch


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(DRAIN_PATIENCE):
            async for _ in chunks:
                continue
    except _HTTP_ERRORS:
        pass
