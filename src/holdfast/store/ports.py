"""What must survive a crash, as contracts. One conformance suite runs over every store.

All of it may be used from any thread. What returns a value blocks: call it from a thread. What
returns a Future is done by the database's writer, together with what others want at that
moment. Everything raises StoreFailed, at once or through the Future.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

Json = Mapping[str, Any]  # plain JSON, small enough to keep


class StoreFailed(Exception):
    """The store could not read or write; the text says why."""


class LaneLost(Exception):
    """Another process holds the lane now: this one must stop at once, unheard."""


class Overloaded(Exception):
    """The lane, or the node, holds as many waiting turns as it may. The person is to be told."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A call that met failure. `record` is `core.record.incident_record`'s; `at` Unix seconds."""

    ref: str
    at: float
    route: str
    outcome: str  # open | recovered | failed | cancelled
    kind: str
    record: Mapping[str, Any]


class IncidentStore(Protocol):
    """Bounded: the oldest make room. Blocking; call it from a thread. Raises StoreFailed."""

    def put(self, incidents: Sequence[Incident]) -> None:
        """Keeps them; a later one replaces an earlier one of the same ref."""
        ...

    def find(self, ref: str) -> Incident | None:
        """By reference id or by an unambiguous beginning of it, in either case."""
        ...

    def recent(self, limit: int = 50, before: float | None = None) -> Sequence[Incident]:
        """Newest first; only those earlier than `before` (Unix seconds), if given."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One accepted inbound message (or request) on its way to its reply.

    `id` is chosen by who submits it: the platform's event id under the bot's name, so that a
    redelivery is recognised. `accepted_at` is Unix seconds. `begun` counts the earlier lives
    of the turn: above 0 it goes on from its journal. `stop`: it was asked to end. `known` is what
    whoever submits it knows of it beside: for a life that begins as it is accepted, and not kept.
    """

    id: str
    lane: str
    body: Json
    accepted_at: float
    begun: int = 0
    stop: bool = False
    known: Any = field(default=None, repr=False, compare=False)


class TurnState(Enum):
    WAITING = "waiting"  # accepted; not begun, or put back by a process that ended in order
    RUNNING = "running"  # begun; if its lane has no living holder, it was killed
    DONE = "done"
    ABSORBED = "absorbed"  # another turn answers it too
    PARKED = "parked"  # it failed again and again; nobody tries it any more


