"""Every fault of the catalogue behind every door: what the person has read in the end.

One whole answer once, or one clear end: no silence, nothing twice, no machine's words, no secret.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from tests.scenarios.cases import WELL
from tests.scenarios.doors import DOORS, SECRET, Building, Chat, OnQQ, Tab, building
from tests.scenarios.house import PATIENT, run

from holdfast.bot import texts
from holdfast.core.failure import REMEDIES, Kind, Remedy
from holdfast.platforms.qq.codec.words import plain
from holdfast.sim.catalogue import FAULTS, Position, Truth
from holdfast.sim.qq.people import GuildChat
from holdfast.sim.qq.simulator import APP_SECRET
from holdfast.sim.script import expected, parse
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

QUESTIONS = ("Tell me about text:demo please", "请讲一讲 text:demo 好吗")
RAW = re.compile(r"Traceback|Error code|upstream_error|\{\"|sk-|https?://|errno", re.IGNORECASE)
HASTY = dict.fromkeys(PATIENT, 4)  # seconds, for a target whose fault is silence
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Case:
    """A fault after `sent` pieces of the answer; `alone`: there is no other target."""

    truth: Truth
    sent: int
    alone: bool
    number: int

    @property
    def route(self) -> str:
        return f"r{self.number}"

    @property
    def model(self) -> str:
        """A fault that strikes in the middle does so after `sent` pieces."""
        if self.truth.address:
            return WELL
        chunks = self.truth.position is Position.CHUNK
        how = f"@{self.sent}" if chunks else ";late=0.02"
        return WELL.replace("ok", f"{self.truth.name}{how}")

    @property
    def targets(self) -> list[str]:
        failing = f"{self.route}/{self.model}"
        return [failing] if self.alone else [failing, f"good/{WELL}"]

    @property
    def deadline(self) -> float:
        """Seconds. One target that fails is asked again and again until then."""
        return 4.0 if self.alone and self.truth.kind else 240.0

    @property
    def question(self) -> str:
        return QUESTIONS[self.number % 2]

    @property
    def answer(self) -> str:
        body = {"messages": [{"role": "user", "content": self.question}]}
        return expected(body, parse(WELL).habits)

    @property
    def must_be_whole(self) -> bool:
        """A limit of the model's own, a refusal and a cut tool call have an end of their own."""
        kind = self.truth.kind
        if kind is Kind.TOOL_ARGUMENTS or self.truth.finish in ("length", "content_filter"):
            return False
        return kind is None or not (self.alone or REMEDIES[kind] is Remedy.STOP)

    def __str__(self) -> str:
        return f"{self.truth.name}@{self.sent}{' alone' if self.alone else ''}"


def cases(more: bool) -> list[Case]:
    """Before output and during it, with another target to turn to; with `more` those that strike
    in mid-answer without one as well, and what is odd but no fault.
    """
    places = [
        (truth, sent, left)
        for truth in FAULTS.values()
        if more or not truth.healthy
        for sent in ((0, 9) if truth.position is Position.CHUNK else (0,))
        for left in ((False, True) if more and sent else (False,))
    ]
    return [Case(*place, number) for number, place in enumerate(places)]


def layout(
    made: Sequence[Case], sim: SimulatedUpstream, sim_tls: SimulatedUpstream
) -> Mapping[str, Any]:
    """Every failing target is at a provider of its own, so that none suffers for another."""
    known = {"timeouts": PATIENT, "api_keys": [SECRET]}
    failing = {
        case.route: {
            "base_url": (sim_tls if case.truth.name == "tls_untrusted" else sim).address_for(
                case.truth.name
            ),
            **known,
            "timeouts": HASTY if case.truth.kind is Kind.TIMEOUT else PATIENT,
        }
        for case in made
    }
    return {
        "providers": {"good": {"base_url": sim.base_url, **known}, **failing},
        "routes": {
            case.route: {"targets": case.targets, "deadline": case.deadline} for case in made
        },
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("door", "more"), [("c2c", True), ("group", False), ("webhook", False), ("web chat", False)]
)
def test_one_whole_answer_or_one_clear_end(door: str, more: bool) -> None:
    play([(door, case) for case in cases(more)])


def test_what_is_odd_and_healthy_is_one_whole_answer_behind_every_door() -> None:
    healthy = [truth for truth in FAULTS.values() if truth.healthy]
    made = [Case(truth, 0, alone=True, number=number) for number, truth in enumerate(healthy)]
    play([(door, case) for case in made for door in DOORS])


def play(made: Sequence[tuple[str, Case]]) -> None:
    async def scene() -> None:
        async with building(partial(layout, [case for _, case in made])) as there:
            gate = asyncio.Semaphore(AT_ONCE)

            async def bounded(door: str, case: Case) -> str:
                async with gate:
                    return await told(there, door, case)

            problems = await asyncio.gather(*(bounded(*each) for each in made))
            assert not any(problems), "\n".join(filter(None, problems))
            assert [qq.complaints for qq in there.qq.values()] == [[], []]

    run(scene())


async def told(there: Building, door: str, case: Case) -> str:
    """What is wrong with what the person read; "" if nothing is."""
    chat = there.chat(door)
    there.choose(chat, case.route)
    turn = await chat.says(case.question)
    try:
        await there.over(chat, turn)
    except TimeoutError:
        return f"{door}: {case}: no end: {chat.reads}"
    finally:
        if isinstance(chat, Tab):
            await chat.aclose()
    return f"{door}: {case}: {chat.reads}" if wrong(chat, case) else ""


def wrong(chat: Chat, case: Case) -> bool:
    everything = "\n".join([*chat.reads, *notes(chat)])
    if RAW.search(everything) or SECRET in everything or APP_SECRET in everything:
        return True
    if isinstance(chat, OnQQ) and chat.chat.generating:
        return True
    reads = [text.replace("．", ".") for text in chat.reads]  # QQ's rule of addresses
    if reads == [shown(chat, case.answer)]:
        return False
    return case.must_be_whole or not clear_end(reads, chat, case)


def notes(chat: Chat) -> Iterator[str]:
    if isinstance(chat, Tab):
        for turn in chat.turns.values():
            yield from turn.notes


def shown(chat: Chat, text: str) -> str:
    """As it stands there: guilds know no Markdown."""
    in_guild = isinstance(chat, OnQQ) and isinstance(chat.chat, GuildChat)
    return plain(text) if in_guild else text


def clear_end(reads: Sequence[str], chat: Chat, case: Case) -> bool:
    """One message: what was read of the answer, and one sentence of ours."""
    if len(reads) != 1:
        return False
    said, _, sentence = reads[0].rpartition("\n\n")
    whole = shown(chat, case.answer)
    told = whole.startswith(said.strip())
    if case.truth.kind is Kind.TOOL_ARGUMENTS:
        # The model was asked to mend its call, and spoke once more: in words of its own.
        first, *more = said.split("\n\n")
        told = whole.startswith(first) and all(piece in whole for piece in more)
    return told and ours(sentence)


def ours(sentence: str) -> bool:
    """Whether it is one of the sentences that people are told, with a reference or without."""
    known = [text.partition("{")[0].strip() for pair in texts.TEXTS.values() for text in pair]
    return bool(re.search(r"\(ref |（编号 ", sentence)) or any(
        start and sentence.startswith(start) for start in known
    )
