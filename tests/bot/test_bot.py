"""Scenes with a bot: what people write, what they read, what is asked of the model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bot.house import House, house, play, until
from tests.bot.people import C2C

from holdfast.agent.abilities import Abilities
from holdfast.bot import bus
from holdfast.bot.event import Attachment, Notice, NoticeKind, Outbound, Place, Receipt, Scene
from holdfast.bot.middleware import media
from holdfast.bot.moves import Owed
from holdfast.bot.pipeline import Command, Middleware, Onward, Result, Say, Visit
from holdfast.bot.service import Extras
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed
from holdfast.engine.local import Limits
from holdfast.engine.ports import Delivery, Turn
from holdfast.sim.script import expected, parse
from holdfast.store.ports import StoreFailed

pytestmark = pytest.mark.scenario

SLOW = {"main": ["ok;pace=0.05"]}
DEAD = {"main": ["eof_before_headers", "sub2api_502"]}
SECRET = re.compile(r"sk-|Traceback|Error code|\{\"|http")


def whole(question: str) -> str:
    return expected({"messages": [{"role": "user", "content": question}]}, parse("ok").habits)


def said_to(body: Any) -> list[tuple[str, str]]:
    return [(message["role"], str(message["content"])) for message in body["messages"]]


class TestAnswers:
    def test_a_message_is_answered(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, persona="You are kind.") as home:
                assert await home.ask("hello") == [whole("hello")]
                assert said_to(home.asked[0]) == [("system", "You are kind."), ("user", "hello")]

        play(scene)

    def test_the_conversation_is_remembered_and_begun_anew(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                await home.ask("hello")
                await home.ask("and more")
                assert [role for role, _ in said_to(home.asked[1])] == ["user", "assistant", "user"]
                assert "new conversation" in (await home.ask("/new"))[0]
                await home.ask("once more")
                assert said_to(home.asked[2]) == [("user", "once more")]

        play(scene)

    def test_the_same_message_twice_is_answered_once(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                inbound = home.phone.message("hello")
                assert await home.phone.event(inbound)
                assert not await home.phone.event(inbound)
                assert await home.answer_to(inbound) == [whole("hello")]
                assert len(home.asked) == 1
            async with house(tmp_path) as home:  # another process
                assert not await home.phone.event(inbound)
                assert home.asked == []

        play(scene)

    def test_a_look_at_what_is_owed_while_a_message_is_taken_loses_no_answer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As another process of a cluster takes it, or the next life after a crash."""

        async def scene() -> None:
            async with house(tmp_path) as home:
                ledger, accept = home.services.ledger, home.engine.accept
                close = ledger.close
                closing, ended = asyncio.Event(), asyncio.Event()

                async def slowly_closed(turn: str, owed: Owed | None) -> None:
                    closing.set()
                    await ended.wait()
                    await close(turn, owed)

                async def accepted_after_a_look(
                    turn: Turn, deliveries: Sequence[Delivery] = (), **how: Any
                ) -> bool:
                    await home.bots.outbox.take_up("helper")
                    if home.bots.outbox.attends(turn.id):
                        await closing.wait()
                    return await accept(turn, deliveries, **how)

                monkeypatch.setattr(ledger, "close", slowly_closed)
                monkeypatch.setattr(home.engine, "accept", accepted_after_a_look)
                inbound = home.phone.message("hello")
                assert await home.phone.event(inbound)
                await home.end_of(inbound)
                ended.set()
                assert await home.answer_to(inbound) == [whole("hello")]

        play(scene)

    def test_groups_know_who_speaks(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, {"main": ["ok"]}) as home:
                answer = await home.ask("hello", where="group1", name="Anna")
                assert len(answer) == 1
                assert said_to(home.asked[0]) == [("user", "Anna: hello")]

        play(scene)

    def test_all_targets_dead_is_one_plain_sentence_with_a_reference(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, DEAD) as home:
                (sentence,) = await home.ask("你好")
                ref = re.fullmatch(r"模型服务暂时连接不上，请稍后再试。（编号 (\w{26})）", sentence)
                assert ref, sentence
                await asyncio.to_thread(home.keeper.settle)
                incident = home.services.incidents.find(ref[1])
                assert incident is not None
                assert incident.outcome == "failed"
                assert incident.record["attempts"][0]["kind"] == "connection_closed"
                (why,) = await home.ask("/why")
                assert why.startswith("没能回答的原因：")
                assert ref[1] in why
                assert not SECRET.search(why)

        play(scene)

    def test_a_rescued_answer_is_whole_and_why_tells(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, {"main": ["reset@5", "ok"]}) as home:
                assert await home.ask("hello") == [whole("hello")]
                await asyncio.to_thread(home.keeper.settle)
                (why,) = await home.ask("/why")
                assert "it is complete" in why
                assert "sim/" not in why

        play(scene)

    def test_owners_see_the_attempts(self, tmp_path: Path) -> None:
        async def scene() -> None:
            access = {"direct": "open", "owners": ["anna"]}
            async with house(tmp_path, {"main": ["reset@5", "ok"]}, access=access) as home:
                await home.ask("hello")
                await asyncio.to_thread(home.keeper.settle)
                (why,) = await home.ask("/why")
                assert "1. sim/reset@5: " in why
                assert "2. sim/ok: the answer is whole." in why

        play(scene)

    def test_owners_are_told_in_their_language_why_no_more_was_tried(self, tmp_path: Path) -> None:
        async def scene() -> None:
            access = {"direct": "open", "owners": ["anna"]}
            routes = {"main": ["openai_400"]}
            async with house(tmp_path, routes, access=access) as home:
                await home.ask("你好")
                await asyncio.to_thread(home.keeper.settle)
                (why,) = await home.ask("/why")
                assert why.endswith("之后没有再试：上游认为请求无效；再问一次也不会有别的结果。")

        play(scene)


