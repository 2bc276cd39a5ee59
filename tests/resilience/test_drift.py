"""How far two texts say the same: tables in Chinese and English, and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.drift import align, shared_words
from holdfast.resilience.letters import letters_of, weight

SENTENCE = "He lit the lamp at dusk, climbed down again, and wrote the hour into the log."


@pytest.mark.parametrize(
    "told",
    [
        "He lit the lamp at dusk, climbed down, and wrote the hour into the log.",
        "He lit the lamp at dawn, climbed down again, and wrote the hour into the log.",
        "He lit the old lamp at dusk, climbed down again, and wrote the hour into the log.",
        "He lit the lamp at dusk, climbed down again, and put the hour into the log.",
    ],
)
def test_a_word_here_and_there_may_differ(told: str) -> None:
    found = align(letters_of(SENTENCE), letters_of(told))
    assert (found.old, found.new) == (len(letters_of(SENTENCE)), len(letters_of(told)))
    assert 0 < found.missed < found.matched


def test_a_chinese_sign_may_differ() -> None:
    old, new = (
        "先写日期，再写风向，然后点灯，最后把时刻记下来",
        "先写日期，再写风速，然后点灯，最后把时刻记下来",
    )
    found = align(letters_of(old), letters_of(new))
    assert found.new == len(letters_of(new))
    assert found.missed == weight("向")


def test_other_words_are_not_the_same() -> None:
    found = align(letters_of(SENTENCE), letters_of("He slept until the ship had gone by."))
    assert found.matched < 12


def test_words_are_shared_in_any_order() -> None:
    turned = "And wrote the hour into the log, climbed down again; he lit the lamp at dusk."
    assert shared_words(SENTENCE, turned).of_both == 1
    half = shared_words(SENTENCE, turned[:32])
    assert half.of_second == 1 > half.of_both > 0
    assert shared_words(SENTENCE, "She slept.").weight == 0
    assert shared_words("先点灯", "灯先点").weight == weight("先")


@given(st.text(alphabet="abcde中文", max_size=80), st.text(alphabet="abcde中文", max_size=80))
def test_what_agrees_is_counted_once(old: str, new: str) -> None:
    found = align(old, new)
    assert found.old <= len(old)
    assert found.new <= len(new)
    assert found.run <= found.matched <= min(weight(old), weight(new))
    assert align(old, old).new == len(old)


@given(st.text(alphabet="ab ", max_size=60), st.text(alphabet="ab ", max_size=60))
def test_the_same_beginning_is_found(shared: str, rest: str) -> None:
    assert align(shared, shared + rest).new >= len(shared)
