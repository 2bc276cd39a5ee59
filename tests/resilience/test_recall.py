"""Where new text begins to repeat the old one, after words that nobody listed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.anchor import anchor
from holdfast.resilience.letters import fold
from holdfast.resilience.recall import Memory, Place

OLD = "The keeper climbed the stairs at dusk. He lit the lamp and wrote down the hour of it"
ALT = "看守人黄昏时走上石阶。他点亮了灯，然后在日志里写下点灯的时刻，字迹端正"


def memory(old: str) -> Memory:
    return Memory(fold(old), len(old) - len(anchor(old)))


def found(old: str, new: str) -> list[str]:
    """What stands at the offsets that were found."""
    return [new[one.offset :] for one in memory(old).recalled(fold(new))]


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


def test_however_long_the_words_before_it_are() -> None:
    assert f"{OLD}, and slept." in found(OLD, "word " * 80 + f"{OLD}, and slept.")


@pytest.mark.parametrize(
    ("again", "place"),
    [
        (OLD, Place.WHOLE),
        ("He lit the lamp and wrote down the hour of it", Place.SENTENCE),
        (anchor(OLD), Place.QUOTE),
        ("and wrote down the hour of it", Place.WORD),
    ],
)
def test_where_a_repetition_begins_in_the_old_text(again: str, place: Place) -> None:
    fresh = fold(f"Gladly.\n\n{again}, and slept.")
    (one,) = memory(OLD).recalled(fresh)
    assert (one.place, one.common) == (place, False)
    assert fresh.text[one.offset :].startswith(again)


def test_what_the_old_text_says_more_than_once_is_common() -> None:
    old = "Hold fast, my lads!\nThe wind is high.\nHold fast, my lads!\nThe rope is wet.\nHold fa"
    (one,) = memory(old).recalled(fold("Part 2:\n\nHold fast, my lads!"))
    assert one.common


def test_marks_before_the_first_letter_belong_to_a_repetition() -> None:
    old = "One thing.\n- **Oil the wheel** and wait for the smoke"
    assert found(old, "Ready.\n\n- **Oil the wheel** and wait for the smoke to go.") == [
        "- **Oil the wheel** and wait for the smoke to go."
    ]


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=20))
@example("2:", "", "½")
def test_what_is_found_is_the_end_of_the_old_text(old: str, talk: str, rest: str) -> None:
    known, fresh = fold(old), fold(f"{talk}{old}{rest}")
    for one in Memory(known, len(old)).recalled(fresh):
        first = fresh.first(one.offset)
        assert known.letters.endswith(fresh.letters[first : first + one.letters])


@given(st.text(min_size=1, max_size=60), st.text(max_size=40))
def test_a_piece_of_the_old_text_announces_the_rest_of_it(old: str, talk: str) -> None:
    known = fold(old)
    for cut in range(len(old)):
        left = Memory(known, len(old)).still_to_come(fold(talk + old[:cut]))
        assert 0 <= left < max(1, len(known.letters))
