"""One contract over every engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Delete, Update, delete, update
from tests.conformance.databases import emptied, nats_prefix
from tests.conformance.engines import (
    HASTE,
    POLICY,
    Open,
    Setup,
    WallClock,
    add,
    cluster,
    local,
    past,
    run,
    turn,
    watch,
)
from tests.upstream.leaks import until

from holdfast.engine.journal import Park
from holdfast.engine.keeping import Keep
from holdfast.engine.local import Limits
from holdfast.engine.ports import Engine, Entry, Journal, Overloaded, Turn
from holdfast.store.database import Database
from holdfast.store.ports import Fence, StoreFailed, TurnState
from holdfast.store.tables import EVENTS
from holdfast.store.turns import SqlTurns


@pytest.fixture(params=["local-sqlite", "local-postgres", "cluster"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "local-sqlite":
        yield local(tmp_path / "holdfast.db")
        return
    place = emptied(request.getfixturevalue("schema"))
    if request.param == "local-postgres":
        yield local(place)
        return
    with nats_prefix() as prefix:
        yield cluster(place, prefix)


async def echo(turn: Turn, journal: Journal) -> None:
    add(journal, "asked", turn.id, "ended")


class Gate:
    """A handler that says it has begun and ends when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.pasts: dict[str, list[Any]] = {}
        self._open = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, turn: Turn, journal: Journal) -> None:
        self.begun.append(turn.id)
        self.pasts[turn.id] = past(journal)
        add(journal, "begun")
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(turn.id)
            raise
        add(journal, "ended")
        self.ended.append(turn.id)


async def idle(engine: Engine, *turn_ids: str) -> None:
    """Until these turns have ended."""
    for turn_id in turn_ids:
        await watch(engine, turn_id)


def test_a_turn_is_run_once_and_watched_by_all(opened: Open) -> None:
    lives: list[str] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        lives.append(turn.id)
        assert (turn.body, turn.lane, turn.begun) == ({"text": "1"}, "a", 0)
        assert not journal.past
        await echo(turn, journal)

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            assert await engine.accept(turn("1"))
            assert await watch(engine, "1") == ["asked", "1", "ended"]
            assert not await engine.accept(turn("1"))
            assert await watch(engine, "1", after=1) == ["1", "ended"]
            assert await watch(engine, "1", after=9) == []
            assert await watch(engine, "nobody knows") == []
        async with opened(Setup(handler)) as engine:
            assert not await engine.accept(turn("1"))
            assert await watch(engine, "1") == ["asked", "1", "ended"]
        assert lives == ["1"]

    run(main())


def test_a_turn_that_nobody_knows_is_undertaken(opened: Open) -> None:
    async def main() -> None:
        async with opened(Setup(echo)) as engine:
            await engine.undertake(turn("1", "1"))
            assert await watch(engine, "1") == ["asked", "1", "ended"]
            assert not await engine.accept(turn("1", "1"))
        async with opened(Setup(echo)) as engine:
            assert await watch(engine, "1") == ["asked", "1", "ended"]

    run(main())


def test_a_turn_that_was_undertaken_goes_on_in_the_next_process(opened: Open) -> None:
    async def main() -> None:
        gate, next_gate = Gate(), Gate()
        async with opened(Setup(gate)) as engine:
            await engine.undertake(turn("1", "1"))
            await until(lambda: bool(gate.begun))
        next_gate.open()
        async with opened(Setup(next_gate)) as engine:
            assert await watch(engine, "1") == ["begun", "begun", "ended"]
        assert next_gate.pasts == {"1": ["begun"]}

    run(main())


def test_sequences_begin_at_one_without_gaps(opened: Open) -> None:
    async def handler(turn: Turn, journal: Journal) -> None:
        for n in range(1, 300):
            assert journal.add({"type": "said", "n": n}) == n
            if n % 50 == 0:
                await journal.settle()

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            seen = [(e.sequence, e.event["n"]) async for e in engine.watch("1")]
            assert seen == [(n, n) for n in range(1, 300)]

    run(main())


