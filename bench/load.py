"""The load generator: keep-alive connections that ask, read to the end, judge, and ask again.

Bare asyncio protocols with httptools, so that the meter costs less than what it measures. An answer
counts when it is whole by `answers`; anything else is an error under the name of its flaw.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools
import msgspec

from .answers import FIRST_TOKEN, Plan
from .forms import CHAT, Form

QUESTION = "Tell me how an answer survives a broken line. 谢谢"
_FIRST = FIRST_TOKEN.encode()
_WARM_CAP = 30.0  # seconds before the count begins, however slow the first answers are
_COUNT_CAP = 45.0  # seconds of counting, however few answers came
_DRAIN_CAP = 20.0  # seconds for the answers still under way when the count ends
_RECONNECT = 0.05  # seconds between attempts to connect
_POLL = 0.02

Meter = Callable[[], Sequence[float]]  # CPU seconds so far, of whatever the caller watches


@dataclass(frozen=True, slots=True)
class Door:
    """Where a gateway listens and what it wants to be told with every request."""

    port: int
    path: str = "/v1/chat/completions"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, how often, by how many. `period`: seconds from one request of a connection
    to its next; 0 means the next follows the end of the last."""

    plan: Plan
    stream: bool
    connections: int
    period: float = 0.0
    form: Form = CHAT
    model: str = ""  # where it is not the plan's own name
    said: Sequence[str] = (QUESTION,)


class _Stage(enum.Enum):
    WARMING = enum.auto()
    COUNTING = enum.auto()
    DRAINING = enum.auto()


@dataclass(slots=True)
class Tally:
    """What happened while counting. `waits` and `firsts` in seconds, one for each whole answer:
    to its end, and to its first token."""

    waits: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    flaws: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    computed: Sequence[float] = ()  # CPU seconds used meanwhile, as the caller's meter told


