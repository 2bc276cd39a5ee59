"""The table of the seam benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from .blind import BLIND
from .score import Score

_INTRO = """\
# Seams

Written by `python -m bench.seams --seed {seed} --each {each}`. {texts} known texts in Chinese and
English (public domain and self-written: prose, code, tables, lists, maths, JSON, emoji) are cut at
{places} places, and a continuer of every behaviour goes on: {cases:,} continuations. Exact means
equal to the known text, character by character, where the text shows one right joint. Where nothing
in it does (a sign repeated, unknown talk and no repetition), joining is a guess, counted apart.
All of it was looked at while the splice took its shape.
"""

_BLIND = """\
## Blind

{texts} texts and {wordings} wordings of talk were written before the splice took the shape that is
judged here (`blind.py`); but changes were kept or dropped by these sums, and single failures of
exact continuations have been read, so that they are no longer a measure of what was never met.
{cases:,} continuations.
"""


_HELD_OUT = """\

## Held out

Sets of texts and continuers, each written before the splice was changed for it:

- first: what is repeated drifts in its words, signs and wrapping, begins at an item or a block,
  stands in a frame, or ends in talk (`drifting.py`, as in all that follow); second: the same;
- third: it is told in other words as well (`retelling.py`); fourth: as models are in the habit of
  (`habits.py`); fifth: that, and as the continuers of the known texts do;
- sixth: in other words, in another order or in sum; seventh: as chat models go on that were told
  to.

Single failures of the second, third and fourth have been read since, of the first and the fifth
those of exact continuations, of the sixth none, but some of its continuers on the known texts and
the third, of the seventh those on one half of its texts (`may_be_read`).
"""

_SET = """\

## Held out, {which}

{texts} texts (`{module}.py`), {cases:,} continuations.
"""

_ANYWHERE = """\

## Anywhere

All {texts} texts of all sets, cut after every 31st character, whatever stands there.
{cases:,} continuations of the plainest kinds. Single failures of exact ones have been read.
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


def report(
    known: Results,
    blind: Results,
    seed: int,
    each: int,
    held_out: Mapping[str, Results] | None = None,
    anywhere: Results | None = None,
) -> str:
    """The whole section. `held_out`: runs that stand apart, by their names; `anywhere`: the plain
    continuers at every place.
    """
    apart = list((held_out or {}).items())
    ours = next(iter(known.joiners.values()))
    counts = {"texts": known.texts, "places": known.places, "cases": ours.cases}
    wordings = sum(map(len, BLIND.values()))
    held = next(iter(blind.joiners.values()))
    return "\n".join(
        [
            _INTRO.format(seed=seed, each=each, **counts),
            _scores(known),
            "\n`concatenation`: the new text put behind the old; `new line`: on a line of its own;"
            " `restart`: the whole answer again, behind\nwhat was shown. `refused` counts joints"
            " that exist; the call then asks elsewhere or ends honestly.\n",
            _BLIND.format(texts=blind.texts, wordings=wordings, cases=held.cases),
            _scores(blind),
            *((_HELD_OUT,) if apart else ()),
            *(
                line
                for number, (which, results) in enumerate(apart, 1)
                for line in (
                    _SET.format(
                        which=which,
                        module=f"held_out_{number}",
                        texts=results.texts,
                        cases=next(iter(results.joiners.values())).cases,
                    ),
                    _scores(results),
                )
            ),
            *(_anywhere(anywhere) if anywhere else ()),
            "\n## By behaviour\n",
            _behaviours("the continuer", known.behaviours),
            "\n## By behaviour, blind\n",
            _behaviours("the continuer", blind.behaviours),
            *(
                line
                for which, results in apart
                for line in (
                    f"\n## By behaviour, held out, {which}\n",
                    _behaviours("the continuer", results.behaviours),
                )
            ),
            "\n## By place of the cut\n",
            _behaviours("cut", known.kinds),
        ]
    )


def _anywhere(results: Results) -> Iterable[str]:
    cases = next(iter(results.joiners.values())).cases
    yield _ANYWHERE.format(texts=results.texts, cases=cases)
    yield _scores(results)
    yield ""
    yield _behaviours("the continuer", results.behaviours)


def _scores(results: Results) -> str:
    counts = ("characters twice", "characters lost", "sentences twice", "fences broken")
    head = ("joined by", "exact", "wrong", "refused", *counts, "restarts seen", _GUESSES)
    return _table(head, (_joiner(name, score) for name, score in results.joiners.items()))


def _behaviours(title: str, scores: Mapping[str, Score]) -> str:
    head = (title, "cases", "exact", "wrong", "refused", "guesses")
    return _table(head, (_behaviour(name, score) for name, score in scores.items()))


Row = tuple[str, ...]
_GUESSES = "guesses: right / wrong"


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
