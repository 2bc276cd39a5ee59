"""One suite over both transports: what is true of sockets is true of their twin."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests import ports
from tests.upstream import peers
from tests.upstream.leaks import until
from tests.upstream.lines import END, text
from tests.upstream.peers import CHUNKED, LAST_CHUNK, Visit, chunk, peer
from tests.upstream.tries import ASK, Tried, Trier, target, trier
from tests.upstream.virtual import run_virtual

from holdfast.core.attempt import How, Target
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.upstream.memory import Broken, MemoryTransport, Reply, Step

FOREVER = 3600.0


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to ask, and how many answers are still being given there."""

    trier: Trier
    target: Target
    open: Callable[[], int]


Where = Callable[[Reply], AbstractAsyncContextManager[Place]]
Run = Callable[[Coroutine[Any, Any, None]], None]


@asynccontextmanager
async def in_memory(reply: Reply) -> AsyncIterator[Place]:
    transport = MemoryTransport(lambda _: reply)
    yield Place(Trier(lambda _: transport), target("http://twin.invalid"), lambda: transport.open)


@asynccontextmanager
async def on_sockets(reply: Reply) -> AsyncIterator[Place]:
    async def manner(visit: Visit) -> None:
        await visit.request()
        if reply.error:
            _end(visit, reply.error)
            return
        fields = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        head = CHUNKED if reply.status == 200 else _head(reply.status)
        await visit.send(head.replace(b"\r\n", b"\r\n" + fields.encode(), 1))
        for step in reply.steps:
            match step:
                case bytes():
                    await visit.send(chunk(step))
                case int() | float():
                    await visit.hung_up()
                    return
                case _:
                    _end(visit, step)
                    return
        await visit.send(LAST_CHUNK)
        await visit.hung_up()

    async with peer(manner) as there, trier() as here:
        url = f"http://127.0.0.1:{ports.closed()}" if reply.refused else there.url
        yield Place(here, target(url), lambda: sum(not visit.gone for visit in there.visits))


def _head(status: int) -> bytes:
    return b"HTTP/1.1 %d Trouble\r\nTransfer-Encoding: chunked\r\n\r\n" % status


def _end(visit: Visit, how: Step) -> None:
    if how is Broken.RESET:
        visit.reset()


@pytest.fixture(params=["memory", "sockets"])
def where(request: pytest.FixtureRequest) -> tuple[Run, Where]:
    if request.param == "memory":
        return run_virtual, in_memory
    return peers.run, on_sockets


ASKED = [Phase.RESOLVE, Phase.CONNECT, Phase.WRITE, Phase.HEADERS]


def failure_of(where: tuple[Run, Where], reply: Reply) -> tuple[Failure, Tried]:
    run, place = where
    tried = Tried()
    failures: list[Failure] = []

    async def main() -> None:
        async with place(reply) as here:
            failures.append(await here.trier.fail(here.target, tried))

    run(main())
    return failures[0], tried


def test_a_whole_answer_passes_every_phase(where: tuple[Run, Where]) -> None:
    run, place = where

    async def main() -> None:
        async with place(Reply((text("a"), text("b"), END), headers={"x-request-id": "r1"})) as at:
            tried = await at.trier.ask(at.target)
            assert tried.text == "ab"
            assert tried.phases == [*ASKED, Phase.FIRST]
            assert (tried.status, tried.ids) == (200, (("x-request-id", "r1"),))

    run(main())


def test_a_refused_connection(where: tuple[Run, Where]) -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    failure, tried = failure_of(where, Reply(refused=refused))
    assert (failure.kind, failure.phase) == (Kind.REFUSED, Phase.CONNECT)
    assert failure.cause == "ECONNREFUSED"
    assert tried.phases == [Phase.RESOLVE, Phase.CONNECT]


@pytest.mark.parametrize(
    ("broken", "kind", "cause"),
    [(Broken.CUT, Kind.CLOSED, "EOF"), (Broken.RESET, Kind.RESET, "ECONNRESET")],
)
def test_a_connection_that_breaks_before_headers(
    where: tuple[Run, Where], broken: Broken, kind: Kind, cause: str
) -> None:
    failure, tried = failure_of(where, Reply(error=broken))
    assert (failure.kind, failure.phase, failure.cause) == (kind, Phase.HEADERS, cause)
    assert failure.code is None
    assert tried.phases == ASKED


@pytest.mark.parametrize(
    ("broken", "kind", "cause"),
    [(Broken.CUT, Kind.TRUNCATED, "EOF"), (Broken.RESET, Kind.RESET, "ECONNRESET")],
)
@pytest.mark.parametrize(("before", "phase"), [((), Phase.FIRST), ((text("a"),), Phase.STREAM)])
def test_a_connection_that_breaks_in_the_body(
    where: tuple[Run, Where],
    broken: Broken,
    kind: Kind,
    cause: str,
    before: tuple[bytes, ...],
    phase: Phase,
) -> None:
    failure, tried = failure_of(where, Reply((*before, broken)))
    assert (failure.kind, failure.phase, failure.cause) == (kind, phase, cause)
    assert tried.text == "a" * len(before)


def test_a_clean_end_without_a_finish_is_for_the_dialect_to_judge(
    where: tuple[Run, Where],
) -> None:
    failure, _ = failure_of(where, Reply((text("a"),)))
    assert (failure.kind, failure.phase) == (Kind.TRUNCATED, Phase.END)


def test_an_error_answer_is_read_and_classified(where: tuple[Run, Where]) -> None:
    reply = Reply((b"slow ", b"down"), 429, {"retry-after": "7"})
    failure, tried = failure_of(where, reply)
    assert (failure.kind, failure.status, failure.detail) == (Kind.RATE_LIMITED, 429, "slow down")
    assert failure.retry_after == 7
    assert tried.phases == [*ASKED, Phase.FIRST]


def test_a_cancelled_attempt_leaves_nothing_open(where: tuple[Run, Where]) -> None:
    run, place = where

    async def main() -> None:
        async with place(Reply((text("a"), FOREVER))) as at:
            tried = Tried()
            task = asyncio.create_task(at.trier.ask(at.target, tried))
            await until(lambda: tried.text == "a")
            assert at.open() == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: at.open() == 0)

    run(main())


def test_an_attempt_left_in_mid_answer_leaves_nothing_open(where: tuple[Run, Where]) -> None:
    run, place = where

    async def main() -> None:
        async with place(Reply((text("a"), FOREVER))) as at:
            opened = at.trier.connector.open(
                ASK, at.target, How.START, "", lambda phase, status, ids: None
            )
            async with opened as batches:
                await anext(batches)
            await until(lambda: at.open() == 0)

    run(main())


def test_the_twin_keeps_what_it_was_asked() -> None:
    async def main() -> None:
        transport = MemoryTransport(lambda _: Reply((END,)))
        trying = Trier(lambda _: transport)
        await trying.ask(target("https://twin.invalid/v1"))
        (request,) = transport.requests
        assert str(request.url) == "https://twin.invalid/v1/ask"

    run_virtual(main())


def test_the_twin_waits_by_the_clock_of_the_loop() -> None:
    async def main() -> float:
        reply = Reply((2.0, END), connect=1.0, think=30.0)
        trying = Trier(lambda _: MemoryTransport(lambda _: reply))
        await trying.ask(target("http://twin.invalid"))
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(33.0)
