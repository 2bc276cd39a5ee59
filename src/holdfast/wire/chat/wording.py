"""What chat targets know under one name only, or not at all, and how they are asked instead.

A target that refuses such a word by name shows that it has the quirk: it can be asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ...core.failure import Failure, Kind

# By the quirk that a target has which refuses it.
_WORDS: Mapping[str, re.Pattern[str]] = {
    "max_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_tokens\b"),
    "no_stream_usage": re.compile(r"\bstream_options\b|\binclude_usage\b"),
    "no_developer": re.compile(r"\bdeveloper\b"),
}
_LIMITS = {"max_tokens", "max_completion_tokens"}
_REFUSES = re.compile(
    r"un(?:supported|recogni[sz]ed|known|expected)\b"
    r"|\bnot (?:currently )?(?:supported|recogni[sz]ed|permitted|allowed|one of)\b"
    r"|\b(?:does|do)(?: not|n't) support\b|\binvalid (?:role|parameter|argument|field)"
    r"|\bmust be one of\b|不支持|未知|不允许",
    re.IGNORECASE,
)


def worded(body: Mapping[str, Any], quirks: AbstractSet[str]) -> dict[str, Any]:
    """`body` in the words that a target with these quirks knows, asking it for usage."""
    told = dict(body)
    if "no_stream_usage" in quirks:
        told.pop("stream_options", None)
    else:
        options = told.get("stream_options")
        asked = options if isinstance(options, dict) else {}
        told["stream_options"] = {**asked, "include_usage": True}
    for name in _LIMITS & quirks:
        (other,) = _LIMITS - {name}
        limit = told.pop(other, None)
        if limit is not None:
            told.setdefault(name, limit)
    if "no_developer" in quirks:
        told["messages"] = [_as_system(message) for message in told.get("messages") or ()]
    return told


def shown(body: Mapping[str, Any], quirks: AbstractSet[str], failure: Failure) -> str:
    """The quirk that `failure`, which `body` has met, shows; "" if it shows none that helps."""
    if failure.kind not in (Kind.UNSUPPORTED, Kind.INVALID):
        return ""
    said = " ".join(_said(failure))
    if not _REFUSES.search(said):
        return ""
    named = [
        (found.start(), quirk) for quirk, word in _WORDS.items() if (found := word.search(said))
    ]
    quirk = min(named, default=(0, ""))[1]  # after it may stand what to write instead
    if quirk in _LIMITS and quirks & _LIMITS:
        return ""
    return quirk if worded(body, quirks) != worded(body, {*quirks, quirk}) else ""


def _as_system(message: Any) -> Any:
    developer = isinstance(message, dict) and message.get("role") == "developer"
    return {**message, "role": "system"} if developer else message


def _said(failure: Failure) -> Iterator[str]:
    yield from (failure.param or "", failure.detail)
    if failure.nested:
        yield from _said(failure.nested)
