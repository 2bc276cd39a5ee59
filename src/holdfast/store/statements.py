"""The statements behind `turns`. Each is made once: what is made anew costs more than it does.
`Statements` has those that are asked for every message ready to be carried out.

`of_lane`, `of_turn` and `of_token` say which; names that begin with `new_` are columns of a new
turn. States are spelt out in them, for a database uses an index of open turns only where it can
read that nothing but open turns are asked for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from .database import Database
from .ports import FIRST, DeliveryState, Fence, LaneLost, TurnState
from .tables import DELIVERIES, EVENTS, LANES, NAMES, TURNS

MEDIA = "media_added"  # the kind of those that are large: pictures, sounds, files
STREAMED = ("text_added", "reasoning_added")  # kinds of events that only live readers need
NEW_LANE = ("lane", "accepted", "holder", "token", "expires_at")
OF_DELIVERY = [column.name for column in DELIVERIES.c if column is not DELIVERIES.c.updated]
AT_ONCE = 32  # old turns in one transaction
ASTRAY = 60.0  # seconds by which a lease must end too late to be that of a clock since set back

_TURN: ColumnElement[str] = bindparam("of_turn", type_=Text)
_LANE: ColumnElement[str] = bindparam("of_lane", type_=Text)
_HEAD = TURNS.alias("head")
_OTHERS = TURNS.alias("others")


# Open turns of a lane are few. They are sorted by hand, lest an index in the right order, which
# is one of all turns that ever were in the lane, seem the better one.
def in_order(turns: FromClause) -> ColumnElement[int]:
    return turns.c.number + literal_column("0")


def state(one: TurnState) -> ColumnElement[str]:
    return literal_column(f"'{one.value}'", Text)


WAITING, RUNNING = state(TurnState.WAITING), state(TurnState.RUNNING)


def is_open(turns: FromClause) -> ColumnElement[bool]:
    """As the indexes of open turns say it."""
    return turns.c.state.in_((WAITING, RUNNING))


def is_fresh(turns: FromClause) -> ColumnElement[bool]:
    """It waits and was never begun."""
    return and_(is_open(turns), turns.c.state == WAITING, turns.c.begun == 0)


# Lanes.

_TOKEN = select(LANES.c.token).where(LANES.c.lane == _LANE)
HELD = _TOKEN.with_for_update(read=True)
HELD_ALONE = _TOKEN.with_for_update()
_MINE = update(LANES).where(LANES.c.lane == _LANE, LANES.c.token == bindparam("of_token"))
TOUCHED = _MINE.values(token=LANES.c.token)
FREED = _MINE.values(holder=None, token=LANES.c.token + 1, expires_at=0.0)

# One turn, or the next of a lane.

BY_ID = select(TURNS).where(TURNS.c.id == _TURN)
NEXT = select(_HEAD.c.id).where(_HEAD.c.lane == _LANE, is_open(_HEAD)).order_by(in_order(_HEAD))
_REACHED = (
    select(func.coalesce(func.max(EVENTS.c.sequence), 0))
    .where(EVENTS.c.turn == TURNS.c.id)
    .scalar_subquery()
)
_VANISHED = and_(TURNS.c.state == RUNNING, TURNS.c.reached == _REACHED)
BEGUN = (
    update(TURNS)
    .where(TURNS.c.id == NEXT.limit(1).scalar_subquery())
    .values(
        state=RUNNING,
        begun=TURNS.c.begun + 1,
        reached=_REACHED,
        killed=case((_VANISHED, TURNS.c.killed + 1), else_=0),
    )
    .returning(TURNS)
)
_CHANGED = update(TURNS).where(TURNS.c.id == _TURN)
FAILED = _CHANGED.values(state=WAITING, failed_as=bindparam("how"), failures=bindparam("times"))
PAUSED = _CHANGED.where(TURNS.c.state == RUNNING).values(state=WAITING)
STOPPED = (
    update(TURNS)
    .where(TURNS.c.lane == _LANE, is_open(TURNS))
    .values(stop=True)
    .returning(TURNS.c.id)
)
STOPPED_BEGUN = STOPPED.where(TURNS.c.begun > 0)
FRESH = select(TURNS).where(TURNS.c.lane == _LANE, is_fresh(TURNS)).order_by(in_order(TURNS))
RUNS = select(TURNS).where(TURNS.c.lane == _LANE, is_open(TURNS), TURNS.c.state == RUNNING)
ABSORBED = select(TURNS).where(TURNS.c.absorbed_by == _TURN).order_by(TURNS.c.number)
COUNT_FRESH = select(func.count()).select_from(TURNS).where(is_fresh(TURNS))
JOURNAL = (
    select(EVENTS.c.sequence, EVENTS.c.event)
    .where(EVENTS.c.turn == _TURN, EVENTS.c.sequence > bindparam("after"))
    .order_by(EVENTS.c.sequence)
)
WORDS = JOURNAL.where(EVENTS.c.kind != MEDIA)
ENTRY = select(EVENTS.c.event).where(
    EVENTS.c.turn == _TURN, EVENTS.c.sequence == bindparam("sequence")
)

# What is old.

UNPRUNED = (
    select(TURNS.c.id)
    .where(TURNS.c.ended_at < bindparam("before"), ~TURNS.c.pruned)
    .order_by(TURNS.c.ended_at)
    .limit(AT_ONCE)
)
OLD_IN = (
    select(TURNS.c.id, TURNS.c.lane).where(TURNS.c.ended_at < bindparam("before")).limit(AT_ONCE)
)
OLD = OLD_IN.where(TURNS.c.pruned.in_((False, True)))  # by the index of all turns
HAS_ENDED = select(TURNS.c.id).where(TURNS.c.id == _TURN, TURNS.c.ended_at.is_not(None))


def begins(column: Column[str], words: str) -> ColumnElement[bool]:
    """As the index says it, and not with LIKE, whose letters are others in every database."""
    first: ColumnElement[int] = literal_column("1")
    size: ColumnElement[int] = literal_column(str(len(words)))
    return func.substr(column, first, size) == literal(words, literal_execute=True)


class Statements:
    """For databases that speak alike. `unheld` is a condition for others to use, no statement."""

    def __init__(self, database: Database) -> None:
        insert, now, ready = database.habits.insert, database.habits.now, database.prepare
        lanes = insert(LANES)
        counted = lanes.on_conflict_do_update(
            index_elements=[LANES.c.lane], set_={"accepted": LANES.c.accepted + 1}
        )
        self.count_turn = ready(counted.returning(LANES.c.accepted), NEW_LANE)
        until: ColumnElement[float] = now + bindparam("lease", type_=Double)
        lease = {"holder": bindparam("by", type_=Text), "expires_at": until}
        # A lease that ends later than any that is given now was given by a clock that has been
        # set back, and its holder may be dead: fences keep two apart.
        ends = LANES.c.expires_at
        self.unheld = or_(LANES.c.holder.is_(None), ends <= now, ends > until + ASTRAY)
        free = or_(
            self.unheld, LANES.c.holder == lease["holder"], bindparam("force", type_=Boolean)
        )
        self.claimed = ready(
            update(LANES)
            .where(LANES.c.lane == _LANE, free)
            .values(token=LANES.c.token + 1, **lease)
            .returning(LANES.c.token)
        )
        self.first_claim = ready(
            lanes.values(lane=_LANE, accepted=0, token=FIRST, **lease)
            .on_conflict_do_nothing(index_elements=[LANES.c.lane])
            .returning(LANES.c.token)
        )
        self.renewed = ready(_MINE.values(expires_at=until))
        self.freed = ready(FREED)
        self.new_turn = ready(
            insert(TURNS)
            .from_select([column.name for column in TURNS.c], _new_turn())
            .on_conflict_do_nothing(index_elements=[TURNS.c.id])
            .returning(TURNS.c.id)
        )
        ended_at = case((bindparam("over", type_=Boolean), now))
        kept_turn = insert(TURNS).values(_given() | {"ended_at": ended_at})
        self.kept_turn = ready(kept_turn.on_conflict_do_nothing(index_elements=[TURNS.c.id]))
        own_lane = lanes.values(lane=_LANE, accepted=1, token=FIRST, holder=None, expires_at=0.0)
        self.own_lane = ready(own_lane.on_conflict_do_nothing(index_elements=[LANES.c.lane]))
        new_events = insert(EVENTS).on_conflict_do_nothing(
            index_elements=[EVENTS.c.turn, EVENTS.c.sequence]
        )
        self.new_events = ready(new_events, [column.name for column in EVENTS.c])
        ended = _CHANGED.values(state=bindparam("to"), ended_at=now)
        self.ended = ready(ended)
        new_delivery = insert(DELIVERIES).values(updated=now)
        self.new_delivery = ready(
            new_delivery.on_conflict_do_nothing(index_elements=[DELIVERIES.c.key]), OF_DELIVERY
        )
        self.absorbed = ended.values(absorbed_by=bindparam("into"))
        self.unknown = ready(
            update(DELIVERIES)
            .where(DELIVERIES.c.turn == _TURN, DELIVERIES.c.state == DeliveryState.SENDING.value)
            .values(state=DeliveryState.UNKNOWN.value, updated=now)
        )
        self.touched, self.begun = ready(TOUCHED), ready(BEGUN)
        self.by_id, self.next, self.journal = ready(BY_ID), ready(NEXT.limit(1)), ready(JOURNAL)
        self.words = ready(WORDS)
        self._held, self._held_alone = ready(HELD), ready(HELD_ALONE)

    def hold(self, connection: Connection, fence: Fence, alone: bool = False) -> None:
        """Keeps the lane from changing hands until this transaction ends. Raises LaneLost."""
        lock = self._held_alone if alone else self._held
        if lock.scalar(connection, {"of_lane": fence.lane}) != fence.token:
            raise LaneLost(fence.lane)


def _given() -> dict[str, ColumnElement[Any]]:
    return {column.name: bindparam(f"new_{column.name}", type_=column.type) for column in TURNS.c}


def _new_turn() -> Any:
    """A turn's columns, unless as many wait in its lane as may."""
    waiting = (
        select(func.count())
        .select_from(_OTHERS)
        .where(
            _OTHERS.c.lane == bindparam("new_lane", type_=Text),
            is_open(_OTHERS),
            _OTHERS.c.state == WAITING,
        )
        .scalar_subquery()
    )
    return select(*_given().values()).where(waiting < bindparam("lane_limit"))


DROPPED = tuple(
    delete(table).where(column.in_(bindparam("ids", expanding=True)))
    for table, column in (
        (EVENTS, EVENTS.c.turn),
        (DELIVERIES, DELIVERIES.c.turn),
        (NAMES, NAMES.c.turn),
        (TURNS, TURNS.c.id),
    )
)
EMPTY_LANES = delete(LANES).where(
    LANES.c.lane.in_(bindparam("lanes", expanding=True)),
    ~select(_OTHERS.c.id).where(_OTHERS.c.lane == LANES.c.lane).exists(),
)
