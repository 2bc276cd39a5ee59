"""What a person reads whose message nobody tries to answer any more."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bot.house import house, play, until

from holdfast.agent.tools import tool
from holdfast.bot.codec import write_inbound
from holdfast.bot.event import Attachment
from holdfast.bot.pipeline import Middleware, Onward, Result, Visit
from holdfast.bot.service import Extras
from holdfast.engine.ports import Turn

pytestmark = pytest.mark.scenario

DAYS = 2 * 86_400.0


def test_a_message_that_fails_again_and_again_ends_with_a_reference_and_why_tells(
    tmp_path: Path,
) -> None:
    async def broken(visit: Visit, onward: Onward) -> Result:
        if "poison" in visit.text:
            raise KeyError("sk-secret")
        return await onward(visit)

    async def scene() -> None:
        extras = Extras([Middleware("broken", broken)])
        async with house(tmp_path, extras=extras) as home:
            (told,) = await home.ask("poison")
            found = re.search(r"\(ref (\w{26})\)$", told)
            assert found
            incident = home.services.incidents.find(found[1])
            assert incident is not None
            assert incident.record["failure"]["code"] == "parked"
            assert "secret" not in f"{told} {incident.record}"
            for asked in ("/why", f"/why {found[1]}"):
                (why,) = await home.ask(asked)
                assert why.startswith("I could not answer: there was a fault in my own program.")
                assert found[1] in why
            assert (await home.ask("hello"))[0], "the lane goes on"

    play(scene)


def test_a_message_that_waited_for_days_is_not_answered_but_has_an_end(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as home:
            known = home.phone.message("你好")
            late = replace(known, at=known.at - DAYS)
            await home.engine.accept(
                Turn(late.turn_id, late.lane, write_inbound(late), known.at - DAYS)
            )
            (told,) = await home.answer_to(late)
            assert re.search(r"不再回答.*（编号 \w{26}）$", told)
            assert home.asked == []
            (why,) = await home.ask("/为什么")
            assert why.startswith("没能回答的原因：没有及时得到回答。")

    play(scene)


@pytest.mark.parametrize(("who", "meant"), [("anna", "poison"), ("ben", "before")])
def test_what_failed_before_it_was_asked_is_what_retry_of_its_writer_means(
    who: str, meant: str, tmp_path: Path
) -> None:
    broken = [True]

    async def breaks(visit: Visit, onward: Onward) -> Result:
        if "poison" in visit.text and broken:
            raise KeyError
        return await onward(visit)

    async def scene() -> None:
        extras = Extras([Middleware("breaks", breaks)])
        async with house(tmp_path, extras=extras) as home:
            await home.ask("before", where="group")
            await home.ask("poison", where="group")
            broken.clear()
            await home.ask("/retry", who=who, where="group")
            asked = [body["messages"][-1]["content"] for body in home.asked]
            assert asked == ["before", meant]

    play(scene)


def test_what_was_refused_is_what_retry_means(tmp_path: Path) -> None:
    async def scene() -> None:
        now = ["12:00"]
        async with house(tmp_path, quiet="23:00-07:00", hour=lambda: now[0]) as home:
            await home.ask("before")
            home.files["a"] = b"so it is"
            now[0] = "23:30"
            await home.ask("look", attachments=[Attachment("file", "a", "a.txt")])
            await home.ask("/retry")
            now[0] = "07:30"
            await home.ask("/retry")
            asked = [body["messages"][-1]["content"] for body in home.asked]
            assert asked[0] == "before"
            assert asked[1].startswith("look")
            assert "so it is" in asked[1]

    play(scene)


def test_what_is_parked_in_the_middle_is_gone_on_with_by_all_that_was_done(tmp_path: Path) -> None:
    """A turn that nobody tries any more is in no history."""
    ran = []

    @tool()
    async def pay() -> str:
        """Pays."""
        ran.append(1)
        return "paid"

    async def breaks(visit: Visit, onward: Onward) -> Result:
        if visit.resumed:
            raise KeyError
        return await onward(visit)

    async def scene() -> None:
        paced = {"main": ["ok;pace=0.01"]}
        async with house(tmp_path, paced, offered=[pay], tools=["pay"]) as home:
            with home.pulse.held(after=20):
                first = home.phone.message("tool:pay please")
                assert await home.phone.event(first)
                await until(lambda: len(home.asked) == 2)
                chat = home.phone.chat_of(first)
                await until(lambda: home.phone.reads(chat))
                chats = home.phone.chats
        extras = Extras([Middleware("breaks", breaks)])
        async with house(tmp_path, offered=[pay], tools=["pay"], extras=extras) as home:
            home.phone.chats |= chats
            assert "(ref " in "".join(await home.answer_to(first))
            again = replace(home.phone.message("/continue"), id="later")
            assert await home.phone.event(again)
            await home.end_of(again)
            told = [message["role"] for message in home.asked[-1]["messages"]]
            assert told[:3] == ["user", "assistant", "tool"]
            assert ran == [1]

    play(scene)
