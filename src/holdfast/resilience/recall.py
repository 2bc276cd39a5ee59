"""Finds where new text begins to repeat the old one, whatever it says before that.

What models say before they go on cannot be listed. What they repeat can be found: they begin
again where a quotation begins (`core.anchor`), or a sentence, a line, or the whole answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .overlap import Folded, weight

_REACH = 240  # characters of talk before a repetition
_KEY = 12  # weight of the letters that a beginning is known by
_LEAST = 5  # lighter ones are found anywhere
_BRIEF = 100  # characters of talk before a repetition that is not beyond doubt
_BEGINNINGS = 8  # the last ones of the old text; nobody begins again before them but at its start
_BREAKS = 4  # lines of talk

_CODE = re.compile(r"[{}|=;\\$]|\w\(")  # lines that repeat themselves by nature
_MARKS = " \t\"'{}[]()|<>=$\\*_`#-+"  # may stand before the first letter of what is repeated
_ENDINGS = re.compile(r"[.!?:]\s+|[。！？：]|\n\s*")
_CLOSED = re.compile(r"(?:\A|[.!?:。！？：…)\]）】>*]|\n|---)\W*\Z")


def recalled(known: Folded, fresh: Folded, quoted: int) -> tuple[int, ...]:
    """Offsets in the new text at which the old one begins again after words of another kind.

    `quoted` is where in the old text the quotation begins that was asked for.
    """
    found = [*_verbatim(known.text[quoted:], fresh.text)] if quoted else []
    for start in _starts(known.text, quoted):
        found += _again(known, fresh, known.first(start))
    return tuple(dict.fromkeys(offset for offset in found if _is_news(known, fresh, offset)))


def _verbatim(quotation: str, new: str) -> Iterator[int]:
    """Where just the quotation that was asked for stands."""
    at = new.find(quotation, 1, _REACH + len(quotation))
    if at > 0 and _is_talk(new[:at], brief=False):
        yield at


def _is_news(known: Folded, fresh: Folded, offset: int) -> bool:
    """Verses and tables repeat themselves too, but then with what stands before."""
    at = fresh.first(offset)
    shared = fresh.letters[at : at + _KEY]
    before = fresh.letters[max(0, at - 3) : at]
    return not before or f"{before}{shared}" not in known.letters


def _starts(text: str, quoted: int) -> list[int]:
    ends = [match.end() for match in _ENDINGS.finditer(text) if match.end() < len(text)]
    return [0, *ends[-_BEGINNINGS:], quoted]


def _again(known: Folded, fresh: Folded, first: int) -> Iterator[int]:
    """Where the letters from index `first` of the old text stand in the new one."""
    key = _key(known.letters[first:])
    if weight(key) < (_LEAST if first else 1):
        return
    at = fresh.letters.find(key, 0, fresh.first(_REACH) + len(key))
    while at >= 0:
        offset = fresh.starts[at]
        heavy = weight(known.letters[first:]) >= 2 * _KEY
        if at and _is_talk(fresh.text[:offset], brief=not heavy):
            yield offset
        at = fresh.letters.find(key, at + 1, fresh.first(_REACH) + len(key))


def _key(letters: str) -> str:
    """The first letters that are heavy enough to be found by no chance, or all."""
    end = 1
    while end < len(letters) and weight(letters[:end]) < _KEY:
        end += 1
    return letters[:end]


def _is_talk(text: str, *, brief: bool) -> bool:
    """Whether it may be words before the text: a line or two that begin at once and are ended."""
    if text[:1].isspace() or text[-1:].isalnum() or text.count("\n") > _BREAKS:
        return False
    if _CODE.search(text.rstrip(_MARKS)):
        return False
    return not brief or (len(text) <= _BRIEF and _CLOSED.search(text) is not None)