class TestCommands:
    def test_help_lists_commands_in_the_persons_language(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                assert "/retry: answer your last message again" in (await home.ask("/help"))[0]
                assert "/retry（重试、重新回答）: 重新回答上一条" in (await home.ask("帮助"))[0]
                assert home.asked == []

        play(scene)

    def test_an_unknown_command_is_told_a_path_is_not_one(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                assert "/dance" in (await home.ask("/dance"))[0]
                assert "没有 /跳舞 这个命令" in (await home.ask("/跳舞"))[0]
                assert await home.ask("/usr/bin is what?") == [whole("/usr/bin is what?")]

        play(scene)

    def test_a_slash_alone_asks_what_there_is(self, tmp_path: Path) -> None:
        """It must not fail before it is kept: a platform would bring it again and again."""

        async def scene() -> None:
            async with house(tmp_path) as home:
                for words in ("/", "／", "/ ", " / "):
                    assert "/retry" in (await home.ask(words))[0]
                assert home.asked == []

        play(scene)

    def test_stop_ends_the_answer_at_once(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW) as home:
                with home.pulse.held(after=3):
                    chat = await home.phone.says("Tell me about text:demo please")
                    await until(lambda: home.phone.reads(chat))
                    assert await home.ask("/stop") == ["I have stopped."]
                    await until(lambda: home.phone.done(chat))
                assert home.phone.reads(chat)[0].endswith("(Stopped.)")
                assert await home.ask("stop") == ["I am not answering anything at the moment."]

        play(scene)

    def test_retry_answers_anew_and_forgets_the_old_answer(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                await home.ask("hello")
                assert await home.ask("/retry") == [whole("hello")]
                assert said_to(home.asked[1]) == [("user", "hello")]
                await home.ask("next")
                roles = [role for role, _ in said_to(home.asked[2])]
                assert roles == ["user", "assistant", "user"]

        play(scene)

    def test_continue_goes_on_from_what_was_read(self, tmp_path: Path) -> None:
        async def scene() -> None:
            question = "Tell me about text:demo please"
            targets = {"main": ["reset@6"], "good": ["ok"]}
            async with house(tmp_path, targets) as home:
                (cut,) = await home.ask(question)
                assert "not complete" in cut
                await home.ask("/model good")
                (rest,) = await home.ask("/continue")
                first = cut.partition("\n\nThe answer broke off")[0]
                glued = re.sub(r"\s+", "", first + rest)
                assert glued == re.sub(r"\s+", "", whole(question))
                await home.ask("thanks")
                history = said_to(home.asked[-1])
                assert [role for role, _ in history] == ["user", "assistant", "user"]
                assert re.sub(r"\s+", "", history[1][1]) == glued
                assert "complete" in (await home.ask("/continue"))[0]

        play(scene)

    def test_a_bare_continue_after_a_whole_answer_is_for_the_model(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                await home.ask("hello")
                await home.ask("continue")
                assert said_to(home.asked[1])[-1] == ("user", "continue")

        play(scene)

    def test_what_was_too_long_for_the_chat_comes_with_continue(self, tmp_path: Path) -> None:
        async def scene() -> None:
            small = replace(C2C, max_chars=300, frame_chars=300, replies=2)
            async with house(tmp_path, direct=small) as home:
                question = "Tell me about text:demo please"
                parts = await home.ask(question)
                text = "".join(parts).partition("(Too long")[0]
                for _ in range(9):
                    (more, *others) = await home.ask("/continue")
                    if "nothing to go on" in more:
                        break
                    text = "".join((text, more, *others))
                    text = text.partition("(Too long")[0]
                wanted = whole(question)
                assert re.sub(r"\W+", "", text) == re.sub(r"\W+", "", wanted)

        play(scene)

    def test_models_and_personas_are_chosen_per_conversation(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, {"main": ["ok"], "other": ["ok"]}) as home:
                assert "main, other" in (await home.ask("/model"))[0]
                assert "no model called x" in (await home.ask("/model x"))[0]
                await home.ask("/model OTHER")
                await home.ask("/persona You are a pirate.")
                await home.ask("hello")
                await home.ask("hello", who="ben")
                assert said_to(home.asked[0])[0] == ("system", "You are a pirate.")
                assert said_to(home.asked[1])[0] == ("user", "hello")
                assert "other" in (await home.ask("/status"))[0]
                (told,) = await home.ask("/persona " + "be kind. " * 2000)
                assert told == "That is too long for a persona: 8000 characters at most."
                assert "myself again" in (await home.ask("/persona default"))[0]

        play(scene)

    def test_plugins_add_commands_and_middlewares(self, tmp_path: Path) -> None:
        async def roll(visit: Visit, rest: str, onward: Onward) -> Result:
            return Say(f"You rolled {rest or 6}.")

        async def polite(visit: Visit, onward: Onward) -> Result:
            return await onward(visit) if "please" in visit.text else Say("Say please.")

        async def scene() -> None:
            extras = Extras([Middleware("polite", polite)], [Command("roll", roll, ("r", "r"))])
            async with house(tmp_path, extras=extras) as home:
                assert await home.ask("hello") == ["Say please."]
                assert await home.ask("/roll 4 please") == ["You rolled 4 please."]

        play(scene)


class TestGates:
    def test_a_stranger_is_given_a_code_and_let_in_when_it_is_approved(
        self, tmp_path: Path
    ) -> None:
        async def scene() -> None:
            async with house(tmp_path, access={"direct": "pairing"}) as home:
                (told,) = await home.ask("hello")
                code = re.search(r"code to whoever runs me: (\w+)", told)
                assert code
                assert code[1] in (await home.ask("hello again"))[0]
                now = home.services.clock.wall()
                assert home.services.pairings.approve(code[1], now, 3600)
                assert await home.ask("hello") == [whole("hello")]
                assert len(home.asked) == 1

        play(scene)

    def test_lists_and_groups(self, tmp_path: Path) -> None:
        async def scene() -> None:
            access = {"direct": "allow", "group": "allow", "allow": ["anna", "group1"]}
            async with house(tmp_path, access=access) as home:
                assert await home.ask("hello") == [whole("hello")]
                assert "may not talk" in (await home.ask("hello", who="ben"))[0]
                assert await home.ask("hello", who="ben", where="group1") == [whole("hello")]
                assert await home.ask("hello", who="ben", where="group2") == []

        play(scene)

    def test_too_many_messages_are_told_so(self, tmp_path: Path) -> None:
        async def scene() -> None:
            rate = {"person": 2, "conversation": 5, "seconds": 60}
            async with house(tmp_path, rate=rate) as home:
                for _ in range(2):
                    await home.ask("hello")
                (told,) = await home.ask("hello")
                assert re.search(r"wait \d+ s", told)
                assert await home.ask("hello", who="ben") == [whole("hello")]

        play(scene)

    def test_in_quiet_hours_nobody_but_owners_is_answered(self, tmp_path: Path) -> None:
        async def scene() -> None:
            rules: dict[str, Any] = {
                "quiet": "23:00-07:00",
                "access": {"direct": "open", "group": "open", "owners": ["anna"]},
            }
            async with house(tmp_path, hour=lambda: "02:30", **rules) as home:
                assert "until 07:00" in (await home.ask("hello", who="ben"))[0]
                assert await home.ask("hello", who="ben", where="group1") == []
                assert await home.ask("hello") == [whole("hello")]

        play(scene)

    def test_in_groups_only_what_is_meant_for_the_bot(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, wake=["小助", "hey bot"]) as home:
                ignored = home.phone.message("just chatting", where="group1", addressed=False)
                assert await home.phone.event(ignored)
                assert home.turns.find(f"helper:{ignored.id}") is None
                await home.ask("小助，你好", where="group1", addressed=False)
                assert said_to(home.asked[0]) == [("user", "你好")]
                answer = await home.ask("Hey bot", where="group1", addressed=False)
                assert "without saying anything" in answer[0]

        play(scene)

    def test_bots_do_not_answer_bots(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                inbound = home.phone.message("hello")
                by_bot = replace(inbound, sender=replace(inbound.sender, is_bot=True))
                assert await home.phone.event(by_bot)
                assert home.turns.find(f"helper:{inbound.id}") is None

        play(scene)

    def test_whoever_adds_the_bot_is_greeted(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, language="zh") as home:
                place = Place("sim:anna", Scene.DIRECT, {"msg_id": "e1"})
                joined = Notice("helper", "sim", "e1", NoticeKind.JOINED, place, 0.0)
                assert await home.phone.event(replace(joined, at=home.services.clock.wall()))
                assert (await home.answer_to(joined))[0].startswith("你好！")
                left = replace(joined, id="e2", kind=NoticeKind.LEFT)
                assert await home.phone.event(left)

        play(scene)


class TestBusy:
    def test_messages_wait_in_order(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW) as home:
                chats = [await home.phone.says(f"text:short number {n}") for n in range(3)]
                await until(lambda: all(home.phone.done(chat) for chat in chats))
                asked = [said_to(body)[-1][1] for body in home.asked]
                assert asked == [f"text:short number {n}" for n in range(3)]

        play(scene)

    @pytest.mark.parametrize("told", ["that it failed", "that it is known"])
    def test_a_message_that_was_kept_though_nobody_knew_is_answered_before_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
    ) -> None:
        """As when the line to a database breaks while it commits."""

        async def scene() -> None:
            async with house(tmp_path, SLOW, limits=Limits(running=1)) as home:
                accept, sent = home.engine.accept, []

                async def kept(turn: Turn, deliveries: Sequence[Delivery] = (), **how: Any) -> bool:
                    assert await accept(turn, deliveries, **how)
                    if told == "that it failed":
                        raise StoreFailed("the connection is gone")
                    return False

                async def noted(outbound: Outbound, key: str) -> Receipt:
                    sent.append(outbound.place.anchor["msg_id"])
                    return await send(outbound, key)

                send = home.phone.send
                monkeypatch.setattr(home.phone, "send", noted)
                first, *others = (home.phone.message(f"text:short {n}") for n in range(3))
                with home.pulse.held(after=1):
                    await home.phone.says("text:short first of all", who="bob")
                    with monkeypatch.context() as broken:
                        broken.setattr(home.engine, "accept", kept)
                        with suppress(StoreFailed):
                            assert not await home.phone.event(first)
                    for other in others:
                        assert await home.phone.event(other)
                for one in (first, *others):
                    await home.answer_to(one)
                at = [sent.index(one.id) for one in (first, *others)]
                last = len(sent) - sent[::-1].index(first.id)
                assert last <= at[1] < at[2]
                await home.ask("text:short again")  # the lane is as any other now
                assert home.bots.outbox._doubts == {}

        play(scene)

    def test_merge_answers_what_came_meanwhile_at_once(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW, when_busy="merge") as home:
                with home.pulse.held(after=1):
                    first = await home.phone.says("text:short one")
                    await until(lambda: home.asked)
                    second = await home.phone.says("text:short two")
                    third = await home.phone.says("three")
                await until(lambda: home.phone.done(first) and home.phone.done(second))
                assert [said_to(body)[-1][1] for body in home.asked] == [
                    "text:short one",
                    "text:short two\n\nthree",
                ]
                assert home.phone.reads(third) == []

        play(scene)

    def test_interrupt_stops_for_the_newest(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW, when_busy="interrupt") as home:
                with home.pulse.held(after=3):
                    first = await home.phone.says("Tell me about text:demo please")
                    await until(lambda: home.phone.reads(first))
                    newest = home.phone.message("text:short now")
                    assert await home.phone.event(newest)
                    await until(lambda: home.phone.done(first))
                assert await home.answer_to(newest) == [whole("text:short now")]
                assert home.phone.reads(first)[0].endswith("(Stopped.)")

        play(scene)

    def test_in_a_group_nobody_stops_the_answer_of_another(self, tmp_path: Path) -> None:
        async def scene() -> None:
            access = {"group": "allow", "allow": ["anna", "bert"]}
            async with house(tmp_path, SLOW, when_busy="interrupt", access=access) as home:
                question = "Tell me about text:short please"
                first = home.phone.message(question, "anna", "group:1")
                with home.pulse.held(after=1):
                    assert await home.phone.event(first)
                    await until(lambda: home.asked)
                    for who in ("bert", "a stranger"):
                        await home.phone.says("text:short now", who=who, where="group:1")
                assert await home.answer_to(first) == [whole(question)]

        play(scene)

    def test_a_message_that_comes_again_does_not_stop_its_own_answer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW, when_busy="interrupt") as home:
                accept = home.engine.accept

                async def kept(turn: Turn, deliveries: Sequence[Delivery] = (), **how: Any) -> bool:
                    await accept(turn, deliveries, **how)
                    raise StoreFailed("the connection is gone")

                message = home.phone.message("Tell me about text:short please")
                with home.pulse.held(after=1):
                    with monkeypatch.context() as broken:
                        broken.setattr(home.engine, "accept", kept)
                        with pytest.raises(StoreFailed):
                            await home.phone.event(message)
                    monkeypatch.setattr(home.bots.outbox, "attends", lambda turn: False)
                    await until(lambda: home.asked)
                    assert not await home.phone.event(message)
                await home.end_of(message)
                (entry,) = [
                    entry
                    async for entry in home.engine.watch(f"helper:{message.id}")
                    if entry.event["type"] == "ended"
                ]
                assert entry.event["outcome"] == "finished"

        play(scene)

    def test_a_full_lane_says_so_once(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, SLOW, limits=Limits(waiting_in_lane=1)) as home:
                with home.pulse.held(after=1):
                    await home.phone.says("Tell me about text:demo please")
                    await until(lambda: home.asked)
                    await home.phone.says("waits")
                    refused = [await home.phone.says("too many") for _ in range(3)]
                    await until(lambda: home.phone.reads(refused[0]))
                assert "answer first" in home.phone.reads(refused[0])[0]
                assert home.phone.reads(refused[1]) == home.phone.reads(refused[2]) == []
                await home.ask("/stop")

        play(scene)

    def test_a_message_that_comes_again_after_a_refusal_is_answered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was refused in words has not used up the numbers of the answer."""

        async def fails(turn: Turn, deliveries: Sequence[Delivery], **how: Any) -> bool:
            raise StoreFailed("the disk is full")

        async def scene() -> None:
            async with house(tmp_path) as home:
                message = home.phone.message("Tell me about text:short please")
                chat = home.phone.chat_of(message)
                with monkeypatch.context() as broken:
                    broken.setattr(home.services.engine, "accept", fails)
                    with pytest.raises(StoreFailed):
                        await home.phone.event(message)
                await until(lambda: home.phone.reads(chat))
                assert "storage" in home.phone.reads(chat)[0]
                assert await home.phone.event(message)
                await until(lambda: home.phone.reads(chat)[-1].endswith("the shore."))
                assert home.phone.reads(chat)[1].startswith("Hold fast")

        play(scene)

    def test_who_was_told_that_a_message_is_not_taken_is_not_told_so_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It comes again as long as the store fails, and each time it was told took one of the few
        replies that it may have. Another message may be told so, unless it could not be sent.
        """

        async def fails(turn: Turn, deliveries: Sequence[Delivery], **how: Any) -> bool:
            raise StoreFailed("the disk is full")

        async def scene() -> None:
            async with house(tmp_path) as home:
                monkeypatch.setattr(bus, "APOLOGY_EVERY", 0.0)
                monkeypatch.setattr(home.services.engine, "accept", fails)
                monkeypatch.setattr(home.phone, "send", noted)
                first, second = (home.phone.message(f"text:short {n}") for n in range(2))
                for message in (first, first, first, second, second, first, second):
                    with pytest.raises(StoreFailed):
                        await home.phone.event(message)
                    await until(lambda: not home.bots.bus._apologies)
                assert sent == [first.id, first.id, second.id]

        async def noted(outbound: Outbound, key: str) -> Receipt:
            sent.append(outbound.place.anchor["msg_id"])
            if len(sent) == 1:
                raise StreamFailed(Failure(Kind.TIMEOUT, Phase.CONNECT, Hop.PLATFORM))
            return Receipt()

        sent: list[str] = []
        play(scene)


class TestMedia:
    def test_images_go_to_a_model_that_sees(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path, abilities=Abilities(vision=True)) as home:
                home.files["u1"] = b"\x89PNG\r\n\x1a\n...."
                await home.ask("look", attachments=[Attachment("image", "u1")])
                (message,) = home.asked[0]["messages"]
                assert [part["type"] for part in message["content"]] == ["text", "image_url"]
                assert "data:image/png;base64," in str(message["content"][1])

        play(scene)

    def test_texts_are_read_others_are_named(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with house(tmp_path) as home:
                home.files["u1"] = "名字,数\n甲,1".encode("gb18030")
                home.files["u2"] = b"\x00\x01"
                sent = [
                    Attachment("file", "u1", "表.csv"),
                    Attachment("file", "u2", "odd.txt"),
                    Attachment("file", "u9", "gone.md"),
                    Attachment("file", "u1", "big.log", size=10**9),
                    Attachment("voice", "u3", "v.silk", text="说的话"),
                    Attachment("video", "u4", "film.mp4"),
                ]
                await home.ask("看看", attachments=sent, quote="之前的话")
                ((_, text),) = said_to(home.asked[0])
                assert text.split("\n\n") == [
                    "（回复：“之前的话”）",
                    "看看",
                    "[文件：表.csv]\n```\n名字,数\n甲,1\n```",
                    "[文件：odd.txt] （无法读取：不是文本）",
                    "[文件：gone.md] （无法读取：无法下载）",
                    "[文件：big.log] （无法读取：超过 512 KB）",
                    "[语音：v.silk]\n说的话",
                    "[视频：film.mp4] （无法读取：只能看图片和文本）",
                ]

        play(scene)

    def test_what_is_no_picture_is_not_sent_as_one(self, tmp_path: Path) -> None:
        """A model's service would refuse it, now and in all that follows in the conversation."""

        async def scene() -> None:
            async with house(tmp_path, abilities=Abilities(vision=True)) as home:
                home.files.update(html=b"<html>expired</html>", empty=b"")
                home.files.update({f"u{n}": b"\xff\xd8\xff\xe0" for n in range(5)})
                sent = [
                    Attachment("image", "html", "a.png", "image/png"),
                    Attachment("image", "empty", "b.png", "image/png"),
                    *(Attachment("image", f"u{n}", f"{n}.jpg") for n in range(5)),
                ]
                await home.ask("look", attachments=sent)
                (message,) = home.asked[0]["messages"]
                text, *images = message["content"]
                assert text["text"].split("\n\n") == [
                    "look",
                    "[image: a.png] (it could not be read: not a picture)",
                    "[image: b.png] (it could not be read: not a picture)",
                    "[image: 4.jpg] (it could not be read: only 4 pictures are looked at)",
                ]
                assert len(images) == 4
                assert all("image/jpeg" in str(image) for image in images)

        play(scene)


class TestRestarts:
    def test_the_half_that_was_read_is_completed_by_the_next_process(self, tmp_path: Path) -> None:
        async def scene() -> None:
            question = "Tell me about text:demo please"
            async with house(tmp_path, SLOW) as first:
                with first.pulse.held(after=3):
                    chat = await first.phone.says(question)
                    await until(lambda: len(first.phone.reads(chat)) == 1)
            screen = first.phone.chats
            async with house(tmp_path) as second:
                second.phone.chats = screen
                await until(lambda: second.phone.done(chat))
                assert second.phone.reads(chat) == [whole(question)]

        play(scene)

    def test_what_was_attached_is_in_the_journal_and_not_fetched_again(
        self, tmp_path: Path
    ) -> None:
        """Links of platforms do not last: the person would wait for them in vain."""

        async def scene() -> None:
            sees = Abilities(vision=True)
            async with house(tmp_path, SLOW, abilities=sees) as first:
                first.files["u1"] = b"\x89PNG\r\n\x1a\n...."
                attached = [Attachment("image", "u1")]
                with first.pulse.held(after=3):
                    chat = await first.phone.says("look at text:demo", attachments=attached)
                    await until(lambda: len(first.phone.reads(chat)) == 1)
            screen = first.phone.chats
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(media, "_image", never)
                async with house(tmp_path, abilities=sees) as second:
                    second.phone.chats = screen
                    await until(lambda: second.phone.done(chat))
                    assert second.phone.reads(chat) == [whole("look at text:demo")]
                    assert "data:image/png" in str(second.asked[0])

        async def never(*_: object) -> list[str]:
            fetched.append(1)
            return []

        fetched: list[int] = []
        play(scene)
        assert not fetched


def test_two_hundred_conversations_at_once_each_in_order(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as home:
            people = [f"p{n}" for n in range(200)]
            chats: dict[str, list[str]] = {who: [] for who in people}

            async def write(home: House, who: str) -> None:
                for number in range(2):
                    chats[who].append(await home.phone.says(f"text:short {who} {number}", who=who))

            await asyncio.gather(*(write(home, who) for who in people))
            every = [chat for told in chats.values() for chat in told]
            await until(lambda: all(home.phone.done(chat) for chat in every))
            for who, told in chats.items():
                for number, chat in enumerate(told):
                    assert home.phone.reads(chat) == [whole(f"text:short {who} {number}")]
            asked = [said_to(body)[-1][1] for body in home.asked]
            for who in people:
                own = [text for text in asked if f" {who} " in text]
                assert own == sorted(own)

    play(scene)
