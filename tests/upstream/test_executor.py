"""One call from its first attempt to its end: real attempts over the twin, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import httpx2
import pytest
from tests.upstream.leaks import settle
from tests.upstream.lines import COMMENT, END, FINISH, Lines, text
from tests.upstream.virtual import LoopClock, run_virtual

from holdfast.core.attempt import Attempt, Continuation, Outcome, Target, Timeouts
from holdfast.core.events import Finished, StreamEvent, TextDelta
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed
from holdfast.core.request import Request
from holdfast.resilience.policy import Policy, Route
from holdfast.upstream.connector import Connector
from holdfast.upstream.executor import MAILBOX, Call, Executor
from holdfast.upstream.memory import Broken, MemoryTransport, Reply

FOREVER = 100_000.0
PATIENT = Timeouts(*[FOREVER] * 6)
NEVER = Continuation.NEVER
ASK = Request("lines", "m")


@dataclass(slots=True)
class Watcher:
    """Keeps what observers are told, in order."""

    attempts: list[Attempt] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def attempted(self, call: Call, attempt: Attempt) -> None:
        assert not self.outcomes, "told of an attempt after the end"
        self.attempts.append(attempt)

    def ended(self, call: Call, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


class Desk:
    """An executor whose targets a, b, ... answer with these replies, the last one for ever."""

    def __init__(self, **replies: Sequence[Reply] | Reply) -> None:
        self.watcher = Watcher()
        self.transport = MemoryTransport(self._answer)
        self._replies = {n: [r] if isinstance(r, Reply) else list(r) for n, r in replies.items()}
        connector = Connector(lambda _: self.transport, {"lines": Lines()}, "me", LoopClock())
        self.executor = Executor(connector, LoopClock(), lambda: 1.0, [self.watcher])

    def call(
        self,
        limits: Timeouts = PATIENT,
        can: Continuation = Continuation.INSTRUCT,
        **policy: float,
    ) -> Call:
        targets = tuple(
            Target(
                f"{n}/m",
                "lines",
                f"http://{n}.invalid",
                "m",
                continuation=can,
                timeouts=limits,
            )
            for n in self._replies
        )
        chosen = replace(Policy(deadline=FOREVER), **policy)  # type: ignore[arg-type]
        return self.executor.call(ASK, Route("r", targets, chosen), "REF")

    def _answer(self, request: httpx2.Request) -> Reply:
        waiting = self._replies[request.url.host.partition(".")[0]]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def at(desk: Callable[[], Desk], visit: Callable[[Desk], Awaitable[None]]) -> None:
    """Runs `visit`; afterwards no answer may be open and no task left."""

    async def main() -> None:
        there = desk()
        await visit(there)
        await settle()
        assert there.transport.open == 0
        await there.executor.aclose()

    run_virtual(main())


async def read(call: Call) -> str:
    """The whole text. Raises StreamFailed."""
    events: list[StreamEvent] = []
    async with call:
        async for batch in call:
            events += batch
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def fail(call: Call) -> Failure:
    with pytest.raises(StreamFailed) as caught:
        await read(call)
    return caught.value.failure


def now() -> float:
    return asyncio.get_running_loop().time()


WELL = Reply((text("one"), text("_two"), END))
SILENT = Reply((FOREVER,))


def test_a_whole_answer_is_told_once() -> None:
    async def visit(desk: Desk) -> None:
        call = desk.call()
        assert await read(call) == "one two"
        (attempt,) = desk.watcher.attempts
        assert (attempt.decision, attempt.status, attempt.phase) == ("finish", 200, Phase.END)
        assert list(attempt.marks)[:2] == [Phase.RESOLVE, Phase.CONNECT]
        (outcome,) = desk.watcher.outcomes
        assert outcome is call.outcome
        assert (outcome.failure, outcome.released) == (None, 7)
        assert [item async for item in call] == []  # nothing comes after the end

    at(lambda: Desk(a=WELL), visit)


def test_a_failure_is_raised_once_and_then_there_is_nothing() -> None:
    async def visit(desk: Desk) -> None:
        call = desk.call(max_attempts=1)
        assert (await fail(call)).kind is Kind.RESET
        assert [item async for item in call] == []

    at(lambda: Desk(a=Reply(error=Broken.RESET)), visit)


def test_the_next_target_is_asked_without_a_pause() -> None:
    async def visit(desk: Desk) -> None:
        assert await read(desk.call()) == "one two"
        assert now() == 0.0
        assert [a.decision for a in desk.watcher.attempts] == ["failover", "finish"]

    at(lambda: Desk(a=Reply(refused=ConnectionRefusedError(111, "no")), b=WELL), visit)


@pytest.mark.parametrize(
    ("reply", "limits", "phase", "after"),
    [
        (replace(SILENT, connect=FOREVER), {"connect": 3.0}, Phase.CONNECT, 3.0),
        (replace(SILENT, think=FOREVER), {"headers": 4.0}, Phase.HEADERS, 4.0),
        (SILENT, {"first_event": 5.0}, Phase.FIRST, 5.0),
        (Reply((text("a"), 2.0, COMMENT, FOREVER)), {"bytes_idle": 6.0}, Phase.STREAM, 8.0),
        (Reply((text("a"), 2.0, COMMENT, FOREVER)), {"content_idle": 7.0}, Phase.STREAM, 7.0),
    ],
)
def test_every_limit_runs_from_its_own_phase_however_patient_the_others_are(
    reply: Reply, limits: dict[str, float], phase: Phase, after: float
) -> None:
    async def visit(desk: Desk) -> None:
        failure = await fail(desk.call(replace(PATIENT, **limits), NEVER, max_attempts=1))
        assert (failure.kind, failure.phase) == (Kind.TIMEOUT, phase)
        assert now() == after

    at(lambda: Desk(a=reply), visit)


def test_the_deadline_holds_whatever_is_waited_for() -> None:
    async def visit(desk: Desk) -> None:
        assert (await fail(desk.call(deadline=9.0))).kind is Kind.DEADLINE
        assert now() == 9.0

    at(lambda: Desk(a=SILENT), visit)


def test_a_reader_who_leaves_closes_the_upstream_at_once() -> None:
    async def visit(desk: Desk) -> None:
        async with desk.call() as call:
            assert await anext(call) == (TextDelta("one"),)
            assert desk.transport.open == 1
        await settle()
        assert desk.transport.open == 0
        (attempt,) = desk.watcher.attempts
        assert attempt.failure
        assert (attempt.failure.kind, attempt.failure.hop) == (Kind.CANCELLED, Hop.CLIENT)

    at(lambda: Desk(a=Reply((text("one"), FOREVER))), visit)


def test_a_read_that_was_given_up_loses_nothing() -> None:
    """As the gateway does it: between two batches it sends signs of life."""

    async def visit(desk: Desk) -> None:
        texts: list[str] = []
        alive = 0
        async with desk.call() as call:
            while call.outcome is None or texts[-1:] != ["end"]:
                try:
                    async with asyncio.timeout(1.0):
                        batch = await anext(call)
                except TimeoutError:
                    alive += 1
                    continue
                texts += ["end" if isinstance(e, Finished) else e.text for e in batch]  # type: ignore[union-attr]
        assert texts == ["one", "two", "end"]
        assert alive >= 5

    at(lambda: Desk(a=Reply((2.5, text("one"), 3.5, text("two"), END))), visit)


def test_a_slow_reader_is_not_held_against_the_upstream() -> None:
    async def visit(desk: Desk) -> None:
        limits = replace(PATIENT, bytes_idle=5.0, content_idle=5.0)
        got: list[StreamEvent] = []
        async with desk.call(limits) as call:
            async for batch in call:
                got += batch
                await asyncio.sleep(60.0)
        assert isinstance(got[-1], Finished)
        assert [a.failure for a in desk.watcher.attempts] == [None]

    at(lambda: Desk(a=Reply((text("one"), 4.0, text("two"), 4.0, END))), visit)


def test_a_slow_reader_slows_the_upstream_down() -> None:
    async def visit(desk: Desk) -> None:
        pieces = 0
        async with desk.call() as call:
            async for batch in call:
                pieces += len(batch)
                await asyncio.sleep(1.0)
                assert len(call._mailbox) <= MAILBOX
        assert pieces == 10 * MAILBOX + 1
        assert desk.watcher.attempts[0].ended_at >= 9.0  # it was not all read at once

    reads = [step for number in range(10 * MAILBOX) for step in (0.0, text(str(number)))]
    at(lambda: Desk(a=Reply((*reads, END))), visit)


def test_the_first_of_two_to_speak_wins_and_the_other_is_closed() -> None:
    async def visit(desk: Desk) -> None:
        assert await read(desk.call(hedge=2.0)) == "one two"
        assert now() == 2.0
        kinds = [a.failure and a.failure.kind for a in desk.watcher.attempts]
        assert kinds == [Kind.CANCELLED, None]

    at(lambda: Desk(a=SILENT, b=WELL), visit)


def test_what_was_released_is_continued_and_joined() -> None:
    async def visit(desk: Desk) -> None:
        assert await read(desk.call()) == "The lamp was lit at dusk, and put out at dawn."
        assert [r.content for r in desk.transport.requests][1].startswith(b"instruct|The lamp")

    rest = text("The_lamp_was_lit_at_dusk,_and_put_out_at_dawn.")
    at(
        lambda: Desk(
            a=Reply((text("The_lamp_was_lit_at_dusk,_and"), Broken.RESET)), b=Reply((rest, END))
        ),
        visit,
    )


def test_after_the_finish_a_connection_that_hangs_costs_a_moment_only() -> None:
    async def visit(desk: Desk) -> None:
        assert await read(desk.call()) == "whole"
        assert now() == Policy().finish_grace

    at(lambda: Desk(a=Reply((text("whole"), FINISH, FOREVER))), visit)


def test_a_fault_of_our_own_is_a_record_too_and_the_next_target_is_asked() -> None:
    async def visit(desk: Desk) -> None:
        assert await read(desk.call()) == "one two"
        broken, well = desk.watcher.attempts
        assert broken.failure
        assert (broken.failure.kind, broken.failure.hop) == (Kind.INTERNAL, Hop.ENGINE)
        assert broken.failure.cause_chain[-1].type == "builtins.LookupError"
        assert well.failure is None

    at(lambda: Desk(a=Reply((b"boom here\n",)), b=WELL), visit)


def test_a_call_that_is_stopped_tells_its_reader_and_leaves_its_upstream() -> None:
    async def visit(desk: Desk) -> None:
        call = desk.call()
        reading = asyncio.create_task(fail(call))
        await settle()
        call.stop()
        assert (await reading).kind is Kind.STOPPING
        (attempt,) = desk.watcher.attempts
        assert attempt.failure
        assert attempt.failure.kind is Kind.STOPPING
        assert attempt.why
        assert (
            attempt.why.say("en")
            == "Holdfast is shutting down; another attempt would meet the same"
        )

    at(lambda: Desk(a=SILENT), visit)


def test_when_it_closes_the_calls_under_way_are_told() -> None:
    async def visit(desk: Desk) -> None:
        call = desk.call(max_attempts=1)
        reading = asyncio.create_task(fail(call))
        await settle()
        await desk.executor.aclose()
        failure = await reading
        (attempt,) = desk.watcher.attempts
        assert attempt.failure == failure
        assert (failure.kind, failure.hop) == (Kind.STOPPING, Hop.ENGINE)

    at(lambda: Desk(a=SILENT), visit)


def test_a_target_that_cannot_continue_is_not_asked_to() -> None:
    async def visit(desk: Desk) -> None:
        call = desk.call(can=NEVER)
        assert (await fail(call)).kind is Kind.TRUNCATED
        assert call.released == 4

    at(lambda: Desk(a=Reply((text("part"), Broken.CUT)), b=WELL), visit)
