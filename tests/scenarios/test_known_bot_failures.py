"""What was measured on another bot server (reference peers-astrbot.md), and what comes of it here.

Every test is named for the failure; the model is simulated on a real socket.
"""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import pytest
from tests.bot.house import House, house, play, until
from tests.bot.people import GROUP
from tests.scenarios.test_bot_on_qq import RAW, on_qq, over, whole

from holdfast.agent.tools import tool
from holdfast.bot.event import Frame
from holdfast.sim.qq.faults import Refuse
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario

QUESTION = "Tell me about text:demo please"


def test_a_cut_answer_and_another_targets_are_not_glued(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": ["reset@8", "ok"]}) as home:
            assert await home.ask(QUESTION) == [whole()]

    play(scene)


def test_an_error_is_not_glued_into_the_answer(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": ["reset@8"]}) as home:
            (text,) = await home.ask(QUESTION)
            said, _, sentence = text.partition("\n\nThe answer broke off here")
            assert whole().startswith(said)
            assert sentence
            assert not RAW.search(text)

    play(scene)


@pytest.mark.parametrize("word", ["length@6", "content_filter@6"])
def test_a_length_limit_is_no_endless_loop(word: str, tmp_path: Path) -> None:
    """31 and 129 requests were measured there."""

    async def scene() -> None:
        async with house(tmp_path, {"main": [word]}) as home:
            (text,) = await home.ask(QUESTION)
            assert len(home.asked) <= 4
            assert len(re.findall("This is a simulated", text)) == 1

    play(scene)


def test_an_end_without_a_finish_is_no_whole_answer(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": ["done_without_finish@8"]}) as home:
            (text,) = await home.ask(QUESTION)
            assert "not complete" in text
            assert await home.ask("/continue") != [text]

    play(scene)


def test_a_tool_is_not_run_on_cut_arguments(tmp_path: Path) -> None:
    ran: list[str] = []

    @tool()
    async def delete_files(path: Annotated[str, "where"] = "everything") -> str:
        """Deletes files."""
        ran.append(path)
        return "gone"

    async def scene() -> None:
        targets = {"main": ["truncated_tool@3"]}
        async with house(tmp_path, targets, offered=[delete_files], tools=["delete_files"]) as home:
            answer = await home.ask(QUESTION)
            assert len(answer) == 1
            assert ran == []

    play(scene)


@pytest.mark.parametrize("word", ["empty_stream", "empty_200", "empty_choices"])
def test_an_empty_answer_is_asked_again(word: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": [word, "ok"]}) as home:
            assert await home.ask(QUESTION) == [whole()]

    play(scene)


async def attempts_of(home: House) -> list[list[dict[str, Any]]]:
    """Of every call that met failure."""
    await asyncio.to_thread(home.keeper.settle)
    return [incident.record["attempts"] for incident in home.services.incidents.recent()]


def test_a_dead_first_target_is_not_paid_for_by_every_message(tmp_path: Path) -> None:
    """15 seconds for each were measured there."""

    async def scene() -> None:
        async with house(tmp_path, {"main": ["sub2api_502", "ok"]}) as home:
            for number in range(4):
                assert await home.ask(f"text:short {number}") == [whole(f"text:short {number}")]
            assert sum(body["model"] == "sub2api_502" for body in home.asked) <= 4
            assert sum(body["model"] == "ok" for body in home.asked) == 4
            for attempts in await attempts_of(home):
                assert [attempt["decision"] for attempt in attempts] == ["failover", "finish"]

    play(scene)


def test_the_upstreams_error_body_is_shown_to_nobody(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": ["sub2api_502", "openai_401"]}) as home:
            for text in await home.ask("hello"):
                assert not RAW.search(text)
                assert "simulated" not in text

    play(scene)


def test_a_silent_target_holds_a_conversation_for_seconds_not_minutes(tmp_path: Path) -> None:
    async def scene() -> None:
        targets = {"main": ["hasty/stall_headers", "ok"]}
        async with house(tmp_path, targets) as home:
            assert await home.ask(QUESTION) == [whole()]
            (attempts,) = await attempts_of(home)
            silent, _ = attempts
            told = silent["kind"], silent["phase"], silent["decision"]
            assert told == ("timeout", "headers", "failover")

    play(scene)


def test_every_message_has_its_own_number_and_repeats_keep_it(tmp_path: Path) -> None:
    """Random numbers collide: 4 % of 30 chunks were lost there."""

    async def scene() -> None:
        async with SimulatedQQ() as qq, on_qq(tmp_path, {"main": ["ok;pace=0.01"]}, qq):
            anna = qq.person("Anna")
            qq.fail(Refuse(50001, 500), "stream_messages", times=2)
            anna.says(QUESTION)
            await until(lambda: over(anna) and anna.reads == [whole()])
            bodies = [a.body for a in qq.asked if "stream_messages" in a.path]
            assert {body["msg_seq"] for body in bodies} == {1}
            indexes = [body["index"] for body in bodies[2:]]
            assert indexes == sorted(set(indexes))
            assert qq.complaints == []

    play(scene)


def test_no_chunk_is_lost_and_no_stream_left_open_when_the_platform_fails_on(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with SimulatedQQ() as qq, on_qq(tmp_path, {"main": ["ok;pace=0.02"]}, qq) as home:
            anna = qq.person("Anna")
            with home.pulse.held(after=3):
                anna.says(QUESTION)
                await until(lambda: len(anna.shown) == 1)
                qq.fail(Refuse(50001, 500), "stream_messages", times=6)
            await until(lambda: home.bots.outbox.idle)
            assert re.sub(r"\s", "", "".join(anna.reads)) == re.sub(r"\s", "", whole())
            assert anna.generating == []

    play(scene)


def test_one_event_that_comes_twice_is_answered_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SimulatedQQ() as qq:
            qq.rules.repeats = 2
            async with on_qq(tmp_path, {"main": ["ok"]}, qq) as home:
                anna = qq.person("Anna")
                anna.says(QUESTION)
                await until(lambda: over(anna))
                await until(lambda: home.bots.outbox.idle)
                assert anna.reads == [whole()]
                assert len(home.asked) == 1

    play(scene)


def test_a_conversation_whose_turn_fails_takes_the_next_message_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        targets = {"main": ["eof_before_headers"], "good": ["ok"]}
        async with house(tmp_path, targets, group=GROUP) as home:
            failed = home.phone.message("hello")
            assert await home.phone.event(failed)
            await home.answer_to(failed)
            assert await asyncio.to_thread(home.turns.open_lanes) == [], "nothing is left of it"
            await home.ask("/model good")
            assert await home.ask(QUESTION) == [whole()]
            roles = [message["role"] for message in home.asked[-1]["messages"]]
            assert roles[-1] == "user"

    play(scene)


def test_growing_messages_repeat_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path, {"main": ["ok;pace=0.01"]}) as home:
            await home.ask(QUESTION)
            (chat,) = home.phone.chats.values()
            frames = [o.content.text for o in chat.sends if isinstance(o.content, Frame)]
            assert all(b.startswith(a) for a, b in pairwise(frames))

    play(scene)
