"""What was asked and answered before, as items that can be asked again. Pure.

Source: OpenAI's reference of the Responses API (conversation state), November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...core.events import StreamEvent
from ..fields import table, tables, text, without
from .items import PREFIXES, item_id
from .words import ITEM

Item = Mapping[str, Any]

PREVIOUS = "previous_response_id"
REFERENCE = "item_reference"
_ID = re.compile(r"[a-z]+_([0-9a-z]{26}|[0-9a-f]{32})i?\d{3,}")
_ULID = 26  # characters; other refs are hexadecimal


def items(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The input of a request as items."""
    given = body.get("input")
    if isinstance(given, str):
        words = [{"type": "input_text", "text": given}]
        return [{"type": "message", "role": "user", "content": words}]
    return tables(body, "input")


def named(given: Sequence[Item], ref: str) -> list[Item]:
    """The input items of the response `ref`, each with an id by which it is found again."""
    made = ((item, text(item, "type") or "message") for item in given)
    return [
        {"id": item_id(PREFIXES.get(kind, "item"), f"{ref}i", index), "type": kind, **item}
        for index, (item, kind) in enumerate(made)
    ]


def again(said: Iterable[Item]) -> list[Item]:
    """Output of a response as input of the next, for any vendor.

    What was thought is left out, and ids: a vendor knows only those of its own.
    """
    kept = (item for item in said if item.get("type") != "reasoning")
    return [
        without(item, "id", "status") if item.get("type") in PREFIXES else item for item in kept
    ]


def ids(events: Iterable[StreamEvent]) -> Iterator[str]:
    """The ids that an upstream of this dialect gave to the items of its answer."""
    for event in events:
        extra = getattr(event, "extra", None)
        if extra and (name := text(table(extra, ITEM), "id")):
            yield name


def response_of(reference: str) -> str:
    """The ref of the response that an item's id is of; "" for ids that were not made here."""
    found = _ID.fullmatch(reference)
    if found is None:
        return ""
    return found[1].upper() if len(found[1]) == _ULID else found[1]
