"""A person on QQ, a model that fails, a platform that fails: what the person reads.

Everything is real but the two ends, which are simulated on real sockets.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.bot.house import House, house, play, until
from tests.platforms.qq.rig import AT_ONCE, Notes

from holdfast.app import SystemClock
from holdfast.bot.adapter import Adapter
from holdfast.config import BotSettings
from holdfast.platforms.qq.adapter import QQAdapter
from holdfast.sim.qq.people import Group, Person
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.script import expected, parse
from holdfast.upstream.transport import HttpTransport

pytestmark = pytest.mark.scenario

QUESTION = "Tell me about text:demo please"
RAW = re.compile(r"Traceback|Error code|upstream_error|\{\"|sk-|https?://|errno", re.IGNORECASE)


def whole(question: str = QUESTION) -> str:
    return expected({"messages": [{"role": "user", "content": question}]}, parse("ok").habits)


@asynccontextmanager
async def on_qq(
    folder: Path, targets: Mapping[str, Sequence[str]], qq: SimulatedQQ, **rules: Any
) -> AsyncIterator[House]:
    """A bot that is connected to the simulated QQ."""

    async def adapter(told: BotSettings, stack: AsyncExitStack) -> Adapter:
        http = HttpTransport(httpx2.create_ssl_context())
        await stack.enter_async_context(http)
        clock = SystemClock()
        return QQAdapter("helper", told, http, clock, random.random, Notes(), AT_ONCE)

    known = {"platform": "qq", **qq.settings(), **rules}
    async with house(folder, targets, adapter=adapter, **known) as home:
        await qq.connected()
        yield home


def over(chat: Person | Group) -> bool:
    return bool(chat.shown) and not chat.generating


def test_the_seed_the_proxy_dies_and_the_person_reads_one_whole_answer(tmp_path: Path) -> None:
    async def scene() -> None:
        targets = {"main": ["eof_before_headers", "ok;pace=0.01"]}
        async with SimulatedQQ() as qq, on_qq(tmp_path, targets, qq) as home:
            anna = qq.person("Anna")
            anna.says(QUESTION)
            await until(lambda: anna.reads == [whole()] and over(anna))
            (shown,) = anna.shown
            assert shown.kind == "stream"
            assert qq.complaints == []
            await asyncio.to_thread(home.keeper.settle)
            (incident,) = home.services.incidents.recent()
            assert incident.outcome == "recovered"
            assert incident.kind == "connection_closed"

    play(scene)


def test_the_seed_every_target_dead_is_a_sentence_and_the_operator_reads_why(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        targets = {"main": ["sub2api_502", "eof_before_headers"]}
        async with SimulatedQQ() as qq, on_qq(tmp_path, targets, qq) as home:
            anna = qq.person("Anna")
            anna.says("你好")
            await until(lambda: over(anna))
            (sentence,) = anna.reads
            ref = re.search(r"（编号 (\w{26})）$", sentence)
            assert ref
            assert not RAW.search(sentence)
            await asyncio.to_thread(home.keeper.settle)
            incident = home.services.incidents.find(ref[1])
            assert incident is not None
            told = str(incident.record)
            assert "EOF" in told
            assert "502" in told
            anna.says("/why")
            await until(lambda: len(anna.reads) == 2 and over(anna))
            assert ref[1] in anna.reads[1]

    play(scene)


def test_whose_question_is_answered_is_quoted_where_several_have_asked(tmp_path: Path) -> None:
    async def scene() -> None:
        targets = {"main": ["ok;text=short;pace=0.01"]}
        async with SimulatedQQ() as qq, on_qq(tmp_path, targets, qq) as home:
            group, anna, bob = qq.group(), qq.person("Anna"), qq.person("Bob")
            with home.pulse.held(after=1):
                group.says(anna, "is it raining?")
                group.says(bob, "what is 6 times 7?")
                lane = f"helper:qq:group:{group.id}"
                await until(lambda: len(home.turns.waiting(lane)) == 1)
            await until(lambda: len(group.shown) == 2)
            assert [shown.quotes for shown in group.shown] == ["is it raining?", ""]
            assert qq.complaints == []

    play(scene)


# What could not be said while QQ took replies.


async def answered_late(home: House, qq: SimulatedQQ, anna: Person) -> None:
    """The bot knows that the window is about to close; QQ takes its word for that all the same."""
    qq.rules.c2c_window = 7200.0
    with home.pulse.held(after=3):
        qq.advance(-3590.0)
        anna.says(QUESTION)
        qq.advance(3590.0)
        await until(lambda: any("no further reply" in read for read in anna.reads) and over(anna))
    await until(lambda: home.bots.outbox.idle)


def test_the_rest_is_sent_unasked_where_the_settings_and_qq_and_the_person_allow_it(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        rules, targets = Rules(proactive=True), {"main": ["ok;pace=0.01"]}
        async with SimulatedQQ(rules) as qq, on_qq(tmp_path, targets, qq, proactive=True) as home:
            anna = qq.person("Anna")
            await answered_late(home, qq, anna)
            await until(lambda: len(anna.reads) == 2)
            assert anna.reads[1].startswith("(The rest of my earlier answer")
            last = whole().split()[-1]
            assert last in anna.reads[1]
            assert qq.complaints == []
            anna.says("text:short and now?")
            await until(lambda: len(anna.reads) == 3 and over(anna))
            assert anna.reads[2] == whole("text:short and now?")

    play(scene)


@pytest.mark.parametrize("who", ["the person", "the person, unheard", "qq", "the operator"])
def test_the_rest_waits_for_the_person_where_one_of_them_does_not(tmp_path: Path, who: str) -> None:
    async def scene() -> None:
        rules, targets = Rules(proactive=who != "qq"), {"main": ["ok;pace=0.01"]}
        proactive = who != "the operator"
        async with (
            SimulatedQQ(rules) as qq,
            on_qq(tmp_path, targets, qq, proactive=proactive) as home,
        ):
            anna = qq.person("Anna")
            if who == "the person":
                anna.rejects()
                known = home.services.conversations.settings
                await until(lambda: known(f"helper:qq:c2c:{anna.id}"))
            anna.conversation.rejects = who.startswith("the person")
            await answered_late(home, qq, anna)
            assert len(anna.reads) == 1
            anna.says("text:short and now?")
            await until(lambda: whole("text:short and now?") in "".join(anna.reads) and over(anna))
            told = "".join(anna.reads)
            assert told.count("First the rest of my earlier answer") == 1
            assert whole().split()[-1] in told

    play(scene)
