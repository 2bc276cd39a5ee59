"""What could not be said in time is said when the person writes again, once."""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import pictures
from tests.bot.house import UNASKED, House, house, play, until
from tests.bot.people import C2C, GROUP

from holdfast.agent.codec import write_event
from holdfast.agent.events import Noted, Said
from holdfast.agent.media import Media
from holdfast.agent.tools import AgentTool, tool
from holdfast.bot.event import Inbound, Notice, NoticeKind
from holdfast.bot.memory import FIRST, PAYS
from holdfast.bot.owed import parted
from holdfast.bot.texts import TEXTS
from holdfast.sim.script import expected, parse

pytestmark = pytest.mark.scenario

QUESTION = "tool:gate please"
FIRST_EN, END, MORE, DUE = (TEXTS[key][0] for key in ("owed", "owed_end", "owed_more", "due"))


def whole(question: str) -> str:
    return expected({"messages": [{"role": "user", "content": question}]}, parse("ok").habits)


def bare(*texts: str) -> str:
    return re.sub(r"\s+", "", "".join(texts))


class Gate:
    """A tool that holds the answer back until it is opened."""

    def __init__(self, brings: object = "open") -> None:
        self.open = asyncio.Event()
        self.brings = brings

    def tools(self) -> list[AgentTool]:
        @tool(pure=True)
        async def gate() -> object:
            """Waits."""
            await self.open.wait()
            return self.brings

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


@pytest.mark.parametrize("how", ["when they write", "on request", "unasked"])
def test_a_picture_that_came_too_late_comes_with_the_rest(tmp_path: Path, how: str) -> None:
    async def scene() -> None:
        gate = Gate(Media(pictures.png(), "a.png"))
        can = replace(C2C, proactive=how == "unasked")
        async with opened(tmp_path, gate, direct=can, proactive=how == "unasked") as home:
            await late(home, gate)
            if how == "unasked":
                chat = f"sim:anna {UNASKED}"
                await until(lambda: "<a.png>" in home.phone.reads(chat))
                assert bare(home.phone.reads(chat)[0]) == bare(DUE, whole(QUESTION))
                assert home.phone.reads(chat)[1:] == ["<a.png>"]
            elif how == "on request":
                read = await home.ask("/continue")
                assert bare(*read).startswith(bare(whole(QUESTION), "(a.png could not be sent"))
            else:
                read = await home.ask("and now?")
                assert bare(read[0]) == bare(FIRST_EN, whole(QUESTION), END)
                assert read[1:] == ["<a.png>", whole("and now?")]
            assert await home.ask("again?") == [whole("again?")]

    play(scene)


def test_a_picture_that_was_refused_because_it_came_too_late_comes_with_the_rest(
    tmp_path: Path,
) -> None:
    """As after a restart: the window has closed, and the platform is the one that says so."""

    async def scene() -> None:
        gate = Gate(Media(pictures.png(), "a.png"))
        gate.open.set()
        async with opened(tmp_path, gate) as home:
            home.phone.faults = ["expired"] * 3
            inbound = home.phone.message(QUESTION)
            inbound = replace(inbound, at=inbound.at - 2 * 3600)
            assert await home.phone.event(inbound)
            await until(lambda: len(home.phone.faults) <= 1 and home.bots.outbox.idle)
            home.phone.faults = []
            read = await home.ask("and now?")
            assert bare(read[0]) == bare(FIRST_EN, whole(QUESTION), END)
            assert read[1:] == ["<a.png>", whole("and now?")]
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


# Where messages that answer none may be sent.

MAY = {"direct": replace(C2C, proactive=True), "group": replace(GROUP, proactive=True)}
DUE = TEXTS["due"][0]


async def settled(home: House, asked: Inbound) -> None:
    """Until what may be told unasked is told, or is not."""
    await until(lambda: home.turns.find(f"helper:{asked.id}#due"))
    due = replace(asked, id=f"{asked.id}#due")
    await home.end_of(due)
    await until(lambda: home.bots.outbox.idle)


def unasked(home: House, asked: Inbound) -> list[str]:
    return home.phone.reads(f"{asked.place.conversation} {UNASKED}")


def switch(kind: NoticeKind, asked: Inbound, at: str) -> Notice:
    return Notice("helper", "sim", at, kind, asked.place, asked.at)


