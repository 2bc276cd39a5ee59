"""What a person says while an answer is under way, where a bot answers it together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bot.house import House, house, play, until

pytestmark = pytest.mark.scenario

PACED = {"main": ["ok;pace=0.01;text=short"]}


async def said_meanwhile(home: House, *words: str, **given: Any) -> list[str]:
    """What the models were asked once all of it is answered; the first answer is under way."""
    first = home.phone.message("first", **given)
    rest = [home.phone.message(word, **given) for word in words]
    with home.pulse.held(after=1):
        await home.phone.event(first)
        await until(lambda: home.asked)
        for one in rest:
            await home.phone.event(one)
    for one in (first, *rest):
        await home.end_of(one)
    return [body["messages"][-1]["content"] for body in home.asked]


@pytest.mark.parametrize("command", ["/new", "新对话", "重试", "／continue"])
def test_a_command_is_obeyed_and_what_comes_after_it_is_answered_after_it(
    command: str, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="merge") as home:
            asked = await said_meanwhile(home, "second", "third", command, "fourth")
            assert asked[:2] == ["first", "second\n\nthird"]
            assert asked[-1] == "fourth"
            assert not any(command in words for words in asked)

    play(scene)


def test_a_message_that_answers_another_is_not_robbed_of_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="merge") as home:
            second = home.phone.message("second")
            third = home.phone.message("is it so?", quote="the earth is flat")
            with home.pulse.held(after=1):
                await home.phone.says("first")
                await until(lambda: home.asked)
                for one in (second, third):
                    await home.phone.event(one)
            await home.end_of(third)
            assert "flat" in home.asked[-1]["messages"][-1]["content"]

    play(scene)


def test_the_word_that_calls_the_bot_is_no_part_of_what_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, PACED, when_busy="merge", wake=["bot"]) as home:
            asked = await said_meanwhile(home, "bot, second", "Bot: third", where="group1")
            assert asked == ["first", "second\n\nthird"]

    play(scene)