ENDED = frozenset({TurnState.DONE, TurnState.ABSORBED, TurnState.PARKED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a turn. Sequences begin at 1 and have no gaps."""

    sequence: int
    event: Json


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of holding a lane. The token grows with every claim: an older one writes nothing."""

    lane: str
    token: int


FIRST = 1  # the token of a lane's first claim


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn to run. Its earlier lives wrote the events up to sequence `reached`.

    `killed` counts the lives just before this one that vanished and had written nothing. `kept`:
    the store knows it, as it does all that it gives itself.
    """

    turn: Turn
    reached: int = 0
    killed: int = 0
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane, and its next turn to run if there is one."""

    fence: Fence
    begun: Begun | None


class Turns(Protocol):
    """Lanes, their turns and what happened in them. What takes a Fence raises LaneLost, in the
    same transaction as it writes, if the lane has got another holder.
    """

    def accept(
        self, turn: Turn, lane_limit: int, deliveries: Sequence[Delivery] = ()
    ) -> Future[bool]:
        """Puts a turn at the end of its lane, and what is to be delivered for it into the outbox;
        False if one of this id is known. It survives a power cut. Raises Overloaded if
        `lane_limit` turns wait in the lane.
        """
        ...

    def start(
        self, turn: Turn, lane_limit: int, holder: str, deliveries: Sequence[Delivery] = ()
    ) -> Future[Taken | None]:
        """`accept` and a forced `take` in one, for whoever alone works here; None if a turn of this
        id is known.
        """
        ...

    def keep(
        self,
        turn: Turn,
        entries: Sequence[Entry],
        state: TurnState = TurnState.DONE,
        hard: bool = False,
    ) -> Future[None]:
        """Writes down a turn that was begun without the store, in a lane of its own, with its
        journal: one that has ended, or one that is RUNNING, by the right of that lane's FIRST
        token. It may be asked for again.
        """
        ...

    def name(self, turn_id: str, names: Sequence[str]) -> Future[None]:
        """What else the turn is found by, as long as it is kept. A name belongs to the last turn
        that was given it.
        """
        ...

    def named(self, name: str) -> str | None:
        """The id of the turn of this name. Blocking."""
        ...

    def claim(
        self, lane: str, holder: str, lease: float, force: bool = False
    ) -> Future[Fence | None]:
        """Takes the lane for `lease` seconds by the database's clock; None if another holder's
        lease runs. A lease that ends much later than one of `lease` seconds does is no lease: the
        clock was set back. `force`: whoever proves to be alone need not wait for the dead.
        """
        ...

    def take(
        self, lane: str, holder: str, lease: float, force: bool = False
    ) -> Future[Taken | None]:
        """`claim` and `begin` in one."""
        ...

    def renew(self, fence: Fence, lease: float) -> Future[bool]:
        """Prolongs the lease; False if the lane is lost."""
        ...

    def release(self, fence: Fence, only_idle: bool = False) -> Future[bool]:
        """Gives the lane back, or finds it lost. With `only_idle`, False if it has open turns:
        then it is still held, and nothing can be accepted between the look and the release.
        """
        ...

    def begin(self, fence: Fence, or_release: bool = False) -> Future[Begun | None]:
        """Begins the lane's next turn, or anew one that was begun; None if there is none. With
        `or_release` the lane is then given back, and nothing can be accepted in between.

        Deliveries of that turn that were being sent become UNKNOWN.
        """
        ...

    def append(
        self, fence: Fence, turn_id: str, entries: Sequence[Entry], hard: bool = False
    ) -> Future[None]:
        """Adds to a running turn's journal. It survives this process; with `hard`, and whenever
        anything hard follows it, also a power cut. Without entries, that is all it does.
        """
        ...

    def failed(self, fence: Fence, turn_id: str, how: str) -> Future[int]:
        """Puts a turn whose life failed back to the head of its lane; returns how often in a row
        it failed alike.
        """
        ...

    def pause(self, fence: Fence, turn_id: str) -> Future[None]:
        """Puts a turn back to the head of its lane, for another life; nothing if it does not
        run.
        """
        ...

    def end(
        self,
        fence: Fence,
        turn_id: str,
        state: TurnState,
        entries: Sequence[Entry] = (),
        hard: bool = False,
    ) -> Future[None]:
        """Ends a running turn, DONE or PARKED, with the last entries of its journal."""
        ...

    def absorb(self, fence: Fence, turn_ids: Sequence[str], into: str) -> Future[Sequence[Turn]]:
        """Ends those of the lane that wait and never began, in favour of `into`, which runs;
        returns them in order.
        """
        ...

    def ask_stop(
        self, lane: str, waiting: bool = False, only: str | None = None
    ) -> Future[Sequence[str]]:
        """Marks what was begun in `lane`, and with `waiting` what waits in it, to be stopped, in
        this life or the next; no other turn than `only`, if that is given. Returns the ids.
        """
        ...

    def stops(self, fences: Sequence[Fence]) -> Sequence[str]:
        """Ids of the running turns in these lanes that were asked to stop."""
        ...

    def waiting(self, lane: str) -> Sequence[Turn]:
        """Accepted and never begun, in order."""
        ...

    def running(self, lane: str) -> Turn | None: ...

    def absorbed(self, into: str) -> Sequence[Turn]:
        """What `into` has absorbed, in all its lives, in order."""
        ...

    def find(self, turn_id: str) -> tuple[Turn, TurnState] | None: ...

    def events(self, turn_id: str, after: int = 0, *, media: bool = True) -> Sequence[Entry]:
        """In order; without `media` what is large is not read: the events "media_added"."""
        ...

    def event(self, turn_id: str, sequence: int) -> Entry | None: ...

    def open_lanes(self, unheld: float | None = None, limit: int | None = None) -> Sequence[str]:
        """Lanes with turns that have not ended, those first whose turn waits longest; with
        `unheld` only those that no lease of so many seconds holds.
        """
        ...

    def count_waiting(self) -> int:
        """Turns accepted and never begun, in all lanes."""
        ...

    def prune(self, before: float) -> Future[int]:
        """Drops the streamed pieces (text, reasoning) of some turns that ended before then (Unix
        seconds); returns of how many, 0 if none are left.
        """
        ...

    def delete(self, turn_id: str) -> Future[bool]:
        """Drops a turn that has ended, with its journal; False if there is none."""
        ...

    def drop(self, lanes: str, before: float) -> Future[int]:
        """Drops some turns that ended before then (Unix seconds), with their journals and
        deliveries, in lanes whose names begin with `lanes`; returns how many, 0 if none are left.
        Their lanes go when they are empty, so nobody else may work in such lanes. With "" it is
        the turns of all lanes, and all lanes stay.
        """
        ...

    def give_back(self) -> Future[bool]:
        """Gives the disk some of the room that dropped turns have left; False if there is none to
        give.
        """
        ...


class DeliveryState(Enum):
    """Where a message to a platform stands. Moves are in MOVES; all others are refused."""

    PENDING = "pending"
    SENDING = "sending"  # on its way: if the process dies now, the outcome is UNKNOWN
    DELIVERED = "delivered"
    UNKNOWN = "unknown"  # the platform may or may not have it
    FAILED = "failed"  # the platform has not got it; may be sent again
    ABANDONED = "abandoned"


# SENDING and UNKNOWN lead to themselves: a message that grows is sent again and again, and the
# store may have failed in between.
MOVES: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.ABANDONED}),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.DELIVERED,
            DeliveryState.UNKNOWN,
            DeliveryState.FAILED,
        }
    ),
    DeliveryState.UNKNOWN: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.UNKNOWN,
            DeliveryState.DELIVERED,
            DeliveryState.ABANDONED,
        }
    ),
    DeliveryState.FAILED: frozenset({DeliveryState.SENDING, DeliveryState.ABANDONED}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.ABANDONED: frozenset(),
}