def test_a_lane_runs_one_turn_after_the_other_beside_other_lanes(opened: Open) -> None:
    async def main() -> None:
        gate = Gate()
        async with opened(Setup(gate)) as engine:
            for name in ("a1", "a2", "b1", "b2", "c1"):
                assert await engine.accept(turn(name, name[0]))
            await until(lambda: len(gate.begun) == 3)
            assert gate.begun == ["a1", "b1", "c1"] or sorted(gate.begun) == ["a1", "b1", "c1"]
            assert [t.id for t in await engine.waiting("a")] == ["a2"]
            running = await engine.running("a")
            assert running
            assert running.id == "a1"
            gate.open()
            await idle(engine, "a2", "b2")
            assert await engine.running("a") is None
            for lane in ("a", "b"):
                assert [name for name in gate.ended if name[0] == lane] == [f"{lane}1", f"{lane}2"]

    run(main())


def test_many_lanes_share_few_places_and_all_keep_their_order(opened: Open) -> None:
    ended: list[str] = []
    most = 0
    now = 0

    async def handler(turn: Turn, journal: Journal) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        add(journal, turn.id)
        await journal.settle()
        now -= 1
        ended.append(turn.id)

    async def main() -> None:
        names = [f"{lane} {n}" for n in range(6) for lane in "abcdefgh"]
        async with opened(Setup(handler, limits=Limits(running=3))) as engine:
            await asyncio.gather(*(engine.accept(turn(name, name[0])) for name in names))
            await idle(engine, *names)
        assert 1 < most <= 3
        for lane in "abcdefgh":
            mine = [name for name in ended if name[0] == lane]
            assert mine == [f"{lane} {n}" for n in range(6)]

    run(main())


def test_a_full_lane_takes_no_more_and_says_so(opened: Open) -> None:
    async def main() -> None:
        gate = Gate()
        async with opened(Setup(gate, limits=Limits(waiting_in_lane=2))) as engine:
            await engine.accept(turn("1"))
            await until(lambda: gate.begun == ["1"])
            await engine.accept(turn("2"))
            await engine.accept(turn("3"))
            with pytest.raises(Overloaded):
                await engine.accept(turn("4"))
            assert not await engine.accept(turn("3"))
            assert await engine.accept(turn("other", "b"))
            gate.open()
            await idle(engine, "3")
            assert await engine.accept(turn("4"))
            await idle(engine, "4")

    run(main())


def test_a_stop_ends_the_turn_and_the_lane_goes_on(opened: Open) -> None:
    async def main() -> None:
        begun = asyncio.Event()
        lives: list[tuple[str, bool]] = []

        async def handler(turn: Turn, journal: Journal) -> None:
            add(journal, "begun")
            await journal.settle()
            if turn.id == "2":
                return
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lives.append((turn.id, engine.stopping(turn.id)))
                add(journal, "stopped")

        async with opened(Setup(handler)) as engine:
            assert not await engine.stop("a")
            await engine.accept(turn("1"))
            await engine.accept(turn("2"))
            await begun.wait()
            assert not await engine.stop("a", only="2")
            assert not engine.stopping("1")
            assert await engine.stop("a", only="1")
            assert await watch(engine, "1") == ["begun", "stopped"]
            assert await watch(engine, "2") == ["begun"]
            assert lives == [("1", True)]
            assert not engine.stopping("1")

    run(main())


def test_a_stop_between_two_lives_of_a_turn_holds_for_the_next(opened: Open) -> None:
    """Who asked for it was told that the turn has stopped."""

    async def main() -> None:
        noted: list[Future[int]] = []
        lives: list[bool] = []

        class Noting(SqlTurns):
            def failed(self, fence: Fence, turn_id: str, how: str) -> Future[int]:
                noted.append(super().failed(fence, turn_id, how))
                return noted[-1]

        async def handler(turn: Turn, journal: Journal) -> None:
            if not noted:
                raise RuntimeError
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lives.append(engine.stopping(turn.id))

        patient = replace(POLICY, backoff=0.1)
        async with opened(Setup(handler, policy=patient, turns=Noting)) as engine:
            await engine.accept(turn("1"))
            await until(lambda: any(future.done() for future in noted))
            assert await engine.stop("a")
            await idle(engine, "1")
            assert lives == [True]

    run(main())


