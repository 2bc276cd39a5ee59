"""One call in virtual time: the pure machine against the simulator's very bytes, without sockets.

The bytes go through an HTTP parser and the real decoder, cut anywhere. Everything that a run
does follows from its seed. What must hold in every run is checked at every step.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httptools

from holdfast.core.attempt import Attempt, Continuation, Credential, How, Target
from holdfast.core.events import Finished, StopReason, StreamEvent, TextDelta, ToolCallDelta
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.reason import Reason, Why
from holdfast.core.request import Request
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.commands import Close, Command, Done, Emit, Open, Record, Wake
from holdfast.resilience.health import Health
from holdfast.resilience.machine import StreamMachine
from holdfast.resilience.policy import Policy, Route
from holdfast.sim import actions as sim
from holdfast.sim.catalogue import FAULTS, PLAYERS, STREAM_ONLY, Position
from holdfast.sim.continuation import Reply, reply_to
from holdfast.sim.dice import Dice
from holdfast.sim.script import Behaviour, parse, play
from holdfast.upstream.only import Batch, OnlyChoice
from holdfast.wire.chat import ChatDialect
from holdfast.wire.chat.ask import decode_request
from holdfast.wire.dialect import ErrorAnswer

DIALECT = ChatDialect()
HEAD = 64 * 1024  # bytes of a head that are taken
NEVER = float("inf")

TEXTS = ("short", "short", "short", "demo", "emoji", "code")
WORDS = {"en": "Please tell me {}", "zh": "请讲讲 {} 吧"}
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "hours": {"type": "integer"}},
        },
    },
}
# How the simulated targets go on with what was cut, and whether that can be trusted to be exact.
WAYS = (
    (Continuation.PREFILL, "mode=any"),
    (Continuation.PREFILL, "mode=any;echo"),
    (Continuation.INSTRUCT, "noise=anchor"),
    (Continuation.INSTRUCT, "noise=preamble+anchor"),
    (Continuation.INSTRUCT, "noise=repeat:40"),
    (Continuation.INSTRUCT, "noise=restart"),
    (Continuation.NEVER, "mode=ignore"),
)
_ECHOES = frozenset({"echoes_prefix"})


@dataclass(slots=True)
class Run:
    """What a seed has chosen."""

    body: dict[str, Any]
    request: Request
    route: Route
    behaviours: Mapping[str, Behaviour]
    leaves_at: float
    jitter: float


def chosen(seed: int) -> Run:
    dice = random.Random(seed)
    body = _body(dice)
    request = decode_request(json.dumps(body).encode())
    assert isinstance(request, Request)
    targets, behaviours = [], {}
    for number in range(dice.choice((1, 2, 2, 3))):
        can, habit = dice.choice(WAYS)
        name = f"t{number}/m"
        quirks = _ECHOES if habit.endswith("echo") else frozenset()
        targets.append(Target(name, "chat", "http://sim", "m", Credential(), can, quirks=quirks))
        behaviours[name] = _behaviour(dice, habit)
    policy = Policy(
        deadline=dice.choice((3.0, 40.0, 900.0, 900.0)),
        hedge=dice.choice((None, None, 0.5)),
        max_attempts=dice.choice((1, 3, 5, 5)),
    )
    leaves_at = dice.expovariate(1.0) if dice.random() < 0.05 else NEVER
    route = Route("r", tuple(targets), policy)
    return Run(body, request, route, behaviours, leaves_at, dice.random())


def _body(dice: random.Random) -> dict[str, Any]:
    wish = f"text:{dice.choice(TEXTS)}"
    body: dict[str, Any] = {"model": "r", "stream": dice.random() < 0.85}
    match dice.randrange(12):
        case 0:
            body["tools"], wish = [TOOL], "tool:look"
        case 1:
            body["tools"], wish = [TOOL], f"{wish} tool:look"
        case 2:
            body["n"] = 2
        case 3:
            body["response_format"] = {"type": "json_object"}
        case _:
            pass
    content = WORDS[dice.choice(("en", "zh"))].format(wish)
    return {**body, "messages": [{"role": "user", "content": content}]}


def _behaviour(dice: random.Random, habit: str) -> Behaviour:
    """Some turns that fail or look odd, then one that may be well for good."""
    turns = [_turn(dice) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
    last = "ok" if dice.random() < 0.8 else _turn(dice)
    extra = dice.choice(("", "", "", ";reasoning", ";reasoning=think", ";pace=0.3", ";chunk=30"))
    return parse(f"{','.join([*turns, last])};{habit}{extra}")


def _turn(dice: random.Random) -> str:
    name = dice.choice(_NAMES)
    chunks = FAULTS[name].position is Position.CHUNK
    return f"{name}@{dice.choice((0, 1, 2, 5, 9, -1, -2))}" if chunks else name


_NAMES = tuple(name for name in PLAYERS) + 2 * tuple(
    name for name in PLAYERS if name in STREAM_ONLY or FAULTS[name].position is Position.CHUNK
)


class Broken(AssertionError):
    """Something that must hold in every run does not."""


@dataclass(slots=True)
class Wire:
    """One attempt's bytes on their way: HTTP, then the dialect. Callbacks are httptools'."""

    target: Target
    steps: Iterator[tuple[float, bytes | sim.Reset | sim.Close]]
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    bodies: list[bytes] = field(default_factory=list)
    error: bytearray = field(default_factory=bytearray)
    taken: int = 0
    only: OnlyChoice = field(default_factory=OnlyChoice)
    decoder: Any = None
    unpack: Any = None
    parser: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        self.decoder = DIALECT.decoder(self.headers.get("content-type", ""))
        if self.headers.get("content-encoding") == "gzip":
            self.unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        if "deflate" in self.headers.get("transfer-encoding", ""):
            self.unpack = zlib.decompressobj(-zlib.MAX_WBITS)

    def on_body(self, data: bytes) -> None:
        self.bodies.append(self.unpack.decompress(data) if self.unpack else data)

    def on_message_complete(self) -> None:
        self.whole = self.status is not None

    @property
    def delimited(self) -> bool:
        return "content-length" in self.headers or "transfer-encoding" in self.headers


class VirtualCall:
    """Runs one seed to its end; `done` and `text` say how it ended."""

    def __init__(self, seed: int) -> None:
        self.run = chosen(seed)
        self.text = ""
        self.calls: dict[tuple[int, int], tuple[str, str]] = {}  # name and arguments
        self.done: Done | None = None
        self.finished: Finished | None = None
        self._dice = random.Random(~seed)
        self._sim_dice = Dice(seed)
        self._machine = StreamMachine(
            self.run.request, self.run.route, Health(), RetryBudget(), self.run.jitter
        )
        self._now = 0.0
        self._wake = NEVER
        self._order = itertools.count()
        self._coming: list[tuple[float, int, int, bytes | sim.Reset | sim.Close]] = []
        self._wires: dict[int, Wire] = {}
        self._turns: dict[str, int] = {}
        self._opened: set[int] = set()
        self._records: list[Attempt] = []

    def play(self) -> None:
        self._carry_out(self._machine.start(self._now))
        for _ in range(200_000):
            if self.done:
                break
            self._step()
        self._check_end()

    # Time.

    def _step(self) -> None:
        coming = self._coming[0][0] if self._coming else NEVER
        at = min(coming, self._wake, self.run.leaves_at)
        self._must(at < NEVER, "nothing will ever happen again")
        self._now = max(self._now, at)
        self._must(self._now <= self.run.route.policy.deadline, f"waiting at {self._now} s")
        if self._dice.random() < 0.01:
            self._stall()
        if at == self.run.leaves_at:
            self._carry_out(self._machine.cancel(self._now))
        elif at == coming:
            _, _, number, what = heapq.heappop(self._coming)
            if number in self._wires:
                self._arrived(number, what)
                if number in self._wires:
                    self._await(number)
        else:
            self._carry_out(self._machine.tick(self._now))

    def _stall(self) -> None:
        """The reader takes a while to come back."""
        seconds = self._dice.random() * (self.run.route.policy.deadline - self._now) / 2
        self._now += seconds
        self._machine.stalled_by_reader(seconds)

    # The wire.

    def _open(self, command: Open) -> None:
        self._must(command.attempt not in self._opened, "an attempt was opened twice")
        behind = "" if command.how is How.ANEW else self.text
        self._must(command.released == behind, "continued from what was never released")
        self._opened.add(command.attempt)
        target = command.target
        asked = DIALECT.encode_request(self.run.request, target, command.how, command.released)
        body = json.loads(asked.body)
        turn = self._turns.get(target.name, 0)
        self._turns[target.name] = turn + 1
        behaviour = self.run.behaviours[target.name].turn(turn)
        played = play(body, behaviour, self._sim_dice, command.attempt)
        wire = Wire(target, self._arrivals(played))
        wire.parser = httptools.HttpResponseParser(wire)
        self._wires[command.attempt] = wire
        for phase in (Phase.CONNECT, Phase.WRITE, Phase.HEADERS):
            self._machine.progressed(command.attempt, phase, self._now)
        self._await(command.attempt)

    def _arrivals(
        self, played: tuple[sim.Action, ...]
    ) -> Iterator[tuple[float, bytes | sim.Reset | sim.Close]]:
        """The bytes as the network hands them over: late, together or in pieces."""
        pause = 0.0
        for action in played:
            match action:
                case sim.Send(data):
                    for part in self._cut(data):
                        yield pause + self._dice.random() * 0.01, part
                        pause = 0.0
                case sim.Wait(seconds):
                    pause += seconds
                case sim.Drip(data, every):
                    while True:
                        yield max(every, 5.0), data
                case sim.Stall():
                    return
                case sim.Reset() | sim.Close():
                    yield pause + 0.001, action

    def _cut(self, data: bytes) -> list[bytes]:
        if self._dice.random() < 0.7 or len(data) < 2:
            return [data]
        at = self._dice.randrange(1, len(data))
        return [data[:at], data[at:]]

    def _await(self, number: int) -> None:
        step = next(self._wires[number].steps, None)
        if step:
            heapq.heappush(self._coming, (self._now + step[0], next(self._order), number, step[1]))

    def _arrived(self, number: int, what: bytes | sim.Reset | sim.Close) -> None:
        wire = self._wires[number]
        match what:
            case bytes():
                self._read(number, wire, what)
            case sim.Reset():
                self._fail(number, Kind.RESET, wire)
            case sim.Close() if wire.status is None:
                self._fail(number, Kind.CLOSED, wire)
            case sim.Close() if wire.delimited and not wire.whole:
                self._fail(number, Kind.TRUNCATED, wire)
            case sim.Close():
                self._over(number, wire)

    def _read(self, number: int, wire: Wire, data: bytes) -> None:
        had_head = wire.status is not None
        wire.taken += 0 if had_head else len(data)
        try:
            wire.parser.feed_data(data)
        except (httptools.HttpParserError, zlib.error):
            self._give(number, wire)
            if number in self._wires:
                self._fail(number, Kind.CODING if wire.status else Kind.PROTOCOL, wire)
            return
        if wire.taken > HEAD:
            self._fail(number, Kind.PROTOCOL, wire)
            return
        if wire.status and not had_head:
            self._carry_out(self._machine.progressed(number, Phase.FIRST, self._now, wire.status))
        self._give(number, wire)
        if wire.whole and number in self._wires:
            self._over(number, wire)

    def _give(self, number: int, wire: Wire) -> None:
        bodies, wire.bodies = wire.bodies, []
        for data in bodies:
            if not 200 <= (wire.status or 0) < 300:
                wire.error += data
            elif number in self._wires:
                batch = self._heard(wire, wire.decoder.receive_data(data))
                self._carry_out(self._machine.receive(number, batch, self._now))
                if wire.decoder.done and number in self._wires:
                    self._carry_out(self._machine.end(number, self._now))

    def _heard(self, wire: Wire, batch: Batch) -> Batch:
        return wire.only(batch) if self.run.request.choices == 1 else batch

    def _over(self, number: int, wire: Wire) -> None:
        """The body has ended in order."""
        status = wire.status or 0
        if not 200 <= status < 300:
            answer = ErrorAnswer(
                status, wire.headers, bytes(wire.error), "sim", Phase.HEADERS, 1767225600.0
            )
            self._carry_out(self._machine.fail(number, DIALECT.classify(answer), self._now))
            return
        batch = self._heard(wire, wire.decoder.receive_eof())
        self._carry_out(self._machine.receive(number, batch, self._now))
        if number in self._wires:
            self._carry_out(self._machine.end(number, self._now))

    def _fail(self, number: int, kind: Kind, wire: Wire) -> None:
        phase = Phase.HEADERS if wire.status is None else Phase.STREAM
        self._carry_out(self._machine.fail(number, Failure(kind, phase), self._now))

    # The commands.

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            self._must(not self.done, f"a command after the end: {command}")
            match command:
                case Open():
                    self._open(command)
                case Close(number):
                    self._must(number in self._wires, "closed what was not open")
                    del self._wires[number]
                case Emit(events):
                    self._emit(events)
                case Record(attempt):
                    self._records.append(attempt)
                case Wake(at):
                    self._must(at <= self.run.route.policy.deadline, "a wait past the deadline")
                    self._wake = at
                case Done():
                    self.done = command

    def _emit(self, events: tuple[StreamEvent, ...]) -> None:
        for event in events:
            self._must(self.finished is None, "something was released after the end")
            match event:
                case TextDelta(text, 0):
                    self.text += text
                case ToolCallDelta(index, _, name, arguments, choice):
                    before = self.calls.get((choice, index), ("", ""))
                    self.calls[choice, index] = (before[0] + name, before[1] + arguments)
                case Finished():
                    self.finished = event
                case _:
                    pass

    # What must hold.

    def _check_end(self) -> None:
        done = self.done
        self._must(done is not None, "no end")
        assert done
        self._must(not self._wires, "attempts were left open")
        self._check_records(done)
        known = reply_to(self.run.body, parse("ok").habits)
        assert isinstance(known, Reply)
        if done.outcome.failure:
            self._must(self.finished is None, "failed although the end was released")
            self._must(known.text.startswith(self.text), f"the text was spoiled: {self.text!r}")
            return
        self._must(self.finished is not None, "success without a finish reason")
        assert self.finished
        if self.finished.reason in (StopReason.LENGTH, StopReason.CONTENT_FILTER):
            begun = known.text.startswith(self.text) or "<think>".startswith(self.text)
            self._must(begun, f"the text was spoiled: {self.text!r}")
            return
        self._must(self.text == known.text, f"silent truncation or worse: {self.text!r}")
        told = [call for (choice, _), call in self.calls.items() if choice == 0]
        wanted = [(call.name, call.arguments) for call in known.calls]
        self._must(told == wanted, f"tool calls {told}, wanted {wanted}")

    def _check_records(self, done: Done) -> None:
        numbers = [attempt.number for attempt in self._records]
        self._must(sorted(numbers) == sorted(self._opened), f"records of {numbers}")
        self._must(list(done.outcome.attempts) == self._records, "the outcome tells other attempts")
        for attempt in self._records:
            whole = attempt.decision and attempt.why and attempt.ended_at >= attempt.started_at
            self._must(bool(whole), f"an incomplete record: {attempt}")
            if attempt.failure is None:
                self._must(done.outcome.failure is None, "an attempt was well, the call was not")
        failed = [attempt for attempt in self._records if attempt.failure]
        well = len(self._records) - len(failed)
        silence = any(attempt.why == Reason(Why.SILENCE) for attempt in self._records)
        whole = done.outcome.failure is None
        self._must(well + silence == whole, f"{well} attempts were well, silence {silence}")
        released = sum(attempt.released for attempt in self._records)
        self._must(released == done.outcome.released, f"{released} characters by attempts")

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(what)


def explained(seed: int) -> str:
    """What a failing seed was about, for whoever mends it."""
    run = chosen(seed)
    behaviours = {name: (b.turns, b.habits) for name, b in run.behaviours.items()}
    policy = replace(run.route.policy)
    ways = [(t.name, t.continuation.value, t.quirks) for t in run.route.targets]
    return f"seed {seed}: {run.body}\n{ways}\n{behaviours}\n{policy}"
