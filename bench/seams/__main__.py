"""`python -m bench.seams`: join every continuation there is, and keep the table."""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..results import RESULTS, keep
from . import (
    habits,
    held_out_1,
    held_out_2,
    held_out_3,
    held_out_4,
    held_out_5,
    held_out_6,
    held_out_7,
    retelling,
)
from .continuers import BEHAVIOURS, BLIND_TALK, Behaviour
from .cuts import Cut, cuts, everywhere
from .drifting import behaviours
from .report import report
from .score import JOINERS, Score, splice

_KNOWN = Path(__file__).parent / "texts"
_BLIND = Path(__file__).parent / "blind"
_HELD_OUT = {
    "first": (
        Path(__file__).parent / "heldout1",
        behaviours(held_out_1.TALK, held_out_1.CLOSING, held_out_1.FRAMES),
    ),
    "second": (
        Path(__file__).parent / "heldout2",
        behaviours(held_out_2.TALK, held_out_2.CLOSING, held_out_2.FRAMES),
    ),
    "third": (
        Path(__file__).parent / "heldout3",
        {
            **behaviours(held_out_3.TALK, held_out_3.CLOSING, held_out_3.FRAMES),
            **retelling.behaviours(held_out_3.TALK),
        },
    ),
    "fourth": (
        Path(__file__).parent / "heldout4",
        {
            "exact": BEHAVIOURS["exact"],
            **behaviours(held_out_4.TALK, held_out_4.CLOSING, held_out_4.FRAMES),
            **habits.behaviours(held_out_4.TALK),
        },
    ),
    "fifth": (
        Path(__file__).parent / "heldout5",
        {
            **BEHAVIOURS,
            **behaviours(held_out_5.TALK, held_out_5.CLOSING, held_out_5.FRAMES),
            **habits.behaviours(held_out_5.TALK),
        },
    ),
    "sixth": (
        Path(__file__).parent / "heldout6",
        {
            **held_out_6.BEHAVIOURS,
            **behaviours(held_out_6.TALK, held_out_6.CLOSING, held_out_6.FRAMES),
        },
    ),
    "seventh": (
        Path(__file__).parent / "heldout7",
        {
            **behaviours(held_out_7.TALK, held_out_7.CLOSING, held_out_7.FRAMES),
            **habits.behaviours(held_out_7.TALK),
            **held_out_7.BEHAVIOURS,
        },
    ),
}

# What models do most, at every place there is.
_ANYWHERE = ("exact", "anchor", "repeats 12 characters", "restarts the line", "restarts everything")

STEP = 31  # characters from one cut anywhere to the next

Continuers = Mapping[str, Behaviour]


@dataclass(slots=True)
class Run:
    """What came out, by joiner, and for ours also by behaviour and by place of the cut."""

    texts: int = 0
    places: int = 0
    joiners: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    behaviours: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    kinds: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))


def known(seed: int, each: int, examples: int = 0, names: str = "*") -> Run:
    """`each` cuts of every kind and text; tells so many `examples` of what went wrong. `names` is
    the pattern of the texts' names.
    """
    result = Run()
    _add(result, _KNOWN, BEHAVIOURS, seed, each, examples, names)
    return result


def blind(seed: int, each: int, names: str = "*") -> Run:
    """The texts and the talk of which only the sum may be looked at."""
    result = Run()
    _add(result, _BLIND, {**BEHAVIOURS, **BLIND_TALK}, seed, each, 0, names)
    _add(result, _KNOWN, BLIND_TALK, seed, each, 0, names)
    return result


def held_out(seed: int, each: int, which: str, names: str = "*") -> Run:
    """The held-out set `which` ("first" to "seventh"), with the continuers that drift."""
    result = Run()
    folder, continuers = _HELD_OUT[which]
    _add(result, folder, continuers, seed, each, 0, names)
    return result


def anywhere(step: int, names: str = "*") -> Run:
    """All texts, cut after every `step` characters."""
    result = Run()
    files = sorted(file for file in _KNOWN.parent.glob(f"*/{names}.md"))
    result.texts = len(files)
    for file in files:
        text = file.read_text(encoding="utf-8")
        for cut in everywhere(file.stem, text, file.stem[:2], step):
            result.places += 1
            for name in _ANYWHERE:
                _one(result, cut, name, BEHAVIOURS[name], 0)
    return result


def _add(
    result: Run,
    folder: Path,
    behaviours: Continuers,
    seed: int,
    each: int,
    examples: int,
    names: str,
) -> None:
    files = sorted(folder.glob(f"{names}.md"))
    result.texts += len(files)
    for cut in _cuts(files, seed, each):
        result.places += 1
        for name, behaviour in behaviours.items():
            told = _one(result, cut, name, behaviour, seed)
            if told and examples > 0:
                examples -= 1
                print(told)


def _cuts(files: list[Path], seed: int, each: int) -> Iterator[Cut]:
    for file in files:
        dice = random.Random(f"{seed} {file.stem}")
        yield from cuts(file.stem, file.read_text(encoding="utf-8"), file.stem[:2], dice, each=each)


def _one(result: Run, cut: Cut, name: str, behaviour: Behaviour, seed: int) -> str:
    """Scores one continuation; returns what to tell of it, if it went wrong with us."""
    dice = random.Random(f"{seed} {cut.name} {cut.kind} {cut.at} {name}")
    said = behaviour(cut, dice)
    for joiner, join in JOINERS.items():
        joined = join(cut, said, dice)
        word = result.joiners[joiner].add(cut, said, joined)
        if join is splice:
            result.behaviours[name].add(cut, said, joined)
            result.kinds[cut.kind].add(cut, said, joined)
            ours = word
    if ours == "right":
        return ""
    return (
        f"{ours}: {name}, {cut.name} {cut.kind} {cut.at}: …{cut.shown[-30:]!r} {said.text[:50]!r}"
    )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.seams", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of cuts and phrasings (1)")
    parser.add_argument("--each", type=int, default=4, help="cuts of each kind and text (4)")
    parser.add_argument("--examples", type=int, default=0, help="tell so many failures (0)")
    parser.add_argument("--dry", action="store_true", help="only print the table")
    given = parser.parse_args(argv)
    runs = known(given.seed, given.each, given.examples), blind(given.seed, given.each)
    apart = {which: held_out(given.seed, given.each, which) for which in _HELD_OUT}
    text = report(*runs, given.seed, given.each, apart, anywhere(STEP))
    print(text)
    if not given.dry:
        keep(RESULTS, "seams", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