def test_a_stop_holds_for_the_next_process(opened: Open) -> None:
    """The one that was asked may be killed before the turn has ended."""

    async def main() -> None:
        begun, asked = asyncio.Event(), asyncio.Event()
        lives: list[bool] = []

        async def stubborn(turn: Turn, journal: Journal) -> None:
            begun.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            asked.set()
            await asyncio.Event().wait()

        async with opened(Setup(stubborn)) as engine:
            await engine.accept(turn("1"))
            await begun.wait()
            assert await engine.stop("a")
            await asked.wait()

        async def handler(turn: Turn, journal: Journal) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lives.append(engine.stopping(turn.id))

        async with opened(Setup(handler)) as engine:
            await idle(engine, "1")
        assert lives == [True]

    run(main())


def test_what_waits_can_be_stopped_before_it_begins(opened: Open) -> None:
    async def main() -> None:
        gate = Gate()
        stops: list[tuple[str, bool]] = []

        async def handler(turn: Turn, journal: Journal) -> None:
            stops.append((turn.id, turn.stop))
            await gate(turn, journal)

        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1", "a"))
            await until(lambda: gate.begun == ["1"])
            await engine.accept(turn("2", "a"))
            assert await engine.stop("a", waiting=True)
            assert not await engine.stop("b", waiting=True)
            await idle(engine, "1", "2")
        assert stops == [("1", False), ("2", True)]
        assert gate.cancelled == ["1", "2"]

    run(main())


def test_an_end_in_order_puts_turns_back_for_the_next_process(opened: Open) -> None:
    async def main() -> None:
        stopping: list[bool] = []

        async def first(turn: Turn, journal: Journal) -> None:
            add(journal, "first")
            await journal.settle()
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopping.append(engine.stopping(turn.id))
                add(journal, "farewell")

        begun = asyncio.Event()
        async with opened(Setup(first)) as engine:
            await engine.accept(turn("1"))
            await engine.accept(turn("2"))
            await begun.wait()
        assert stopping == [False]

        lives: list[tuple[str, int, list[Any]]] = []

        async def second(turn: Turn, journal: Journal) -> None:
            lives.append((turn.id, turn.begun, past(journal)))
            add(journal, "second")

        async with opened(Setup(second)) as engine:
            assert await watch(engine, "1") == ["first", "farewell", "second"]
            await idle(engine, "2")
        assert lives == [("1", 1, ["first", "farewell"]), ("2", 0, [])]

    run(main())


def test_a_turn_that_fails_goes_on_from_its_journal(opened: Open) -> None:
    pasts: list[list[Any]] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        pasts.append(past(journal))
        add(journal, len(pasts))
        if len(pasts) < 3:
            raise (KeyError if len(pasts) == 1 else ValueError)("secret")

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            assert await watch(engine, "1") == [1, 2, 3]
        assert pasts == [[], [1], [1, 2]]

    run(main())


