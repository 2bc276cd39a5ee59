"""A model is told what the splice will look for, in the language of the conversation."""

from __future__ import annotations

import re

import pytest

from holdfast.core.anchor import anchor
from holdfast.core.attempt import How
from holdfast.resilience.splice import Splicer
from holdfast.wire.instruction import instruction

TEXT = "The sea was calm, and the keeper of the light wrote {this} down in `his` book, then"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("released", [TEXT, TEXT + " \n", "短", "第一行。\n\n第二行，还没有写完"])
def test_it_quotes_the_anchor_on_lines_of_its_own(released: str, language: str) -> None:
    told = instruction(released, language)
    assert f"\n-----\n{anchor(released)}\n-----\n" in told
    assert ("网络故障" in told) is (language == "zh")
    assert "```" not in told


def test_who_follows_it_joins_with_a_proven_seam() -> None:
    quoted = instruction(TEXT, "en").split("-----\n")[1].removesuffix("\n")
    splicer = Splicer(TEXT, How.INSTRUCT)
    assert splicer.feed(quoted + " slept.") == " slept."
    assert splicer.seam
    assert splicer.seam.verified


@pytest.mark.parametrize(
    ("released", "fences"),
    [
        ("Here:\n```python\nprint(1)\n", ["```python"]),
        ("Here:\n~~~\nplain\n", ["```"]),
        ("Here:\n```python\nprint(1)\n```\nand so it goes on and on and on", []),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_says_so_inside_a_code_block(released: str, fences: list[str], language: str) -> None:
    _, _, rest = instruction(released, language).rpartition("-----\n")
    assert re.findall(r"```\w*", rest) == fences


def test_another_language_is_addressed_in_english() -> None:
    assert instruction(TEXT, "fr") == instruction(TEXT, "en")
