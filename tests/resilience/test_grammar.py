"""Of two ways to go on, the one that is sound Markdown."""

from __future__ import annotations

import pytest

from holdfast.resilience.grammar import sounder

TABLE = "| a | b |\n|---|---|\n"


@pytest.mark.parametrize(
    ("text", "sound", "flawed"),
    [
        (f"{TABLE}|", " 1 | 2 |\n", "| 1 | 2 |\n"),
        ("| a | b |\n|---", "|---|\n", "|---|---|---|\n"),
        ("| a | b |\n|", "---|---|\n", " 1 | 2 |\n"),
        ("|", " a | b |\n", "| a | b |\n"),
        ("Look:\n`", "``py\nx\n", "`py\nx\n"),
        ("Look:\n`", "``py\nx\n", "```py\nx\n"),
        ("```py\nx\n`", "``\n", "`\n"),
        ("So:\n$", "$x$$\n", "x$$\n"),
        ("So:\n$", "$x$$\n", "$$x$$\n"),
        ("1. Lift.\n2", ". Turn.", "2. Turn."),
        ("", "1. Lift.", "11. Lift."),
        ("10. Lift.\n1", "1. Turn.", ". Turn."),
        ("> ", "Mind this.", "> Mind this."),
    ],
)
def test_what_is_sound(text: str, sound: str, flawed: str) -> None:
    assert sounder(text, sound, flawed, final=False) == sound
    assert sounder(text, flawed, sound, final=False) == sound


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("#", "# Setting up\n", " Setting up\n"),
        ("The lamp ", "is lit.", "was lit."),
        ("1. Lift.\n", "1. Turn.", "2. Turn."),
        (TABLE, "| 1 | 2 |\n", "| 3 | 4 |\n"),
        ("> > a\n> ", "> b", "c"),
    ],
)
def test_what_tells_nothing(text: str, one: str, other: str) -> None:
    assert sounder(text, one, other, final=False) is None


def test_a_last_line_is_judged_as_a_whole_one() -> None:
    assert sounder("So:\n$", "$x$$", "x$$", final=False) is None
    assert sounder("So:\n$", "$x$$", "x$$", final=True) == "$x$$"
