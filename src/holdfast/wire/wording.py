"""What some targets do not know, though others of their dialect do: they are asked without it.

A target that refuses such a word by name shows a quirk. Fields that may be lost between dialects
(`losses`) may be left out for it as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ..core.failure import Failure, Kind
from .losses import losable

Words = Mapping[str, re.Pattern[str]]  # what a refusal names, by the quirk that it shows
Worded = Callable[[Mapping[str, Any], AbstractSet[str]], dict[str, Any]]

_WITHOUT = "without:"
_REFUSES = re.compile(
    r"un(?:supported|recogni[sz]ed|known|expected)\b"
    r"|\bnot (?:currently )?(?:supported|recogni[sz]ed|permitted|allowed|one of)\b"
    r"|\b(?:does|do)(?: not|n't) support\b|\binvalid (?:role|parameter|argument|field)"
    r"|\bmust be (?:one of|either)\b|\binput should be\b|不支持|未知|不允许",
    re.IGNORECASE,
)


def fields(dialect: str) -> Words:
    """The fields of a body that may be left out."""
    names = filter(str.isidentifier, losable(dialect))
    return {f"{_WITHOUT}{name}": re.compile(rf"\b{name}\b") for name in names}


def left_out(body: Mapping[str, Any], quirks: AbstractSet[str]) -> dict[str, Any]:
    """`body` without the fields that a target with these quirks does not know."""
    return {name: value for name, value in body.items() if f"{_WITHOUT}{name}" not in quirks}


def quirk_in(failure: Failure, words: Words) -> str:
    """The quirk that `failure` shows by refusing one of `words`; "" if it refuses none."""
    if failure.kind not in (Kind.UNSUPPORTED, Kind.INVALID):
        return ""
    said = " ".join(_said(failure))
    if not _REFUSES.search(said):
        return ""
    found = [
        (match.start(), quirk) for quirk, word in words.items() if (match := word.search(said))
    ]
    return min(found, default=(0, ""))[1]  # after it may stand what to write instead


def helps(quirk: str, body: Mapping[str, Any], quirks: AbstractSet[str], worded: Worded) -> bool:
    """Whether a target that has shown it would be asked anything else."""
    return bool(quirk) and worded(body, {*quirks, quirk}) != worded(body, quirks)


def _said(failure: Failure) -> Iterator[str]:
    yield from (failure.param or "", failure.detail)
    if failure.nested:
        yield from _said(failure.nested)
