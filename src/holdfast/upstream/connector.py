"""One attempt on the wire: the encoded request out, batches of events in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    suppress,
)
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import httpx2

from ..core.attempt import RESPONSE_ID, Continuation, How, Target
from ..core.clock import Clock
from ..core.events import (
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.redact import conceal, upstream_ids
from ..core.request import Request
from ..wire.dialect import Decoder, Dialect, EncodedRequest, ErrorAnswer
from ..wire.keeping import keeping
from ..wire.responses import resumable
from ..wire.translate import back, in_dialect
from .codings import layers, unpacked
from .only import OnlyChoice
from .progress import CURRENT, Progress
from .quirks import Quirks
from .translate import EXCHANGE, failure_from

ERROR_BODY = 64 * 1024  # bytes of an error answer that are read
ERROR_PATIENCE = 5.0  # seconds in which they must come
DRAIN_PATIENCE = 1.0  # seconds for the end of a body whose answer is whole
LAST_PORT = 65535
_LOST = frozenset({400, 404, 410})  # the vendor keeps the stream no more
_FORM = frozenset({Kind.UNSUPPORTED, Kind.INVALID})  # of failures, that speak of the question
SHORTEST_SECRET = 4  # characters; shorter values occur in honest ids by chance

Chunks = AsyncIterator[bytes]
Batch = Sequence[StreamEvent | Failure]
Ids = tuple[tuple[str, str], ...]
Report = Callable[[Phase, int | None, Ids], None]

_CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)

# RFC 9110, 5.1 and 5.5: what a name and a value may hold; no space at either end.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")


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
        self._quirks = Quirks()

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
        target = self._quirks.known(target)
        asked = in_dialect(request, target, self._dialects)
        if isinstance(asked, Failure):
            raise StreamFailed(asked)
        encoded = dialect.encode_request(asked, target, how, released)
        async with AsyncExitStack() as held:
            response = await self._send(encoded, target, progress)
            held.push_async_callback(response.aclose)
            chunks = await held.enter_async_context(_chunks(response))
            progress.phase = Phase.FIRST
            headers = {name.lower(): value for name, value in response.headers.items()}
            report(Phase.FIRST, response.status_code, _ids(headers, target))
            if not 200 <= response.status_code < 300:
                body = await _error_body(chunks, target.timeouts.first_event / 2)
                answer = self._error_answer(response.status_code, headers, body, target)
                failure = conceal(dialect.classify(answer), target.secrets)
                failure = self._learned(dialect.quirk(asked, target, failure), target, failure)
                lost = how is How.NATIVE and response.status_code in _LOST
                raise StreamFailed(replace(failure, kind=Kind.UNSUPPORTED) if lost else failure)
            decoder = dialect.decoder(headers.get("content-type", ""), _host(target))
            known = _ids(headers, target)
            crossed = back(asked) if asked is not request else None
            keeps = target.continuation is Continuation.NATIVE
            agent = request.prompt is not None and how in (How.START, How.NATIVE)
            with_native = keeping(target) if agent else None
            only = OnlyChoice() if request.choices == 1 else None

            def told(batch: Batch) -> Batch:
                if keeps and (response := next(filter(None, map(resumable, batch)), "")):
                    report(Phase.FIRST, None, (*known, (RESPONSE_ID, response)))
                batch = with_native(batch) if with_native else batch
                batch = only(batch) if only else batch
                return crossed(batch) if crossed else batch

            async with aclosing(_batches(chunks, decoder, progress, target, told)) as batches:
                yield batches
            if decoder.done:
                await _drain(chunks)

    def _learned(self, quirk: str, target: Target, failure: Failure) -> Failure:
        """`failure` as what it is when `target` has shown by it a `quirk`, if any."""
        if quirk:
            self._quirks.learn(target, quirk)
            return replace(failure, kind=Kind.UNSUPPORTED, reworded=True)
        if failure.kind in _FORM:
            self._quirks.forget(target)
        return failure

    async def _send(
        self, encoded: EncodedRequest, target: Target, progress: Progress
    ) -> httpx2.Response:
        headers = [
            ("Accept", "text/event-stream, application/json"),
            ("Accept-Encoding", "identity"),
            ("Via", self._via),
            *encoded.headers,
        ]
        _check(headers)
        try:
            asked = httpx2.Request(
                encoded.method,
                _address(target.base_url, encoded.path),
                headers=headers,
                content=encoded.body,
            )
            return await self._transports(target.proxy).handle_async_request(asked)
        except EXCHANGE as error:
            raise StreamFailed(conceal(failure_from(error, progress), target.secrets)) from error

    async def tell(self, encoded: EncodedRequest, target: Target, patience: float) -> None:
        """Sends what needs no answer; that it could not be told is no news to anybody."""
        progress = Progress(lambda phase: None)
        CURRENT.set(progress)
        with suppress(StreamFailed, TimeoutError):
            async with asyncio.timeout(patience):
                response = await self._send(encoded, target, progress)
                async with _chunks(response) as chunks:
                    await _error_body(chunks, patience)
                await response.aclose()

    def _error_answer(
        self, status: int, headers: Mapping[str, str], body: bytes, target: Target
    ) -> ErrorAnswer:
        return ErrorAnswer(
            status=status,
            headers=headers,
            body=body,
            host=_host(target),
            phase=Phase.HEADERS,
            received_at=self._clock.wall(),
        )


def _host(target: Target) -> str:
    return httpx2.URL(target.base_url).netloc.decode()


async def _error_body(chunks: Chunks, patience: float) -> bytes:
    """As much as comes in time; what breaks it off is no news beside the error itself."""
    body = bytearray()
    with suppress(*EXCHANGE):
        async with asyncio.timeout(min(patience, ERROR_PATIENCE)):
            async for chunk in chunks:
                body += chunk
                if len(body) >= ERROR_BODY:
                    break
    return bytes(body[:ERROR_BODY])


def _check(headers: Sequence[tuple[str, str]]) -> None:
    """A key with a line end or a typographic sign in it is told by the header's name alone."""
    for name, value in headers:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            detail = f"the value of the request header {name!r} cannot be sent in HTTP"
            raise StreamFailed(Failure(Kind.CONFIG, Phase.ADMIT, Hop.ENGINE, detail))


