"""Where new text begins to repeat the old one, after words that nobody listed."""

from __future__ import annotations

import pytest

from holdfast.core.anchor import anchor
from holdfast.resilience.overlap import fold
from holdfast.resilience.recall import recalled

OLD = "The keeper climbed the stairs at dusk. He lit the lamp and wrote down the hour of it"
ALT = "看守人黄昏时走上石阶。他点亮了灯，然后在日志里写下点灯的时刻，字迹端正"


def found(old: str, new: str) -> list[str]:
    """What stands at the offsets that were found."""
    known, fresh = fold(old), fold(new)
    return [new[at:] for at in recalled(known, fresh, len(old) - len(anchor(old)))]


@pytest.mark.parametrize(
    "talk", ["Gladly. ", "Zweiter Teil:\n\n", "<go on>\n", "Where was I? Ah.\n\n"]
)
def test_any_words_may_stand_before_it(talk: str) -> None:
    for again in (OLD, "He lit the lamp and wrote down the hour of it", anchor(OLD)):
        assert f"{again}, and slept." in found(OLD, f"{talk}{again}, and slept.")


@pytest.mark.parametrize("talk", ["行。", "第二部分：\n\n", "（下半部分）\n\n"])
def test_in_chinese_too(talk: str) -> None:
    for again in (ALT, "他点亮了灯，然后在日志里写下点灯的时刻，字迹端正"):
        assert f"{again}，然后睡了。" in found(ALT, f"{talk}{again}，然后睡了。")


def test_text_that_repeats_nothing_has_none() -> None:
    assert found(OLD, ", and then he slept until the sun was up. Nobody saw it.") == []


def test_what_begins_at_once_is_no_talk() -> None:
    assert found(OLD, OLD + ", and slept.") == []


def test_lines_that_repeat_themselves_are_no_recollection() -> None:
    code = "bucket = Bucket(rate=2)\nassert bucket.take(now=0.0) == 0.0\nassert bucket.take(now=0"
    assert found(code, ".0) == 0.0\nassert bucket.take(now=0.0) == 0.5\n") == []
    verse = "Row, row, row your boat,\ngently down the stream,\nrow, row, row your boat,"
    assert found(verse, "\ngently down the stream,\nrow, row, row your boat,\n") == []


def test_not_for_ever() -> None:
    assert found(OLD, "word " * 80 + OLD) == []
