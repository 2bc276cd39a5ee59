"""Marks around a quotation of what was released."""

from __future__ import annotations

import pytest

from holdfast.resilience.frame import is_spoken_of, past_frame

OLD = "He lit the lamp and wrote down the hour"
END = "wrote down the hour"


@pytest.mark.parametrize(
    ("before", "after", "past"),
    [
        ("“", "” of it", 1),
        ("「", "」", 1),
        ("`", "` of it", 1),
        ("-----\n", "\n-----\n of it", 7),
        ("-----\n", "\n-----", 6),
        ("=====\n\n", "\n=====\n\n of it", 8),
        ("```text\n", "\n```\n of it", 5),
        ("<anchor>", "</anchor> of it", 9),
        ("***", "*** of it", 3),
        ("…", "… of it", 1),
        ("...", ". of it", 0),  # half a row of signs closes nothing
        ("Gladly. ", ". Of it", 0),
        (">>> ", "\n\nof it", 2),
        ("", " of it", 0),
        ("**Part 2:**\n\n", "** of it", 0),  # those belong to something else
        ("“", " of it”", 0),
        ("“", "”\n\n of it", 3),  # no line begins with the space between two words
        ("`", "`\r\n of it", 3),
        ("“", "”\n\nOf it", 1),
        ("“", "”\n\n  of it", 1),
    ],
)
def test_the_frame_is_passed_with_what_it_holds(before: str, after: str, past: int) -> None:
    end = len(before) + len(END)
    own = OLD.removesuffix(END)
    assert past_frame(own, before + END + after, len(before), end) == end + past


def test_a_text_whose_lines_begin_with_a_space_keeps_its_break() -> None:
    new = f"“{END}”\n of it"
    for own in ("+a\n b\n", "```diff\n+"):
        assert past_frame(own, new, 1, 1 + len(END)) == 2 + len(END)


def test_the_fence_of_the_text_is_no_frame() -> None:
    old, new = "Run:\n```\nwrote down the hour", "```\nwrote down the hour\n```\nDone."
    own = old.removesuffix(END)
    assert past_frame(own, new, 4, 4 + len(END)) == 4 + len(END)


@pytest.mark.parametrize(
    ("before", "after", "spoken"),
    [
        ("You have it up to “", "”. From there:", True),
        ("You have it up to “lamp and ", "”. From there:", True),
        ("She said “yes” and ", "” was all", False),
        ("", " of it", False),
    ],
)
def test_words_in_quotation_marks_may_only_be_spoken_of(
    before: str, after: str, spoken: bool
) -> None:
    end = len(before) + len(END)
    assert is_spoken_of(OLD, OLD.index(END), before + END + after, len(before), end) is spoken
