"""What may go on where a text was cut."""

from __future__ import annotations

import pytest

from holdfast.resilience.cut import Cut


@pytest.mark.parametrize(
    ("released", "new", "space"),
    [
        ("He lit the lamp.", "Then he slept.", " "),
        ("“He lit the lamp.”", "Then he slept.", " "),
        ("Is it lit?", "I think so.", " "),
        ("He lit the lamp.", " Then he slept.", ""),
        ("He lit the lamp. ", "Then he slept.", ""),
        ("See example.", "Com for it", " "),
        ("It is asyncio.", "Queue.get that", ""),
        ("Use `asyncio.", "Queue` here", ""),
        ("the U.", "S. Navy", ""),
        ("version 3.", "Then", ""),
        ("Read www.example.", "Then go", ""),
        ("他点亮了灯。", "然后睡了。", ""),
        ("```\nfoo.", "Bar baz\n", ""),
    ],
)
def test_a_space_that_a_sentence_lost(released: str, new: str, space: str) -> None:
    assert Cut(released).lost_space(new) == space
