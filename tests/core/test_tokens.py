"""The estimate is rough, never zero for text, and never shrinks when text grows."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.tokens import estimate_tokens
from holdfast.sim.library import TEXTS


def test_nothing_costs_nothing() -> None:
    assert estimate_tokens("") == 0


@given(st.text(min_size=1))
def test_something_costs_something(text: str) -> None:
    assert 1 <= estimate_tokens(text) <= len(text)


@given(st.text(), st.text())
def test_more_text_never_costs_less(one: str, other: str) -> None:
    both = estimate_tokens(one + other)
    assert max(estimate_tokens(one), estimate_tokens(other)) <= both
    assert both <= estimate_tokens(one) + estimate_tokens(other)


def test_within_a_factor_of_two_of_words_and_signs() -> None:
    # Common tokenizers give 1.2 to 1.5 tokens to an English word, 0.6 to 1 to a Chinese sign.
    english, chinese = TEXTS["long"]["en"], TEXTS["long"]["zh"]
    assert 1 < estimate_tokens(english) / len(english.split()) < 2.6
    assert 0.5 < estimate_tokens(chinese) / len(chinese) < 1.2
