"""What chat targets know under one name only, or not at all, and how they are asked instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ...core.failure import Failure
from ..wording import Words, fields, helps, left_out, quirk_in

_LIMITS = {"max_tokens", "max_completion_tokens"}
_WORDS: Words = {
    **fields("chat"),
    "max_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_tokens\b"),
    "no_developer": re.compile(r"\bdeveloper\b"),
}


def worded(body: Mapping[str, Any], quirks: AbstractSet[str]) -> dict[str, Any]:
    """`body` in the words that a target with these quirks knows, asking it for usage."""
    options = body.get("stream_options")
    asked = options if isinstance(options, dict) else {}
    told = left_out({**body, "stream_options": {**asked, "include_usage": True}}, quirks)
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
    quirk = quirk_in(failure, _WORDS)
    if quirk in _LIMITS and quirks & _LIMITS:
        return ""
    return quirk if helps(quirk, body, quirks, worded) else ""


def _as_system(message: Any) -> Any:
    developer = isinstance(message, dict) and message.get("role") == "developer"
    return {**message, "role": "system"} if developer else message
