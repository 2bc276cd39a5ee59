"""Whole deliveries over real sockets: what the person has on the screen, whatever fails when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from tests.bot.engines import MemoryEngine
from tests.platforms.qq.rig import Rig, rig
from tests.upstream.leaks import watched

from holdfast.agent.events import Asked, Ended, StepBegan, TextAdded
from holdfast.app import SystemClock
from holdfast.bot import texts
from holdfast.bot.adapter import Capabilities
from holdfast.bot.event import Inbound, Place
from holdfast.bot.ledger import Ledger, MemoryLedger
from holdfast.bot.moves import Reply
from holdfast.bot.outbox import Channel, Outbox
from holdfast.core.message import Role, said
from holdfast.platforms.qq.adapter import QQAdapter
from holdfast.sim.qq.faults import Cut, Garbage, Page, Refuse, What
from holdfast.sim.qq.people import Chat
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario

PIECES = ("Once upon a time there was a bot. ", "It held on to the answer. ", "The end.")
WHOLE = "".join(PIECES)
BEGUN = "Once upon a time there"  # its first frame


class Hasty(QQAdapter):
    """Without pauses, and without the notice that takes a reply."""

    def capabilities(self, place: Place) -> Capabilities:
        return replace(super().capabilities(place), frame_interval=0.0, typing=False)


def outbox(it: Rig, engine: MemoryEngine, ledger: Ledger) -> Outbox:
    return Outbox(engine, ledger, {"helper": Channel(it.adapter)}, SystemClock(), lambda: 0.0)


def reply(message: Inbound) -> Reply:
    return Reply("t1", message.place, message.at, "helper")


async def deliver(
    it: Rig, chat: Chat, piece: int, what: What, *, done: bool, awaited: int, times: int
) -> None:
    """The answer in pieces, with a fault before one of them. The first `awaited` are
    waited for on the screen.
    """
    engine, ledger = MemoryEngine(), MemoryLedger()
    sending = outbox(it, engine, ledger)
    journal = await engine.turn("t1")
    asked = reply(it.inbox.messages[0])
    await sending.open(asked)
    sending.attend(asked, "lane")
    journal.write(Asked(said(Role.USER, "hi")), StepBegan(1, "r", "x"))
    for number, text in enumerate(PIECES):
        if number == piece:
            it.qq.fail(what, times=times, done=done)
        journal.write(TextAdded(text))
        await journal.settle()
        if number < awaited:
            told = BEGUN if done and not piece else "".join(PIECES[: number + 1])
            await it.qq.until(partial(shows, chat, told))
    journal.write(Ended("finished"))
    await engine.end("t1")
    await sending.settle()
    await sending.aclose()
    assert await ledger.owed("t1") is None


def shows(chat: Chat, text: str) -> bool:
    return any(text.strip() in read for read in chat.reads)


def screen(texts: Sequence[str]) -> str:
    return " ".join(text.strip() for text in texts)


FAULTS: dict[str, tuple[What, bool]] = {
    "cut before": (Cut(), False),
    "cut after": (Cut(), True),
    "reset after": (Cut(reset=True), True),
    "502 page": (Page(502), False),
    "502 page after": (Page(502), True),
    "no JSON": (Garbage(), False),
    "busy": (Refuse(50001, 500), False),
    "too often": (Refuse(50002, 429), False),
    "no token": (Refuse(11244, 401), False),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    ("scene", "piece"),
    [("c2c", 0), ("c2c", 1), ("c2c", 2), ("group", 0)],
    ids=["first frame", "later frame", "last frame", "group"],
)
def test_one_whole_answer_once(scene: str, piece: int, fault: tuple[What, bool]) -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq, rig(qq, kind=Hasty) as it:
            anna, group = qq.person("Anna"), qq.group()
            chat: Chat = anna if scene == "c2c" else group
            if scene == "c2c":
                anna.says("tell me")
            else:
                group.says(anna, "tell me")
            await it.hears(1)
            what, done = fault
            lost_name = scene == "c2c" and piece == 0 and done
            awaited = 0 if scene == "group" else 1 if lost_name else len(PIECES) - 1
            times = 2 if isinstance(what, Cut) else 1
            await deliver(it, chat, piece, what, done=done, awaited=awaited, times=times)
            qq.advance(61)  # what never ended is rolled back now
            if lost_name:
                # The name of the stream is lost with its answer: nobody can end it. The answer
                # comes whole, and says what the few words above it are.
                begun, complete = chat.reads
                assert begun == BEGUN
                assert complete == f"{texts.TEXTS['stub'][0]}\n\n{WHOLE}"
            else:
                assert screen(chat.reads) == WHOLE
                assert chat.generating == []
            assert qq.complaints == []

    asyncio.run(watched(main()))


@pytest.mark.parametrize("piece", [1, 2], ids=["later frame", "last frame"])
def test_a_frame_that_was_had_is_not_repeated_as_it_is(piece: int) -> None:
    """Its index is used up: where the platform refuses it, the next frame has to hold it all. Of
    a last frame that is refused then, nobody can tell whether it was had.
    """

    async def main() -> None:
        rules = Rules(frame_repeated="refused")
        async with SimulatedQQ(rules) as qq, rig(qq, kind=Hasty) as it:
            anna = qq.person("Anna")
            anna.says("tell me")
            await it.hears(1)
            await deliver(it, anna, piece, Cut(), done=True, awaited=2, times=piece)
            whole, *more = anna.reads
            assert whole == WHOLE
            assert all(text.startswith(texts.TEXTS["again"][0]) for text in more)
            assert len(more) <= piece - 1
            assert anna.generating == []
            assert all("after the last" in complaint for complaint in qq.complaints)

    asyncio.run(watched(main()))


def test_a_stream_that_the_platform_ended_by_itself_is_followed_by_the_rest() -> None:
    async def main() -> None:
        rules = Rules(stream_idle=30.0)
        async with SimulatedQQ(rules) as qq, rig(qq, kind=Hasty) as it:
            engine, ledger = MemoryEngine(), MemoryLedger()
            anna = qq.person("Anna")
            anna.says("tell me")
            await it.hears(1)
            sending = outbox(it, engine, ledger)
            journal = await engine.turn("t1")
            await sending.open(reply(it.inbox.messages[0]))
            sending.attend(reply(it.inbox.messages[0]), "lane")
            journal.write(StepBegan(1, "r", "x"), TextAdded(PIECES[0]))
            await journal.settle()
            await qq.until(partial(shows, anna, PIECES[0]))
            qq.advance(31)
            journal.write(*map(TextAdded, PIECES[1:]), Ended("finished"))
            await engine.end("t1")
            await sending.settle()
            await sending.aclose()
            assert anna.reads == [PIECES[0].strip(), "".join(PIECES[1:])]
            assert anna.generating == []
            assert qq.complaints == []
            assert await ledger.owed("t1") is None

    asyncio.run(watched(main()))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("scene", ["channel", "dm"])
def test_in_guilds_a_repetition_says_that_it_may_be_one(
    scene: str, fault: tuple[What, bool]
) -> None:
    """Nothing knows a message again there, so the person is told."""

    async def main() -> None:
        async with SimulatedQQ() as qq, rig(qq, kind=Hasty) as it:
            chat = qq.channel() if scene == "channel" else qq.guild_dm()
            chat.says(qq.person("Anna"), "tell me")
            await it.hears(1)
            what, done = fault
            await deliver(it, chat, 0, what, done=done, awaited=0, times=1)
            refused = isinstance(what, Refuse)  # and so it is known not to be there
            marked = f"{texts.TEXTS['again'][0]}\n\n{WHOLE}"
            assert chat.reads == [*([WHOLE] if done else []), WHOLE if refused else marked]
            assert qq.complaints == []

    asyncio.run(watched(main()))


def test_in_guilds_messages_are_as_long_as_they_may_be() -> None:
    async def main() -> None:
        async with SimulatedQQ(Rules(filtered=set())) as qq, rig(qq, kind=Hasty) as it:
            engine, ledger = MemoryEngine(), MemoryLedger()
            channel = qq.channel()
            channel.says(qq.person("Anna"), "tell me")
            await it.hears(1)
            sending = outbox(it, engine, ledger)
            journal = await engine.turn("t1")
            await sending.open(reply(it.inbox.messages[0]))
            sending.attend(reply(it.inbox.messages[0]), "lane")
            long = "\n\n".join(f"Paragraph {n}: {'word ' * 60}" for n in range(40))
            journal.write(StepBegan(1, "r", "x"), TextAdded(long), Ended("finished"))
            await engine.end("t1")
            await sending.settle()
            await sending.aclose()
            assert " ".join(channel.reads).split() == long.split()
            assert not [asked for asked in qq.asked if asked.status == 400]

    asyncio.run(watched(main()))


def test_the_next_process_ends_what_this_one_began() -> None:
    async def main() -> None:
        engine, ledger = MemoryEngine(), MemoryLedger()
        async with SimulatedQQ() as qq:
            anna = qq.person("Anna")
            journal = await engine.turn("t1")
            journal.write(Asked(said(Role.USER, "hi")), StepBegan(1, "r", "x"))
            async with rig(qq, kind=Hasty) as it:
                anna.says("tell me")
                await it.hears(1)
                sending = outbox(it, engine, ledger)
                await sending.open(reply(it.inbox.messages[0]))
                sending.attend(reply(it.inbox.messages[0]), "lane")
                journal.write(TextAdded(PIECES[0]))
                await journal.settle()
                await qq.until(lambda: bool(anna.generating))
                await sending.aclose()
            async with rig(qq, kind=Hasty) as it:
                sending = outbox(it, engine, ledger)
                await sending.recover()
                journal.write(*map(TextAdded, PIECES[1:]), Ended("finished"))
                await engine.end("t1")
                await sending.settle()
                await sending.aclose()
            assert anna.reads == [WHOLE]
            assert anna.generating == []
            assert qq.complaints == []

    asyncio.run(watched(main()))


def test_more_than_one_message_holds_comes_in_order() -> None:
    """Within the platform's budget of replies, streams and all."""
    long = "".join(f"Paragraph {n}: {'word ' * 60}\n\n" for n in range(40))

    async def main() -> None:
        engine, ledger = MemoryEngine(), MemoryLedger()
        async with SimulatedQQ(Rules(frames_per_second=1000)) as qq, rig(qq, kind=Hasty) as it:
            anna = qq.person("Anna")
            anna.says("tell me")
            await it.hears(1)
            sending = outbox(it, engine, ledger)
            journal = await engine.turn("t1")
            await sending.open(reply(it.inbox.messages[0]))
            sending.attend(reply(it.inbox.messages[0]), "lane")
            journal.write(Asked(said(Role.USER, "hi")), StepBegan(1, "r", "x"))
            for start in range(0, len(long), 500):
                journal.write(TextAdded(long[start : start + 500]))
                await journal.settle()
            journal.write(Ended("finished"))
            await engine.end("t1")
            await sending.settle()
            await sending.aclose()
            words = " ".join(anna.reads).split()
            assert words == long.split()
            assert 2 <= len(anna.shown) <= 4
            assert anna.generating == []
            assert qq.complaints == []

    asyncio.run(watched(main()))
