"""The outbox and what is remembered between turns: one contract over every database."""

from __future__ import annotations

import pytest
from tests.conformance.databases import Place

from holdfast.store.conversations import NEWEST, REACH, SqlConversations, SqlNotes, SqlPairings
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import (
    MOVES,
    Delivery,
    DeliveryState,
    Entry,
    Fence,
    Json,
    LaneLost,
    Pairing,
    Recalled,
    Remembered,
    Turn,
    TurnState,
)
from holdfast.store.turns import SqlTurns

S = DeliveryState


def ways() -> dict[DeliveryState, list[DeliveryState]]:
    """By which moves a fresh delivery comes into each state."""
    found: dict[DeliveryState, list[DeliveryState]] = {S.PENDING: []}
    while len(found) < len(S):
        for origin, path in list(found.items()):
            for to in MOVES[origin]:
                found.setdefault(to, [*path, to])
    return found


@pytest.mark.parametrize("origin", S)
def test_the_outbox_moves_as_the_table_says(database: Database, origin: DeliveryState) -> None:
    outbox = SqlDeliveries(database, {})
    path = ways()[origin]
    for to in S:
        outbox.put([Delivery(to.value, "", 1, {"text": "好"})]).result()
        for step in path:
            assert outbox.move(to.value, step)
        assert outbox.move(to.value, to) is (to in MOVES[origin])
        found = outbox.find(to.value)
        assert found is not None
        assert found.state is (to if to in MOVES[origin] else origin)
        assert found.tries == [*path, *([to] if to in MOVES[origin] else [])].count(S.SENDING)
        assert found.updated > 1.6e9


def test_a_key_is_kept_once_with_its_receipt(database: Database) -> None:
    outbox = SqlDeliveries(database, {})
    outbox.put([Delivery("k", "t", 1, {"text": "first"})]).result()
    outbox.move("k", S.SENDING)
    outbox.move("k", S.UNKNOWN, {"message_id": "m1"})
    outbox.put([Delivery("k", "t", 1, {"text": "second"}), Delivery("a", "t", 2, {})]).result()
    outbox.move("k", S.DELIVERED)
    kept, other = outbox.of_turn("t")
    assert (kept.key, kept.content, kept.state) == ("k", {"text": "first"}, S.DELIVERED)
    assert (kept.receipt, kept.tries) == ({"message_id": "m1"}, 1)
    assert (other.key, other.state) == ("a", S.PENDING)
    assert not outbox.move("nobody", S.SENDING)


@pytest.mark.parametrize("origin", [None, *S])
def test_what_is_noted_of_a_delivery_stands_unless_it_is_settled(
    database: Database, origin: DeliveryState | None
) -> None:
    outbox = SqlDeliveries(database, {})
    if origin:
        outbox.put([Delivery("k", "t", 1, {"text": "first"})]).result()
        for step in ways()[origin]:
            outbox.move("k", step)
    before = outbox.find("k")
    settled = origin in (S.DELIVERED, S.ABANDONED)
    for to in (S.SENDING, S.UNKNOWN, S.SENDING, S.DELIVERED):
        noted = Delivery("k", "t", 1, {"text": "second"}, to, receipt={"to": to.value})
        assert outbox.note(noted).result() is not settled
    found = outbox.find("k")
    assert found
    if settled:
        assert found == before
        return
    assert (found.state, found.receipt) == (S.DELIVERED, {"to": "delivered"})
    assert found.content == {"text": "first" if origin else "second"}
    assert found.tries == 2 + (before.tries if before else 0)


def test_what_is_abandoned_is_what_nobody_sends_any_more(database: Database) -> None:
    outbox = SqlDeliveries(database, {})
    for turn in ("t", "other"):
        outbox.put([Delivery(f"{turn} {n}", turn, n, {}) for n in range(5)]).result()
        for n, steps in enumerate(
            ([], [S.SENDING], [S.SENDING, S.FAILED], [S.SENDING, S.DELIVERED])
        ):
            for step in steps:
                outbox.move(f"{turn} {n}", step, {"kept": n})
    outbox.abandon("t", {"owed": 7}).result()
    assert [(d.state, d.receipt) for d in outbox.of_turn("t")] == [
        (S.ABANDONED, {"owed": 7}),
        (S.SENDING, {"kept": 1}),
        (S.ABANDONED, {"kept": 2}),
        (S.DELIVERED, {"kept": 3}),
        (S.ABANDONED, {}),
    ]
    assert [d.state for d in outbox.of_turn("other")].count(S.ABANDONED) == 0


