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
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.script import expected, parse
from holdfast.upstream.transport import HttpTransport

pytestmark = pytest.mark.scenario

QUESTION = "Tell me about text:demo please"
RAW = re.compile(r"Traceback|Error code|upstream_error|\{\"|sk-|https?://|errno", re.IGNORECASE)
QUICK = {"headers": 4.0, "first_event": 4.0, "bytes_idle": 4.0, "content_idle": 4.0}


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
    async with house(folder, targets, adapter=adapter, timeouts=QUICK, **known) as home:
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
