"""An anchor is the end of the text, quotable, and marks one place where that can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.anchor import anchor, open_fence, whole_sign
from holdfast.sim.library import TEXTS

ALL_TEXTS = [text for versions in TEXTS.values() for text in versions.values()]


@given(st.text())
def test_it_is_the_end_without_white_space(released: str) -> None:
    quote = anchor(released)
    assert released.rstrip().endswith(quote)
    assert quote == quote.rstrip()
    assert bool(quote) == bool(released.strip())


@given(st.text(min_size=25))
def test_it_is_long_enough_to_be_no_chance(released: str) -> None:
    assert len(anchor(released)) >= min(24, len(released.rstrip()))


@given(st.sampled_from(ALL_TEXTS), st.floats(0, 1))
def test_it_occurs_once_where_the_text_does_not_repeat_itself(text: str, share: float) -> None:
    released = text[: 1 + int(share * len(text))]
    assert released.count(anchor(released)) == 1


TABLE = [
    # released, its anchor
    ("", ""),
    (" \n", ""),
    ("Hold", "Hold"),
    ("Hold fast. \n", "Hold fast."),
    (
        "The rope is short, but it reaches the shore, and that is all it has to do",
        "that is all it has to do",
    ),
    (
        "灯塔看守人的日志是一种很朴素的本子。规矩只要求这些。先写日期，再写风向，然后是点灯的时刻和熄灯的时刻",
        "先写日期，再写风向，然后是点灯的时刻和熄灯的时刻",
    ),
    ("x" * 200, "x" * 80),
]


@pytest.mark.parametrize(("released", "quote"), TABLE)
def test_table(released: str, quote: str) -> None:
    assert anchor(released) == quote


def test_it_reaches_back_until_it_marks_one_place() -> None:
    line = "- [ ] check the lamp and the wheel\n"
    released = "Monday:\n" + line + "Tuesday:\n" + line
    assert anchor(released) == "Tuesday:\n" + line.rstrip()


SIGNS = [
    ("e\u0301", "a combining accent"),
    ("👋🏽", "a skin tone"),
    ("👨‍👩‍👧‍👦", "a family of joiners"),
    ("🏳️‍🌈", "a variation selector and a joiner"),
    ("🇫🇮", "a flag of two letters"),
    ("1️⃣", "a key cap"),
    ("\u0924\u0947", "a vowel sign"),
]


@pytest.mark.parametrize(("sign", "what"), SIGNS)
@pytest.mark.parametrize("lead", range(30))
def test_no_sign_is_cut_in_two(sign: str, what: str, lead: int) -> None:
    quote = anchor("x" * 60 + sign + "y" * lead)
    assert not any(quote.startswith(sign[cut:] + "y" * lead) for cut in range(1, len(sign))), what


def test_flags_are_cut_between_two_flags_only() -> None:
    flags = "🇫🇮🇩🇪🇨🇳"
    assert [whole_sign(flags, index) for index in range(7)] == [0, 0, 2, 2, 4, 4, 6]


FENCES = [
    ("no code", None),
    ("```python\nx = 1\n", "python"),
    ("```python\nx = 1\n```\n", None),
    ("```\nx = 1\n", ""),
    ("````md\n```py\nx\n```\n", "md"),
    ("~~~ a`b c\nx\n```\n", "a`b"),
    ("```py\r\nx = 1\r\n", "py"),
    ("```py\r\nx = 1\r\n```\r\ntext", None),
    ("1. do this:\n\n    ```bash\n    ls\n", "bash"),
    ("1. do this:\n\n    ```bash\n    ls\n    ```\n2. then", None),
    ("- ```js\n  x\n", "js"),
    ("> ```js\n> x\n", "js"),
    ("say ```inline``` words", None),
    ("``` not a fence` at all\nx", None),
    ("```py\nx\n```\n```rust\ny", "rust"),
    ("```py\nprint('```')\n", "py"),
]


@pytest.mark.parametrize(("text", "language"), FENCES)
def test_open_fence(text: str, language: str | None) -> None:
    assert open_fence(text) == language
