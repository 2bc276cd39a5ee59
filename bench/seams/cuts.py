"""Where an answer is cut: every kind of place that a joint can go wrong at."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast.core.anchor import open_fence

_CJK = "\u4e00-\u9fff"


@dataclass(frozen=True, slots=True)
class Cut:
    """A known text and how far the reader has come in it.

    A target is sent `shown`: the dialects leave out white space at the end, which some refuse.
    """

    name: str  # of the text
    language: str
    kind: str
    text: str
    at: int

    @property
    def released(self) -> str:
        return self.text[: self.at]

    @property
    def shown(self) -> str:
        return self.released.rstrip()

    @property
    def rest(self) -> str:
        """What follows `shown`."""
        return self.text[len(self.shown) :]


Finder = Callable[[str], Iterator[int]]


def _at(pattern: str, flags: int = 0) -> Finder:
    """The ends of what the pattern finds, overlapping finds included."""
    compiled = re.compile(f"(?=({pattern}))", flags)
    return lambda text: (match.end(1) for match in compiled.finditer(text))


def _inside_fence(text: str) -> Iterator[int]:
    """In the middle of a line of code."""
    return (
        at
        for at in _at(r"\w\w(?=\w)|[=(,]")(text)
        if open_fence(text[:at]) is not None and "```" not in text[text.rfind("\n", 0, at) : at]
    )


def _code_line(text: str) -> Iterator[int]:
    """Before the next line of code, the line break given."""
    return (at for at in _at(r"\n")(text) if open_fence(text[:at]) is not None)


PLACES: Mapping[str, Finder] = {
    "early": lambda text: iter(range(1, min(30, len(text)))),
    "word": _at(rf"[A-Za-z]{{1,12}}(?=[A-Za-z])|[{_CJK}](?=[{_CJK}])"),
    "word end": _at(r"[A-Za-z](?= )"),
    "after space": _at(r"\S "),
    "clause": _at(r"[,;，；、]"),
    "sentence": _at(r"[.!?](?=[ \n])|[。！？]"),
    "paragraph": _at(r"\n\n"),
    "line end": _at(r"\S(?=\n)"),
    "number": _at(r"\d(?=[\d,.]*\d)"),
    "code": _inside_fence,
    "code line": _code_line,
    "fence mark": _at(r"^```?(?=`|\w)", re.MULTILINE),
    "row": _at(r"^\|[^\n]{2,30}(?=[^\n]*\|$)", re.MULTILINE),
    "row end": _at(r"\|\n(?=\|)"),
    "item": _at(r"^ *(?:- |\d\. )(?=\S)", re.MULTILINE),
    "formula": _at(r"\\[a-z]{1,4}(?=[a-z])|\^|\{"),
    "bold": _at(r"\*\*\w+"),
    "accent": _at(r"\w(?=[\u0300-\u036f])"),
    "sign": _at(
        r"[\U0001F1E6-\U0001FAFF\u200d\ufe0f](?=[\u200d\ufe0f\u20e3\U0001F1E6-\U0001FAFF])"
    ),
}


def everywhere(name: str, text: str, language: str, step: int) -> Iterator[Cut]:
    """A cut after every `step` characters, wherever that is."""
    for at in range(step, len(text), step):
        cut = Cut(name, language, "anywhere", text, at)
        if cut.shown and cut.rest.strip():
            yield cut


def cuts(
    name: str, text: str, language: str, dice: random.Random, *, each: int = 2
) -> Iterator[Cut]:
    """Up to `each` cuts of every kind that the text has, and some in its CRLF form."""
    for kind, find in PLACES.items():
        places = [at for at in find(text) if text[:at].strip() and text[at:].strip()]
        for at in sorted(dice.sample(places, min(each, len(places)))):
            yield Cut(name, language, kind, text, at)
    windows = text.replace("\n", "\r\n")
    breaks = [at for at in _at(r"\r|\r\n")(windows) if windows[at:].strip()]
    for at in sorted(dice.sample(breaks, min(each, len(breaks)))):
        yield Cut(name, language, "crlf", windows, at)