@pytest.mark.parametrize("where", ["", "group"])
def test_where_it_may_be_told_unasked_it_is_and_once(tmp_path: Path, where: str) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate, **MAY) as home:
            asked = await late(home, gate, where=where)
            await settled(home, asked)
            assert bare(*unasked(home, asked)) == bare(DUE, whole(QUESTION))
            assert await home.ask("and now?", where=where) == [whole("and now?")]
            assert len(unasked(home, asked)) == 1

    play(scene)


def test_much_of_it_comes_in_messages_that_fit(tmp_path: Path) -> None:
    async def scene() -> None:
        gate, small = Gate(), replace(C2C, max_chars=400, frame_chars=400, proactive=True)
        async with opened(tmp_path, gate, direct=small) as home:
            asked = await late(home, gate)
            await settled(home, asked)
            assert len(unasked(home, asked)) > 1
            assert bare(*unasked(home, asked)) == bare(DUE, whole(QUESTION))

    play(scene)


def test_who_forbids_such_messages_is_told_when_they_write(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate, **MAY) as home:
            no = switch(NoticeKind.CLOSED, home.phone.message("x"), "e1")
            assert await home.phone.event(no)
            asked = await late(home, gate)
            await settled(home, asked)
            assert unasked(home, asked) == []
            read = await home.ask("and now?")
            assert bare(*read) == bare(FIRST_EN, whole(QUESTION), END, whole("and now?"))
            gate.open.clear()
            assert await home.phone.event(switch(NoticeKind.OPENED, asked, "e2"))
            again = await late(home, gate)
            await settled(home, again)
            assert bare(*unasked(home, again)) == bare(DUE, whole(QUESTION))

    play(scene)


def test_what_the_platform_refuses_stays_owed(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate, **MAY) as home:
            home.phone.unasked_faults = ["rejected"]
            asked = await late(home, gate)
            await settled(home, asked)
            assert unasked(home, asked) == []
            read = await home.ask("and now?")
            assert bare(*read) == bare(FIRST_EN, whole(QUESTION), END, whole("and now?"))
            assert await home.ask("again?") == [whole("again?")]

    play(scene)


def test_what_the_platform_refuses_in_the_middle_is_told_from_there(tmp_path: Path) -> None:
    async def scene() -> None:
        gate, small = Gate(), replace(C2C, max_chars=400, frame_chars=400, proactive=True)
        async with opened(tmp_path, gate, direct=small) as home:
            home.phone.unasked_faults = ["ok", "rejected"]
            asked = await late(home, gate)
            await settled(home, asked)
            (first,) = unasked(home, asked)
            read = await home.ask("text:short and now?")
            assert read[0].startswith(FIRST_EN)
            told = bare(first, *read).replace(bare(FIRST_EN), "")
            assert bare(DUE, whole(QUESTION)).startswith(told.partition(bare(MORE))[0])

    play(scene)


def test_in_quiet_hours_nothing_is_told_unasked(tmp_path: Path) -> None:
    async def scene() -> None:
        gate, now = Gate(), ["22:59"]
        hours = {"quiet": "23:00-07:00", "hour": lambda: now[0]}
        async with opened(tmp_path, gate, **MAY, **hours) as home:
            asked = home.phone.message(QUESTION)
            asked = replace(asked, at=asked.at - 3600 + 1)
            assert await home.phone.event(asked)
            await until(lambda: home.phone.done(home.phone.chat_of(asked)))
            now[0] = "23:00"
            gate.open.set()
            await settled(home, asked)
            assert unasked(home, asked) == []
            now[0] = "07:00"
            assert (await home.ask("and now?"))[0].startswith(FIRST_EN)

    play(scene)


def test_who_writes_first_is_told_then_and_not_unasked(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with opened(tmp_path, gate, **MAY) as home:
            asked = home.phone.message(QUESTION)
            asked = replace(asked, at=asked.at - 3600 + 1)
            assert await home.phone.event(asked)
            more = home.phone.message("and now?")
            assert await home.phone.event(more)
            await until(lambda: home.phone.done(home.phone.chat_of(asked)))
            gate.open.set()
            read = await home.answer_to(more)
            assert bare(*read) == bare(FIRST_EN, whole(QUESTION), END, whole("and now?"))
            await settled(home, asked)
            assert unasked(home, asked) == []

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


def test_what_could_not_be_told_twice_is_introduced_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, direct=GROUP) as home:
            for question in ("one", "two"):
                home.phone.faults = ["rejected"]
                assert await home.ask(question) == []
            read = "".join(await home.ask("text:short three"))
            assert read.count(FIRST_EN) == 1
            assert bare(read).count(bare(whole("one"))) == 2
            assert bare(read).endswith(bare(whole("text:short three")))

    play(scene)
