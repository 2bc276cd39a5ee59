"""PURE. Our side of the WebSocket gateway as a machine: frames and time in, commands out.

    WAITING -> LOCATING -> OPENING -> GREETING (hello) -> ENTERING (ready, resumed) -> LIVE

From everywhere it falls back to WAITING, and it alone decides for how long, and whether the
session is resumed or a new one begun. Source: the gateway pages of API v2 and the table of
close codes there; where the official SDKs differ, resuming is preferred, since a new session
loses what was said in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ...core.failure import Failure
from .closing import CLOSE_CODES, LOST, NEW_SESSION, SAME_SESSION, Row, Then, refusal
from .codec.reading import Json, number, table, text
from .watermark import Watermark

DISPATCH, BEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11

_GROUP_AND_C2C, _INTERACTIONS, _PUBLIC_GUILD, _GUILD_DM = 1 << 25, 1 << 26, 1 << 30, 1 << 12

# What is subscribed to; one event that a bot may not have closes the connection (4014), and
# the next, narrower set is tried.
LADDER: Sequence[int] = (
    _GROUP_AND_C2C | _INTERACTIONS | _PUBLIC_GUILD | _GUILD_DM,
    _GROUP_AND_C2C | _INTERACTIONS | _PUBLIC_GUILD,
    _GROUP_AND_C2C,
)

OUR_CLOSE = 4000  # the code with which we leave a connection whose session goes on


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds. `backoff` is the pause before the n-th connection after a stable one,
    `again` belongs to the n-th connection in a row with an event that could not be kept.
    """

    backoff: Sequence[float] = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
    stable: float = 60.0  # a connection that lived so long ends the counting
    quick: float = 5.0  # three that did not live so long ...
    quick_pause: float = 60.0  # ... mean that something is wrong
    invalid: float = 1.0  # to five times that, after a session was declared invalid
    again: Sequence[float] = (0.0, 1.0, 2.0, 5.0)  # until what our store refused is asked for again
    patience: float = 20.0  # for hello, and for ready
    interval: float = 41.25  # between heartbeats, if the platform names none


_LONGEST = 600.0  # seconds, after which it is worth asking again whatever was said
_AN_HOUR = 3_600_000  # milliseconds; no heartbeat is as rare
_QUICK_LIMIT = 3
_RESUMES = 3  # in vain, before a new session is begun


@dataclass(frozen=True, slots=True)
class Memory:
    """What another process needs in order to go on."""

    session_id: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Locate:
    """Ask where the gateway is."""


@dataclass(frozen=True, slots=True)
class Open:
    """Connect; with `fresh_token` on a token that was not used before."""

    url: str
    fresh_token: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    frame: Json


@dataclass(frozen=True, slots=True)
class Close:
    """Leave the connection; nothing of it is wanted any more."""

    code: int = OUR_CLOSE


@dataclass(frozen=True, slots=True)
class Deliver:
    """An event. Tell `settled` or `refused` what became of it."""

    session_id: str
    seq: int
    frame: Json


