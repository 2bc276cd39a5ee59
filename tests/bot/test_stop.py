"""Whoever is answered may stop it, whatever else they may not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests import pictures
from tests.bot.house import house, play, until

from holdfast.agent.abilities import Abilities
from holdfast.agent.tools import tool
from holdfast.bot.event import Attachment
from holdfast.engine.local import Limits

pytestmark = pytest.mark.scenario

PACED = {"main": ["ok;pace=0.01"]}
ONCE = {"person": 1, "seconds": 3600}
STOPPED = ("I have stopped.", "好的，已停止。")
WORDS = (
    "/stop",
    "／STOP",
    "/停止",
    "/停",
    "stop",
    "Stop!",
    "停止",
    "停。",
    "bot, stop",
    "小助手，停",
)


@pytest.mark.parametrize("word", WORDS)
def test_who_has_said_too_much_may_stop_the_answer(word: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, rate=ONCE, wake=["bot", "小助手"]) as home:
            with home.pulse.held(after=3):
                first = home.phone.message("hello")
                assert await home.phone.event(first)
                await until(lambda: home.asked)
                assert (await home.ask(word))[0] in STOPPED
                await home.answer_to(first)
            assert "many messages" in (await home.ask("and more"))[0]
            assert "many messages" in (await home.ask("/status"))[0]

    play(scene)


@pytest.mark.parametrize("limits", [Limits(waiting=1), Limits(running=1)])
def test_a_node_that_is_full_takes_a_stop_and_carries_it_out(
    tmp_path: Path, limits: Limits
) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, limits=limits) as home:
            with home.pulse.held(after=3):
                first = home.phone.message("hello")
                assert await home.phone.event(first)
                await until(lambda: home.asked)
                assert (await home.ask("/stop"))[0] in STOPPED
                await home.answer_to(first)

    play(scene)


@pytest.mark.parametrize("where", ["", "group"])
def test_an_answer_may_be_stopped_after_quiet_time_has_begun(where: str, tmp_path: Path) -> None:
    async def scene() -> None:
        now = ["22:59"]
        async with house(tmp_path, PACED, quiet="23:00-07:00", hour=lambda: now[0]) as home:
            with home.pulse.held(after=3):
                first = home.phone.message("hello", where=where)
                assert await home.phone.event(first)
                await until(lambda: home.asked)
                now[0] = "23:00"
                assert (await home.ask("/stop", where=where))[0] in STOPPED
                await home.answer_to(first)
            told = await home.ask("/help", where=where)
            assert told == [] if where else "until 07:00" in told[0]

    play(scene)


def test_a_stranger_may_not_stop_what_is_written_to_others(tmp_path: Path) -> None:
    async def scene() -> None:
        access = {"direct": "allow", "group": "allow", "allow": ["anna"]}
        async with house(tmp_path, PACED, access=access) as home:
            with home.pulse.held(after=3):
                first = home.phone.message("hello", where="group")
                assert await home.phone.event(first)
                await until(lambda: home.asked)
                assert await home.ask("/stop", where="group", who="mallory") == []
                assert "may not talk" in (await home.ask("/stop", who="mallory"))[0]
                running = await home.engine.running("helper:sim:group")
                assert running is not None
                assert running.id == f"helper:{first.id}"
            assert "Stopped" not in "".join(await home.answer_to(first))

    play(scene)


def test_a_command_behind_the_bots_name_interrupts_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="interrupt", wake=["bot"]) as home:
            with home.pulse.held(after=3):
                first = home.phone.message("hello")
                assert await home.phone.event(first)
                await until(lambda: home.asked)
                await home.ask("bot, /status")
                assert await home.engine.running("helper:sim:anna") is not None
            assert "Stopped" not in "".join(await home.answer_to(first))

    play(scene)


class Shelf:
    """Files that come when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        self.asked += 1
        await self.may.wait()
        return pictures.png()


@pytest.mark.parametrize("when_busy", ["queue", "merge", "interrupt"])
def test_a_stop_does_not_wait_for_files(when_busy: str, tmp_path: Path) -> None:
    """The words are remembered all the same."""

    async def scene() -> None:
        shelf = Shelf()
        async with house(tmp_path, fetch=shelf.fetch, when_busy=when_busy) as home:
            files = [Attachment("image", "a"), *[Attachment("file", "b", "b.txt")] * 8]
            first = home.phone.message("look", attachments=files)
            assert await home.phone.event(first)
            await until(lambda: shelf.asked)
            assert (await home.ask("/stop"))[0] in STOPPED
            await home.answer_to(first)
            assert home.asked == []
            await home.ask("and?")
            assert "look" in home.asked[-1]["messages"][0]["content"]

    play(scene)


def test_what_is_said_after_a_picture_does_not_undo_it(tmp_path: Path) -> None:
    """People send a picture, and then ask about it."""

    async def scene() -> None:
        shelf = Shelf()
        able = Abilities(vision=True)
        async with house(
            tmp_path, fetch=shelf.fetch, when_busy="interrupt", abilities=able
        ) as home:
            first = home.phone.message("look", attachments=[Attachment("image", "a")])
            second = home.phone.message("what is it?")
            assert await home.phone.event(first)
            await until(lambda: shelf.asked)
            assert await home.phone.event(second)
            shelf.may.set()
            assert await home.answer_to(second)
            assert "image_url" in str(home.asked[-1]["messages"])

    play(scene)


def test_what_was_stopped_in_a_tool_is_gone_on_with_and_not_done_again(tmp_path: Path) -> None:
    async def scene() -> None:
        begun, ran = asyncio.Event(), []

        @tool()
        async def pay() -> str:
            """Pays."""
            ran.append(1)
            begun.set()
            await asyncio.Event().wait()
            return "paid"

        async with house(tmp_path, offered=[pay], tools=["pay"]) as home:
            first = home.phone.message("tool:pay please")
            assert await home.phone.event(first)
            await begun.wait()
            assert (await home.ask("/stop"))[0] in STOPPED
            await home.answer_to(first)
            assert await home.ask("/continue")
            told = [message["role"] for message in home.asked[-1]["messages"]]
            assert told == ["user", "assistant", "tool", "user"]
            assert ran == [1]

    play(scene)
