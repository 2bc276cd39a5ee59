"""What is kept of a response is what it said, not in how many pieces it came."""

from __future__ import annotations

import asyncio
from pathlib import Path

from holdfast.core.events import Finished, ReasoningDelta, StopReason, StreamEvent, TextDelta
from holdfast.gateway.durable import Asked, said
from holdfast.gateway.kept import Keeping
from holdfast.store.database import Database
from holdfast.store.turns import SqlTurns
from holdfast.wire.dialect import Head

ASKED = Asked("responses", {"model": "m", "input": "hi"}, Head("r1", 1, "m"), "r1", "", "f")


def test_text_that_came_in_many_pieces_is_kept_in_one(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    turns = SqlTurns(database)
    keeping = Keeping(turns, ASKED, 1.0)
    end = Finished(StopReason.END)
    pieces: list[StreamEvent] = [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        *map(TextDelta, "one two"),
        end,
    ]
    for piece in pieces:
        keeping.add([piece])
    asyncio.run(keeping.keep(None))
    [finished] = turns.events("call:r1")
    assert said(finished) == (ReasoningDelta("Hm."), TextDelta("one two"), end)
    assert (finished.event["type"], finished.event["extension"]) == ("call_finished", None)
    database.close()
