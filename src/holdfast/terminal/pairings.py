"""Who asked to talk to a bot, as an operator reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from ..core.verdict import Language
from ..store.ports import Pairing
from .words import say


def table(pairings: Sequence[Pairing], language: Language) -> Table:
    """Newest first, one line each; times in UTC."""
    drawn = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for word in ("pairing_code", "when", "pairing_state", "pairing_bot", "pairing_person"):
        drawn.add_column(say(word, language))
    for one in pairings:
        when = datetime.fromtimestamp(one.offered_at, UTC)
        state = say("pairing_approved" if one.approved else "pairing_waits", language)
        drawn.add_row(one.code, f"{when:%m-%d %H:%M}", state, one.bot, one.person)
    return drawn


def as_records(pairings: Sequence[Pairing]) -> list[dict[str, Any]]:
    return [
        {
            "code": one.code,
            "bot": one.bot,
            "person": one.person,
            "approved": one.approved,
            "offered_at": one.offered_at,
        }
        for one in pairings
    ]
