"""What only one machine has: a disk that fills up, a lane taken away, lives that vanish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.engines import (
    HASTE,
    LIMITS,
    POLICY,
    WallClock,
    add,
    past,
    run,
    running,
    turn,
    watch,
)
from tests.upstream.leaks import HANG, until

from holdfast.engine.journal import Park
from holdfast.engine.lives import LastWord, silence
from holdfast.engine.local import Limits, LocalEngine
from holdfast.engine.parked import recorded
from holdfast.engine.ports import Handler, Journal, LaneLost, Overloaded, Turn
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.incidents import SqlIncidents
from holdfast.store.ports import (
    Delivery,
    DeliveryState,
    Entry,
    Fence,
    StoreFailed,
    TurnState,
)
from holdfast.store.turns import SqlTurns
from holdfast.terminal.incidents import timeline


class Machine:
    """One database file, and the engines that come and go over it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "holdfast.db")
        self.turns = SqlTurns(self.database)
        self.fences: dict[str, Fence] = {}
        self.incidents = SqlIncidents(self.database)

    @asynccontextmanager
    async def engine(
        self, handler: Handler, last_word: LastWord = silence, limits: Limits = LIMITS
    ) -> AsyncIterator[LocalEngine]:
        engine = LocalEngine(
            self.turns,
            WallClock(),
            self.fences,
            last_word,
            limits,
            POLICY,
            HASTE,
            recorded(self.incidents, WallClock(), lambda: "01JREF"),
        )
        async with running(engine.run(handler)):
            yield engine

    async def disk(self, pages: int) -> None:
        """Limits the size of the database file; small is a full disk."""
        statement = f"PRAGMA max_page_count={pages}"
        limited = self.database.write(lambda c: bool(c.exec_driver_sql(statement)))
        await asyncio.wrap_future(limited)

    async def vanished(self, name: str, entries: int = 0) -> None:
        """A life of turn `name`, in lane "a", whose process was killed."""
        fence = await asyncio.wrap_future(self.turns.claim("a", "ghost", 60.0, force=True))
        assert fence
        begun = await asyncio.wrap_future(self.turns.begin(fence))
        assert begun
        assert begun.turn.id == name
        written = [
            Entry(begun.reached + n, {"type": "said", "n": f"ghost {begun.reached + n}"})
            for n in range(1, entries + 1)
        ]
        await asyncio.wrap_future(self.turns.append(fence, name, written))


@pytest.fixture
def machine(tmp_path: Path) -> Any:
    made = Machine(tmp_path)
    yield made
    made.database.close()


FULL, EMPTY = 1, 1_000_000_000


def test_an_answer_goes_on_in_memory_while_the_disk_is_full(machine: Machine) -> None:
    async def main() -> None:
        begun, on, told = asyncio.Event(), asyncio.Event(), []

        async def handler(turn: Turn, journal: Journal) -> None:
            add(journal, "begun")
            await journal.settle()
            begun.set()
            await on.wait()
            add(journal, *[f"{n} " * 2000 for n in range(20)])
            try:
                await journal.settle()
            except StoreFailed as failed:
                told.append(failed)
            add(journal, "still here")

        async with machine.engine(handler) as engine:
            await engine.accept(turn("1"))
            await begun.wait()
            seen: list[Any] = []

            async def read() -> None:
                async for entry in engine.watch("1"):
                    seen.append(entry.event["n"])

            reading = asyncio.create_task(read())
            await machine.disk(FULL)
            on.set()
            await until(lambda: "still here" in seen)
            assert len(told) == 1
            assert "full" in engine.trouble
            with pytest.raises(StoreFailed):
                await engine.accept(Turn("2" * 10_000, "b", {"text": "x" * 10_000}, 1.0))
            assert len(machine.turns.events("1")) == 1
            await machine.disk(EMPTY)
            await reading
            assert engine.trouble == ""
            assert [entry.event["n"] for entry in machine.turns.events("1")] == seen
            assert len(seen) == 22
            assert machine.turns.find("1") == (
                Turn("1", "a", {"text": "1"}, 1.0, 1),
                TurnState.DONE,
            )
            assert await engine.accept(turn("2"))
            await watch(engine, "2")

    run(main())


def test_a_handler_that_the_store_failed_lives_again_when_it_works(machine: Machine) -> None:
    async def main() -> None:
        lives: list[int] = []
        outbox = SqlDeliveries(machine.database, machine.fences)

        async def handler(turn: Turn, journal: Journal) -> None:
            lives.append(turn.begun)
            add(journal, len(lives))
            await journal.settle()
            if len(lives) == 1:
                await machine.disk(FULL)
            await asyncio.wrap_future(outbox.put([Delivery("k", turn.id, 1, {"t": "x" * 9000})]))

        async with machine.engine(handler) as engine:
            await engine.accept(turn("1"))
            await until(lambda: engine.trouble != "")
            await machine.disk(EMPTY)
            assert await watch(engine, "1") == list(range(1, len(lives) + 1))
        assert len(lives) >= 2
        assert [delivery.state for delivery in outbox.of_turn("1")] == [DeliveryState.PENDING]

    run(main())