def test_what_was_abandoned_stays_so_with_its_first_receipt(database: Database) -> None:
    outbox = SqlDeliveries(database, {})
    outbox.put([Delivery("t/0", "t", 0, {})]).result()
    for receipt in ({"owed": 7}, {"owed": 9}):
        outbox.abandon("t", receipt).result()
        assert not outbox.note(Delivery("t/0", "t", 0, {}, S.SENDING)).result()
    outbox.abandon("nobody", {"owed": 1}).result()
    assert [(d.key, d.state, d.receipt) for d in outbox.unsettled(running=True)] == []
    (kept,) = outbox.of_turn("t")
    assert (kept.state, kept.receipt, kept.tries) == (S.ABANDONED, {"owed": 7}, 0)


def test_who_has_lost_the_lane_of_a_turn_writes_nothing_of_its_deliveries(
    database: Database,
) -> None:
    turns = SqlTurns(database)
    turns.accept(Turn("t", "lane", {}, 1.0), 10).result()
    lost = turns.claim("lane", "me", 60).result()
    assert lost
    turns.begin(lost).result()
    mine, theirs = SqlDeliveries(database, {"t": lost}), SqlDeliveries(database, {})
    assert mine.note(Delivery("t/0", "t", 0, {}, S.UNKNOWN, receipt={"by": "me"})).result()
    before = mine.of_turn("t")
    turns.release(lost).result()
    assert turns.claim("lane", "you", 60).result()
    for write in (
        lambda: mine.note(Delivery("t/0", "t", 0, {}, S.DELIVERED)),
        lambda: mine.note(Delivery("t/1", "t", 1, {}, S.SENDING)),
        lambda: mine.abandon("t", {"owed": 1}),
    ):
        with pytest.raises(LaneLost):
            write().result()
    assert theirs.of_turn("t") == before


def test_unsettled_are_those_of_no_running_turn(database: Database) -> None:
    turns = SqlTurns(database)
    for name in ("done", "runs"):
        turns.accept(Turn(name, name, {}, 1.0), 10).result()
        fence = turns.claim(name, "me", 60).result()
        assert fence
        turns.begin(fence).result()
        outbox = SqlDeliveries(database, {name: fence})
        outbox.put([Delivery(f"{name} {n}", name, n, {}) for n in range(3)]).result()
        outbox.move(f"{name} 0", S.SENDING)
        outbox.move(f"{name} 1", S.ABANDONED)
        if name == "done":
            turns.end(fence, name, TurnState.DONE).result()
    outbox.put([Delivery("of no turn", "", 1, {})]).result()
    left = {(d.key, d.state) for d in outbox.unsettled()}
    assert left == {
        ("done 0", S.UNKNOWN),
        ("done 2", S.PENDING),
    }


def test_what_is_owed_in_a_lane_comes_in_its_order_whenever_it_was_written(
    database: Database,
) -> None:
    turns, outbox = SqlTurns(database), SqlDeliveries(database, {})
    for name in ("z", "a"):
        turns.accept(Turn(name, "lane", {}, 1.0), 10).result()
    for name in ("a", "z"):  # as by a clock that was set back in between
        outbox.put([Delivery(f"{name} {n}", name, n, {}) for n in range(2)]).result()
    owed = [d.key for d in outbox.unsettled(running=True)]
    assert owed == ["z 0", "z 1", "a 0", "a 1"]


def talk(
    turns: SqlTurns, name: str, state: TurnState, lane: str = "a", *, draws: bool = False
) -> Fence:
    """A turn with its question and its answer, in which a tool was used."""
    turns.accept(Turn(name, lane, {}, 1.0), 100).result()
    fence = turns.claim(lane, "me", 60).result()
    assert fence
    events: list[Json] = [
        {"type": "asked", "message": {"said": f"{name}?"}},
        {"type": "text_added", "text": "..."},
        *([{"type": "media_added", "message": {"said": f"{name} picture"}}] if draws else []),
        {"type": "tool_answered", "message": {"said": f"{name} tool"}},
        {"type": "step_ended", "message": {"said": f"{name}!"}},
        {"type": "ended"},
    ]
    turns.begin(fence).result()
    entries = [Entry(n, event) for n, event in enumerate(events, 1)]
    turns.append(fence, name, entries).result()
    if state is not TurnState.RUNNING:
        turns.end(fence, name, state).result()
    return fence