def test_a_poisonous_turn_is_parked_with_a_last_word(opened: Open) -> None:
    lives: list[str] = []
    words: list[tuple[str, str]] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        lives.append(turn.id)
        if turn.id == "1":
            raise KeyError("secret")

    async def last_word(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        words.append((turn.id, park.why))
        add(journal, "sorry")
        raise ValueError("and this too")

    async def main() -> None:
        async with opened(Setup(handler, last_word)) as engine:
            await engine.accept(turn("1"))
            await engine.accept(turn("2"))
            assert await watch(engine, "1") == ["sorry"]
            await idle(engine, "2")
        assert lives == ["1", "1", "1", "2"]
        [(parked, why)] = words
        assert parked == "1"
        assert "failed 3 times alike: builtins.KeyError in" in why
        assert "secret" not in why
        async with opened(Setup(handler, last_word)) as engine:
            assert await watch(engine, "1") == ["sorry"]
            assert not await engine.accept(turn("1"))
        assert lives == ["1", "1", "1", "2"]

    run(main())


def test_what_has_waited_for_too_long_is_not_run_but_has_an_end(opened: Open) -> None:
    words: list[tuple[str, bool]] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        add(journal, "run")

    async def last_word(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        words.append((turn.id, park.late))
        add(journal, "sorry")

    async def main() -> None:
        policy = replace(POLICY, oldest=3600.0)
        async with opened(Setup(handler, last_word, policy=policy)) as engine:
            await engine.accept(turn("old"))
            await engine.accept(replace(turn("new"), accepted_at=WallClock().wall()))
            assert await watch(engine, "old") == ["sorry"]
            assert await watch(engine, "new") == ["run"]
        assert words == [("old", True)]

    run(main())


def test_a_running_turn_absorbs_those_that_wait(opened: Open) -> None:
    lives: list[str] = []
    absorbed: list[list[str]] = []

    async def main() -> None:
        begun, going = asyncio.Event(), asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            lives.append(turn.id)
            if turn.id != "1":
                return
            begun.set()
            await going.wait()
            waiting = [t.id for t in await engine.waiting(turn.lane)]
            for _ in range(2):
                absorbed.append([t.id for t in await engine.absorb(waiting[:2], turn.id)])

        async with opened(Setup(handler)) as engine:
            for name in "1234":
                await engine.accept(turn(name))
            await begun.wait()
            watching = asyncio.create_task(watch(engine, "2"))
            await asyncio.sleep(0)
            going.set()
            assert await watching == []  # it ended, in another
            await idle(engine, "4")
            assert not await engine.accept(turn("2"))
            assert [t.id for t in await engine.absorbed("1")] == ["2", "3"]
        assert lives == ["1", "4"]
        assert absorbed == [["2", "3"], []]

    run(main())


def test_a_slow_reader_holds_nobody(opened: Open) -> None:
    async def main() -> None:
        async def handler(turn: Turn, journal: Journal) -> None:
            for n in range(500):
                add(journal, n)
                if n % 100 == 0:
                    await journal.settle()

        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            slow = engine.watch("1")
            first = await anext(slow)
            assert first.event["n"] == 0
            assert await watch(engine, "1") == list(range(500))
            await idle(engine, "1")
            assert [entry.event["n"] async for entry in slow] == list(range(1, 500))

    run(main())


def test_what_is_old_is_dropped_and_what_is_not_stays(opened: Open) -> None:
    async def handler(turn: Turn, journal: Journal) -> None:
        journal.add({"type": "text_added", "n": turn.id})
        add(journal, "ended")

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            assert await watch(engine, "1") == ["1", "ended"]
        pruned = Limits(keep=Keep(streamed=0.0, every=0.01))
        async with opened(Setup(handler, limits=pruned)) as engine:
            while await watch(engine, "1") != ["ended"]:
                continue
            assert not await engine.accept(turn("1"))
        dropped = Limits(keep=Keep(turns=0.0, every=0.01))
        async with opened(Setup(handler, limits=dropped)) as engine:
            while await watch(engine, "1"):
                continue
            assert await engine.accept(turn("1"))  # nobody knows it any more

    run(main())


def test_readers_may_come_before_the_turn_runs_and_leave(opened: Open) -> None:
    async def main() -> None:
        gate = Gate()
        async with opened(Setup(gate)) as engine:
            await engine.accept(turn("1"))
            await engine.accept(turn("2"))
            early = asyncio.create_task(watch(engine, "2"))
            leaving = asyncio.create_task(watch(engine, "2"))
            await until(lambda: gate.begun == ["1"])
            leaving.cancel()
            gate.open()
            assert await early == ["begun", "ended"]

    run(main())


class AwayTurns(SqlTurns):
    """A store whose reads fail `times` times from now on."""

    times = 0.0

    def find(self, turn_id: str) -> tuple[Turn, TurnState] | None:
        self._fail()
        return super().find(turn_id)

    def events(self, turn_id: str, after: int = 0, *, media: bool = True) -> Sequence[Entry]:
        self._fail()
        return super().events(turn_id, after, media=media)

    def _fail(self) -> None:
        if self.times > 0:
            self.times -= 1
            raise StoreFailed("the server closed the connection")


def test_readers_outlive_a_store_that_is_away_for_a_moment(opened: Open) -> None:
    stores: list[AwayTurns] = []

    def away(database: Database) -> AwayTurns:
        stores.append(AwayTurns(database))
        return stores[-1]

    async def main() -> None:
        gate = Gate()
        async with opened(Setup(gate, turns=away)) as engine:
            await engine.accept(turn("1"))
            await until(lambda: gate.begun == ["1"])
            stores[0].times = 3
            reading = asyncio.create_task(watch(engine, "1"))
            gate.open()
            assert await reading == ["begun", "ended"]
            stores[0].times = 3
            assert await watch(engine, "1", after=1) == ["ended"]

    run(main())


def test_readers_are_told_of_a_store_that_stays_away(opened: Open) -> None:
    stores: list[AwayTurns] = []

    def away(database: Database) -> AwayTurns:
        stores.append(AwayTurns(database))
        return stores[-1]

    async def main() -> None:
        patience = replace(HASTE, away=0.05)
        async with opened(Setup(echo, patience=patience, turns=away)) as engine:
            await engine.accept(turn("1"))
            await idle(engine, "1")
            stores[0].times = float("inf")
            with pytest.raises(StoreFailed, match="closed the connection"):
                await watch(engine, "1")
            stores[0].times = 0
            assert await watch(engine, "1") == ["asked", "1", "ended"]

    run(main())


@pytest.mark.parametrize(
    "spoils", [update(EVENTS).values(event="{"), delete(EVENTS)], ids=["spoilt", "gone"]
)
def test_a_turn_of_whose_journal_a_part_is_lost_is_parked_and_the_lane_goes_on(
    opened: Open, spoils: Update | Delete
) -> None:
    words: list[str] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        if turn.id == "2":
            return
        assert not journal.past
        add(journal, "first", "second")
        await journal.settle()
        begun.set()
        await asyncio.Event().wait()

    async def last_word(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        words.append(park.why)
        add(journal, "an end")

    def spoilt(database: Database) -> SqlTurns:
        lost = spoils.where(EVENTS.c.turn == "1", EVENTS.c.sequence == 1)
        database.write(lambda connection: bool(connection.execute(lost))).result()
        return SqlTurns(database)

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            await engine.accept(turn("2"))
            await begun.wait()
        async with opened(Setup(handler, last_word, turns=spoilt)) as engine:
            told = [entry async for entry in engine.watch("1", after=1)]
            await idle(engine, "2")
        assert [entry.event["n"] for entry in told] == ["second", "an end"]
        assert words == ["a part of its journal is gone or cannot be read"]

    begun = asyncio.Event()
    run(main())


def test_keys_that_only_python_has_are_kept_as_json_has_them(opened: Open) -> None:
    async def handler(turn: Turn, journal: Journal) -> None:
        add(journal, {None: 1, True: 2})

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            await idle(engine, "1")
        async with opened(Setup(handler)) as engine:
            assert await watch(engine, "1") == [{"null": 1, "true": 2}]

    run(main())


@pytest.mark.parametrize("make", [object, lambda: {1, 2}])
def test_what_is_no_json_is_told_to_whoever_adds_it(
    opened: Open, make: Callable[[], object]
) -> None:
    told: list[str] = []

    async def handler(turn: Turn, journal: Journal) -> None:
        try:
            add(journal, make())
        except TypeError:
            told.append(turn.id)
        add(journal, "well")

    async def main() -> None:
        async with opened(Setup(handler)) as engine:
            await engine.accept(turn("1"))
            assert await watch(engine, "1") == ["well"]
        assert told == ["1"]

    run(main())
