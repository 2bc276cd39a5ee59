"""The table of the seam benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from .score import Score

_INTRO = """\
# Seams

Written by `python -m bench.seams --seed {seed}`. {texts} known texts in Chinese and English (public
domain and self-written: prose, code, tables, lists, maths, JSON, emoji) are cut at {places} places,
and a continuer of every behaviour goes on: {cases:,} continuations. Exact means equal to the known
text, character by character, where the text shows one right joint. Where nothing in it does (one
sign repeated, unknown talk and then no repetition), joining is a guess and is counted apart.
Talk called held-out was known while the patterns took shape, unseen talk was written after that
(`phrasings.py`).
"""


class Results(Protocol):
    texts: int
    places: int

    @property
    def joiners(self) -> Mapping[str, Score]: ...

    @property
    def behaviours(self) -> Mapping[str, Score]: ...

    @property
    def kinds(self) -> Mapping[str, Score]: ...


def report(results: Results, seed: int) -> str:
    ours = next(iter(results.joiners.values()))
    intro = _INTRO.format(seed=seed, texts=results.texts, places=results.places, cases=ours.cases)
    return "\n".join(
        [
            intro,
            _table(
                ("joined by", "exact", "wrong", "refused", "characters twice", "characters lost",
                 "sentences twice", "fences broken", "restarts seen", "guesses: right / wrong"),
                (_joiner(name, score) for name, score in results.joiners.items()),
            ),
            "\n`concatenation`: the new text put behind the old; `new line`: on a line of its own;"
            " `restart`: the whole answer again, behind\nwhat was shown. `refused` counts joints"
            " that exist; the call then asks elsewhere or ends honestly.\n\n## By behaviour\n",
            _table(
                ("the continuer", "cases", "exact", "wrong", "refused", "guesses"),
                (_behaviour(name, score) for name, score in results.behaviours.items()),
            ),
            "\n## By place of the cut\n",
            _table(
                ("cut", "cases", "exact", "wrong", "refused", "guesses"),
                (_behaviour(name, score) for name, score in results.kinds.items()),
            ),
        ]
    )  # fmt: skip


Row = tuple[str, ...]


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _joiner(name: str, score: Score) -> Row:
    return (
        name,
        _share(score.exact, score.joinable),
        f"{score.wrong:,}",
        f"{score.refused:,}",
        f"{score.duplicated:,}",
        f"{score.missing:,}",
        f"{score.sentences:,}",
        f"{score.fences:,}",
        _share(score.detected, score.restarts),
        f"{score.lucky:,} / {score.unlucky:,} of {score.guesses:,}",
    )


def _behaviour(name: str, score: Score) -> Row:
    return (
        name,
        f"{score.cases:,}",
        _share(score.exact, score.joinable),
        f"{score.wrong:,}",
        f"{score.refused:,}",
        f"{score.lucky:,} of {score.guesses:,}" if score.guesses else "–",
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "–"
