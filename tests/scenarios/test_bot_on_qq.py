"""A person on QQ, a model that fails, a platform that fails: what the person reads.

Everything is real but the two ends, which are simulated on real sockets.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.bot.house import House, house, play, until
from tests.platforms.qq.rig import AT_ONCE, Notes

from holdfast.app import SystemClock
from holdfast.bot import texts
from holdfast.bot.adapter import Adapter
from holdfast.config import BotSettings
from holdfast.core.failure import REMEDIES, Remedy
from holdfast.platforms.qq.adapter import QQAdapter
from holdfast.sim.catalogue import FAULTS, Position, Truth
from holdfast.sim.qq.faults import Cut, Garbage, Page, Refuse, What
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


@dataclass(frozen=True, slots=True)
class Case:
    truth: Truth
    sent: int

    @property
    def model(self) -> str:
        chunks = self.truth.position is Position.CHUNK
        return f"{self.truth.name}@{self.sent}" if chunks else f"{self.truth.name};late=0.02"

    @property
    def survivable(self) -> bool:
        """A limit of the model's own, a refusal and a cut tool call have an end of their own."""
        kind, name = self.truth.kind, self.truth.name
        if "tool" in name or self.truth.finish in ("length", "content_filter"):
            return False
        return kind is None or REMEDIES[kind] is not Remedy.STOP


def _cases() -> list[Case]:
    return [
        Case(truth, sent)
        for truth in FAULTS.values()
        if not truth.address
        for sent in ((0, 9) if truth.position is Position.CHUNK else (0,))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["c2c", "group"])
def test_every_fault_of_the_catalogue_ends_in_one_answer_or_one_clear_end(
    where: str, tmp_path: Path
) -> None:
    async def scene() -> None:
        cases = {f"r{number}": case for number, case in enumerate(_cases())}
        targets = {name: [case.model, "ok"] for name, case in cases.items()}
        async with SimulatedQQ() as qq, on_qq(tmp_path, targets, qq) as home:
            gate = asyncio.Semaphore(12)
            problems: list[str] = []

            async def check(name: str, case: Case) -> None:
                person = qq.person("Anna")
                chat = person if where == "c2c" else qq.group()
                lane = f"helper:qq:{where}:{chat.id}"
                change = home.services.conversations.change
                await asyncio.to_thread(change, lane, {"route": name, "language": "en"})
                if isinstance(chat, Person):
                    chat.says(QUESTION)
                else:
                    chat.says(person, QUESTION)
                try:
                    await until(lambda: over(chat), 45)
                except TimeoutError:
                    problems.append(f"{case.model}: no end: {chat.reads}")
                    return
                reads = [text.replace("．", ".") for text in chat.reads]  # QQ's rule of addresses
                if reads != [whole()] and not _clear_end(reads, case):
                    problems.append(f"{case.model}: {reads}")

            async def bounded(name: str, case: Case) -> None:
                async with gate:
                    await check(name, case)

            await asyncio.gather(*(bounded(name, case) for name, case in cases.items()))
            assert not problems, "\n".join(problems)
            assert qq.complaints == []

    play(scene, 280)


def _clear_end(reads: Sequence[str], case: Case) -> bool:
    """One message: what was read of the answer, and one sentence of ours."""
    if len(reads) != 1 or case.survivable or RAW.search(reads[0]):
        return False
    text = reads[0]
    said, _, sentence = text.rpartition("\n\n")
    # After a cut tool call the model is asked to mend it, and says its text once more.
    steps = [whole(), f"{whole()}\n\n{whole()}"]
    return any(step.startswith(said.strip()) for step in steps) and _ours(sentence)


def _ours(sentence: str) -> bool:
    known = [pair[0].partition("{")[0].strip() for pair in texts.TEXTS.values()]
    return "(ref " in sentence or any(start and sentence.startswith(start) for start in known)


@pytest.mark.parametrize(
    ("what", "where", "done"),
    [
        (Cut(), "stream_messages", False),
        (Cut(), "stream_messages", True),
        (Cut(reset=True), "stream_messages", True),
        (Refuse(50001, 500), "stream_messages", False),
        (Refuse(50002, 429), "stream_messages", False),
        (Refuse(40007), "stream_messages", False),
        (Refuse(40034105), "stream_messages", False),
        (Page(502), "stream_messages", False),
        (Page(504), "stream_messages", True),
        (Garbage(), "stream_messages", True),
    ],
    ids=str,
)
@pytest.mark.parametrize("after", [0, 2])
def test_a_platform_that_fails_in_mid_delivery(
    what: What, where: str, done: bool, after: int, tmp_path: Path
) -> None:
    """`after` frames it fails once: the text is there once, or a repetition says so."""

    async def scene() -> None:
        targets = {"main": ["ok;pace=0.01"]}
        async with SimulatedQQ() as qq, on_qq(tmp_path, targets, qq) as home:
            anna = qq.person("Anna")

            def frames() -> int:
                return sum("stream_messages" in asked.path for asked in qq.asked)

            if after:
                anna.says(QUESTION)
                await until(lambda: frames() >= after)
                qq.fail(what, where, done=done)
            else:
                qq.fail(what, where, done=done)
                anna.says(QUESTION)
            await until(lambda: over(anna) or (home.bots.outbox.idle and bool(anna.shown)), 40)
            await until(lambda: home.bots.outbox.idle)
            mark = texts.TEXTS["again"][0]
            marked = [text for text in anna.reads if mark in text]
            told = [text for text in anna.reads if text not in marked]
            if marked:
                (again,) = marked
                assert again.removeprefix(mark).strip() in whole()
                assert whole().endswith(again.removeprefix(mark).strip())
            else:
                squeezed = re.sub(r"\s", "", "".join(told))
                assert squeezed == re.sub(r"\s", "", whole())
            assert len(anna.shown) <= 4

    play(scene)
