"""The simulated message endpoints, asked by hand: one test for every rule of the platform."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from tests import pictures
from tests.sim.qq.raw import RawBot, raw_bot
from tests.upstream.leaks import watched

from holdfast.sim.qq.faults import Cut, Garbage, Page, Pending, Refuse
from holdfast.sim.qq.media import LARGEST
from holdfast.sim.qq.people import Chat
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario

Json = dict[str, Any]
Scene = Callable[[SimulatedQQ, RawBot], Awaitable[None]]


def base64ed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def play(scene: Scene, rules: Rules | None = None) -> None:
    async def main() -> None:
        async with SimulatedQQ(rules) as qq, raw_bot(qq) as bot:
            await scene(qq, bot)

    asyncio.run(watched(main()))


def at(chat: Chat, what: str = "messages") -> str:
    place = {"c2c": "users", "group": "groups"}[chat.conversation.place]
    return f"/v2/{place}/{chat.id}/{what}"


def text(msg_id: str, seq: int, content: str = "hi") -> Json:
    return {"content": content, "msg_type": 0, "msg_id": msg_id, "msg_seq": seq}


def frame(msg_id: str, index: int, content: str, **more: object) -> Json:
    return {
        "input_mode": "replace",
        "input_state": 1,
        "index": index,
        "content_type": "markdown",
        "content_raw": content,
        "msg_id": msg_id,
        "msg_seq": 1,
        **more,
    }


def test_tokens_fail_with_http_200_and_are_the_same_until_the_last_minute() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        wrong = {"appId": qq.app_id, "clientSecret": "no"}
        answer = await bot.client.post(qq.token_url, json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (200, 100016)
        first = bot.token
        await bot.login()
        assert bot.token == first
        qq.advance(7150)
        await bot.login()
        assert bot.token != first
        second, bot.token = bot.token, first
        assert (await bot.call("GET", "/users/@me")).status_code == 200
        qq.advance(60)
        assert await bot.code("/gateway", {}, "GET") == 11244
        bot.token = second
        assert (await bot.call("GET", "/users/@me")).headers["x-tps-trace-id"]
        qq.rules.allowed_address = False
        answer = await bot.call("GET", "/users/@me")
        assert (answer.status_code, answer.json()["err_code"]) == (401, 40023002)

    play(scene)


def test_a_message_is_shown_once_per_number() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        message = anna.says("hello")
        assert await bot.code(at(anna), text(message, 1)) == 0
        assert await bot.code(at(anna), text(message, 1)) == 40054005
        assert await bot.code(at(anna), {"content": "again", "msg_id": message}) == 40054005
        assert await bot.code(at(anna), text(message, 2, "two")) == 0
        assert anna.reads == ["hi", "two"]

    play(scene)


def test_replies_are_counted_and_end_with_their_window() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna, group = qq.person(), qq.group()
        message = anna.says("hello")
        codes = [await bot.code(at(anna), text(message, n)) for n in range(1, 6)]
        assert codes == [0, 0, 0, 0, 40034128]
        other = group.says(anna, "hello")
        assert await bot.code(at(group), text(message, 9)) == 40034024
        qq.advance(301)
        assert await bot.code(at(group), text(other, 1)) == 40034005
        assert await bot.code(at(anna), text("ROBOT1.0_none", 1)) == 40034024

    play(scene)


def test_typing_takes_a_reply_by_switch() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        for counts, expected in ((True, 40034128), (False, 0)):
            qq.rules.typing_counts, qq.rules.c2c_replies = counts, 1
            message = anna.says("hello")
            notify = {"input_type": 1, "input_second": 60}
            typing = {"msg_type": 6, "input_notify": notify, "msg_id": message, "msg_seq": 1}
            assert await bot.code(at(anna), typing) == 0
            assert await bot.code(at(anna), text(message, 2)) == expected
        assert len(anna.typing) == 2

    play(scene)


def test_events_may_be_answered_if_they_are_of_the_right_kind() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        added = anna.befriends()
        assert await bot.code(at(anna), {"content": "welcome", "event_id": added}) == 0
        rejected = anna.rejects()
        assert await bot.code(at(anna), {"content": "x", "event_id": rejected}) == 40034027
        assert await bot.code(at(anna), {"content": "x", "event_id": "none"}) == 40034025
        qq.advance(1801)
        late = {"content": "x", "event_id": added, "msg_seq": 2}
        assert await bot.code(at(anna), late) == 40034026

    play(scene)


def test_messages_that_answer_nothing() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        assert await bot.code(at(anna), {"content": "news"}) == 40034105
        qq.rules.proactive, qq.rules.proactive_per_minute = True, 1
        assert await bot.code(at(anna), {"content": "news"}) == 0
        assert await bot.code(at(anna), {"content": "news"}) == 40034100
        anna.rejects()
        assert await bot.code(at(anna), {"content": "news"}) == 40054013

    play(scene)


def test_what_may_not_be_said() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna, group = qq.person(), qq.group()
        message, other = anna.says("a"), group.says(anna, "b")
        refused = await bot.call("POST", at(group), text(other, 1, "see crawler.py"))
        assert refused.json()["err_code"] == 40054010
        assert "crawler.py" in refused.json()["message"]
        assert await bot.code(at(anna), text(message, 1, "see crawler.py")) == 0
        assert await bot.code(at(group), text(other, 1, "x" * 6000)) == 40054007
        assert await bot.code(at(group), text(other, 1, " ")) == 50006
        assert await bot.code(at(group), {"msg_type": 2, "msg_id": other}) == 40034011
        qq.rules.markdown.clear()
        markdown = {"msg_type": 2, "markdown": {"content": "**b**"}, "msg_id": other}
        assert await bot.code(at(group), markdown) == 40034012
        group.conversation.muted = True
        assert await bot.code(at(group), text(other, 1)) == 40054002
        group.removes_bot()
        assert await bot.code(at(group), text(other, 1)) == 40034101
        anna.unfriends()
        assert await bot.code(at(anna), text(message, 2)) == 40054004

    play(scene)


def test_a_refused_message_takes_its_number_by_switch() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        group = qq.group()
        other = group.says(qq.person(), "b")
        for takes, expected in ((False, 0), (True, 40054005)):
            qq.rules.refusal_takes_slot = takes
            seq = 2 if takes else 1
            assert await bot.code(at(group), text(other, seq, "a.io")) == 40054010
            assert await bot.code(at(group), text(other, seq, "a")) == expected

    play(scene)


def test_a_stream_grows_and_ends() -> None:
    """The three documented requests of one stream."""

    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        message = anna.says("hello")
        where = at(anna, "stream_messages")
        first = (await bot.call("POST", where, frame(message, 0, "正在生成"))).json()
        assert set(first) == {"id", "timestamp", "ext_info", "remain_msg_len"}
        known = {"stream_msg_id": first["id"]}
        assert await bot.code(where, frame(message, 1, "正在生成回答", **known)) == 0
        assert anna.generating
        assert anna.reads == ["正在生成回答"]
        end = frame(message, 2, "正在生成回答。完", input_state=10, **known)
        assert await bot.code(where, end) == 0
        assert anna.reads == ["正在生成回答。完"]
        assert not anna.generating
        assert anna.shown[0].indexes == [0, 1, 2]
        assert await bot.code(where, end | {"index": 3}) == 40054005
        assert await bot.code(at(anna), text(message, 1)) == 40054005
        assert await bot.code(at(anna), text(message, 2)) == 0
        assert qq.complaints == []

    play(scene)


def test_a_stream_that_never_ends_is_rolled_back() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        message = anna.says("hello")
        where = at(anna, "stream_messages")
        first = (await bot.call("POST", where, frame(message, 0, "Once"))).json()
        await bot.call("POST", where, frame(message, 1, "Once upon", stream_msg_id=first["id"]))
        qq.advance(61)
        assert anna.reads == ["Once"]
        assert anna.shown[0].state(qq.now()) == "rolled back"

    play(scene)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"content_raw": "Twice"}, 40113003),
        ({"index": 0}, 50059),
        ({"index": 0, "content_raw": "Once"}, 40054005),
        ({"msg_seq": 2}, 50059),
        ({"stream_msg_id": "none"}, 50059),
        ({"input_state": 3}, 50059),
        ({"content_raw": "x" * 30_000}, 40054018),
    ],
)
def test_what_breaks_a_stream(change: Json, code: int) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        where = at(anna, "stream_messages")
        message = anna.says("hello")
        first = (await bot.call("POST", where, frame(message, 0, "Once"))).json()
        second = frame(message, 1, "Once upon", stream_msg_id=first["id"])
        assert await bot.code(where, second | change) == code
        assert anna.reads == ["Once"]

    play(scene)


def test_groups_have_no_streams() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        group = qq.group()
        other = group.says(qq.person(), "b")
        assert await bot.code(at(group, "stream_messages"), frame(other, 0, "x")) == 404

    play(scene)


def test_files_are_bound_to_a_scene_and_a_time() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna, group = qq.person(), qq.group()
        message, other = anna.says("a"), group.says(anna, "b")
        stored = {"file_type": 1, "file_data": base64ed(pictures.png()), "file_name": "a.png"}
        answer = (await bot.call("POST", at(anna, "files"), stored)).json()
        media = {"msg_type": 7, "media": {"file_info": answer["file_info"]}}
        assert await bot.code(at(group), media | {"msg_id": other}) == 304080
        assert await bot.code(at(anna), media | {"msg_id": message}) == 0
        qq.advance(301)
        late = media | {"msg_id": message, "msg_seq": 2}
        assert await bot.code(at(anna), late) == 304080
        assert anna.shown[0].files == ("image:a.png",)
        assert anna.shown[0].contents == (pictures.png(),)

    play(scene)


@pytest.mark.parametrize(
    ("file_type", "data", "code"),
    [
        (1, pictures.png(), 0),
        (1, b"GIF89a", 850019),
        (1, pictures.PAGE, 850019),
        (2, b"\0\0\0\x18ftypmp42", 0),
        (2, pictures.png(), 850019),
        (3, pictures.wav(), 0),
        (3, b"#!SILK_V3", 0),
        (3, b"fLaC", 850019),
        (4, pictures.PAGE, 0),
        (5, b"x", 850019),
        (1, pictures.png() + b"x" * LARGEST["image"], 850031),
        (4, pictures.png() + b"x" * LARGEST["image"], 0),
    ],
)
def test_files_are_judged_by_their_bytes(file_type: int, data: bytes, code: int) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        stored = {"file_type": file_type, "file_data": base64ed(data), "file_name": "a.png"}
        assert await bot.code(at(qq.group(), "files"), stored) == code

    play(scene)


@pytest.mark.parametrize("base", [0, 1])
def test_files_in_parts(base: int) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        data = bytes(range(250))
        digest = hashlib.md5(data).hexdigest()
        asked = {"file_type": 4, "file_name": "a.zip", "file_size": "250", "md5": digest}
        plan = (await bot.call("POST", at(anna, "upload_prepare"), asked)).json()
        assert [part["index"] for part in plan["parts"]] == [base, base + 1, base + 2]
        for number, part in enumerate(plan["parts"]):
            piece = data[number * 100 : number * 100 + 100]
            put = await bot.client.put(part["presigned_url"], content=piece)
            assert put.status_code == 200
            told = {
                "upload_id": plan["upload_id"],
                "part_index": part["index"],
                "md5": hashlib.md5(piece).hexdigest(),
            }
            waits = [40093001] if number == 0 else []
            for code in [*waits, 0]:
                assert await bot.code(at(anna, "upload_part_finish"), told) == code
        done = {"file_type": 4, "upload_id": plan["upload_id"]}
        assert await bot.code(at(anna, "files"), done) == 0

    play(scene, Rules(part_bytes=100, part_index_from=base, parts_pending=1))


def test_guilds() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        channel, dm, anna = qq.channel(), qq.guild_dm(), qq.person("Anna")
        message = channel.says(anna, "a < b")
        where = f"/channels/{channel.id}/messages"
        assert await bot.code(where, {"content": "hi", "msg_id": message}) == 304018
        qq.webhook.url = "http://127.0.0.1:9/none"
        assert await bot.code(where, {"content": "hi", "msg_id": message}) == 0
        assert await bot.code(where, {"content": "a.io", "msg_id": message}) == 304003
        other = dm.says(anna, "hello")
        where = f"/dms/{dm.id}/messages"
        assert await bot.code(where, {"content": "hello", "msg_id": other}) == 0
        assert (channel.reads, dm.reads) == (["hi"], ["hello"])

    play(scene)


def test_recall_within_two_minutes() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        message = anna.says("hello")
        sent = (await bot.call("POST", at(anna), text(message, 1))).json()["id"]
        late = (await bot.call("POST", at(anna), text(message, 2))).json()["id"]
        assert await bot.code(f"{at(anna)}/{sent}", {}, "DELETE") == 0
        qq.advance(121)
        assert await bot.code(f"{at(anna)}/{late}", {}, "DELETE") == 40064004
        assert anna.reads == ["hi"]

    play(scene)


def test_interactions_are_acknowledged_once() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        pressed = qq.person().presses("yes")
        for _ in range(2):
            await bot.call("PUT", f"/interactions/{pressed}", {"code": 0})
        assert qq.desk.interactions[pressed].answered == [0, 0]
        assert qq.complaints == ["an interaction was acknowledged twice"]

    play(scene)


def test_answers_go_wrong_on_purpose() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        message = anna.says("hello")
        qq.fail(Refuse(50001, 500))
        assert await bot.code(at(anna), text(message, 1)) == 50001
        qq.fail(Page(503))
        assert (await bot.call("POST", at(anna), text(message, 1))).status_code == 503
        qq.fail(Garbage())
        assert (await bot.call("POST", at(anna), text(message, 1))).content == b"{"
        qq.fail(Pending())
        assert (await bot.call("POST", at(anna), text(message, 1))).status_code == 202
        assert anna.reads == []
        for reset in (False, True):
            qq.fail(Cut(reset=reset), done=True)
            with pytest.raises(httpx2.TransportError):
                await bot.call("POST", at(anna), text(message, 2 + reset))
        assert anna.reads == ["hi", "hi"]
        assert await bot.code(at(anna), text(message, 2)) == 40054005

    play(scene)
