"""What a store of turns must do, said as plainly as possible: the model that real ones obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.store.ports import MOVES, DeliveryState, TurnState

WAITING, RUNNING = TurnState.WAITING, TurnState.RUNNING


class Lost(Exception):
    """Only the last claim of a lane writes."""


@dataclass
class TurnRow:
    id: str
    lane: str
    state: TurnState = WAITING
    begun: int = 0
    killed: int = 0
    reached: int = 0
    failed_as: str = ""
    failures: int = 0
    absorbed_by: str = ""
    events: list[str] = field(default_factory=list)


@dataclass
class LaneRow:
    token: int = 0
    holder: str = ""
    leased: bool = False


@dataclass
class DeliveryRow:
    turn: str
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0


class Book:
    """Turns in the order of acceptance. Every method is one transaction."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneRow] = {}
        self.turns: dict[str, TurnRow] = {}
        self.deliveries: dict[str, DeliveryRow] = {}

    def open_in(self, lane: str) -> Iterator[TurnRow]:
        return (t for t in self.turns.values() if t.lane == lane and t.state in (WAITING, RUNNING))

    def accept(self, turn: str, lane: str) -> bool:
        if turn in self.turns:
            return False
        self.lanes.setdefault(lane, LaneRow())
        self.turns[turn] = TurnRow(turn, lane)
        return True

    def claim(self, lane: str, holder: str, leased: bool, force: bool) -> int | None:
        row = self.lanes.setdefault(lane, LaneRow())
        if row.leased and row.holder not in ("", holder) and not force:
            return None
        row.token, row.holder, row.leased = row.token + 1, holder, leased
        return row.token

    def hold(self, lane: str, token: int) -> None:
        if self.lanes[lane].token != token:
            raise Lost

    def release(self, lane: str, token: int) -> None:
        row = self.lanes[lane]
        if row.token == token:
            row.token, row.holder, row.leased = token + 1, "", False

    def renew(self, lane: str, token: int) -> bool:
        held = self.lanes[lane].token == token
        self.lanes[lane].leased |= held
        return held

    def begin(self, lane: str, token: int) -> TurnRow | None:
        self.hold(lane, token)
        turn = next(self.open_in(lane), None)
        if turn is not None:
            vanished = turn.state is RUNNING and len(turn.events) == turn.reached
            turn.killed = turn.killed + 1 if vanished else 0
            turn.state, turn.begun, turn.reached = RUNNING, turn.begun + 1, len(turn.events)
            self._unknown(turn.id)
        return turn

    def append(self, lane: str, token: int, turn: str, events: list[str]) -> None:
        self.hold(lane, token)
        self.turns[turn].events += events

    def failed(self, lane: str, token: int, turn: str, how: str) -> int:
        self.hold(lane, token)
        row = self.turns[turn]
        row.failures = row.failures + 1 if row.failed_as == how else 1
        row.failed_as, row.state = how, WAITING
        return row.failures

    def pause(self, lane: str, token: int, turn: str) -> None:
        self.hold(lane, token)
        self.turns[turn].state = WAITING
        self._unknown(turn)

    def end(self, lane: str, token: int, turn: str, state: TurnState) -> None:
        self.hold(lane, token)
        self.turns[turn].state = state
        self._unknown(turn)

    def absorb(self, lane: str, token: int, into: str) -> list[str]:
        self.hold(lane, token)
        fresh = [t for t in self.open_in(lane) if t.state is WAITING and not t.begun]
        for turn in fresh:
            turn.state, turn.absorbed_by = TurnState.ABSORBED, into
        return [turn.id for turn in fresh]

    def put(self, lane: str, token: int, turn: str, key: str) -> None:
        self.hold(lane, token)
        self.deliveries.setdefault(key, DeliveryRow(turn))

    def move(self, lane: str, token: int, key: str, to: DeliveryState) -> bool:
        self.hold(lane, token)
        row = self.deliveries[key]
        if to not in MOVES[row.state]:
            return False
        row.state = to
        row.tries += to is DeliveryState.SENDING
        return True

    def _unknown(self, turn: str) -> None:
        for row in self.deliveries.values():
            if row.turn == turn and row.state is DeliveryState.SENDING:
                row.state = DeliveryState.UNKNOWN
