"""Every event of the platform's documents, old and new, and what a bot makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.bot.event import Attachment, Inbound, Notice, NoticeKind, Person, Place, Scene
from holdfast.platforms.qq.codec.events import Reader, to_acknowledge

Json = dict[str, Any]

OPENID = "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
GROUP = "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5"
AT = 1784599200.0  # 2026-07-21T10:00:00+08:00
NOW = 1_800_000_000.0

C2C: Json = {
    "id": "ROBOT1.0_xxxxxxxx",
    "author": {
        "id": OPENID,
        "user_openid": OPENID,
        "union_openid": "",
        "username": "",
        "bot": False,
    },
    "content": "你好，请问今天天气怎么样？",
    "message_type": 0,
    "message_scene": {"source": "default", "ext": ["msg_idx=REFIDX_xxxxxx=="]},
    "timestamp": "2026-07-21T10:00:00+08:00",
}
IN_GROUP: Json = {
    "id": "ROBOT1.0_xxxx",
    "author": {
        "id": OPENID,
        "member_openid": OPENID,
        "member_role": "member",
        "username": "小明",
        "union_openid": "",
        "bot": False,
    },
    "content": " /今日天气 ",
    "group_id": GROUP,
    "group_openid": GROUP,
    "message_type": 0,
    "message_scene": {"source": "default", "ext": ["msg_idx=REFIDX_bbb==", "auth_token=xxx"]},
    "timestamp": "2026-07-21T10:00:00+08:00",
}
IN_GUILD: Json = {
    "id": "0812345677890abcdef",
    "channel_id": "100010",
    "guild_id": "18700000000001",
    "content": "<@!5777414462219517083> hi &amp; hello &lt;@!1&gt;",
    "author": {
        "avatar": "http://thirdqq.qlogo.cn/0",
        "bot": False,
        "id": "1234",
        "username": "abc",
    },
    "member": {"joined_at": "2021-04-12T16:34:42+08:00", "roles": ["1"]},
    "mentions": [{"id": "5777414462219517083", "username": "bot", "bot": True, "avatar": ""}],
    "timestamp": "2026-07-21T10:00:00+08:00",
    "seq": 101,
    "seq_in_channel": "101",
}


def read(
    kind: str, data: Json, quotes: dict[str, str] | None = None, self_id: str = ""
) -> Inbound | Notice | None:
    reader = Reader("helper", quotes or {})
    reader.self_id = self_id
    return reader.decode({"op": 0, "s": 2, "t": kind, "id": f"{kind}:x", "d": data}, NOW)


def message(kind: str, data: Json, **more: Any) -> Inbound:
    event = read(kind, data, **more)
    assert isinstance(event, Inbound)
    return event


def test_a_private_message() -> None:
    assert read("C2C_MESSAGE_CREATE", C2C) == Inbound(
        bot="helper",
        platform="qq",
        id="ROBOT1.0_xxxxxxxx",
        place=Place(
            f"qq:c2c:{OPENID}",
            Scene.DIRECT,
            {"msg_id": "ROBOT1.0_xxxxxxxx", "ref": "REFIDX_xxxxxx=="},
        ),
        sender=Person(OPENID),
        text="你好，请问今天天气怎么样？",
        at=AT,
    )


def test_half_an_emoji_is_told_as_one_that_cannot_be_shown() -> None:
    assert message("C2C_MESSAGE_CREATE", {**C2C, "content": "a \ud83d"}).text == "a \ufffd"


def test_a_message_to_the_bot_in_a_group() -> None:
    event = message("GROUP_AT_MESSAGE_CREATE", IN_GROUP)
    assert event.text == "/今日天气"
    assert event.sender == Person(OPENID, "小明")
    assert event.place.conversation == f"qq:group:{GROUP}"
    assert (event.place.scene, event.addressed, event.from_owner) == (Scene.GROUP, True, False)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_who_runs_a_group(role: str) -> None:
    author = {**IN_GROUP["author"], "member_role": role}
    assert message("GROUP_AT_MESSAGE_CREATE", {**IN_GROUP, "author": author}).from_owner


def test_all_messages_of_a_group_tell_whom_they_are_for() -> None:
    me = {
        "bot": True,
        "id": "42F7",
        "is_you": True,
        "member_openid": "42F7",
        "scope": "single",
        "username": "机器人",
    }
    other = {**me, "id": "99", "member_openid": "99", "is_you": False, "username": "小红"}
    said = {**IN_GROUP, "content": "<@42F7> core状态 <@99> <@77>"}
    event = message("GROUP_MESSAGE_CREATE", {**said, "mentions": [me, other]})
    assert (event.text, event.addressed) == ("core状态 @小红 @77", True)
    event = message("GROUP_MESSAGE_CREATE", {**said, "mentions": [other, {"scope": "all"}]})
    assert not event.addressed
    assert not message("GROUP_MESSAGE_CREATE", IN_GROUP).addressed


def test_bots_are_known_for_bots() -> None:
    author = {**IN_GROUP["author"], "bot": True}
    assert message("GROUP_MESSAGE_CREATE", {**IN_GROUP, "author": author}).sender.is_bot


def test_a_channel() -> None:
    event = message("AT_MESSAGE_CREATE", IN_GUILD)
    assert event.text == "hi & hello <@!1>"
    assert event.place.conversation == "qq:channel:100010"
    assert event.place.anchor == {"msg_id": "0812345677890abcdef"}
    assert event.sender == Person("1234", "abc")
    named = message("AT_MESSAGE_CREATE", IN_GUILD, self_id="1")
    assert named.text == "@bot hi & hello <@!1>"


def test_all_messages_of_a_channel_tell_whom_they_are_for() -> None:
    me = "5777414462219517083"
    assert message("MESSAGE_CREATE", IN_GUILD, self_id=me).addressed
    assert not message("MESSAGE_CREATE", IN_GUILD, self_id="1").addressed
    member = {**IN_GUILD["member"], "nick": "老张", "roles": ["4"]}
    event = message("MESSAGE_CREATE", {**IN_GUILD, "member": member})
    assert (event.sender.name, event.from_owner) == ("老张", True)


def test_a_guild_s_private_chat() -> None:
    direct = {**IN_GUILD, "guild_id": "187tmp", "direct_message": True, "src_guild_id": "187"}
    event = message("DIRECT_MESSAGE_CREATE", {**direct, "content": "<#100> <emoji:4> ndnnd"})
    assert event.place.conversation == "qq:dm:187tmp"
    assert (event.place.scene, event.text) == (Scene.DIRECT, "#100 [emoji 4] ndnnd")


def test_attachments_new_and_old() -> None:
    files = [
        {
            "content_type": "image/png",
            "filename": "A.png",
            "height": 960,
            "width": 720,
            "size": 123456,
            "url": "https://multimedia.nt.qq.com.cn/download?appid=1406",
        },
        {
            "content_type": "voice",
            "filename": "x.amr",
            "size": "2048",
            "url": "https://u/x.amr",
            "voice_wav_url": "https://u/x.wav",
            "asr_refer_text": "你好",
        },
        {"content_type": "file", "filename": "报告.pdf", "size": 99, "url": "gchat.qpic.cn/f"},
        {"content_type": "video/mp4", "url": "//u/v"},
        {"content_type": "image/png", "filename": "without an address"},
        "nonsense",
    ]
    event = message("C2C_MESSAGE_CREATE", {**C2C, "content": " ", "attachments": files})
    assert event.text == ""
    assert event.attachments == (
        Attachment(
            "image",
            "https://multimedia.nt.qq.com.cn/download?appid=1406",
            "A.png",
            "image/png",
            123456,
        ),
        Attachment("voice", "https://u/x.wav", "x.amr", "audio/wav", 2048, "你好"),
        Attachment("file", "https://gchat.qpic.cn/f", "报告.pdf", "", 99),
        Attachment("video", "https://u/v", "", "video/mp4"),
    )


def test_a_quote_comes_with_its_text() -> None:
    quoted = {
        **C2C,
        "message_type": 103,
        "message_scene": {
            "source": "default",
            "ext": ["ref_msg_idx=REFIDX_old==", "msg_idx=REFIDX_new=="],
        },
        "msg_elements": [
            {"msg_idx": "REFIDX_other==", "content": "别的"},
            {
                "msg_idx": "REFIDX_old==",
                "message_type": 0,
                "content": "被引用的原文",
                "attachments": [{"content_type": "image/png", "url": "https://u/1"}],
            },
        ],
    }
    event = message("C2C_MESSAGE_CREATE", quoted)
    assert (event.quote, event.text) == ("被引用的原文", C2C["content"])
    assert event.attachments == (Attachment("image", "https://u/1", "", "image/png"),)
    assert event.place.anchor["ref"] == "REFIDX_new=="


def test_an_older_quote_is_remembered_or_not_known() -> None:
    scene = {"ext": ["ref_msg_idx=REFIDX_old==", "msg_idx=REFIDX_new=="]}
    data = {**C2C, "message_scene": scene}
    del data["message_type"]
    known = {"REFIDX_old==": "被引用的原文"}
    assert message("C2C_MESSAGE_CREATE", data, quotes=known).quote == "被引用的原文"
    assert message("C2C_MESSAGE_CREATE", data).quote == ""
    guild = {**IN_GUILD, "message_reference": {"message_id": "08"}}
    assert message("AT_MESSAGE_CREATE", guild, quotes={"08": "earlier"}).quote == "earlier"


def test_a_forwarded_record_becomes_its_lines() -> None:
    inner = {"message_type": 102, "msg_elements": [{"content": "深处"}]}
    data = {
        **C2C,
        "content": "",
        "message_type": 102,
        "msg_elements": [
            {"content": "一", "author": {"username": "小明"}},
            {"content": "", "attachments": [{"content_type": "image/png", "url": "u"}]},
            inner,
        ],
    }
    assert message("C2C_MESSAGE_CREATE", data).text == "小明: 一\n[image ]\n  深处"


def test_a_card_says_its_headline() -> None:
    ark = {"ark_type": 1, "ark_name": "card", "prompt": "[分享]一篇文章", "fields": {"t": "标题"}}
    data = {**C2C, "content": "", "message_type": 3, "ark_data": ark}
    assert message("C2C_MESSAGE_CREATE", data).text == "[分享]一篇文章\n标题"


def test_a_message_of_2024() -> None:
    data = {
        "id": "ROBOT1.0_a",
        "content": "哦一下",
        "timestamp": "2024-10-15T16:33:15+08:00",
        "author": {"id": "675860273", "user_openid": "675860273"},
    }
    event = message("C2C_MESSAGE_CREATE", data)
    assert (event.text, event.place.anchor) == ("哦一下", {"msg_id": "ROBOT1.0_a"})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("FRIEND_ADD", NoticeKind.JOINED),
        ("FRIEND_DEL", NoticeKind.LEFT),
        ("C2C_MSG_REJECT", NoticeKind.CLOSED),
        ("C2C_MSG_RECEIVE", NoticeKind.OPENED),
    ],
)
@pytest.mark.parametrize("at", [1784570523, "1784570523"])
def test_what_happens_between_a_person_and_a_bot(
    kind: str, expected: NoticeKind, at: object
) -> None:
    notice = read(kind, {"openid": OPENID, "timestamp": at, "scene": 1001})
    assert isinstance(notice, Notice)
    assert (notice.id, notice.kind, notice.at) == (f"{kind}:x", expected, 1784570523.0)
    assert notice.place.conversation == f"qq:c2c:{OPENID}"
    answerable = expected in (NoticeKind.JOINED, NoticeKind.OPENED)
    assert bool(notice.place.anchor) == answerable


@pytest.mark.parametrize(
    "at", [None, "", "soon", "9" * 400, 10**400, float("inf"), "2026-07-21", True, []]
)
def test_a_time_that_cannot_be_read_is_now(at: object) -> None:
    assert message("C2C_MESSAGE_CREATE", {**C2C, "timestamp": at}).at == NOW


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("GROUP_ADD_ROBOT", NoticeKind.JOINED),
        ("GROUP_DEL_ROBOT", NoticeKind.LEFT),
        ("GROUP_MSG_REJECT", NoticeKind.CLOSED),
        ("GROUP_MSG_RECEIVE", NoticeKind.OPENED),
    ],
)
def test_what_happens_between_a_group_and_a_bot(kind: str, expected: NoticeKind) -> None:
    notice = read(kind, {"group_openid": GROUP, "op_member_openid": OPENID, "timestamp": 1})
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.place.scene) == (expected, Scene.GROUP)


def interaction(kind: int, **where: str) -> Json:
    resolved = {"button_data": "confirm:once", "button_id": "allow-once", "user_id": "1234"}
    return {
        "id": "1b13d569-4610-4ab9-bc51-feecc5def6d4",
        "application_id": "102",
        "type": kind,
        "timestamp": "2026-07-21T10:00:00+08:00",
        "version": 1,
        "data": {"type": kind, "resolved": resolved},
        **where,
    }


def test_a_button_says_what_it_stands_for() -> None:
    event = message("INTERACTION_CREATE", interaction(11, user_openid=OPENID))
    assert (event.id, event.text) == ("1b13d569-4610-4ab9-bc51-feecc5def6d4", "confirm:once")
    assert event.place.anchor == {"event_id": "INTERACTION_CREATE:x"}
    group = {"group_openid": GROUP, "group_member_openid": OPENID}
    event = message("INTERACTION_CREATE", interaction(11, **group))
    assert (event.place.conversation, event.sender.id) == (f"qq:group:{GROUP}", OPENID)
    event = message("INTERACTION_CREATE", interaction(11, guild_id="1", channel_id="2"))
    assert (event.place.conversation, event.sender.id) == ("qq:channel:2", "1234")


def test_a_cleared_session_begins_a_new_conversation() -> None:
    assert message("INTERACTION_CREATE", interaction(14, user_openid=OPENID)).text == "/new"
    assert read("INTERACTION_CREATE", interaction(13, user_openid=OPENID)) is None


@pytest.mark.parametrize(("kind", "waits"), [(11, True), (12, True), (13, False), (14, False)])
def test_which_interactions_wait(kind: int, waits: bool) -> None:
    frame = {"t": "INTERACTION_CREATE", "id": "x", "d": interaction(kind, user_openid=OPENID)}
    assert bool(to_acknowledge(frame)) == waits
    assert to_acknowledge({"t": "C2C_MESSAGE_CREATE", "d": C2C}) == ""


@pytest.mark.parametrize(
    "kind", ["GROUP_MEMBER_ADD", "MESSAGE_DELETE", "MESSAGE_AUDIT_PASS", "SOMETHING_NEW", ""]
)
def test_what_is_nothing_for_a_bot(kind: str) -> None:
    assert read(kind, {"id": "x", "message": {}}) is None


KINDS = st.sampled_from(
    [
        ("C2C_MESSAGE_CREATE", C2C),
        ("GROUP_MESSAGE_CREATE", IN_GROUP),
        ("MESSAGE_CREATE", IN_GUILD),
        ("DIRECT_MESSAGE_CREATE", IN_GUILD),
        ("INTERACTION_CREATE", interaction(11, user_openid=OPENID)),
        ("FRIEND_ADD", {"openid": OPENID, "timestamp": 1}),
    ]
)
ODD = {"id": [], "content": {}, "url": 3, "msg_elements": "x", "author": [], "username": None}
ANY: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 10**30, 1.5, float("inf"), "", "x", "0", "<@", "\ud800"),
        *([], [None], [1, "x"], ["msg_idx=", "ref_msg_idx"], [[]], [{}], [ODD], [ODD, {"id": "7"}]),
        *({}, ODD, {"ext": [3, "msg_idx"]}, {"resolved": ODD}, {"fields": [ODD], "prompt": 1}),
        [{"msg_elements": [{"msg_elements": [ODD], "attachments": [ODD]}]}],
    ]
)


@given(KINDS, st.data())
def test_whatever_a_field_holds_nothing_breaks(kind: tuple[str, Json], data: st.DataObject) -> None:
    """Any field of any event may be missing, or be anything."""
    name, body = kind
    changed: Json = json.loads(json.dumps(body))
    extra = {"mentions", "msg_elements", "attachments", "ark_data", "message_reference", "member"}
    for field in data.draw(st.lists(st.sampled_from(sorted({*body, *extra})), max_size=3)):
        if data.draw(st.booleans()):
            changed.pop(field, None)
        else:
            changed[field] = data.draw(ANY)
    event = read(name, changed)
    assert event is None or event.bot == "helper"
