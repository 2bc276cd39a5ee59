"""No statement of a turn's life reads a whole table: what was, costs what is to come nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from holdfast.store.conversations import SqlConversations, SqlNotes, SqlPairings
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Delivery, DeliveryState, Entry, Fence, Turn, TurnState
from holdfast.store.turns import SqlTurns

WHOLE = ("SCAN ", "TEMP B-TREE FOR ORDER BY")


class Traced:
    """A database, and everything that was ever asked of it, with its values."""

    def __init__(self, file: Path) -> None:
        self.asked: list[str] = []
        event.listen(Pool, "connect", self._listen)
        self.database = Database(file)

    def _listen(self, connection: Any, _: object) -> None:
        connection.set_trace_callback(self.asked.append)

    def plans(self) -> dict[str, list[str]]:
        """By statement asked since the last time, how SQLite goes about it."""
        asked, self.asked[:] = list(dict.fromkeys(self.asked)), []
        found = {}
        with self.database.engine.connect() as connection:
            asking = connection.connection.cursor()
            for statement in asked:
                if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                    plan = asking.execute(f"EXPLAIN QUERY PLAN {statement}")
                    found[statement] = [row[3] for row in plan.fetchall()]
        return found

    def close(self) -> None:
        event.remove(Pool, "connect", self._listen)
        self.database.close()


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    made = Traced(tmp_path / "holdfast.db")
    yield made
    made.close()


def a_life(database: Database) -> None:
    """Everything that happens to turns between their acceptance and their end."""
    turns = SqlTurns(database)
    outbox = SqlDeliveries(database, {})
    for name in ("1", "2", "3"):
        turns.accept(Turn(name, "a", {}, 1.0), 10).result()
    taken = turns.take("a", "me", 60.0).result()
    assert taken
    fence = taken.fence
    turns.pause(fence, "1").result()
    turns.begin(fence).result()
    turns.failed(fence, "1", "x").result()
    turns.begin(fence).result()
    turns.append(fence, "1", [Entry(1, {"type": "text_added"})]).result()
    turns.append(fence, "1", [], hard=True).result()
    turns.absorb(fence, ["2"], "1").result()
    turns.ask_stop("a").result()
    turns.ask_stop("a", only="1").result()
    turns.stops([fence, Fence("b", 1)])
    outbox.put([Delivery("k", "1", 0, {})])
    outbox.move("k", DeliveryState.SENDING)
    turns.end(fence, "1", TurnState.DONE, [Entry(2, {"type": "ended"})]).result()
    turns.events("1", media=False)
    outbox.of_turn("1")
    outbox.move("k", DeliveryState.ABANDONED)
    turns.renew(fence, 60.0).result()
    turns.release(fence, only_idle=True).result()
    turns.begin(fence, or_release=True).result()
    turns.release(fence).result()


def looks(database: Database) -> None:
    """What is asked of turns that have ended, or wait."""
    turns = SqlTurns(database)
    turns.find("1")
    turns.events("1", 1)
    turns.waiting("a")
    turns.running("a")
    turns.absorbed("1")
    SqlDeliveries(database, {}).find("k")


def what_is_remembered(database: Database) -> None:
    conversations = SqlConversations(database)
    conversations.change("a", {"language": "zh"})
    conversations.reset("a")
    conversations.settings("a")
    conversations.history("a")
    conversations.recent("a")
    conversations.recent("a", kept=True)
    conversations.recall("a", 10).result()
    conversations.forget("1")
    SqlNotes(database).put("k", {})
    SqlNotes(database).get("k")
    SqlPairings(database).offer("b", "p", "CODE", 1.0, 60.0)
    SqlPairings(database).approve("CODE", 1.0, 60.0)
    SqlPairings(database).approved("b", "p")


def housekeeping(database: Database) -> None:
    turns = SqlTurns(database)
    for name in ("call:1", "call:2", "other"):
        turns.accept(Turn(name, name, {}, 1.0), 10).result()
        taken = turns.take(name, "me", 60.0).result()
        assert taken
        turns.end(taken.fence, name, TurnState.DONE).result()
    assert turns.prune(4e9).result() == 5
    assert turns.delete("call:1").result()
    assert turns.drop("call:", 4e9).result() == 1
    assert turns.drop("", 4e9).result() == 3


@pytest.mark.parametrize("work", [a_life, looks, what_is_remembered, housekeeping])
def test_no_table_is_read_whole(work: Callable[[Database], None], traced: Traced) -> None:
    if work is not a_life:
        a_life(traced.database)
    traced.plans()
    work(traced.database)
    found = traced.plans()
    assert found
    slow = {
        statement: plan
        for statement, plan in found.items()
        if any(step.startswith(WHOLE) and "CONSTANT ROW" not in step for step in plan)
    }
    assert not slow, "\n".join(f"{plan} {statement}" for statement, plan in slow.items())


def test_open_turns_are_found_past_those_that_ended(traced: Traced) -> None:
    """A lane's history is long; what waits in it is short."""
    traced.plans()
    a_life(traced.database)
    looks(traced.database)
    found = traced.plans()
    asked = {statement: plan for statement, plan in found.items() if "'waiting'," in statement}
    assert len(asked) >= 6
    past = {s: plan for s, plan in asked.items() if any("turns_in_lane" in p for p in plan)}
    assert not past, "\n".join(f"{plan} {statement}" for statement, plan in past.items())
