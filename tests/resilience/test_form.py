"""What is no text by its form, whatever its words are."""

from __future__ import annotations

import pytest

from holdfast.resilience.form import fence_end, interjected, is_prose, spaced_out, thought_end


@pytest.mark.parametrize(
    ("new", "rest"),
    [
        ("<plan>\nGo on.\n</plan>\n\nand so", "and so"),
        ("<思考>接着写。</思考>\n于是", "于是"),
        ("<think>a</think> and so", " and so"),
        ("<sub>2</sub>O", "<sub>2</sub>O"),
        ("<details>\nMore.\n</details>\n", "<details>\nMore.\n</details>\n"),
        ("<plan>\nnever closed", "<plan>\nnever closed"),
    ],
)
def test_thoughts_stand_between_tags_that_no_text_has(new: str, rest: str) -> None:
    assert new[thought_end(new) :] == rest


@pytest.mark.parametrize(
    ("text", "new", "rest"),
    [
        ("He slept", "Back to it.\n\n and woke.", " and woke."),
        ("He slept", "One.\n\nTwo of it.\n\n And woke.", " And woke."),
        ("a\n b", "Back to it.\n\n and woke.", None),
        ("He slept", "Back to it.\n\n - an item", None),
        ("He slept", "x = {}.\n\n and woke.", None),
    ],
)
def test_no_line_of_prose_begins_with_one_space(text: str, new: str, rest: str | None) -> None:
    at = spaced_out(text, new)
    assert (new[at:] if at else None) == rest


def test_a_paragraph_in_the_middle_of_a_sentence() -> None:
    assert interjected("Back to it now.\n\nand woke.") == (17, True)
    assert interjected("Back to it now.\n\nThen he woke.") == (17, False)
    assert interjected("back to it now.\n\nand woke.") == (0, False)


def test_prose_is_no_code() -> None:
    assert is_prose("He never looks at the clock.")
    assert is_prose("他从来不看表。")
    assert not is_prose("x = f(1)")
    assert not is_prose("| a | b |")


@pytest.mark.parametrize(
    ("text", "reopened", "end"),
    [
        ("```python\nx = 1\n", True, 10),
        ("\n```python\nx = 1\n", True, 11),
        ("```\nx = 1\n", False, 4),
        ("```\nThat was it.\n", True, 0),  # inside a block, a bare line closes it
        ("~~~sh\nls\n", True, 6),
        ("x = 1\n```\n", True, 0),
        ("```python", True, 0),
    ],
)
def test_a_fence_line(text: str, reopened: bool, end: int) -> None:
    assert fence_end(text, 0, reopened=reopened) == end
