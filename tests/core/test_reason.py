"""Reasons are values, and every one of them can be said in both languages."""

from __future__ import annotations

import pytest

from holdfast.core.failure import Kind
from holdfast.core.reason import REASONS, Reason, Why

REST = 31.6


@pytest.mark.parametrize("why", Why)
def test_every_reason_is_said_in_english_and_in_chinese(why: Why) -> None:
    reason = Reason(why, count=5, seconds=REST)
    english, chinese = reason.say("en"), reason.say("zh")
    assert english.isascii()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese)
    for number in ("5", "32"):
        assert (number in english) == (number in chinese)
    assert not set(english + chinese) & set("{}。")


def test_what_it_follows_from_is_said_first() -> None:
    moved = Reason(Why.OTHER_TARGET, Kind.RATE_LIMITED)
    assert moved.say("en") == "too many requests for this key; another target may work"
    assert moved.say("zh") == "这个密钥的请求太频繁；换一个目标可能成功"


def test_a_reason_can_follow_from_a_reason() -> None:
    anew = Reason(Why.ANEW, Reason(Why.NOBODY))
    assert anew.say("en") == "no target is left that could help; the whole answer anew"
    assert anew.say("zh") == "没有还能帮上忙的目标了；重新给出整个回答"


def test_the_table_has_a_row_for_each_and_no_two_alike() -> None:
    assert set(REASONS) == set(Why)
    assert len(set(REASONS.values())) == len(REASONS)
