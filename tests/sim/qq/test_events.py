"""What the simulator pushes has the shape of the documents' examples, field for field."""

from __future__ import annotations

from typing import Any

import pytest
from tests.platforms.qq.codec.test_events import C2C, GROUP, IN_GROUP, IN_GUILD

from holdfast.sim.qq.events import (
    Event,
    Quoted,
    Said,
    aged,
    c2c_message,
    group_message,
    guild_message,
    member,
)
from holdfast.sim.qq.rules import (
    DIRECT_MESSAGES,
    GROUP_AND_C2C,
    INTERACTIONS,
    PUBLIC_GUILD_MESSAGES,
)

AT = 1784599200.0  # 2026-07-21T10:00:00+08:00


def shape(value: Any) -> Any:
    """A value's structure: the names of its fields and the kinds of what they hold."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return type(value).__name__


def said(text: str, **more: Any) -> Said:
    return Said("ROBOT1.0_x", text, AT, "REFIDX_x==", **more)


def test_a_private_message_is_the_documented_one() -> None:
    made = c2c_message(said("你好"), C2C["author"]["user_openid"])
    assert shape(made) == shape(C2C)
    assert made["timestamp"] == C2C["timestamp"]


def test_a_message_in_a_group_is_the_documented_one() -> None:
    made = group_message(said(" hi "), GROUP, member("A1", "小明"))
    documented = {**IN_GROUP, "message_scene": C2C["message_scene"]}
    assert shape(made) == shape(documented)


def test_a_message_in_a_channel_is_the_documented_one() -> None:
    made = guild_message(said("hi"), "187", "1", IN_GUILD["author"], 101, [IN_GUILD["mentions"][0]])
    assert shape(made) == shape(IN_GUILD)


def test_a_quote_is_the_documented_one() -> None:
    made = c2c_message(said("why?", quoted=Quoted("REFIDX_old==", "text")), "A1")
    assert made["message_type"] == 103
    assert made["message_scene"]["ext"] == ["ref_msg_idx=REFIDX_old==", "msg_idx=REFIDX_x=="]
    assert set(made["msg_elements"][0]) == {"msg_idx", "message_type", "content", "attachments"}


def test_an_old_message_has_less() -> None:
    made = aged(c2c_message(said("x", attachments=[{"url": "https://a/b"}]), "A1"))
    assert "message_type" not in made
    assert made["attachments"] == [{"url": "a/b"}]


@pytest.mark.parametrize(
    ("kind", "intent"),
    [
        ("C2C_MESSAGE_CREATE", GROUP_AND_C2C),
        ("GROUP_MESSAGE_CREATE", GROUP_AND_C2C),
        ("FRIEND_ADD", GROUP_AND_C2C),
        ("INTERACTION_CREATE", INTERACTIONS),
        ("AT_MESSAGE_CREATE", PUBLIC_GUILD_MESSAGES),
        ("DIRECT_MESSAGE_CREATE", DIRECT_MESSAGES),
        ("MESSAGE_CREATE", 1 << 9),
        ("MESSAGE_AUDIT_PASS", 1 << 27),
        ("MESSAGE_REACTION_ADD", 1 << 10),
        ("GUILD_CREATE", 1 << 0),
        ("GUILD_MEMBER_ADD", 1 << 1),
        ("GROUP_MEMBER_ADD", 1 << 24),
    ],
)
def test_which_subscription_brings_it(kind: str, intent: int) -> None:
    assert Event(kind, "x", {}).intent == intent
