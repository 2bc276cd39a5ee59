"""Accept, run, crash, recover, deliver in every order: the store does what the model does, and
what the model does is right.

HOLDFAST_EXAMPLES sets how many orders are tried.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete
from tests.engine.book import Book, Lost, TurnRow

from holdfast.store import database as database_module
from holdfast.store import statements
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Delivery, DeliveryState, Entry, Fence, LaneLost, Turn, TurnState
from holdfast.store.tables import METADATA
from holdfast.store.turns import SqlTurns

T = TypeVar("T")
LANES = ("a", "b")
ANY = st.integers(0, 5)
LEASE = 3600.0  # seconds: longer than any run of this
S = DeliveryState


@dataclass
class Process:
    """What one process believes. It may have been stopped for long, and be wrong."""

    name: str
    fence: Fence | None = None
    turn: str = ""
    written: int = 0
    sending: str = ""
    fences: dict[str, Fence] = field(default_factory=dict)


@dataclass
class Platform:
    """What people see. It recognises no repetition."""

    shown: dict[str, int] = field(default_factory=dict)

    def take(self, key: str) -> None:
        self.shown[key] = self.shown.get(key, 0) + 1


def idle(process: Process) -> bool:
    return process.fence is not None and not process.turn


def busy(process: Process) -> bool:
    return process.turn != ""


def quiet(process: Process) -> bool:
    return process.turn != "" and not process.sending


def sending(process: Process) -> bool:
    return process.sending != ""


def database() -> Database:
    url = os.environ.get("HOLDFAST_INTERLEAVINGS_ON", "")
    return Database(url or Path(tempfile.mkdtemp()) / "holdfast.db")


class Interleavings(RuleBasedStateMachine):
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.turns = SqlTurns(self.database)
        self.database.write(_empty).result()
        self.book = Book()
        self.platform = Platform()
        self.processes = [Process(f"p{n}") for n in range(3)]
        self.repeats: set[str] = set()  # deliveries that were sent again knowing the risk
        self.ended: dict[str, list[str]] = {lane: [] for lane in LANES}
        self.count = 0

    def one(self, number: int, able: Callable[[Process], object]) -> Process:
        """Of the processes that can do something, any."""
        found = [process for process in self.processes if able(process)]
        return found[number % len(found)]

    # What happens outside.

    @rule(lane=st.sampled_from("aab"), again=st.booleans())
    def accept(self, lane: str, again: bool) -> None:
        if not (again and self.count):
            self.count += 1
        name = f"t{self.count}"
        expected = self.book.accept(name, lane)
        assert self.turns.accept(Turn(name, lane, {}, float(self.count)), 1000).result() == expected

    @rule(number=ANY)
    def killed(self, number: int) -> None:
        """Its memory is gone; what it held stays as it is in the store."""
        number %= 3
        self.processes[number] = Process(f"{self.processes[number].name}'")

    # What a process does.

    @rule(
        number=ANY,
        lane=st.sampled_from("aab"),
        lasting=st.booleans(),
        force=st.booleans(),
    )
    def claim(self, number: int, lane: str, lasting: bool, force: bool) -> None:
        number %= 3
        process = self.processes[number]
        token = self.book.claim(lane, process.name, lasting, force)
        fence = self.turns.claim(lane, process.name, LEASE if lasting else 0.0, force).result()
        assert (fence and fence.token) == token
        if fence is not None:
            self.processes[number] = Process(process.name, fence)

    @rule(number=ANY, lane=st.sampled_from("aab"), force=st.booleans())
    def take(self, number: int, lane: str, force: bool) -> None:
        """A lane and its next turn at once."""
        number %= 3
        process = self.processes[number]
        token = self.book.claim(lane, process.name, True, force)
        taken = self.turns.take(lane, process.name, LEASE, force).result()
        assert (taken and taken.fence.token) == token
        if taken is None or token is None:
            return
        begun = self.book.begin(lane, token)
        assert _begun(taken.begun) == _begun(begun)
        self.processes[number] = process = Process(process.name, taken.fence)
        if begun:
            process.turn, process.written = begun.id, begun.reached
            process.fences[begun.id] = taken.fence

    @precondition(lambda self: any(process.fence for process in self.processes))
    @rule(number=ANY)
    def renew(self, number: int) -> None:
        if fence := self.one(number, lambda process: process.fence).fence:
            assert self.turns.renew(fence, LEASE).result() == self.book.renew(
                fence.lane, fence.token
            )

    @precondition(lambda self: any(map(idle, self.processes)))
    @rule(number=ANY)
    def release(self, number: int) -> None:
        process = self.one(number, idle)
        assert process.fence
        self.book.release(process.fence.lane, process.fence.token)
        self.turns.release(process.fence).result()
        process.fence = None

    @precondition(lambda self: any(map(idle, self.processes)))
    @rule(number=ANY, or_release=st.booleans())
    def begin(self, number: int, or_release: bool) -> None:
        process = self.one(number, idle)
        assert process.fence
        lane, token = process.fence.lane, process.fence.token

        def begins() -> TurnRow | None:
            found = self.book.begin(lane, token)
            if found is None and or_release:
                self.book.release(lane, token)
            return found

        begun = self.same(process, begins, lambda f: self.turns.begin(f, or_release), _begun)
        if begun is None and or_release:
            process.fence = None
        if begun and process.fence:
            process.turn, process.written = begun[0], begun[2]
            process.fences[process.turn] = process.fence

    @precondition(lambda self: any(map(busy, self.processes)))
    @rule(number=ANY, events=st.integers(1, 3), hard=st.booleans())
    def append(self, number: int, events: int, hard: bool) -> None:
        process = self.one(number, busy)
        assert process.fence
        lane, token, name = process.fence.lane, process.fence.token, process.turn
        new, entries = self.said(process, events)
        self.same(
            process,
            lambda: self.book.append(lane, token, name, new),
            lambda fence: self.turns.append(fence, name, entries, hard),
        )
        process.written += events

    @precondition(lambda self: any(map(busy, self.processes)))
    @rule(
        number=ANY,
        state=st.sampled_from([TurnState.DONE, TurnState.PARKED]),
        events=st.integers(0, 2),
    )
    def end(self, number: int, state: TurnState, events: int) -> None:
        process = self.one(number, busy)
        assert process.fence
        lane, token, name = process.fence.lane, process.fence.token, process.turn
        new, entries = self.said(process, events)

        def ends() -> None:
            self.book.append(lane, token, name, new)
            self.book.end(lane, token, name, state)
            self.ended[lane].append(name)

        self.same(process, ends, lambda fence: self.turns.end(fence, name, state, entries))
        process.turn = process.sending = ""

    @precondition(lambda self: any(map(busy, self.processes)))
    @rule(number=ANY, how=st.sampled_from(["", "x", "y"]))
    def put_back(self, number: int, how: str) -> None:
        process = self.one(number, busy)
        assert process.fence
        lane, token, name = process.fence.lane, process.fence.token, process.turn
        if how:
            self.same(
                process,
                lambda: self.book.failed(lane, token, name, how),
                lambda fence: self.turns.failed(fence, name, how),
            )
        else:
            self.same(
                process,
                lambda: self.book.pause(lane, token, name),
                lambda fence: self.turns.pause(fence, name),
            )
        process.turn = process.sending = ""

    @precondition(lambda self: any(map(busy, self.processes)))
    @rule(number=ANY)
    def absorb(self, number: int) -> None:
        process = self.one(number, busy)
        assert process.fence
        lane, token, name = process.fence.lane, process.fence.token, process.turn
        waiting = [turn.id for turn in self.turns.waiting(lane)]
        self.same(
            process,
            lambda: self.book.absorb(lane, token, name),
            lambda fence: self.turns.absorb(fence, waiting, name),
            lambda turns: [turn.id for turn in turns],
        )
        linked = [t.id for t in self.book.turns.values() if t.absorbed_by == name]
        assert [turn.id for turn in self.turns.absorbed(name)] == linked

    @precondition(lambda self: any(map(quiet, self.processes)))
    @rule(number=ANY)
    def send(self, number: int) -> None:
        """One delivery per turn, sent by whoever runs it, if the state allows."""
        process = self.one(number, quiet)
        assert process.fence
        key = f"{process.turn} answer"
        lane, token, name = process.fence.lane, process.fence.token, process.turn
        outbox = SqlDeliveries(self.database, process.fences)
        self.same(
            process,
            lambda: self.book.put(lane, token, name, key),
            lambda _: _now(lambda: outbox.put([Delivery(key, name, 1, {})]).result()),
        )
        if process.turn != name:  # it has learned that the lane is lost
            return
        before = self.book.deliveries[key].state
        if self.moved(process, key, S.SENDING):
            process.sending = key
            if before is S.UNKNOWN:
                self.repeats.add(key)
            self.platform.take(key)

    @precondition(lambda self: any(map(sending, self.processes)))
    @rule(
        number=ANY,
        to=st.sampled_from([S.DELIVERED, S.UNKNOWN]),
    )
    def sent(self, number: int, to: DeliveryState) -> None:
        process = self.one(number, sending)
        assert process.fence
        self.moved(process, process.sending, to)
        process.sending = ""

    # What must hold: at every moment in the model, in the end in the store.

    @invariant()
    def a_lane_runs_one_turn_and_ends_them_in_order(self) -> None:
        for lane in LANES:
            mine = [turn for turn in self.book.turns.values() if turn.lane == lane]
            running = [turn for turn in mine if turn.state is TurnState.RUNNING]
            assert len(running) <= 1
            accepted = [turn.id for turn in mine if turn.id in self.ended[lane]]
            assert self.ended[lane] == accepted

    @invariant()
    def nobody_is_shown_twice_what_was_not_in_doubt(self) -> None:
        for key, times in self.platform.shown.items():
            assert times == 1 or key in self.repeats

    def teardown(self) -> None:
        with self.database.read() as connection:
            rows = {row.id: row for row in connection.execute(METADATA.tables["turns"].select())}
        assert rows.keys() == self.book.turns.keys()
        for turn in self.book.turns.values():
            row = rows[turn.id]
            assert (row.state, row.begun, row.killed, row.failures, row.absorbed_by or "") == (
                turn.state.value,
                turn.begun,
                turn.killed,
                turn.failures,
                turn.absorbed_by,
            )
            entries = self.turns.events(turn.id)
            assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
            assert [entry.event["said"] for entry in entries] == turn.events
        open_lanes = [lane for lane in LANES if next(self.book.open_in(lane), None)]
        assert sorted(self.turns.open_lanes()) == open_lanes
        free = [lane for lane in open_lanes if not self.book.lanes[lane].leased]
        assert sorted(self.turns.open_lanes(unheld=LEASE)) == free
        outbox = SqlDeliveries(self.database, {})
        for key, expected in self.book.deliveries.items():
            kept = outbox.find(key)
            assert kept
            assert (kept.state, kept.tries) == (expected.state, expected.tries)

    # How the two are compared.

    def said(self, process: Process, events: int) -> tuple[list[str], list[Entry]]:
        new = [f"{process.name} {process.written + n}" for n in range(1, events + 1)]
        return new, [Entry(process.written + n, {"said": s}) for n, s in enumerate(new, 1)]

    def same(
        self,
        process: Process,
        expected: Callable[[], Any],
        real: Callable[[Fence], Future[T]],
        shown: Callable[[Any], Any] = lambda value: value,
    ) -> Any:
        """Does it in both, which must answer alike. Whoever lost its lane learns so."""
        assert process.fence
        try:
            value = expected()
        except Lost:
            error = real(process.fence).exception()
            assert isinstance(error, LaneLost)
            process.fence, process.turn, process.sending = None, "", ""
            return None
        found = real(process.fence).result()
        assert shown(found) == _begun(value)
        return _begun(value)

    def moved(self, process: Process, key: str, to: DeliveryState) -> bool:
        assert process.fence
        lane, token = process.fence.lane, process.fence.token
        outbox = SqlDeliveries(self.database, process.fences)
        return bool(
            self.same(
                process,
                lambda: self.book.move(lane, token, key, to),
                lambda _: _now(lambda: outbox.move(key, to)),
            )
        )


def _now(act: Callable[[], T]) -> Future[T]:
    """A blocking call as a Future that is done."""
    done: Future[T] = Future()
    try:
        done.set_result(act())
    except LaneLost as lost:
        done.set_exception(lost)
    return done


def _begun(value: Any) -> Any:
    """What there is to compare of a begun turn, told by the model or by the store."""
    if isinstance(value, TurnRow):
        return value.id, value.begun - 1, value.reached, value.killed
    if value is None or isinstance(value, bool | int | str | list):
        return value
    return value.turn.id, value.turn.begun, value.reached, value.killed


def _empty(connection: Any) -> None:
    for table in METADATA.sorted_tables:
        connection.execute(delete(table))


def test_every_order_of_accepting_running_crashing_and_delivering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "ASTRAY", 2 * LEASE)  # no clock is set back here
    monkeypatch.setattr(database_module, "_ALIKE", {})  # statements that know of it
    opened = database()

    class Tried(Interleavings):
        pass

    Tried.database = opened
    examples = int(os.environ.get("HOLDFAST_EXAMPLES", "60"))
    try:
        Tried.TestCase.settings = settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        Tried.TestCase().runTest()
    finally:
        opened.close()