def test_a_lane_that_was_taken_away_ends_the_handler_unheard(machine: Machine) -> None:
    async def main() -> None:
        ends: list[type[BaseException]] = []

        async def handler(turn: Turn, journal: Journal) -> None:
            if turn.lane == "b":
                return
            add(journal, "mine")
            await journal.settle()
            await machine.vanished("1")  # another process takes it
            add(journal, "late")
            try:
                await asyncio.Event().wait()
            except BaseException as end:
                ends.append(type(end))
                add(journal, "too late")
                with pytest.raises(LaneLost):
                    await journal.settle()
                raise

        async with machine.engine(handler) as engine:
            await engine.accept(turn("1"))
            await until(lambda: bool(ends))
            await engine.accept(turn("2", "b"))
            await watch(engine, "2")
        assert ends == [asyncio.CancelledError]
        assert [entry.event["n"] for entry in machine.turns.events("1")] == ["mine"]
        assert machine.turns.find("1") == (
            Turn("1", "a", {"text": "1"}, 1.0, 2),
            TurnState.RUNNING,
        )

    run(main())


def test_what_a_killed_process_left_open_goes_on_in_order(machine: Machine) -> None:
    lives: list[tuple[str, int, list[Any]]] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        lives.append((turn.id, turn.begun, past(journal)))
        add(journal, "whole")

    async def main() -> None:
        for name in ("1", "2"):
            await asyncio.wrap_future(machine.turns.accept(turn(name), 10))
        await machine.vanished("1", entries=2)
        async with machine.engine(handler) as engine:
            assert await watch(engine, "1") == ["ghost 1", "ghost 2", "whole"]
            await watch(engine, "2")
        assert lives == [("1", 1, ["ghost 1", "ghost 2"]), ("2", 0, [])]

    run(main())


def test_a_turn_that_kills_its_process_is_parked(machine: Machine) -> None:
    words: list[str] = []
    lives: list[str] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        lives.append(turn.id)

    async def last_word(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        words.append(park.why)
        assert ref == "01JREF"

    async def main() -> None:
        for name in ("1", "2"):
            await asyncio.wrap_future(machine.turns.accept(turn(name), 10))
        for _ in range(POLICY.killed + 1):
            await machine.vanished("1")
        async with machine.engine(handler, last_word) as engine:
            await watch(engine, "2")
        assert words == [f"its last {POLICY.killed + 1} lives vanished and left nothing"]
        assert lives == ["2"]
        [incident] = machine.incidents.recent()
        assert (incident.ref, incident.outcome, incident.kind) == ("01JREF", "failed", "internal")
        assert incident.record["failure"]["message"] == words[0]
        assert incident.record["client"] == {"turn": "1", "lane": "a", "lives": 6}
        assert timeline(incident.record, "en")
        found = machine.turns.find("1")
        assert found
        assert found[1] is TurnState.PARKED

    run(main())


def test_draining_ends_what_runs_and_leaves_the_rest(machine: Machine) -> None:
    async def main() -> None:
        begun, on = asyncio.Event(), asyncio.Event()
        lives: list[str] = []

        async def handler(turn: Turn, journal: Journal) -> None:
            lives.append(turn.id)
            begun.set()
            await on.wait()

        async with machine.engine(handler) as engine:
            await engine.accept(turn("1"))
            await begun.wait()
            assert not await engine.drain(0.001)
            await engine.accept(turn("2"))
            on.set()
            assert await engine.drain(HANG)
            assert lives == ["1"]
            assert [t.id for t in await engine.waiting("a")] == ["2"]
        async with machine.engine(handler) as engine:
            await watch(engine, "2")
        assert lives == ["1", "2"]

    run(main())


def test_a_full_node_knows_what_it_knows(machine: Machine) -> None:
    async def main() -> None:
        on = asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            await on.wait()

        async with machine.engine(handler, limits=Limits(waiting=2)) as engine:
            assert await engine.accept(turn("1", "a"))
            assert await engine.accept(turn("2", "b"))
            with pytest.raises(Overloaded):
                await engine.accept(turn("3", "c"))
            assert not await engine.accept(turn("2", "b"))
            assert await engine.accept(turn("4", "d"), relieves=True)
            on.set()
            await watch(engine, "1")
            await watch(engine, "2")
            await engine.drain(HANG)
            assert await engine.accept(turn("3", "c"))
        async with machine.engine(handler, limits=Limits(waiting=1)) as engine:
            await watch(engine, "3")

    run(main())
