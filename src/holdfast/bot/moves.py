"""What a delivery is of, what it does next, and what it leaves owing."""

from __future__ import annotations

from dataclasses import dataclass

from .event import Outbound, Place
from .parts import Part


@dataclass(frozen=True, slots=True)
class Send:
    """`part` is stored before the send, as it is here, and after it as it has become. `until` (the
    axis of `now`): a send that takes longer is given up, for something is to be said after it.
    """

    outbound: Outbound
    key: str
    part: Part
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """For the next event, or until then (the axis of `now`)."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What the person has not got: all that follows `place` in the turn's text.

    `on_request`: they were told that they may ask for it, or the platform does not take it;
    otherwise it is told as soon as they can be reached again.
    """

    place: int
    on_request: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is sent."""

    owed: Owed | None = None


Move = Send | Wait | Over


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: the turn, where the answer goes, and when (Unix seconds) it was asked. In
    `lane` one answer is given after the other.
    """

    turn: str
    place: Place
    at: float
    bot: str = ""
    lane: str = ""
    person: str = ""  # the id of who asked
