"""What targets of this dialect do not all know, and how they are asked instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ...core.failure import Failure
from ..wording import Words, fields, helps, left_out, quirk_in

_WORDS: Words = {
    **fields("messages"),
    "no_system_role": re.compile(r"\bsystem\b|\brole\b.{0,60}\bassistant\b", re.IGNORECASE),
}


def worded(body: Mapping[str, Any], quirks: AbstractSet[str]) -> dict[str, Any]:
    """`body` in the words that a target with these quirks knows."""
    told = left_out(body, quirks)
    if "no_system_role" in quirks:
        told["messages"] = [_as_user(message) for message in told.get("messages") or ()]
    return told


def shown(body: Mapping[str, Any], quirks: AbstractSet[str], failure: Failure) -> str:
    """The quirk that `failure`, which `body` has met, shows; "" if it shows none that helps."""
    quirk = quirk_in(failure, _WORDS)
    return quirk if helps(quirk, body, quirks, worded) else ""


def _as_user(message: Any) -> Any:
    """As it is told to any target of this dialect if it comes from another (`losses`)."""
    system = isinstance(message, dict) and message.get("role") == "system"
    return {**message, "role": "user"} if system else message