def request(door: Door, load: Load) -> bytes:
    """The bytes of one question."""
    asked = load.form.ask(load.said)
    model = load.model or load.plan.model
    body = msgspec.json.encode({"model": model, "stream": load.stream, **asked})
    headers = {
        "host": f"127.0.0.1:{door.port}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **dict(door.headers),
    }
    lines = [f"POST {door.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Run:
    """One load on one door: the connections share it."""

    def __init__(self, door: Door, load: Load) -> None:
        self.door = door
        self.load = load
        self.question = request(door, load)
        self.stage = _Stage.WARMING
        self.answered = 0
        self.under_way = 0
        self.tally = Tally()
        self._known_whole: bytes | None = None

    def judge(self, status: int, body: bytes) -> str:
        """The flaw of an answer. The bytes last found whole need no second look."""
        if status != 200:
            return f"status {status}"
        if body == self._known_whole:
            return ""
        form = self.load.form
        flaw_of = form.flaw_of_stream if self.load.stream else form.flaw_of_document
        flaw = flaw_of(body, self.load.plan)
        if not flaw:
            self._known_whole = body
        return flaw

    def record(self, flaw: str, wait: float, first: float) -> None:
        """Everything broken is counted, whenever it breaks; speed only while counting."""
        self.answered += 1
        if flaw:
            self.tally.flaws[flaw] += 1
        elif self.stage is _Stage.COUNTING:
            self.tally.waits.append(wait)
            self.tally.firsts.append(first)


class _Line(asyncio.Protocol):
    """One connection. Whenever it is free, `again` is told and may let it ask."""

    def __init__(
        self, run: _Run, again: Callable[[_Line], None], lost: asyncio.Future[None]
    ) -> None:
        self._run = run
        self._again = again
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._body: list[bytes] = []
        self._asked_at = 0.0
        self._first_at = 0.0
        self._arrived_at = 0.0
        self._asking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own derives from nothing
        self._again(self)

    def ask(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._body.clear()
        self._first_at = 0.0
        self._asking = True
        self._run.under_way += 1
        self._asked_at = time.perf_counter()
        self._transport.write(self._run.question)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._arrived_at = time.perf_counter()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end("not HTTP")
            self.close()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        if not self._first_at and _FIRST in b"".join(self._body):
            self._first_at = self._arrived_at

    def on_message_complete(self) -> None:
        self._end(self._run.judge(self._parser.get_status_code(), b"".join(self._body)))
        if self._parser.should_keep_alive():
            self._again(self)
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._asking:
            self._end("cut off")
        if not self._lost.done():
            self._lost.set_result(None)

    def _end(self, flaw: str) -> None:
        if not self._asking:
            return
        self._asking = False
        self._run.under_way -= 1
        since = self._asked_at
        self._run.record(
            flaw, self._arrived_at - since, (self._first_at or self._arrived_at) - since
        )


async def _connect(door: Door, line: _Line) -> None:
    await asyncio.get_running_loop().create_connection(lambda: line, "127.0.0.1", door.port)


class _Asker:
    """Keeps one connection open and decides when the next question goes out on it."""

    def __init__(self, run: _Run, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        self._run = run
        self._loop = loop
        self._due = loop.time() + offset
        self._line: _Line | None = None

    async def keep_open(self) -> None:
        """Until cancelled: connect, and connect again when the line is lost."""
        while self._run.stage is not _Stage.DRAINING:
            lost: asyncio.Future[None] = self._loop.create_future()
            self._line = _Line(self._run, self._next, lost)
            try:
                await _connect(self._run.door, self._line)
            except OSError as error:
                self._run.tally.flaws[f"connect: {error.strerror}"] += 1
                await asyncio.sleep(_RECONNECT)
            else:
                await lost

    def _next(self, line: _Line) -> None:
        if self._run.stage is _Stage.DRAINING:
            return
        if not self._run.load.period:
            line.ask()
            return
        now = self._loop.time()
        while self._due < now:  # a slot that has passed is left out, not caught up
            self._due += self._run.load.period
        self._loop.call_at(self._due, self._on_time, line)

    def _on_time(self, line: _Line) -> None:
        self._due += self._run.load.period
        if self._run.stage is not _Stage.DRAINING:
            line.ask()

    def close(self) -> None:
        if self._line is not None:
            self._line.close()


async def apply(door: Door, load: Load, seconds: float, meter: Meter) -> Tally:
    """Put `load` on `door` and count for `seconds`, with the `meter` read at both ends.

    Counting begins after a fifth of that and a whole round of answers, and lasts for at least two
    more rounds, so that a slow gateway is judged on its steady state.
    """
    run = _Run(door, load)
    loop = asyncio.get_running_loop()
    step = load.period / load.connections
    askers = [_Asker(run, loop, number * step) for number in range(load.connections)]
    tasks = [asyncio.create_task(asker.keep_open()) for asker in askers]
    try:
        await _until(lambda: run.answered >= load.connections, seconds / 5, _WARM_CAP)
        run.stage = _Stage.COUNTING
        before, began, read = run.answered, time.perf_counter(), meter()
        rounds = 2 * load.connections
        await _until(lambda: run.answered - before >= rounds, seconds, max(seconds, _COUNT_CAP))
        run.tally.seconds = time.perf_counter() - began
        run.tally.computed = [now - then for then, now in zip(read, meter(), strict=True)]
        run.stage = _Stage.DRAINING
        await _until(lambda: not run.under_way, 0.0, _DRAIN_CAP)
        if run.under_way:
            run.tally.flaws["no end"] += run.under_way
    finally:
        run.stage = _Stage.DRAINING
        run.under_way = 0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for asker in askers:
            asker.close()
    return run.tally


async def ask_once(door: Door, load: Load, limit: float) -> str:
    """One question; the flaw of its answer, empty when it is whole. `limit` in seconds."""
    run = _Run(door, load)
    loop = asyncio.get_running_loop()

    def once(line: _Line) -> None:
        if not run.answered:
            line.ask()

    line = _Line(run, once, loop.create_future())
    try:
        await _connect(door, line)
    except OSError as error:
        return f"connect: {error.strerror}"
    await _until(lambda: run.answered > 0, 0.0, limit)
    line.close()
    return next(iter(run.tally.flaws), "") if run.answered else f"no end within {limit:g} s"


async def _until(done: Callable[[], bool], at_least: float, at_most: float) -> None:
    """Wait until `done`, but not shorter or longer than these seconds."""
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < at_most and (passed < at_least or not done()):
        await asyncio.sleep(_POLL)
