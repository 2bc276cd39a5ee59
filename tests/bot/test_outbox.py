"""Deliveries carried out: what a platform is sent, and what another life makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bot.engines import MemoryEngine
from tests.bot.people import C2C, GROUP, PLACE, Fault, Platform
from tests.upstream.leaks import HANG

from holdfast.agent.events import Asked, Ended, MediaAdded, StepBegan, TextAdded
from holdfast.app import SystemClock
from holdfast.bot import failing
from holdfast.bot.adapter import Capabilities, Sink
from holdfast.bot.event import Media, Outbound, Place, Receipt
from holdfast.bot.ledger import Ledger, MemoryLedger, StoredLedger
from holdfast.bot.moves import Owed, Reply
from holdfast.bot.outbox import Channel, Outbox
from holdfast.bot.parts import Part
from holdfast.core.message import File, Message, Role, said
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import StoreFailed, Turn, TurnState
from holdfast.store.turns import SqlTurns

FAST = replace(C2C, frame_interval=0.0, typing=False)
ASKED = Asked(said(Role.USER, "hi"))


class SimulatedAdapter:
    """A bot on the simulated platform."""

    name = "bot"

    def __init__(self, can: Capabilities = FAST, faults: list[Fault] | None = None) -> None:
        self.platform = Platform(can)
        self.faults = faults or []
        self.hold: asyncio.Event | None = None
        self.asked = asyncio.Event()  # something is to be sent: it is written down
        self.sent = asyncio.Event()

    def capabilities(self, place: Place) -> Capabilities:
        return self.platform.can

    async def run(self, sink: Sink) -> None:
        """Nobody writes here: turns are told by hand."""

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        self.asked.set()
        if self.hold:
            await self.hold.wait()
        await asyncio.sleep(0)
        try:
            return self.platform.receive(outbound, self.faults.pop(0) if self.faults else "ok")
        finally:
            self.sent.set()


def reply(turn: str, number: int = 1) -> Reply:
    return Reply(turn, replace(PLACE, anchor={"msg_id": f"m{number}"}), SystemClock().wall(), "bot")


@pytest.fixture(params=["memory", "stored"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    database = Database(tmp_path / "test.db")
    _ended(SqlTurns(database), "t1", "t2")
    yield StoredLedger(SqlDeliveries(database, {}))
    database.close()


def _ended(turns: SqlTurns, *names: str) -> None:
    """What they said is in the memory of an engine; that they were, in the store."""
    for name in names:
        turns.accept(Turn(name, name, {}, 1.0), 10).result()
        fence = turns.claim(name, "me", 60.0).result()
        assert fence
        turns.begin(fence).result()
        turns.end(fence, name, TurnState.DONE).result()


@asynccontextmanager
async def outbox_of(
    engine: MemoryEngine, ledger: Ledger, adapter: SimulatedAdapter, grace: float = 3.0
) -> AsyncIterator[Outbox]:
    outbox = Outbox(engine, ledger, {"bot": Channel(adapter)}, SystemClock(), lambda: 0.0)
    try:
        yield outbox
    finally:
        await outbox.aclose(grace)


def scene(play: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(HANG):
            await play()

    asyncio.run(bounded())


def test_a_turn_is_delivered_as_it_grows(ledger: Ledger) -> None:
    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter()
        async with outbox_of(engine, ledger, adapter) as outbox:
            journal = await engine.turn("t1")
            await outbox.open(reply("t1"))
            outbox.attend(reply("t1"), "lane")
            journal.write(ASKED, StepBegan(1, "r", "x"), TextAdded("Once upon "))
            await journal.settle()
            await adapter.sent.wait()
            journal.write(TextAdded("a time."), Ended("finished"))
            await engine.end("t1")
            await outbox.settle()
        assert adapter.platform.texts() == ["Once upon a time."]
        assert [o.slot for o in adapter.platform.sends] == [1] * len(adapter.platform.sends)
        assert await ledger.unfinished() == []
        assert await ledger.owed("t1") is None

    scene(play)


def test_the_next_life_goes_on_in_the_same_message(ledger: Ledger) -> None:
    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter()
        journal = await engine.turn("t1")
        journal.write(ASKED, StepBegan(1, "r", "x"), TextAdded("Once upon "))
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.open(reply("t1"))
            outbox.attend(reply("t1"), "lane")
            await adapter.sent.wait()
        assert [r.turn for r in await ledger.unfinished()] == ["t1"]
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.recover()
            journal.write(TextAdded("a time."), Ended("finished"))
            await engine.end("t1")
            await outbox.settle()
        assert adapter.platform.texts() == ["Once upon a time."]
        assert all(seen.final for seen in adapter.platform.screen.values())

    scene(play)


class Away(MemoryLedger):
    """Writes nothing of messages before it is here."""

    here = False

    async def sending(self, turn: str, part: Part) -> None:
        if not self.here:
            raise StoreFailed("no connection")
        await super().sending(turn, part)

    async def sent(self, turn: str, part: Part) -> None:
        if not self.here:
            raise StoreFailed("no connection")
        await super().sent(turn, part)


@pytest.mark.parametrize("others", [False, True])
def test_who_is_called_back_knows_what_the_store_could_not_be_told(others: bool) -> None:
    """As a connector whose post was lost with the database. Where others have spoken meanwhile,
    the store knows better.
    """

    async def play() -> None:
        engine, adapter, ledger = MemoryEngine(), SimulatedAdapter(), Away()
        journal = await engine.turn("bot:1")
        journal.write(ASKED, StepBegan(1, "r", "x"), TextAdded("Once upon "))
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.open(reply("bot:1"))
            outbox.attend(reply("bot:1"), "lane")
            await adapter.sent.wait()
            while not outbox.unkept["bot:1"][1].message_id:
                await asyncio.sleep(0)
            await outbox.drop("bot")
            ledger.here = True
            if others:
                outbox.forget("bot")
            outbox.attend(reply("bot:1"), "lane")
            journal.write(TextAdded("a time."), Ended("finished"))
            await engine.end("bot:1")
            await outbox.settle()
            assert not outbox.unkept
        ended = all(seen.final for seen in adapter.platform.screen.values())
        assert (adapter.platform.texts() == ["Once upon a time."] and ended) is not others

    scene(play)


def test_an_orphan_of_a_turn_without_an_end_gets_one(ledger: Ledger) -> None:
    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter()
        journal = await engine.turn("t1")
        journal.write(ASKED, StepBegan(1, "r", "x"), TextAdded("Once upon "))
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.open(reply("t1"))
            outbox.attend(reply("t1"), "lane")
            await adapter.sent.wait()
        await engine.end("t1")
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.recover()
            await outbox.settle()
        (seen,) = adapter.platform.screen.values()
        assert seen.final
        assert "not complete" in seen.text

    scene(play)


def test_a_send_that_a_crash_interrupted_is_repeated_under_its_slot(ledger: Ledger) -> None:
    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter(GROUP)
        journal = await engine.turn("t1")
        journal.write(ASKED, StepBegan(1, "r", "x"), TextAdded("Hello."), Ended("finished"))
        await engine.end("t1")
        adapter.hold = asyncio.Event()
        async with outbox_of(engine, ledger, adapter, grace=0.0) as outbox:
            await outbox.open(reply("t1"))
            outbox.attend(reply("t1"), "lane")
            await adapter.asked.wait()
        adapter.hold = None
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.recover()
            await outbox.settle()
        assert adapter.platform.texts() == ["Hello."]
        assert [o.slot for o in adapter.platform.sends] == [1]

    scene(play)


def test_a_turn_that_nobody_accepted_is_not_answered(ledger: Ledger) -> None:
    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter()
        async with outbox_of(engine, ledger, adapter) as outbox:
            await outbox.open(reply("t1"))
            await outbox.recover()
            await outbox.settle()
        assert adapter.platform.sends == []
        assert await ledger.unfinished() == []

    scene(play)


def test_answers_of_one_lane_come_in_order_lanes_side_by_side() -> None:
    async def play() -> None:
        engine, adapter, ledger = MemoryEngine(), SimulatedAdapter(GROUP), MemoryLedger()
        async with outbox_of(engine, ledger, adapter) as outbox:
            for turn, lane in (("a1", "a"), ("a2", "a"), ("b1", "b")):
                await engine.turn(turn, lane)
                outbox.attend(reply(turn, int(turn[1])), lane)
            for turn in ("b1", "a2", "a1"):
                engine.journals[turn].write(TextAdded(f"This is {turn}."), Ended("finished"))
                await engine.end(turn)
                if turn[0] == "b":
                    await adapter.sent.wait()
            await outbox.settle()
        contents = [getattr(o.content, "text", "") for o in adapter.platform.sends]
        assert contents == ["This is b1.", "This is a1.", "This is a2."]

    scene(play)


@pytest.mark.parametrize("shared", [False, True])
def test_what_others_accepted_before_is_answered_before(tmp_path: Path, shared: bool) -> None:
    """An earlier process, whose turn is still open; or another one of a cluster."""

    async def play() -> None:
        engine, adapter = MemoryEngine(), SimulatedAdapter(GROUP)
        database = Database(tmp_path / "test.db")
        turns, ledger = SqlTurns(database), StoredLedger(SqlDeliveries(database, {}))
        async with outbox_of(engine, ledger, adapter) as outbox:
            if shared:
                outbox.speaks = lambda bot: True
            first, second = (replace(reply(f"t{n}", n), lane="bot:a!") for n in (1, 2))
            for one in (first, second):
                await engine.turn(one.turn, one.lane)
                if one is second and not shared:
                    await outbox.recover()
                turns.accept(Turn(one.turn, one.lane, {}, 1.0), 10, ledger.opening(one)).result()
            outbox.accepted(second)
            await outbox.take_up("bot")
            for turn in ("t2", "t1"):
                engine.journals[turn].write(TextAdded(f"This is {turn}."), Ended("finished"))
                await engine.end(turn)
            await outbox.settle()
        database.close()
        contents = [getattr(o.content, "text", "") for o in adapter.platform.sends]
        assert contents == ["This is t1.", "This is t2."]

    scene(play)


def test_a_picture_whose_upload_does_not_end_leaves_time_for_the_words() -> None:
    async def play() -> None:
        engine, ledger = MemoryEngine(), MemoryLedger()
        adapter = SimulatedAdapter(GROUP)
        sends = adapter.send

        async def hanging(outbound: Outbound, key: str) -> Receipt:
            if isinstance(outbound.content, Media):
                await asyncio.Event().wait()
            return await sends(outbound, key)

        adapter.send = hanging  # type: ignore[method-assign]
        assert GROUP.window
        asked = replace(reply("t1"), at=SystemClock().wall() - GROUP.window + 16.0)
        async with outbox_of(engine, ledger, adapter) as outbox:
            journal = await engine.turn("t1")
            picture = Message(Role.TOOL, (File("a", data="AAAA", media_type="image/png"),))
            journal.write(MediaAdded("c", picture), TextAdded("There."), Ended("finished"))
            await engine.end("t1")
            await outbox.open(asked)
            outbox.attend(asked, "lane")
            await outbox.settle()
        (told,) = adapter.platform.texts()
        assert told.startswith("There.")

    scene(play)


def test_a_defect_of_an_adapter_costs_one_delivery_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "RETELLING", 0.0)  # this clock is the real one

    async def play() -> None:
        engine, ledger = MemoryEngine(), MemoryLedger()
        adapter = SimulatedAdapter(replace(GROUP, recognises_repeats=False, replies=1))

        async def broken(outbound: Outbound, key: str) -> Receipt:
            raise ZeroDivisionError

        adapter.send = broken  # type: ignore[method-assign]
        async with outbox_of(engine, ledger, adapter) as outbox:
            journal = await engine.turn("t1")
            journal.write(TextAdded("Hello."), Ended("finished"))
            await engine.end("t1")
            await outbox.open(reply("t1"))
            outbox.attend(reply("t1"), "lane")
            await outbox.settle()
        assert await ledger.owed("t1") == Owed(0)

    scene(play)