@dataclass(frozen=True, slots=True)
class Entered:
    """A session is on. `self_id` is the bot's own id, "" if it was not said."""

    resumed: bool
    self_id: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing can be done without an operator."""

    failure: Failure


Command = Locate | Open | Send | Close | Deliver | Entered | Stop
Commands = Iterator[Command]


class _State(Enum):
    WAITING = auto()
    LOCATING = auto()
    OPENING = auto()
    GREETING = auto()
    ENTERING = auto()
    LIVE = auto()
    STOPPED = auto()


class Session:
    """One bot's presence on the gateway, over as many connections as it takes.

    Times are monotonic seconds; `jitter` gives numbers in [0, 1). After every input the driver
    carries out the commands, and calls `tick` when the clock passes `due`.
    """

    def __init__(
        self, memory: Memory, jitter: Callable[[], float], pace: Pace, shard: tuple[int, int]
    ) -> None:
        self._next: float | None = 0.0
        self._jitter = jitter
        self._pace = pace
        self._shard = shard
        self._session_id = memory.session_id
        self._rung = 0  # of `LADDER`
        self._marks = Watermark(memory.seq)
        self._state = _State.WAITING
        self._url = ""
        self._counted = False  # it is known that one more session may be begun
        self._token = ""
        self._fresh_token = False
        self._interval = pace.interval
        self._acknowledged = True  # the last heartbeat
        self._alive = False  # something came since READY or RESUMED
        self._live_since = 0.0
        self._failures = 0  # connections since the last stable one
        self._quick = 0  # of them, those in a row that hardly lived
        self._resumes = 0  # in a row that led to nothing
        self._refusing = 0  # connections in a row with an event that could not be kept
        self._again_at: float | None = None  # when this one is left, for all that to come again

    @property
    def due(self) -> float | None:
        """When to call `tick`; None: not before another input."""
        if self._next is None or self._again_at is None or not self.live:
            return self._next
        return min(self._next, self._again_at)

    @property
    def memory(self) -> Memory:
        return Memory(self._session_id, self._marks.settled)

    @property
    def live(self) -> bool:
        return self._state is _State.LIVE

    def tick(self, now: float) -> Commands:
        """It is `due`: wait no longer, beat, or give a silent connection up."""
        if self.due is None or now < self.due:
            return
        match self._state:
            case _State.WAITING:
                yield from self._set_out()
            case _State.GREETING:
                yield from self._leave(SAME_SESSION, now)
            case _State.ENTERING:
                # Greeted, and to what was resumed not a word: it is no session any more.
                yield from self._leave(NEW_SESSION if self._resumes else SAME_SESSION, now)
            case _State.LIVE if self._again_at is not None and now >= self._again_at:
                yield Close()
                self._wait(now)
            case _State.LIVE if self._acknowledged:
                yield self._beat(now)
            case _State.LIVE:
                # The socket is open and nobody is there. If nothing ever came, the session
                # itself is dead, whatever was said of it.
                yield from self._leave(SAME_SESSION if self._alive else NEW_SESSION, now)
            case _:
                self._next = None

    def located(self, url: str, remaining: int | None, reset_after: float, now: float) -> Commands:
        """The gateway's address, and how many sessions may still be begun until `reset_after`."""
        self._url, self._counted = url, True
        if remaining is not None and remaining <= 0 and not self._session_id:
            self._counted = False
            self._wait(now + min(reset_after, _LONGEST))
            return
        yield from self._set_out()

    def unlocated(self, failure: Failure, now: float) -> Commands:
        """No address or no token could be had."""
        self._url = ""
        if failure.param == "bot":
            yield self._stop(failure)
            return
        pause = max(self._backoff(), min(failure.retry_after or 0.0, _LONGEST))
        self._wait(now + pause)

    def opened(self, token: str, now: float) -> Commands:
        """A connection stands; `token` is an access token for it."""
        self._token = token
        self._fresh_token = False
        self._state = _State.GREETING
        self._next = now + self._pace.patience
        yield from ()

    def closed(self, code: int | None, now: float) -> Commands:
        """The connection has ended, or could not be made; None: without a close frame."""
        if self._state is _State.OPENING:
            self._url = ""  # it may have moved
        elif self._state not in _CONNECTED:
            return
        known = CLOSE_CODES.get(LOST if code is None else code, SAME_SESSION)
        yield from self._after(known, code, now)

    def receive(self, frame: Json, now: float) -> Commands:
        """One frame of the current connection. What cannot be understood is passed over."""
        match number(frame, "op"):
            case 10:
                yield from self._greeted(frame, now)
            case 11:
                self._acknowledged = self._alive = True
                self._resumes = 0
            case 0:
                yield from self._dispatched(frame, now)
            case 1:
                yield self._beat(now)
            case 7:
                yield from self._leave(Row(Then.RESUME, pause=0.0), now)
            case 9 if frame.get("d") is True:
                yield from self._leave(SAME_SESSION, now)
            case 9:
                pause = self._pace.invalid * (1.0 + 4.0 * self._jitter())
                pause = max(pause, self._pace.backoff[min(self._failures, self._last)])
                yield from self._leave(Row(Then.IDENTIFY, pause, fresh_token=True), now)
            case _:
                return

    def settled(self, session_id: str, seq: int) -> None:
        """An event of that session is durable."""
        if session_id != self._session_id:
            return
        self._marks.settle(seq)
        if self._marks.settled == self._marks.received:
            self._refusing = 0

    def refused(self, session_id: str, seq: int, now: float) -> None:
        """An event could not be kept: the session is resumed on another connection soon, so that
        it comes again. Until then this one brings what others say: whoever cannot be answered is
        told so. The fault is ours, and nothing of it counts as a failure of the platform's.
        """
        if session_id != self._session_id:
            return
        self._marks.refuse(seq)
        if self._state in _CONNECTED and self._again_at is None:
            pauses = self._pace.again
            self._again_at = now + pauses[min(self._refusing, len(pauses) - 1)]
            self._refusing += 1

    # Coming in.

    def _set_out(self) -> Commands:
        if not self._url or not (self._session_id or self._counted):
            self._state, self._next = _State.LOCATING, None
            yield Locate()
            return
        self._state, self._next = _State.OPENING, None
        yield Open(self._url, self._fresh_token)

    def _greeted(self, frame: Json, now: float) -> Commands:
        if self._state is not _State.GREETING:
            return
        told = number(table(frame, "d"), "heartbeat_interval")
        self._interval = told / 1000 if told and 0 < told < _AN_HOUR else self._pace.interval
        self._state = _State.ENTERING
        self._next = now + self._pace.patience
        token = f"QQBot {self._token}"
        if self._session_id:
            self._resumes += 1
            seq = self._marks.settled
            resume = {"token": token, "session_id": self._session_id, "seq": seq}
            yield Send({"op": RESUME, "d": resume})
            return
        self._counted = False
        yield Send(
            {
                "op": IDENTIFY,
                "d": {
                    "token": token,
                    "intents": LADDER[self._rung],
                    "shard": list(self._shard),
                    "properties": {"$os": "linux", "$browser": "holdfast", "$device": "holdfast"},
                },
            }
        )

    def _dispatched(self, frame: Json, now: float) -> Commands:
        seq = max(0, number(frame, "s") or 0)
        match text(frame, "t"):
            case "READY":
                data = table(frame, "d")
                self._session_id = text(data, "session_id")
                self._marks = Watermark(seq)
                yield Entered(resumed=False, self_id=text(table(data, "user"), "id"))
                yield from self._live(now)
            case "RESUMED":
                self._marks.skip(seq)
                yield Entered(resumed=True)
                yield from self._live(now)
            case _:
                self._alive = True
                self._resumes = 0
                if seq:
                    self._marks.take(seq)
                yield Deliver(self._session_id, seq, frame)

    def _live(self, now: float) -> Commands:
        self._state = _State.LIVE
        self._live_since = now
        self._alive = False
        yield self._beat(now)

    def _beat(self, now: float) -> Send:
        """Between 0.8 and 1 of the interval pass until the next one is due."""
        if self._state is _State.LIVE:
            self._acknowledged = False
            self._next = now + self._interval * (0.8 + 0.2 * self._jitter())
        return Send({"op": BEAT, "d": self._marks.received or None})

    # Falling out.

    def _leave(self, row: Row, now: float) -> Commands:
        yield Close()
        yield from self._after(row, None, now)

    def _after(self, row: Row, code: int | None, now: float) -> Commands:
        """What `row` calls for, and when."""
        if row.then is Then.NARROW and self._rung + 1 < len(LADDER):
            self._rung += 1
            self._forget()
            self._wait(now + self._backoff())
            return
        if row.then in (Then.STOP, Then.NARROW):
            yield self._stop(refusal(code, row))
            return
        if row.then is Then.IDENTIFY or self._resumes >= _RESUMES:
            self._forget()
        self._fresh_token = self._fresh_token or row.fresh_token
        self._wait(now + self._pause(now, row.pause))

    def _pause(self, now: float, wanted: float | None) -> float:
        lived = now - self._live_since if self._state is _State.LIVE else 0.0
        if lived >= self._pace.stable:
            self._failures = 0
        self._quick = self._quick + 1 if lived < self._pace.quick else 0
        backoff = self._backoff()
        pause = backoff if wanted is None else wanted
        return max(pause, self._pace.quick_pause) if self._quick >= _QUICK_LIMIT else pause

    def _backoff(self) -> float:
        """The pause after one more failure, a little more at random."""
        pause = self._pace.backoff[min(self._failures, self._last)]
        self._failures += 1
        return pause * (1.0 + 0.25 * self._jitter())

    @property
    def _last(self) -> int:
        return len(self._pace.backoff) - 1

    def _forget(self) -> None:
        self._session_id = ""
        self._marks = Watermark()
        self._resumes = 0

    def _wait(self, until: float) -> None:
        self._state, self._next, self._again_at = _State.WAITING, until, None

    def _stop(self, failure: Failure) -> Stop:
        self._state, self._next = _State.STOPPED, None
        return Stop(failure)


_CONNECTED = frozenset({_State.GREETING, _State.ENTERING, _State.LIVE})