@lru_cache(maxsize=1024)
def _address(base_url: str, path: str) -> httpx2.URL:
    """A query of the base URL, such as an API version, stays behind the whole path."""
    base, mark, query = base_url.partition("?")
    mark = "&" if mark and "?" in path else mark
    url = httpx2.URL(f"{base.rstrip('/')}{path}{mark}{query}")
    if not url.host or (url.port or 0) > LAST_PORT:
        raise httpx2.InvalidURL(f"{base_url!r} names no host and port that can be asked")
    return url


@asynccontextmanager
async def _chunks(response: httpx2.Response) -> AsyncIterator[Chunks]:
    assert isinstance(response.stream, AsyncIterable)
    async with AsyncExitStack() as held:
        packed: AsyncIterable[bytes] = response.stream
        for coding in layers(response.headers):
            chunks = await held.enter_async_context(aclosing(unpacked(packed, coding)))
            packed = chunks
        yield chunks


def _ids(headers: Mapping[str, str], target: Target) -> Ids:
    """An upstream that answers with a part of our key as its id gives no id."""
    secrets = [secret for secret in target.secrets if len(secret) >= SHORTEST_SECRET]
    ids = upstream_ids(headers)
    return tuple(pair for pair in ids if not any(secret in pair[1] for secret in secrets))


async def _batches(
    chunks: Chunks,
    decoder: Decoder,
    progress: Progress,
    target: Target,
    told: Callable[[Batch], Batch],
) -> AsyncGenerator[Batch]:
    """`told` makes of a batch what its reader is to be given."""
    try:
        async for chunk in chunks:
            batch = _concealed(decoder.receive_data(chunk), target)
            if progress.phase is Phase.FIRST and _has_content(batch):
                progress.phase = Phase.STREAM
            yield told(batch)
            if decoder.done:
                return
    except EXCHANGE as error:
        raise StreamFailed(conceal(failure_from(error, progress), target.secrets)) from error
    yield told(_concealed(decoder.receive_eof(), target))


def _has_content(batch: Batch) -> bool:
    return any(isinstance(event, _CONTENT) for event in batch)


def _concealed(batch: Batch, target: Target) -> Batch:
    """A failure comes last or not at all."""
    if batch and isinstance(batch[-1], Failure):
        return (*batch[:-1], conceal(batch[-1], target.secrets))
    return batch


async def _drain(chunks: Chunks) -> None:
    with suppress(*EXCHANGE):
        async with asyncio.timeout(DRAIN_PATIENCE):
            async for _ in chunks:
                continue
