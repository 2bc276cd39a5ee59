"""What a person says next stops an answer; it undoes no command, and takes no words away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bot.house import House, house, play, until

from holdfast.bot import texts
from holdfast.bot.pipeline import Middleware, Onward, Result, Visit
from holdfast.bot.service import Extras
from holdfast.engine.ports import Turn

pytestmark = pytest.mark.scenario

TARGETS = {"main": ["ok;text=short"], "alt": ["ok;text=short"]}
PACED = {"main": ["ok;pace=0.01;text=short"]}


class Porch:
    """Where a message waits on its way in."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def run(self, visit: Visit, onward: Onward) -> Result:
        if visit.text == self._word:
            self.reached.set()
            await self.open.wait()
        return await onward(visit)


@asynccontextmanager
async def porch(folder: Path, word: str) -> AsyncIterator[tuple[House, Porch]]:
    on_the_way = Porch(word)
    extras = Extras(middlewares=[Middleware("porch", on_the_way.run)])
    async with house(folder, TARGETS, when_busy="interrupt", extras=extras) as home:
        yield home, on_the_way


async def interrupted(home: House, on_the_way: Porch, word: str, then: str) -> list[str]:
    """What is read in answer to `word`, while which was on its way in `then` was said."""
    first, second = home.phone.message(word), home.phone.message(then)
    await home.phone.event(first)
    await on_the_way.reached.wait()
    await home.phone.event(second)
    on_the_way.open.set()
    read = await home.answer_to(first)
    await home.answer_to(second)
    return read


@pytest.mark.parametrize(
    ("command", "told", "given"),
    [
        ("/model alt", "model_set", {"route": "alt"}),
        ("/new", "new", {}),
        ("/persona a cat", "persona_set", {}),
        ("/why", "why_none", {}),
    ],
)
def test_a_command_is_obeyed_and_told_whatever_is_said_after_it(
    command: str, told: str, given: dict[str, str], tmp_path: Path
) -> None:
    async def scene() -> None:
        async with porch(tmp_path, command) as (home, on_the_way):
            await home.ask("before")
            read = await interrupted(home, on_the_way, command, "after")
            assert read == [texts.say(told, "en", **given)]
            words = [message["content"] for message in home.asked[-1]["messages"]]
            assert words[-1] == "after"
            assert ("before" in words) is (command != "/new")

    play(scene)


@pytest.mark.parametrize("words", ["in the morning", "/new in the morning"])
def test_words_that_were_not_asked_yet_are_heard_with_those_that_follow(
    words: str, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with porch(tmp_path, words) as (home, on_the_way):
            assert await interrupted(home, on_the_way, words, "where?") == []
            (body,) = home.asked
            said = [message["content"] for message in body["messages"]]
            assert said[-1].endswith("where?")
            assert "in the morning" in "\n".join(said)

    play(scene)


def test_a_stop_ends_what_is_still_on_its_way_in(tmp_path: Path) -> None:
    async def scene() -> None:
        async with porch(tmp_path, "hello") as (home, on_the_way):
            assert await interrupted(home, on_the_way, "hello", "/stop") == []
            assert home.asked == []

    play(scene)


def test_what_was_said_before_the_question_does_not_stop_its_answer(tmp_path: Path) -> None:
    """A platform delivers an old message again, and a new process has forgotten its name."""

    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="interrupt") as home:
            old, first = home.phone.message("old"), home.phone.message("hello")
            await home.phone.event(old)
            await home.answer_to(old)
            home.bots.bus._seen.clear()
            with home.pulse.held(after=3):
                await home.phone.event(first)
                await until(lambda: len(home.asked) == 2)
                assert not await home.phone.event(replace(old))
            assert "Stopped" not in "".join(await home.answer_to(first))

    play(scene)


def test_only_the_answer_that_one_waits_for_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has ended just now, and the lane is at another person's question."""

    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="interrupt") as home:
            first = home.phone.message("hello", where="group")
            other = home.phone.message("hi", who="ben", where="group")
            running = home.engine.running

            async def found_late(lane: str) -> Turn | None:
                found = await running(lane)
                monkeypatch.undo()
                await home.engine.stop(lane)
                await home.end_of(first)
                await home.phone.event(other)
                await until(lambda: len(home.asked) == 2)
                return found

            with home.pulse.held(after=3):
                await home.phone.event(first)
                await until(lambda: len(home.asked) == 1)
                monkeypatch.setattr(home.engine, "running", found_late)
                await home.phone.event(home.phone.message("and", where="group"))
            read = await home.answer_to(other)
            assert read
            assert "Stopped" not in "".join(read)

    play(scene)
