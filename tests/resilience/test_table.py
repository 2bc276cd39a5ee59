"""A table that a continuation begins again."""

from __future__ import annotations

import pytest

from holdfast.core.attempt import How
from holdfast.core.failure import Failure
from holdfast.resilience.joint import More
from holdfast.resilience.splice import Splicer
from holdfast.resilience.table import Again, told_again

TOP = "| Hour | Flow |\n|---|---:|"
ROWS = "\n| E1 | lid is not shut | shut it |\n| E2 | no pot | put it in |"
WIDE = f"| Sign | Cause | Remedy |\n| --- | --- | --- |{ROWS}"
NEXT = "\n| E3 | too hot | wait |\n\nMind the steam.\n"


def joined(text: str, new: str) -> str:
    splicer = Splicer(text, How.INSTRUCT)
    out = [text]
    for sign in new:
        said = splicer.feed(sign)
        assert not isinstance(said, Failure)
        out.append(said)
    said = splicer.finish()
    assert not isinstance(said, Failure)
    return "".join([*out, said])


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\n\n",
        "Claro, sigo.\n\n",
        "FLOW |\n",
        "| Hour | Flow |\n",
        "…where was I… | Hour | Flow |\n",
        "The log:\n\n| Hour | Flow |\n",
        "You have it up to “Flow |\n|---|---:|”. From there:\n\n",
        "You have it up to:\n|---|---:|\nFrom there:\n\nFlow |\n",
    ],
)
def test_the_row_under_the_head_stands_once(before: str) -> None:
    again = f"{before}|---|---:|"
    found = told_again(TOP, f"{again}\n| 22 | 0.0 |\n", final=False)
    assert isinstance(found, Again)
    assert found.end == len(again)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (TOP, "\n| 22 | 0.0 |\n"),
        (TOP, f"\n| 22 | 0.0 |\n\n{TOP}\n| 23 | 0.0 |\n"),  # the next table
        (TOP, "\n\nNothing was written."),
        (TOP, "You have it up to:\n|---|---:|\nFrom there:\n\n| 22 | 0.0 |"),
        (f"{TOP}\n| 22 | 0.0 |\n\n{TOP}", f"{TOP}\n| 22 | 0.0 |\n"),  # begun anew, of two tables
        ("| Hour | Flow |", "|---|---:|\n| 22 | 0.0 |\n"),
        ("Flow\n|---|---:|", "|---|---:|\n| 22 | 0.0 |\n"),
        (f"{TOP}\n| 22 | 0.0 |", f"\n\n{TOP}\n| 1 | 0.2 |\n"),  # the next table, after a blank line
        (f"{TOP}\n| 22 | 0.0 |", f"\n\nMay:\n\n{TOP}\n| 1 | 0.2 |\n"),
        (WIDE, f"\n| E3 | too hot | wait |\n\n{WIDE}\n"),
        (f"{WIDE}\n|", f"{TOP}{ROWS}\n"),
        (WIDE[: WIDE.rindex("\n")], WIDE.replace("E1", "E11")),  # the same row, or the next
        # The second row that is said again would be one of another table.
        (WIDE, f"{WIDE[: WIDE.rindex(chr(10))]}\n\nAnother:\n\n| E2 | no pot | put it in |\n"),
    ],
)
def test_a_table_that_is_not_begun_again(text: str, new: str) -> None:
    assert told_again(text, new, final=True) is None


@pytest.mark.parametrize("rows", [ROWS, ROWS[ROWS.index("\n", 1) :], ""])
@pytest.mark.parametrize("talk", ["", "Will do.\n\n", "…where was I… "])
@pytest.mark.parametrize("head", ["| Sign | Cause | Remedy |\n| --- | --- | --- |"])
def test_what_is_told_again_comes_once(rows: str, talk: str, head: str) -> None:
    if talk and not rows:
        return
    assert joined(WIDE, f"{talk}{head}{rows}{NEXT}") == f"{WIDE}{NEXT}"


@pytest.mark.parametrize("cut", range(len(WIDE) - 20, len(WIDE)))
@pytest.mark.parametrize("lines", [1, 3])
def test_a_row_that_was_cut_is_told_again_under_its_head(cut: int, lines: int) -> None:
    head, row = "\n".join(WIDE.split("\n")[:2]), WIDE.rsplit("\n", maxsplit=1)[-1]
    again = f"{head}\n{row}" if lines == 1 else WIDE
    assert joined(WIDE[:cut], f"{again}{NEXT}") == f"{WIDE}{NEXT}"


@pytest.mark.parametrize(
    "row",
    ["lid not shut | shut it", "lid is nto shut | shut it", "lid indeed is not shut | shut it"],
)
def test_rows_in_nearly_the_same_words_are_told_again(row: str) -> None:
    text = WIDE[: WIDE.rindex("\n")]
    new = f"| --- | --- | --- |\n| E1 | {row} |\n| E2 | no pot | put it in |{NEXT}"
    assert joined(text, new) == f"{text}\n| E2 | no pot | put it in |{NEXT}"


def test_rows_that_cannot_come_any_more_are_not_waited_for() -> None:
    begun = f"{WIDE[: WIDE.rindex(chr(10))]}\n\nMind"
    assert not isinstance(told_again(WIDE, begun, final=False), More)


def test_rows_may_be_the_same() -> None:
    blank = f"{TOP}\n|\n| 22 | 0.0 |\n|"
    assert told_again(blank, f"{blank} 23 | 0.1 |\n", final=False) == Again(0, len(blank))


def test_a_sign_that_is_no_line_break_parts_no_row() -> None:
    odd = f"{TOP}\n| a\u2028b | 1 |\n| c | 2 |"
    assert told_again(odd, f"{odd}\n| d | 3 |\n", final=False) == Again(0, len(odd))


def test_marks_around_what_is_told_again_are_none_of_it() -> None:
    row = WIDE.rsplit("\n", maxsplit=1)[-1]
    quoted = f"-----\n| --- | --- | --- |{ROWS}\n-----\n"
    assert (
        joined(WIDE, f"{quoted}\n| E3 | too hot | wait |\n") == f"{WIDE}\n| E3 | too hot | wait |\n"
    )
    cut = len(row) - 4
    mid = f"{WIDE[:-4]}"
    again = f"-----\n| --- | --- | --- |{ROWS[:-4]}\n-----\n{row[cut:]}{NEXT}"
    assert joined(mid, again) == f"{WIDE}{NEXT}"


def test_a_row_with_another_first_cell_is_another_row() -> None:
    text = f"{TOP}\n| 22 | 0.0 |"
    assert joined(text, f"{TOP}\n| 23 | 0.0 |\n| 24 | 0.0 |\n") == (
        f"{text}\n| 23 | 0.0 |\n| 24 | 0.0 |\n"
    )


def test_more_is_waited_for_while_all_of_it_is_known() -> None:
    for end in range(len(WIDE)):
        new = f"Well:\n\n{WIDE}"[: end + 7]
        if "---" not in new:
            continue
        assert not isinstance(told_again(WIDE, new, final=False), Again)
    assert isinstance(told_again(WIDE, WIDE[:-3], final=False), More)
