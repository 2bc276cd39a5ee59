"""Line breaks after talk, and what can stand on a line of its own only."""

from __future__ import annotations

import pytest

from holdfast.resilience.breaks import kind_of, past_talk

TALK = "Continuing:"


@pytest.mark.parametrize(
    ("text", "rest", "own"),
    [
        ("The wheel cracked,", "\n\nso he turned it.", ""),
        ("The wheel cracked.", "\n\nHe turned it.", ""),
        ("One.\n\nThe wheel cracked.", "\n\n\nHe turned it.", "\n\n"),
        ("1. Oil it.", "\n\n2. Light it.", "\n"),
        ("1. Oil it.\r", "\r\n\r\n2. Light it.", "\r\n"),
        ("| a | b |", "\n\n| 1 | 2 |", "\n"),
        ("| a | b", "\n\n| 1 | 2 |", ""),
        ("> He slept.", "\n\n\nThen he woke.", "\n\n"),
        ("He slept.", "\n\n## Then", "\n\n"),
        ("问：在吗？\n答：在。\n\n问：去吗？\n答：去。", "\n\n问：来吗？", "\n"),
    ],
)
def test_what_cannot_stand_on_the_line_that_was_cut_keeps_its_breaks(
    text: str, rest: str, own: str
) -> None:
    new = TALK + rest
    breaks = len(rest) - len(rest.lstrip("\r\n"))
    at = past_talk(text.rstrip("\r"), new, len(TALK) + breaks, fence_open=False)
    assert new[at:] == own + rest.lstrip("\r\n")


@pytest.mark.parametrize(
    ("line", "rest", "own"),
    [
        ("x = 1;", "\n\ny = 2;", "\n"),
        ("if x:", "\n\n    y = 2", "\n"),
        ("y = 2", "\n\n```\n", "\n"),
        ("y = ", "\n\n2", ""),
    ],
)
def test_lines_of_code(line: str, rest: str, own: str) -> None:
    at = past_talk(f"```c\n{line}", TALK + rest, len(TALK) + 2, fence_open=True)
    assert (TALK + rest)[at:] == own + rest.lstrip("\n")


def test_kinds_of_lines() -> None:
    kinds = {
        "- a": "item",
        "3) b": "item",
        "| c |": "row",
        "> d": "quote",
        "## e": "heading",
        "```py": "fence",
        "---": "rule",
        "-- f": "",
        "3 g": "",
    }
    assert {line: kind_of(line) for line in kinds} == kinds