def said(conversations: SqlConversations, lane: str = "a") -> list[str]:
    return [message["said"] for message in conversations.history(lane)]


def test_the_history_is_made_of_turns_that_are_done(database: Database) -> None:
    turns, conversations = SqlTurns(database), SqlConversations(database)
    assert said(conversations) == []
    talk(turns, "z", TurnState.DONE)
    talk(turns, "y", TurnState.PARKED)
    talk(turns, "x", TurnState.DONE)
    talk(turns, "b", TurnState.DONE, lane="b")
    talk(turns, "w", TurnState.RUNNING)
    assert said(conversations) == ["z?", "z tool", "z!", "x?", "x tool", "x!"]
    assert [t.id for t in conversations.recent("a")] == ["x", "y", "z"]
    assert [t.id for t in conversations.recent("a", 1)] == ["x"]


def test_of_what_is_large_a_history_has_the_newest(database: Database) -> None:
    turns, conversations = SqlTurns(database), SqlConversations(database)
    for number in range(NEWEST + 2):
        talk(turns, f"{number}", TurnState.DONE, draws=True)
    told = said(conversations)
    assert [one for one in told if "picture" in one] == [
        f"{number} picture" for number in range(2, NEWEST + 2)
    ]
    assert told[-4:] == [f"{NEWEST + 1}{end}" for end in ("?", " picture", " tool", "!")]
    assert conversations.recall("a", 10).result().history == conversations.history("a")


def test_a_history_begins_anew_with_the_turn_that_runs(database: Database) -> None:
    turns, conversations = SqlTurns(database), SqlConversations(database)
    conversations.change("a", {"route": "m"})
    talk(turns, "1", TurnState.DONE)
    fence = talk(turns, "2", TurnState.RUNNING)
    turns.accept(Turn("3", "a", {}, 1.0), 100).result()
    conversations.reset("a")
    turns.end(fence, "2", TurnState.DONE).result()
    assert said(conversations) == ["2?", "2 tool", "2!"]
    assert conversations.settings("a") == {"route": "m"}
    talk(turns, "3", TurnState.DONE)
    assert said(conversations)[3:] == ["3?", "3 tool", "3!"]
    assert len(conversations.recent("a")) == 3


def test_a_forgotten_turn_is_no_history(database: Database) -> None:
    turns, conversations = SqlTurns(database), SqlConversations(database)
    talk(turns, "1", TurnState.DONE)
    talk(turns, "2", TurnState.DONE)
    conversations.forget("1")
    assert said(conversations) == ["2?", "2 tool", "2!"]


