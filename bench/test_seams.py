"""The seam benchmark counts right, repeats itself, and keeps its bars."""

from __future__ import annotations

import random
from pathlib import Path

from .results import keep, with_section
from .seams.__main__ import anywhere, blind, held_out, known
from .seams.continuers import BEHAVIOURS, BLIND_TALK, Right, Said
from .seams.cuts import PLACES, Cut, cuts
from .seams.report import report
from .seams.score import Score

TEXT = "The lamp was lit at dusk. Nobody saw it. The keeper slept.\n"
CUT = Cut("lamp", "en", "word", TEXT, 20)


def scored(joined: str | None, said: Said) -> Score:
    score = Score()
    score.add(CUT, said, joined)
    return score


def test_an_exact_joint_counts_and_nothing_else_does() -> None:
    said = Said(CUT.rest, Right.JOIN)
    assert scored(TEXT, said).exact == 1
    assert scored(None, said).refused == 1
    twice = scored(CUT.released + TEXT, said)
    assert (twice.exact, twice.wrong, twice.duplicated, twice.missing) == (0, 1, 20, 0)
    short = scored(TEXT.replace("Nobody saw it. ", ""), said)
    assert (short.wrong, short.duplicated, short.missing) == (1, 0, 15)


def test_sentences_and_restarts_are_seen() -> None:
    said = Said(TEXT, Right.JOIN, restart=True)
    shown_twice = scored(TEXT[:25] + TEXT, said)
    assert (shown_twice.sentences, shown_twice.detected, shown_twice.restarts) == (1, 0, 1)
    assert scored(TEXT, said).detected == 1
    assert scored(None, said).detected == 1


def test_every_kind_of_cut_is_found_somewhere_and_no_cut_is_empty() -> None:
    found = set()
    for file in (Path(__file__).parent / "seams").glob("*/*.md"):
        for cut in cuts(file.stem, file.read_text(), file.stem[:2], random.Random(1)):
            found.add(cut.kind)
            assert cut.shown
            assert cut.rest.strip()
            assert cut.text.startswith(cut.released)
    assert found == {*PLACES, "crlf"}


def test_a_run_repeats_itself_and_keeps_its_bars() -> None:
    first, second = (known(3, 1, names="zh-prose-tea*") for _ in range(2))
    unread = blind(3, 1, names="*-prose-br*")
    assert report(first, unread, 3, 1) == report(second, unread, 3, 1)
    judged = known(3, 1, names="*-prose-*").joiners
    ours, plain = judged["splice"], judged["concatenation"]
    assert ours.exact / ours.joinable > 0.985
    assert ours.detected / ours.restarts > 0.995
    assert ours.sentences < plain.sentences / 1000
    assert set(first.behaviours) == set(BEHAVIOURS)
    assert set(unread.behaviours) == {*BEHAVIOURS, *BLIND_TALK}


def test_words_that_drift_are_judged_apart() -> None:
    found = held_out(3, 1, "first", names="zh-classical-*")
    assert "Held out, first" in report(found, found, 3, 1, {"first": found})
    ours, plain = found.joiners["splice"], found.joiners["concatenation"]
    assert ours.exact > 20 * plain.exact
    assert ours.detected == ours.restarts


def test_a_text_is_cut_anywhere() -> None:
    found = anywhere(97, names="zh-prose-tea")
    assert "## Anywhere" in report(found, found, 3, 1, {}, found)
    ours, plain = found.joiners["splice"], found.joiners["concatenation"]
    assert ours.cases == 5 * found.places > 10
    assert ours.exact > 3 * plain.exact


def test_sections_of_the_results_are_kept_apart(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    keep(file, "speed", "# Speed\n\n1")
    keep(file, "seams", "# Seams\n\n1")
    keep(file, "speed", "# Speed\n\n2 \\1")
    assert file.read_text() == (
        "<!-- begin speed -->\n# Speed\n\n2 \\1\n<!-- end speed -->\n\n"
        "<!-- begin seams -->\n# Seams\n\n1\n<!-- end seams -->\n"
    )
    assert with_section("", "a", "x") == "<!-- begin a -->\nx\n<!-- end a -->\n"
