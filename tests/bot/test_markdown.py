"""Where a growing text may be shown, and where a long one is parted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.bot.markdown import closing_fence, open_fence, part, reopening, settled


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello wor", "Hello"),
        ("Hello world.", "Hello world."),
        ("你好世", "你好世"),
        ("see https://exam", "see"),
        ("it is **bo", "it is"),
        ("it is **bold**, yes.", "it is **bold**, yes."),
        ("a [link](https://x.ex", "a"),
        ("an ![image", "an"),
        ("in `co", "in"),
        ("* a point, ", "* a point,"),
        ("2 * 3 = 6.", "2 * 3 = 6."),
        ("a < b, so", "a < b,"),
        ("tag <qqbot-at-user id=", "tag"),
        ("Look:\n```py", "Look:"),
        ("Look:\n```py\nx = 1\ny = ", "Look:\n```py\nx = 1"),
        ("Table:\n| a | b |\n", "Table:"),
        ("Table:\n| a | b |\n|---|---|\n", "Table:\n| a | b |\n|---|---|"),
        ("Table:\n| a | b |\n|---|---|\n| 1 |", "Table:\n| a | b |\n|---|---|"),
        ("trailing space.  \n\n", "trailing space."),
    ],
)
def test_what_may_be_shown(text: str, shown: str) -> None:
    assert text[: settled(text)] == shown


TABLE = "Look:\n\n| a | b |\n| --- |:-:|\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("told", "rest", "lines"),
    [
        ("Words,", " and more.", ""),
        ("```py\nx = 1", "\ny = 2\n```", "```py"),
        (TABLE, "\n| 3 | 4 |", "| a | b |\n| --- |:-:|"),
        (f"{TABLE}\n", "| 3 | 4 |", "| a | b |\n| --- |:-:|"),
        (TABLE, "\n\n| 3 | 4 |", ""),
        (f"{TABLE}\n", "\n| 3 | 4 |", ""),
        (TABLE, "\nWords.", ""),
        ("| no head |\n| of a table |", "\n| 3 |", ""),
        ("a | b\n--- | ---\n1 | 2", "\n3 | 4", "a | b\n--- | ---"),
        ("a | b, or --- | c", "\nd | e", ""),
        ("", "| 3 | 4 |", ""),
    ],
)
def test_what_a_message_goes_on_with(told: str, rest: str, lines: str) -> None:
    assert reopening(told, rest) == lines


def test_what_stays_open_for_long_was_no_markup() -> None:
    text = "an *asterisk " + "and words that never end it, " * 12
    assert settled(text) == len(text.rstrip())


_PIECES = st.lists(
    st.sampled_from(
        [
            "word",
            " ",
            "**",
            "*",
            "`",
            "```py\n",
            "```\n",
            "\n",
            "| a | b |\n",
            "[x](",
            "y)",
            "<",
            "句。",
        ]
    ),
    max_size=25,
)


@given(_PIECES, _PIECES)
def test_a_prefix_that_was_shown_is_never_taken_back_by_much(
    one: list[str], more: list[str]
) -> None:
    """What is shown is a beginning of the text; the machine keeps what was shown before."""
    text = "".join(one)
    assert 0 <= settled(text) <= len(text)
    assert (text + "".join(more)).startswith(text[: settled(text)])


def test_parts_end_at_paragraphs_lines_sentences_words() -> None:
    assert part("short", 100) == 5
    text = "First paragraph here.\n\nSecond one. And more words"
    assert text[: part(text, 40)] == "First paragraph here."
    assert text[:40][: part("x" * 60, 40)] == text[:40]
    assert "一句话。两句话。"[: part("一句话。两句话。", 6)] == "一句话。"


def test_no_sign_is_cut_in_two() -> None:
    family = "👨‍👩‍👧‍👦" * 5
    end = part(family, 10)
    assert end % len("👨‍👩‍👧‍👦") == 0


@pytest.mark.parametrize(
    ("text", "opened", "closing"),
    [
        ("plain", "", ""),
        ("```py\nx", "```py", "```"),
        ("```py\nx\n```\n", "", ""),
        ("````\n```\n", "````", "````"),
        ("~~~\n```\n", "~~~", "~~~"),
    ],
)
def test_code_blocks(text: str, opened: str, closing: str) -> None:
    assert open_fence(text) == opened
    assert closing_fence(opened) == closing
