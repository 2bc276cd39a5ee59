"""What is remembered of deliveries, whatever part of it could not be written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bot.people import PLACE

from holdfast.bot.ledger import StoredLedger
from holdfast.bot.moves import Reply
from holdfast.bot.parts import Part, State
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import DeliveryState

SENT = Part(1, "stream", spans=((0, 4),), message_id="m1")


def test_an_outcome_that_was_not_written_does_not_end_the_delivery(tmp_path: Path) -> None:
    """The store failed while a frame was under way; it works again when the next one goes."""

    async def play() -> None:
        database = Database(tmp_path / "test.db")
        ledger = StoredLedger(SqlDeliveries(database, {}))
        await ledger.open(Reply("t1", PLACE, 0.0, "bot"))
        await ledger.sending("t1", SENT)
        await ledger.sending("t1", SENT)
        (kept,) = await ledger.parts("t1")
        assert kept.state is State.SENDING
        database.close()

    asyncio.run(play())


def test_the_same_news_twice_is_no_news(tmp_path: Path) -> None:
    """An open stream is of unknown outcome in the store, frame after frame."""

    async def play() -> None:
        database = Database(tmp_path / "test.db")
        rows = SqlDeliveries(database, {})
        ledger = StoredLedger(rows)
        await ledger.open(Reply("t1", PLACE, 0.0, "bot"))
        await ledger.sending("t1", SENT)
        opened = Part(1, "stream", spans=((0, 4),), message_id="m1", state=State.DELIVERED)
        for _ in range(2):
            await ledger.sent("t1", opened)
            row = rows.find("t1/1")
            assert row
            assert (row.state, row.tries) == (DeliveryState.UNKNOWN, 1)
        database.close()

    asyncio.run(play())