def test_of_a_history_of_years_the_newest_part_is_read_and_begins_where_it_did(
    database: Database,
) -> None:
    """What was summarised is known by the messages it began with: they do not change every time."""
    turns, conversations = SqlTurns(database), SqlConversations(database)
    steps = 32
    firsts = []
    for number in range(2 * REACH // steps):
        taken = turns.start(Turn(f"{number}", "a", {}, 1.0), 100, "me").result()
        assert taken is not None
        told = [{"said": f"{number} {n}"} for n in range(steps)]
        entries = [
            Entry(n, {"type": "step_ended", "message": message}) for n, message in enumerate(told)
        ]
        turns.end(taken.fence, f"{number}", TurnState.DONE, entries).result()
        shown = said(conversations)
        assert shown[-1] == f"{number} {steps - 1}"
        assert min((number + 1) * steps, REACH // 2) <= len(shown) <= REACH
        first, step = shown[0].split()
        assert step == "0", "a turn is read whole, or not"
        firsts.append(int(first))
    assert firsts == sorted(firsts)
    assert 1 < len(set(firsts)) <= 9


def test_a_new_turn_is_told_all_that_it_has_to_know(database: Database) -> None:
    turns, conversations = SqlTurns(database), SqlConversations(database)
    assert conversations.recall("a", 10).result() == Remembered({}, [], [])
    conversations.change("a", {"route": "m"})
    for name in ("1", "2", "3", "4"):
        talk(turns, name, TurnState.PARKED if name == "2" else TurnState.DONE)
    talk(turns, "b", TurnState.DONE, lane="b")
    outbox = SqlDeliveries(database, {})
    outbox.put([Delivery("3/0", "3", 0, {}), Delivery("3/1", "3", 1, {})]).result()
    outbox.abandon("3", {"owed": 7}).result()
    conversations.forget("4")
    noted = Entry(9, {"type": "noted", "key": "k"})
    turns.accept(Turn("5", "a", {}, 1.0), 100).result()
    taken = turns.take("a", "n", 60.0, force=True).result()
    assert taken is not None
    turns.end(taken.fence, "5", TurnState.DONE, [noted]).result()
    told = conversations.recall("a", 3).result()
    assert told.settings == {"route": "m"}
    assert told.history == conversations.history("a")
    assert list(told.recent) == [
        Recalled("5", {}, [noted.event]),
        Recalled("3", {"owed": 7}, ()),
        Recalled("2", {}, ()),
    ]
    conversations.reset("a")
    assert conversations.recall("a", 3).result() == Remembered({"route": "m"}, [], [])


def test_settings_are_merged_and_removed_and_stay(place: Place) -> None:
    first = Database(place)
    conversations = SqlConversations(first)
    assert conversations.settings("a") == {}
    assert conversations.change("a", {"route": "m", "persona": "猫"}) == {
        "route": "m",
        "persona": "猫",
    }
    assert conversations.change("a", {"persona": None, "language": "zh"}) == {
        "route": "m",
        "language": "zh",
    }
    conversations.reset("a")
    first.close()
    second = Database(place)
    assert SqlConversations(second).settings("a") == {"route": "m", "language": "zh"}
    second.close()


def test_offers_that_are_too_old_make_room(database: Database) -> None:
    pairings = SqlPairings(database)
    pairings.offer("helper", "friend", "aaaa", now=100.0, valid=60.0)
    pairings.approve("aaaa", now=101.0, valid=60.0)
    for number in range(3):
        pairings.offer("helper", f"stranger {number}", f"b{number}", now=100.0, valid=60.0)
    pairings.offer("helper", "another", "cccc", now=150.0, valid=60.0)
    pairings.offer("helper", "newest", "dddd", now=161.0, valid=60.0)
    assert [one.person for one in pairings.all()] == ["newest", "another", "friend"]


def test_a_stranger_is_paired_by_a_code_that_ages(database: Database) -> None:
    pairings = SqlPairings(database)
    offered = pairings.offer("helper", "p", "abcd", now=100.0, valid=60.0)
    assert offered == Pairing("ABCD", "helper", "p", False, 100.0)
    assert pairings.offer("helper", "p", "efgh", now=150.0, valid=60.0) == offered
    assert pairings.approve("abcd", now=161.0, valid=60.0) is None  # too old
    renewed = pairings.offer("helper", "p", "efgh", now=161.0, valid=60.0)
    assert renewed.code == "EFGH"
    assert not pairings.approved("helper", "p")
    assert pairings.approve("ABCD", now=162.0, valid=60.0) is None
    approved = pairings.approve("efGh", now=162.0, valid=60.0)
    assert approved == Pairing("EFGH", "helper", "p", True, 161.0)
    assert pairings.approved("helper", "p")
    assert not pairings.approved("helper", "q")
    assert not pairings.approved("other", "p")
    assert pairings.offer("helper", "p", "ijkl", now=9e9, valid=60.0) == approved
    assert pairings.all() == [approved]
    assert pairings.remove("helper", "p")
    assert not pairings.remove("helper", "p")
    assert not pairings.approved("helper", "p")


def test_notes_are_kept_replaced_and_removed(database: Database) -> None:
    notes = SqlNotes(database)
    assert notes.get("k") is None
    notes.put("k", {"session": "1"})
    notes.put("k", {"session": "2", "字": [1]})
    assert notes.get("k") == {"session": "2", "字": [1]}
    notes.put("k", None)
    notes.put("k", None)
    assert notes.get("k") is None
