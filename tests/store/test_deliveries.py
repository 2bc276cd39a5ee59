"""What of a delivery survives a power cut, which costs a disk's pause, and what only a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Delivery, DeliveryState, Turn
from holdfast.store.turns import SqlTurns


def test_the_intent_survives_a_power_cut_and_the_outcome_with_whatever_is_written_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "a.db")
    SqlTurns(database).accept(Turn("t", "lane", {}, 0.0), 1).result()
    write, hard = database.write, []

    def watched(work: Any, hard_: bool = True, lane: str = "", **told: bool) -> Any:
        hard.append(told.get("hard", hard_))
        return write(work, hard[-1], lane)

    monkeypatch.setattr(database, "write", watched)
    deliveries = SqlDeliveries(database, {})
    for state in (DeliveryState.SENDING, DeliveryState.DELIVERED):
        assert deliveries.note(Delivery("t/1", "t", 1, {}, state)).result()
    deliveries.abandon("t", {}).result()
    assert hard == [True, False, True]
    database.close()
