"""Lanes, turns and their journals: one contract over every database."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, update
from tests.conformance.databases import Place

from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import (
    FIRST,
    Begun,
    Delivery,
    DeliveryState,
    Entry,
    Fence,
    LaneLost,
    Overloaded,
    StoreFailed,
    Turn,
    TurnState,
)
from holdfast.store.tables import EVENTS, TURNS
from holdfast.store.turns import SqlTurns

LEASE = 60.0
GONE = 0.0  # seconds: a lease that has run out as soon as it is given


def turn(name: str, lane: str = "a", at: float = 1.0) -> Turn:
    return Turn(name, lane, {"text": f"你好 {name} \x00 \ud83d"}, at)


def entry(sequence: int, kind: str = "text_added") -> Entry:
    return Entry(sequence, {"type": kind, "text": f"{sequence} 字 \ud83d"})


@pytest.fixture
def turns(database: Database) -> SqlTurns:
    return SqlTurns(database)


def held(turns: SqlTurns, lane: str = "a", holder: str = "me", lease: float = LEASE) -> Fence:
    fence = turns.claim(lane, holder, lease).result()
    assert fence is not None
    return fence


def accept(turns: SqlTurns, *names: str, lane: str = "a", limit: int = 100) -> None:
    for at, name in enumerate(names):
        assert turns.accept(turn(name, lane, float(at)), limit).result()


def test_a_turn_is_accepted_once(turns: SqlTurns) -> None:
    assert turns.accept(turn("1"), 10).result()
    assert not turns.accept(turn("1"), 10).result()
    assert not turns.accept(turn("1", lane="b"), 10).result()
    assert turns.waiting("a") == [turn("1")]
    assert turns.waiting("b") == []
    assert turns.find("1") == (turn("1"), TurnState.WAITING)
    assert turns.find("2") is None


def test_what_was_accepted_is_known_after_the_process(place: Place) -> None:
    first = Database(place)
    assert SqlTurns(first).accept(turn("1"), 10).result()
    first.close()
    second = Database(place)
    assert not SqlTurns(second).accept(turn("1"), 10).result()
    assert SqlTurns(second).open_lanes() == ["a"]
    second.close()


def test_a_lane_holds_as_many_waiting_turns_as_it_may(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    with pytest.raises(Overloaded):
        turns.accept(turn("3"), 2).result()
    assert not turns.accept(turn("2"), 2).result()  # known is known, full or not
    assert turns.accept(turn("3", lane="b"), 2).result()
    assert turns.begin(held(turns)).result()
    assert turns.accept(turn("3b"), 2).result()


def test_turns_begin_in_the_order_of_acceptance_and_end(turns: SqlTurns) -> None:
    accept(turns, "z", "y", "x")
    fence = held(turns)
    seen = []
    while begun := turns.begin(fence).result():
        assert turns.running("a") is not None
        seen.append((begun.turn.id, begun.turn.begun, begun.reached, begun.killed))
        turns.end(fence, begun.turn.id, TurnState.DONE).result()
    assert seen == [("z", 0, 0, 0), ("y", 0, 0, 0), ("x", 0, 0, 0)]
    assert turns.find("z") == (Turn("z", "a", turn("z").body, 0.0, 1), TurnState.DONE)
    assert turns.running("a") is None
    assert turns.open_lanes() == []


def test_many_accepted_at_once_keep_their_order(turns: SqlTurns) -> None:
    results = [turns.accept(turn(f"{n:03}"), 1000) for n in range(300)]
    assert all(result.result() for result in results)
    assert [t.id for t in turns.waiting("a")] == [f"{n:03}" for n in range(300)]


def test_one_refusal_in_a_batch_is_held_against_nobody_else(turns: SqlTurns) -> None:
    results = [turns.accept(turn(str(n), lane="b" if n % 2 else "a"), 3) for n in range(20)]
    outcomes = [result.exception() is None for result in results]
    assert outcomes == [n < 6 for n in range(20)]
    assert len(turns.waiting("a")) == len(turns.waiting("b")) == 3


def test_a_lane_is_held_by_one(turns: SqlTurns) -> None:
    accept(turns, "1")
    assert turns.claim("nobody has written here", "me", LEASE).result() == Fence(
        "nobody has written here", 1
    )
    first = held(turns, holder="first")
    assert turns.claim("a", "second", LEASE).result() is None
    assert turns.open_lanes(unheld=LEASE) == []
    assert turns.renew(first, LEASE).result()
    turns.release(first).result()
    assert turns.open_lanes(unheld=LEASE) == ["a"]
    second = held(turns, holder="second")
    assert second.token > first.token
    assert not turns.renew(first, LEASE).result()
    turns.release(first).result()  # of what is lost: nothing
    assert turns.claim("a", "first", LEASE).result() is None


def test_a_lane_with_work_is_not_given_back_as_idle(turns: SqlTurns) -> None:
    accept(turns, "1")
    fence = held(turns)
    assert not turns.release(fence, only_idle=True).result()
    turns.begin(fence).result()
    assert not turns.release(fence, only_idle=True).result()
    assert turns.renew(fence, LEASE).result()
    turns.end(fence, "1", TurnState.DONE).result()
    assert turns.release(fence, only_idle=True).result()
    assert not turns.renew(fence, LEASE).result()


def test_a_lease_that_ran_out_can_be_taken_and_so_can_one_of_the_dead(turns: SqlTurns) -> None:
    accept(turns, "1")
    first = held(turns, holder="first", lease=GONE)
    assert turns.open_lanes(unheld=LEASE) == ["a"]
    second = held(turns, holder="second")
    third = turns.claim("a", "third", LEASE, force=True).result()
    assert third is not None
    assert first.token < second.token < third.token


def test_a_lease_of_a_clock_that_was_set_back_holds_nothing(turns: SqlTurns) -> None:
    accept(turns, "1")
    first = held(turns, holder="dead", lease=3600.0)  # as 60 s given an hour from now looks
    assert turns.open_lanes(unheld=LEASE) == ["a"]
    assert held(turns, holder="second").token > first.token


def test_whoever_lost_the_lane_writes_nothing(database: Database, turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    old = held(turns, holder="old", lease=GONE)
    assert turns.begin(old).result()
    turns.append(old, "1", [entry(1)]).result()
    outbox = SqlDeliveries(database, {"1": old})
    outbox.put([Delivery("k", "1", 1, {})]).result()
    new = held(turns, holder="new")
    late: list[Future[Any]] = [
        turns.begin(old),
        turns.append(old, "1", [entry(2)]),
        turns.end(old, "1", TurnState.DONE),
        turns.pause(old, "1"),
        turns.failed(old, "1", "x"),
        turns.absorb(old, ["2"], "1"),
    ]
    for result in late:
        with pytest.raises(LaneLost):
            result.result()
    with pytest.raises(LaneLost):
        outbox.move("k", DeliveryState.SENDING)
    with pytest.raises(LaneLost):
        outbox.put([Delivery("k2", "1", 2, {})]).result()
    begun = turns.begin(new).result()
    assert begun is not None
    assert (begun.turn.id, begun.turn.begun, begun.reached) == ("1", 1, 1)
    assert turns.events("1") == [entry(1)]
    assert [d.key for d in outbox.of_turn("1")] == ["k"]


def test_a_journal_is_read_as_it_was_written(turns: SqlTurns) -> None:
    accept(turns, "1")
    fence = held(turns)
    turns.begin(fence).result()
    turns.append(fence, "1", [entry(1), entry(2)], hard=True).result()
    turns.append(fence, "1", [entry(2), entry(3)]).result()  # told twice, kept once
    assert turns.events("1") == [entry(1), entry(2), entry(3)]
    assert turns.events("1", after=2) == [entry(3)]
    assert (turns.event("1", 2), turns.event("1", 4), turns.event("2", 1)) == (entry(2), None, None)
    assert turns.events("2") == []
    turns.append(fence, "1", [], hard=True).result()
    assert len(turns.events("1")) == 3


def test_lives_that_vanish_are_counted_until_one_writes(turns: SqlTurns) -> None:
    accept(turns, "1")
    killed = []
    for life in range(5):
        fence = held(turns, holder=f"life {life}", lease=GONE)
        begun = turns.begin(fence).result()
        assert begun is not None
        assert begun.turn.begun == life
        killed.append(begun.killed)
        if life == 2:
            turns.append(fence, "1", [entry(1)]).result()
    assert killed == [0, 1, 2, 0, 1]


def test_a_turn_that_was_put_back_is_next_but_not_new(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    turns.begin(fence).result()
    turns.pause(fence, "1").result()
    assert [t.id for t in turns.waiting("a")] == ["2"]
    assert turns.count_waiting() == 1
    assert turns.absorb(fence, ["1"], "2").result() == []
    begun = turns.begin(fence).result()
    assert begun is not None
    assert (begun.turn.id, begun.turn.begun, begun.killed) == ("1", 1, 0)
    turns.end(fence, "1", TurnState.DONE).result()
    turns.pause(fence, "1").result()  # too late
    assert turns.find("1") == (Turn("1", "a", turn("1").body, 0.0, 2), TurnState.DONE)


def test_failures_that_are_alike_are_counted_and_parking_lets_the_lane_go_on(
    turns: SqlTurns,
) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    counts = []
    for how in ("x", "x", "y", "y", "y"):
        begun = turns.begin(fence).result()
        assert begun is not None
        assert begun.turn.id == "1"
        assert begun.killed == 0
        counts.append(turns.failed(fence, "1", how).result())
    assert counts == [1, 2, 1, 2, 3]
    turns.end(fence, "1", TurnState.PARKED).result()
    begun = turns.begin(fence).result()
    assert begun is not None
    assert begun.turn.id == "2"


def test_waiting_turns_are_absorbed_and_stay_linked(turns: SqlTurns) -> None:
    accept(turns, "1", "2", "3", "4")
    accept(turns, "other", lane="b")
    fence = held(turns)
    turns.begin(fence).result()
    absorbed = turns.absorb(fence, ["3", "other", "2", "1", "unknown"], "1").result()
    assert [t.id for t in absorbed] == ["2", "3"]
    assert [t.id for t in turns.absorbed("1")] == ["2", "3"]
    assert turns.absorb(fence, ["3"], "1").result() == []
    assert [t.id for t in turns.waiting("a")] == ["4"]
    turns.end(fence, "1", TurnState.DONE).result()
    begun = turns.begin(fence).result()
    assert begun is not None
    assert begun.turn.id == "4"


def test_a_stop_reaches_whoever_holds_the_lane_and_the_next_life(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    assert turns.ask_stop("a").result() == []  # nothing runs yet
    fence = held(turns, lease=GONE)
    turns.begin(fence).result()
    assert turns.ask_stop("a", only="2").result() == []  # it waits
    assert turns.stops([fence]) == []
    assert turns.ask_stop("a", only="1").result() == ["1"]
    assert turns.ask_stop("a").result() == ["1"]
    assert turns.stops([fence]) == ["1"]
    fence = held(turns, holder="next")
    begun = turns.begin(fence).result()
    assert begun
    assert begun.turn.stop
    turns.end(fence, "1", TurnState.DONE).result()
    assert turns.stops([fence]) == []
    assert turns.ask_stop("a", waiting=True).result() == ["2"]
    begun = turns.begin(fence).result()
    assert begun
    assert (begun.turn.id, begun.turn.stop) == ("2", True)


def test_a_stop_reaches_a_turn_between_two_lives(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    turns.begin(fence).result()
    turns.pause(fence, "1").result()
    assert turns.ask_stop("a").result() == ["1"]
    begun = turns.begin(fence).result()
    assert begun
    assert (begun.turn.id, begun.turn.stop) == ("1", True)


def test_events_are_read_without_what_is_large(turns: SqlTurns) -> None:
    accept(turns, "1")
    fence = held(turns)
    turns.begin(fence).result()
    kinds = ["tool_asked", "media_added", "tool_answered"]
    turns.append(fence, "1", [Entry(n, {"type": kind}) for n, kind in enumerate(kinds, 1)]).result()
    assert [entry.sequence for entry in turns.events("1", media=False)] == [1, 3]
    assert [entry.sequence for entry in turns.events("1", 1, media=False)] == [3]
    assert len(turns.events("1")) == 3


def test_what_was_being_sent_when_a_life_ended_is_unknown(
    database: Database, turns: SqlTurns
) -> None:
    accept(turns, "1")
    fence = held(turns)
    turns.begin(fence).result()
    outbox = SqlDeliveries(database, {"1": fence})
    outbox.put([Delivery(key, "1", n, {}) for n, key in enumerate("abc")]).result()
    outbox.move("a", DeliveryState.SENDING)
    outbox.move("a", DeliveryState.DELIVERED)
    outbox.move("b", DeliveryState.SENDING)
    fence = held(turns)
    turns.begin(fence).result()
    states = [d.state for d in outbox.of_turn("1")]
    assert states == [DeliveryState.DELIVERED, DeliveryState.UNKNOWN, DeliveryState.PENDING]


def test_streamed_pieces_of_old_turns_are_dropped_and_no_more(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    turns.begin(fence).result()
    kinds = ["asked", "text_added", "reasoning_added", "step_ended", "ended"]
    turns.append(fence, "1", [entry(n + 1, kind) for n, kind in enumerate(kinds)]).result()
    assert turns.prune(4e9).result() == 0  # it runs
    turns.end(fence, "1", TurnState.DONE).result()
    assert turns.prune(0.0).result() == 0
    assert turns.prune(4e9).result() == 1
    assert turns.prune(4e9).result() == 0
    assert [e.sequence for e in turns.events("1")] == [1, 4, 5]


def test_turns_of_some_lanes_are_dropped_when_they_are_old(
    database: Database, turns: SqlTurns
) -> None:
    for name in ("call:1", "call:2", "CALL:3", "other"):
        accept(turns, name, lane=name)
    for name in ("call:1", "CALL:3", "other"):
        fence = held(turns, name)
        turns.begin(fence).result()
        turns.append(fence, name, [entry(1, "call_said")]).result()
        turns.end(fence, name, TurnState.DONE).result()
    for turn_id in ("other", "call:1"):
        turns.name(turn_id, ["msg_1", f"msg_of_{turn_id}"]).result()
    assert turns.named("msg_1") == "call:1", "the last that got it"
    assert turns.drop("call:", 0.0).result() == 0
    assert turns.drop("call:", 4e9).result() == 1
    assert turns.drop("call:", 4e9).result() == 0
    assert turns.find("call:1") is None
    assert [turns.named(name) for name in ("msg_1", "msg_of_other")] == [None, "other"]
    assert turns.events("call:1") == []
    for name in ("call:2", "CALL:3", "other"):
        assert turns.find(name)
        assert turns.claim(name, "me", 60.0, force=True).result()
    assert len(turns.events("other")) == 1
    accept(turns, "call:1", lane="call:1")
    found = turns.find("call:1")
    assert found
    assert found[1] is TurnState.WAITING


def test_a_turn_is_deleted_once_it_has_ended(turns: SqlTurns) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    turns.begin(fence).result()
    turns.append(fence, "1", [entry(1, "asked")]).result()
    assert turns.delete("1").result() is False
    turns.end(fence, "1", TurnState.DONE).result()
    assert turns.delete("1").result() is True
    assert turns.delete("1").result() is False
    assert turns.find("1") is None
    assert turns.events("1") == []
    begun = turns.begin(fence).result()  # the lane goes on
    assert begun
    assert begun.turn.id == "2"


def test_a_closed_store_says_so(place: Place) -> None:
    database = Database(place)
    turns = SqlTurns(database)
    accepted = [turns.accept(turn(str(n)), 1000) for n in range(100)]
    database.close()
    assert all(result.result(0) for result in accepted)  # what was given is written
    with pytest.raises(StoreFailed, match="closed"):
        turns.accept(turn("late"), 10).result(0)
    database.close()


def test_a_turn_that_ended_elsewhere_is_kept_with_its_journal(turns: SqlTurns) -> None:
    entries = [entry(1), entry(2, "call_finished")]
    turns.keep(turn("call:1", lane="call:1"), entries).result()
    ended = replace(turn("call:1", lane="call:1"), begun=1)
    assert turns.find("call:1") == (ended, TurnState.DONE)
    assert turns.events("call:1") == entries
    assert turns.open_lanes() == []
    assert not turns.accept(turn("call:1", lane="call:1"), 10).result()
    assert turns.drop("call:", 9e9).result() == 1
    assert turns.find("call:1") is None


def test_a_turn_that_runs_without_the_store_is_kept_by_the_right_of_its_lane(
    turns: SqlTurns,
) -> None:
    alone, fence = turn("1", lane="1"), Fence("1", FIRST)
    for _ in range(2):  # whoever does not know what became of it asks again
        turns.keep(alone, [entry(1)], TurnState.RUNNING, hard=True).result()
    assert turns.find("1") == (replace(alone, begun=1), TurnState.RUNNING)
    assert turns.open_lanes() == ["1"]
    turns.append(fence, "1", [entry(2)]).result()
    turns.end(fence, "1", TurnState.DONE, [entry(3)]).result()
    assert turns.find("1") == (replace(alone, begun=1), TurnState.DONE)
    assert turns.events("1") == [entry(1), entry(2), entry(3)]


def test_a_turn_that_was_kept_as_running_and_has_ended_since_is_kept_so(turns: SqlTurns) -> None:
    alone = turn("1", lane="1")
    turns.keep(alone, [], TurnState.RUNNING).result()
    turns.keep(alone, [entry(1)], TurnState.DONE).result()
    assert turns.find("1") == (replace(alone, begun=1), TurnState.DONE)
    assert turns.events("1") == [entry(1)]
    assert turns.open_lanes() == []


def test_a_turn_that_runs_without_the_store_and_vanishes_is_begun_anew(turns: SqlTurns) -> None:
    alone = turn("1", lane="1")
    turns.keep(alone, [entry(1)], TurnState.RUNNING).result()
    taken = turns.take("1", "another", LEASE, force=True).result()
    assert taken is not None
    assert taken.begun == Begun(replace(alone, begun=1), reached=1)
    with pytest.raises(LaneLost):
        turns.append(Fence("1", FIRST), "1", [entry(2)]).result()


def test_a_turn_is_accepted_and_begun_in_one(database: Database) -> None:
    turns, outbox = SqlTurns(database), SqlDeliveries(database, {})
    reply = Delivery("1/0", "1", 0, {"to": "a"})
    taken = turns.start(turn("1"), 10, "me", [reply]).result()
    assert taken is not None
    assert taken.begun == Begun(turn("1"))
    assert turns.running("a") is not None
    assert outbox.of_turn("1")[0].content == {"to": "a"}
    assert turns.start(turn("1"), 10, "me").result() is None
    turns.append(taken.fence, "1", [Entry(1, {"type": "x"})]).result()  # its lane is still held


def test_a_turn_that_begins_as_it_is_accepted_is_the_one_that_was_given(turns: SqlTurns) -> None:
    given = replace(turn("1"), known=object())
    taken = turns.start(given, 10, "me").result()
    assert taken is not None
    assert taken.begun is not None
    assert taken.begun.turn == given
    assert taken.begun.turn.known is given.known
    stored = turns.find("1")
    assert stored is not None
    assert stored[0].known is None


def test_what_is_known_of_a_turn_is_not_said_of_the_one_before_it(turns: SqlTurns) -> None:
    accept(turns, "1")
    taken = turns.start(replace(turn("2"), known=object()), 10, "me").result()
    assert taken is not None
    assert taken.begun is not None
    assert taken.begun.turn == turn("1", at=0.0)
    assert taken.begun.turn.known is None


def test_what_waits_in_a_lane_is_begun_before_what_comes(database: Database) -> None:
    turns = SqlTurns(database)
    assert turns.accept(turn("1"), 10).result()
    taken = turns.start(turn("2"), 10, "me").result()
    assert taken is not None
    assert taken.begun == Begun(turn("1"))
    assert turns.waiting("a") == [turn("2")]


@pytest.mark.parametrize("spoilt", ["{", "[]", "", "\x01"])
def test_what_cannot_be_read_is_told_as_empty(
    database: Database, turns: SqlTurns, spoilt: str
) -> None:
    accept(turns, "1", "2")
    fence = held(turns)
    turns.begin(fence).result()
    turns.append(fence, "1", [entry(1), entry(2)]).result()

    def spoil(connection: Connection) -> None:
        connection.execute(update(TURNS).where(TURNS.c.id == "1").values(body=spoilt))
        connection.execute(update(EVENTS).where(EVENTS.c.sequence == 1).values(event=spoilt))

    database.write(spoil).result()
    assert turns.events("1") == [Entry(1, {}), entry(2)]
    begun = turns.begin(fence).result()
    assert begun
    assert begun.turn.body == {}
    turns.end(fence, "1", TurnState.PARKED).result()
    begun = turns.begin(fence).result()
    assert begun
    assert begun.turn.body == turn("2").body
