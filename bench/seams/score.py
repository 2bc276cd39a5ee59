"""Joins one continuation in every way there is, and counts what came out wrong."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast.core.anchor import open_fence
from holdfast.core.attempt import How
from holdfast.core.failure import Failure
from holdfast.resilience.letters import common_prefix
from holdfast.resilience.splice import Splicer

from .continuers import Right, Said
from .cuts import Cut

Joiner = Callable[[Cut, Said, random.Random], str | None]  # None: refused

OPENING = 24  # characters by which the beginning of a text is known again
ECHO = 16  # shorter repetitions may be chance
_SENTENCES = re.compile(r"[^\s.!?。！？][^.!?。！？\n]{11,}(?:[.!?](?![a-z0-9_(])|[。！？\n])")


def splice(cut: Cut, said: Said, dice: random.Random) -> str | None:
    """Ours, on a text that comes in pieces of random size."""
    splicer = Splicer(cut.released, How.INSTRUCT)
    joined = [cut.released]
    for piece in _pieces(said.text, dice):
        out = splicer.feed(piece)
        if isinstance(out, Failure):
            return None
        joined.append(out)
    out = splicer.finish()
    return None if isinstance(out, Failure) else "".join([*joined, out])


def _pieces(text: str, dice: random.Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = dice.choice((1, 3, 7, 20, 90))
        yield text[at : at + size]
        at += size


JOINERS: Mapping[str, Joiner] = {
    "splice": splice,
    "concatenation": lambda cut, said, dice: cut.released + said.text,
    "new line": lambda cut, said, dice: f"{cut.released}\n{said.text}",
    "restart": lambda cut, said, dice: cut.released + cut.text,
}


@dataclass(slots=True)
class Score:
    """Of one joiner: counts of cases, and characters where it says so."""

    cases: int = 0
    joinable: int = 0  # cases with one right joint
    exact: int = 0
    refused: int = 0  # although there was a joint
    wrong: int = 0  # joined, and not as it should be
    duplicated: int = 0  # characters
    missing: int = 0  # characters
    guesses: int = 0  # cases with one right joint that nothing in the text shows
    lucky: int = 0  # guessed right
    unlucky: int = 0  # joined otherwise
    sentences: int = 0  # said twice
    fences: int = 0  # broken
    restarts: int = 0
    detected: int = 0  # restarts neither shown twice nor taken for the rest

    def add(self, cut: Cut, said: Said, joined: str | None) -> str:
        """Counts one case. Returns what became of it in one word."""
        self.cases += 1
        self.joinable += said.right is Right.JOIN
        self.guesses += said.right is Right.GUESS
        self.restarts += said.restart
        opening = cut.text[:OPENING]
        once = joined is None or joined.count(opening) <= cut.text.count(opening)
        self.detected += said.restart and once
        if joined is None:
            self.refused += said.right is Right.JOIN
            return "refused" if said.right is Right.JOIN else "right"
        whole = cut.text + said.tail
        repeated = _repeated_sentences(whole, joined)
        self.sentences += repeated
        if said.right is Right.FREE:
            echoed = len(said.echo) >= ECHO and joined.count(said.echo) > cut.text.count(said.echo)
            self.wrong += echoed or repeated > 0
            return "wrong" if echoed or repeated else "right"
        if joined == whole:
            self.exact += said.right is Right.JOIN
            self.lucky += said.right is Right.GUESS
            return "right"
        if said.right is Right.GUESS:
            self.unlucky += 1
            return "guessed"
        self.wrong += 1
        duplicated, missing = _difference(whole, joined)
        self.duplicated += duplicated
        self.missing += missing
        self.fences += _fences(joined) != _fences(cut.text)
        return "wrong"


def _difference(text: str, joined: str) -> tuple[int, int]:
    """Characters of `joined` that are too many, and of `text` that are not there."""
    start = common_prefix(text, joined)
    end = common_prefix(text[start:][::-1], joined[start:][::-1])
    return len(joined) - start - end, len(text) - start - end


def _repeated_sentences(text: str, joined: str) -> int:
    """How many sentences of the known text stand in the joined one once too often."""
    known = Counter(_SENTENCES.findall(text))
    found = Counter(_SENTENCES.findall(joined))
    return sum(max(0, found[sentence] - count) for sentence, count in known.items())


def _fences(text: str) -> tuple[int, bool]:
    return len(re.findall(r"^[ \t]*```", text, re.MULTILINE)), open_fence(text) is None
