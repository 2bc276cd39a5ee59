"""Golden requests: what the documents show is what is sent, byte for byte of its meaning."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from holdfast.bot.event import Frame, Media, Outbound, Place, Scene, Typing, Whole
from holdfast.platforms.qq.codec.requests import Spot, Style, frame, message, receipt, spot

PERSON = Place("qq:c2c:A1", Scene.DIRECT, {"msg_id": "ROBOT1.0_x", "ref": "REFIDX_x=="})
GROUP = Place("qq:group:B2", Scene.GROUP, {"msg_id": "ROBOT1.0_x"})
CHANNEL = Place("qq:channel:100010", Scene.GROUP, {"msg_id": "08"})
C2C, IN_GROUP, IN_CHANNEL = Spot("c2c", "A1"), Spot("group", "B2"), Spot("channel", "100010")
TEXT = Style(markdown=False)

# The three requests of one stream in the documents of `stream_messages`.
STREAM = [
    '{"input_mode":"replace","input_state":1,"index":0,"content_type":"markdown","content_raw":'
    '"正在生成回答，请稍候","msg_id":"ROBOT1.0_x","msg_seq":1}',
    '{"input_mode":"replace","input_state":1,"index":1,"content_type":"markdown","content_raw":'
    '"正在生成回答，请稍候。目前已完成大部分内容","msg_id":"ROBOT1.0_x","stream_msg_id":"a1b2",'
    '"msg_seq":1}',
    '{"input_mode":"replace","input_state":10,"index":2,"content_type":"markdown","content_raw":'
    '"正在生成回答，请稍候。目前已完成大部分内容。完","msg_id":"ROBOT1.0_x","stream_msg_id":"a1b2",'
    '"msg_seq":1}',
]


def test_a_documented_stream() -> None:
    texts = [json.loads(body)["content_raw"] for body in STREAM]
    for index, (text, golden) in enumerate(zip(texts, STREAM, strict=True)):
        content = Frame(index, text, index == 2, "a1b2" if index else "")
        request = frame(Outbound(PERSON, content, 1), C2C, content, Style())
        assert (request.method, request.path) == ("POST", "/v2/users/A1/stream_messages")
        assert dict(request.body) == json.loads(golden)
        assert request.repeatable == (index == 0)


def test_an_end_that_could_become_a_tag_waits_for_more() -> None:
    for final, expected in ((False, "see "), (True, "see <qqbot")):
        content = Frame(0, "see <qqbot", final)
        request = frame(Outbound(PERSON, content, 1), C2C, content, TEXT)
        assert (request.body["content_raw"], request.body["content_type"]) == (expected, "text")


@pytest.mark.parametrize(
    ("outbound", "style", "golden"),
    [
        (
            Outbound(PERSON, Whole("你好"), 1),
            TEXT,
            '{"content":"你好","msg_type":0,"msg_id":"ROBOT1.0_x","msg_seq":1}',
        ),
        (
            Outbound(PERSON, Whole("**你好**", plain=True), 1),
            Style(),
            '{"content":"你好","msg_type":0,"msg_id":"ROBOT1.0_x","msg_seq":1}',
        ),
        (
            Outbound(PERSON, Whole("# 今日推荐\n\n**x**"), 2),
            Style(),
            '{"msg_type":2,"markdown":{"content":"# 今日推荐\\n\\n**x**"},"msg_id":"ROBOT1.0_x",'
            '"msg_seq":2}',
        ),
        (
            Outbound(PERSON, Typing(600), 3),
            Style(),
            '{"msg_type":6,"input_notify":{"input_type":1,"input_second":60},"msg_id":"ROBOT1.0_x",'
            '"msg_seq":3}',
        ),
        (
            Outbound(PERSON, Media("image", "a.png", "image/png"), 4),
            Style(),
            '{"msg_type":7,"content":" ","media":{"file_info":"AE86"},"msg_id":"ROBOT1.0_x",'
            '"msg_seq":4}',
        ),
        (
            Outbound(PERSON, Whole("a.py"), 1),
            Style(markdown=False, addresses=False, changed=True),
            '{"content":"a．py","msg_type":0,"msg_id":"ROBOT1.0_x","msg_seq":1001}',
        ),
    ],
)
def test_documented_messages(outbound: Outbound, style: Style, golden: str) -> None:
    request = message(outbound, C2C, style, "AE86")
    assert request.path == "/v2/users/A1/messages"
    assert dict(request.body) == json.loads(golden)
    assert request.repeatable


def test_groups_and_guilds() -> None:
    request = message(Outbound(GROUP, Whole("hi"), 1), IN_GROUP, TEXT)
    assert request.path == "/v2/groups/B2/messages"
    request = message(Outbound(CHANNEL, Whole("**hi**"), 7), IN_CHANNEL, Style())
    assert (request.path, dict(request.body)) == (
        "/channels/100010/messages",
        {"content": "hi", "msg_id": "08"},
    )
    assert not request.repeatable


def test_events_are_answered_by_their_own_name_and_nothing_by_none() -> None:
    place = Place("qq:c2c:A1", Scene.DIRECT, {"event_id": "FRIEND_ADD:x"})
    assert message(Outbound(place, Whole("hi"), 1), C2C, TEXT).body["event_id"] == "FRIEND_ADD:x"
    request = message(Outbound(Place("qq:c2c:A1", Scene.DIRECT), Whole("hi"), 1), C2C, TEXT)
    assert "msg_id" not in request.body
    assert not request.repeatable


def test_a_quote_names_what_it_quotes() -> None:
    place = Place("qq:group:B2", Scene.GROUP, {"msg_id": "x", "ref": "REFIDX_x=="})
    quoting = replace(TEXT, quotes=True)
    request = message(Outbound(place, Whole("hi"), 1), IN_GROUP, quoting)
    assert request.body["message_reference"] == {"message_id": "REFIDX_x=="}
    channel = Place("qq:channel:1", Scene.GROUP, {"msg_id": "08"})
    request = message(Outbound(channel, Whole("hi"), 1), Spot("channel", "1"), quoting)
    assert request.body["message_reference"]["message_id"] == "08"
    assert "message_reference" not in message(Outbound(place, Whole("hi"), 1), IN_GROUP, TEXT).body


def test_where_a_conversation_is() -> None:
    assert spot(PERSON) == C2C
    assert spot(Place("qq:dm:a:b", Scene.DIRECT)) == Spot("dm", "a:b")
    for odd in ("webchat:c2c:x", "qq:c2c:", "qq:planet:x", "qq"):
        assert spot(Place(odd, Scene.DIRECT)) is None
    assert Spot("c2c", "../groups/B2").path == "/v2/users/..%2Fgroups%2FB2"


def test_what_an_answer_tells() -> None:
    answer = {"id": "ROBOT1.0_y", "timestamp": 1784599200, "ext_info": {"ref_idx": "REFIDX_y=="}}
    told = receipt(answer)
    assert (told.message_id, dict(told.extra)) == ("ROBOT1.0_y", {"ref": "REFIDX_y=="})
    audited = {"code": 304023, "data": {"message_audit": {"audit_id": "a1"}}}
    assert dict(receipt(audited).extra) == {"audit_id": "a1"}
    assert receipt({}).message_id == ""
