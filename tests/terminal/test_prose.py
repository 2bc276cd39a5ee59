"""Lines break where a reader expects it, and nothing of the text is lost."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from holdfast.terminal.prose import Prose


def drawn(text: str, width: int) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width, color_system=None).print(Prose(Text(text)))
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_english_breaks_at_spaces() -> None:
    assert drawn("the peer reset the connection (ECONNRESET), 812 ms", 20) == [
        "the peer reset the",
        "connection",
        "(ECONNRESET), 812 ms",
    ]


def test_chinese_breaks_between_signs_but_never_before_closing_punctuation() -> None:
    assert drawn("在回答的中途，对方重置了连接（ECONNRESET）。请求没有问题。", 16) == [
        "在回答的中途，对",
        "方重置了连接",
        "（ECONNRESET）。",
        "请求没有问题。",
    ]


def test_a_word_that_is_longer_than_the_line_is_folded_and_not_cut_off() -> None:
    assert drawn("01M8A3P1Z11K6M9XY59ZCF8AHG", 10) == ["01M8A3P1Z1", "1K6M9XY59Z", "CF8AHG"]


def test_own_line_breaks_and_empty_lines_stay() -> None:
    assert drawn("one\n\ntwo", 20) == ["one", "", "two"]


@given(
    st.text(alphabet=" ab.，。（）“”汉字🙂\n", max_size=120),
    st.integers(min_value=2, max_value=40),
)
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = drawn(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)
