"""What could not be said in time is said when the person writes again, once."""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bot.house import House, house, play, until
from tests.bot.people import C2C, GROUP

from holdfast.agent.codec import write_event
from holdfast.agent.events import Noted, Said
from holdfast.agent.tools import AgentTool, tool
from holdfast.bot.event import Inbound
from holdfast.bot.memory import FIRST, PAYS
from holdfast.bot.owed import parted
from holdfast.bot.texts import TEXTS
from holdfast.sim.script import expected, parse

pytestmark = pytest.mark.scenario

QUESTION = "tool:gate please"
FIRST_EN, END, MORE = (TEXTS[key][0] for key in ("owed", "owed_end", "owed_more"))


def whole(question: str) -> str:
    return expected({"messages": [{"role": "user", "content": question}]}, parse("ok").habits)


def bare(*texts: str) -> str:
    return re.sub(r"\s+", "", "".join(texts))


class Gate:
    """A tool that holds the answer back until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    def tools(self) -> list[AgentTool]:
        @tool(pure=True)
        async def gate() -> str:
            """Waits."""
            await self.open.wait()
            return "open"

        return [gate]


def opened(tmp_path: Path, gate: Gate, **given: Any) -> AbstractAsyncContextManager[House]:
    return house(tmp_path, offered=gate.tools(), tools=["gate"], **given)


async def late(home: House, gate: Gate, question: str = QUESTION, **given: Any) -> Inbound:
    """A question whose window for replies is over before it is answered."""
    can = home.phone.capabilities(home.phone.message("x", **given).place)
    assert can.window
    inbound = home.phone.message(question, **given)
    inbound = replace(inbound, at=inbound.at - can.window + 1)
    assert await home.phone.event(inbound)
    chat = home.phone.chat_of(inbound)
    await until(lambda: home.phone.done(chat))
    gate.open.set()
    (told,) = await home.answer_to(inbound)
    assert "allows no further reply" in told
    return inbound


def test_it_comes_before_the_answer_to_the_next_message(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate) as home:
            await late(home, gate)
            read = await home.ask("and now?")
            assert bare(*read) == bare(FIRST_EN, whole(QUESTION), END, whole("and now?"))
            assert await home.ask("again?") == [whole("again?")]

    play(scene)


def test_continue_brings_it_as_well_and_it_comes_once(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate) as home:
            await late(home, gate)
            assert bare(*await home.ask("/continue")) == bare(whole(QUESTION))
            assert await home.ask("and now?") == [whole("and now?")]

    play(scene)


@pytest.mark.parametrize("command", ["/new", "/retry"])
def test_who_begins_anew_is_spared_it(tmp_path: Path, command: str) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate) as home:
            await late(home, gate)
            await home.ask(command)
            assert await home.ask("and now?") == [whole("and now?")]

    play(scene)


def test_much_of_it_comes_in_parts_and_every_message_is_answered(tmp_path: Path) -> None:
    async def scene() -> None:
        gate, small = Gate(), replace(C2C, max_chars=400, frame_chars=400)
        async with opened(tmp_path, gate, direct=small) as home:
            await late(home, gate)
            told: list[str] = []
            for number in range(9):
                question = f"text:short and now {number}?"
                read, answer = bare(*await home.ask(question)), bare(whole(question))
                assert read.endswith(answer)
                if read == answer:
                    break
                part = read.removeprefix(bare(FIRST_EN)).removesuffix(answer)
                told.append(part.removesuffix(bare(MORE)).removesuffix(bare(END)))
            assert len(told) > 1
            assert re.sub(r"\W+", "", "".join(told)) == re.sub(r"\W+", "", whole(QUESTION))

    play(scene)


def test_in_a_group_it_comes_to_whom_it_was_meant_for(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate, group=GROUP) as home:
            await late(home, gate, where="group", who="anna", name="Anna")
            assert not any(
                FIRST_EN in text for text in await home.ask("hi", where="group", who="ben")
            )
            read = await home.ask("and now?", where="group", who="anna")
            assert read[0].startswith(FIRST_EN)

    play(scene)


def test_a_life_that_died_between_both_answers_all_the_same(tmp_path: Path) -> None:
    """What was owed is in the journal already; the message itself is not answered yet."""

    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate) as home:
            await late(home, gate)
            handler = home.bots.handler
            paid = handler._pay

            async def dies(visit: Any, journal: Any, past: Any) -> None:
                await paid(visit, journal, past)
                if not past:
                    await journal.settle()
                    raise ConnectionAbortedError("killed here")

            handler._pay = dies  # type: ignore[method-assign]
            read = "\n\n".join(await home.ask("and now?"))
            assert read.count(FIRST_EN) == 1
            assert bare(read).endswith(bare(whole("and now?")))

    play(scene)


def test_a_note_without_its_words_is_followed_by_them(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate) as home:
            await late(home, gate)
            handler = home.bots.handler
            paid = handler._pay

            async def dies(visit: Any, journal: Any, past: Any) -> None:
                if not past:
                    journal.add(write_event(Noted(PAYS, {FIRST: True})))
                    await journal.settle()
                    raise ConnectionAbortedError("killed here")
                assert not any(isinstance(event, Said) for event in past)
                await paid(visit, journal, past)

            handler._pay = dies  # type: ignore[method-assign]
            read = "\n\n".join(await home.ask("and now?"))
            assert read.count(FIRST_EN) == 1

    play(scene)


def test_a_block_of_code_is_closed_and_opened_again() -> None:
    text = "Look:\n```py\n" + "\n".join(f"line_{n} = {n}" for n in range(40)) + "\n```\nDone."
    now, left = parted(text, 200)
    assert now.endswith("\n```")
    assert left.startswith("```py\nline_")
    assert re.sub(r"\W+", "", now.removesuffix("\n```") + left.removeprefix("```py")) == re.sub(
        r"\W+", "", text
    )
    assert parted("short", 200) == ("short", "")
    assert parted(text, None) == (text, "")
