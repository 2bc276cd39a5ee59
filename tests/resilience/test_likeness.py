"""A text goes on as it has elsewhere: numbers apart, or words apart where there are many signs."""

from __future__ import annotations

import pytest

from holdfast.resilience.likeness import Likeness

LOG = "07:15:01.102 INFO [worker-1] GET /items/381 200\n07:15:01.118 INFO [worker-2] GET /items/3"


@pytest.mark.parametrize(
    ("text", "new", "likely"),
    [
        (LOG, "82 200\n07:15:01.131 WARN [worker-1] pool\n", True),
        (LOG, "07:15:01.118 INFO [worker-2] GET /items/382 200\n", False),  # the line again
        (LOG, "Sure, here is the rest of the log:\n", False),
        # What comes later in the new text counts, too.
        (LOG[:10], "02 INFO [worker-1] GET\n07:15:01.118 INFO [worker-2] GET\n", True),
        # Of a line after the line break nobody can tell whether it is the same again.
        (LOG.rsplit("\n", 1)[0], "\n07:15:01.118 INFO [worker-2] GET /items/382 200\n", False),
        # Siblings in markup: other words, the same signs.
        (
            "<dep>\n  <name>web-starter</name>\n  <kind>run</kind>\n</dep>\n" * 2
            + "<dep>\n  <name>data",
            "-jpa</name>\n  <kind>test</kind>\n</dep>\n",
            True,
        ),
        ("one two three four five six", " seven eight nine ten eleven", False),
        ("port: 80", "80\nport: 9090\n", False),
        ("", "anything at all goes", False),
    ],
)
def test_what_stands_on_both_sides_stands_together_elsewhere(
    text: str, new: str, likely: bool
) -> None:
    assert Likeness(text).goes_on(new) is likely


@pytest.mark.parametrize(
    ("text", "piece", "twice"),
    [
        ("5 bottles,\n5 bottles,\nand a fall.\n4 bottles,", "\n4 bottles,", False),
        ("\n5 bottles,\n5 bottles,\nand a fall.\n4 bottles,", "\n4 bottles,", True),
        ("1×1=1\n1×2=2\n1×3=3", "\n1×3=3", False),  # rows that count are not the same
    ],
)
def test_a_refrain_is_twice_the_same(text: str, piece: str, twice: bool) -> None:
    assert Likeness(text).is_twice(piece, "") is twice