SETTLED = frozenset({DeliveryState.DELIVERED, DeliveryState.ABANDONED})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a platform, in the outbox. `key` is its idempotency key; `turn` may be "".

    `ordinal` orders the deliveries of a turn; `tries` counts its times in SENDING; `updated` is
    Unix seconds of the last move.
    """

    key: str
    turn: str
    ordinal: int
    content: Json
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    receipt: Json = field(default_factory=dict)
    updated: float = 0.0


class Deliveries(Protocol):
    """The outbox. All writes survive a power cut, but that what became of a send (`note`) does so
    with the next write that does: until then it is a send of unknown outcome. What belongs to a
    turn that runs in this process raises LaneLost once another process holds the lane. What gives
    no Future blocks.
    """

    def put(self, deliveries: Sequence[Delivery]) -> Future[None]:
        """Keeps them; a key that is known stays as it is."""
        ...

    def note(self, delivery: Delivery) -> Future[bool]:
        """Its state and receipt are these now, wherever it stood, and whether it was known or not.
        False if it is settled: that is for good.
        """
        ...

    def abandon(self, turn_id: str, receipt: Json) -> Future[None]:
        """All of the turn's that are neither settled nor on their way; the receipt is for the one
        with the ordinal 0.
        """
        ...

    def move(self, key: str, to: DeliveryState, receipt: Json | None = None) -> bool:
        """True if it is in state `to` now by this move; False if MOVES has none from where it
        was: somebody else moved it. A receipt replaces what was kept.
        """
        ...

    def find(self, key: str) -> Delivery | None: ...

    def of_turn(self, turn_id: str) -> Sequence[Delivery]:
        """By ordinal."""
        ...

    def unsettled(self, running: bool = False) -> Sequence[Delivery]:
        """Neither DELIVERED nor ABANDONED, in the order of their lanes, of all turns that have
        ended; with `running` of all turns. What belongs to no accepted turn waits for nobody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a turn that has ended left beside its words: the receipt of its delivery with the
    ordinal 0 ({} without one), and its events of the kind "noted".
    """

    turn: str
    receipt: Json
    notes: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Remembered:
    """`settings` and `history` as `Conversations` has them, and the last turns that are kept, the
    newest first.
    """

    settings: Json
    history: Sequence[Json]
    recent: Sequence[Recalled]


class Conversations(Protocol):
    """What is remembered of a lane between its turns. Blocking, but for what gives a Future."""

    def recall(self, lane: str, limit: int) -> Future[Remembered]:
        """All that a new turn in this lane has to know, at most `limit` turns back."""
        ...

    def settings(self, lane: str) -> Json:
        """What was chosen in this conversation: model, persona, language, ...; {} at first."""
        ...

    def change(self, lane: str, changes: Json) -> Json:
        """Sets what `changes` names; None removes. Returns the settings that result."""
        ...

    def reset(self, lane: str) -> None:
        """The history begins anew, behind the last turn that ended: with that which runs."""
        ...

    def history(self, lane: str) -> Sequence[Json]:
        """The messages, as JSON, of the turns that are DONE since the reset, in order: what the
        events "asked", "step_ended" and "tool_answered" hold under "message", and the newest few of
        the events "media_added".
        """
        ...

    def recent(self, lane: str, limit: int = 10, *, kept: bool = False) -> Sequence[Turn]:
        """Turns that are DONE or PARKED, the newest first, whatever was reset; with `kept` those
        only that were neither reset nor forgotten.
        """
        ...

    def forget(self, turn_id: str) -> None:
        """Takes a turn out of the history: another one answers anew. Nothing is deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Pairing:
    """A stranger's wish to talk to a bot. `offered_at` is Unix seconds."""

    code: str
    bot: str
    person: str
    approved: bool
    offered_at: float


class Pairings(Protocol):
    """Blocking."""

    def offer(self, bot: str, person: str, code: str, now: float, valid: float) -> Pairing:
        """The person's pairing, if approved or younger than `valid` seconds; else a new one."""
        ...

    def approve(self, code: str, now: float, valid: float) -> Pairing | None:
        """Approves a code, in either case, that is not older; None if there is no such code."""
        ...

    def approved(self, bot: str, person: str) -> bool: ...

    def all(self) -> Sequence[Pairing]:
        """The newest first."""
        ...

    def remove(self, bot: str, person: str) -> bool:
        """Takes the approval, or the wish, away. False if there was none."""
        ...


class Notes(Protocol):
    """Small facts under a key, such as an adapter's session id. Blocking."""

    def get(self, key: str) -> Json | None: ...

    def put(self, key: str, value: Json | None) -> None:
        """None removes it."""
        ...
