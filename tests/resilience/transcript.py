"""A call as a transcript: what happens (>>) and what the machine answers (<<).

    >> start
    << open 1 a start
    >> 1 says "Hel"
    << emit "Hel"
    >> 1 fails connection_reset
    << close 1
    << record 1 connection_reset/stream continue
    << open 2 b instruct "Hel"

`play` runs the lines with >> and gives the transcript back with the machine's own answers, so a
test compares two texts. `at 5` moves the clock and ticks; wakes are left out unless asked for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from holdfast.core.attempt import Target
from holdfast.core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.request import Request, Surface
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.commands import Close, Command, Done, Emit, Open, Record, Wake
from holdfast.resilience.health import Health
from holdfast.resilience.machine import StreamMachine
from holdfast.resilience.policy import Policy, Route

_LINE = re.compile(r"(?:(\d+) )?(\w+)(?: (.*))?")

# What an attempt says, from the words after the verb.
_SAYINGS: Mapping[str, Callable[[list[Any]], StreamEvent]] = {
    "says": lambda words: TextDelta(words[0]),
    "reasons": lambda words: ReasoningDelta(words[0]),
    "refuses": lambda words: RefusalDelta(words[0]),
    "calls": lambda words: ToolCallDelta(words[0], *words[1:]),
    "shows": lambda words: Foreign({"type": words[0]}, content=words[0] != "news"),
    "begins": lambda words: Foreign({"type": words[0]}, open=True),
    "cites": lambda words: TextDelta("", extra={"cited": words[0]}),
    "counts": lambda words: UsageReport(words[0], words[1]),
    "finishes": lambda words: Finished(StopReason(words[0]), word=words[0]),
}


class Call:
    """One machine and its clock."""

    def __init__(
        self,
        *targets: Target,
        surface: Surface = Surface.APPEND_ONLY,
        choices: int = 1,
        structured: bool = False,
        health: Health | None = None,
        budget: RetryBudget | None = None,
        jitter: float = 1.0,
        **policy: float,
    ) -> None:
        route = Route("r", targets, replace(Policy(), **policy))  # type: ignore[arg-type]
        request = Request("chat", "r", surface=surface, choices=choices, structured=structured)
        self.now = 0.0
        self.health = health or Health()
        self.budget = budget or RetryBudget()
        self.machine = StreamMachine(request, route, self.health, self.budget, jitter)
        self.said: list[Command] = []
        self.wake: float | None = None

    def play(self, transcript: str) -> None:
        """Runs the transcript and compares it with what the machine answers."""
        wanted = [line.strip() for line in transcript.strip().splitlines() if line.strip()]
        played: list[str] = []
        for line in wanted:
            if line.startswith(">> "):
                played.append(line)
                played += [f"<< {words}" for words in self._do(line[3:])]
        difference = "\n".join(difflib.ndiff(wanted, played))
        assert played == wanted, f"wanted (-), played (+):\n{difference}"

    @property
    def done(self) -> Done:
        (done,) = [command for command in self.said if isinstance(command, Done)]
        return done

    @property
    def text(self) -> str:
        events = [e for c in self.said if isinstance(c, Emit) for e in c.events]
        return "".join(e.text for e in events if isinstance(e, TextDelta))

    def _do(self, words: str) -> list[str]:
        if words == "wake?":
            return [f"wake {self.wake:g}" if self.wake is not None else "wake never"]
        commands = self._input(words)
        self.said += commands
        self.wake = None
        for command in commands:
            if isinstance(command, Wake):
                self.wake = command.at
        return [told for command in commands if (told := shown(command))]

    def _input(self, words: str) -> list[Command]:
        match = _LINE.fullmatch(words)
        assert match, words
        number, verb, rest = match[1], match[2], _words(match[3] or "")
        if number is None:
            return self._own(verb, rest)
        attempt = int(number)
        if verb in _SAYINGS:
            return self.machine.receive(attempt, [_SAYINGS[verb](rest)], self.now)
        match verb:
            case "reaches":
                return self.machine.progressed(attempt, Phase(rest[0]), self.now)
            case "breathes":  # bytes that say nothing
                return self.machine.receive(attempt, [], self.now)
            case "fails":
                return self.machine.fail(attempt, _failure(rest), self.now)
            case "reports":  # an error inside the stream
                return self.machine.receive(attempt, [_failure(rest)], self.now)
            case "ends":
                return self.machine.end(attempt, self.now)
            case _:
                raise AssertionError(words)

    def _own(self, verb: str, rest: list[Any]) -> list[Command]:
        match verb:
            case "start":
                return self.machine.start(self.now)
            case "at":
                self.now = float(rest[0])
                return self.machine.tick(self.now)
            case "cancel":
                return self.machine.cancel(self.now)
            case "stalled":
                self.now += float(rest[0])
                self.machine.stalled_by_reader(float(rest[0]))
                return []
            case _:
                raise AssertionError(verb)


def _words(text: str) -> list[Any]:
    """Words, numbers and JSON strings."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', text)
    return [json.loads(word) if re.match(r'["\d]', word) else word for word in found]


def _failure(words: list[Any]) -> Failure:
    kind, *more = words
    phase = Phase(more[0]) if more else Phase.STREAM
    return Failure(Kind(kind), phase, retry_after=more[1] if len(more) > 1 else None)


def shown(command: Command) -> str:
    """A command as a transcript tells it; "" for a wake."""
    match command:
        case Open(attempt, target, how, released):
            told = f" {json.dumps(released, ensure_ascii=False)}" if released else ""
            return f"open {attempt} {target.name} {how.value}{told}"
        case Close(attempt):
            return f"close {attempt}"
        case Emit(events):
            return f"emit {_events(events)}"
        case Record(attempt):
            failure = attempt.failure
            what = f"{failure.kind.value}/{failure.phase.value}" if failure else "well"
            return f"record {attempt.number} {what} {attempt.decision}"
        case Done(outcome):
            kind = outcome.failure.kind.value if outcome.failure else "whole"
            return f"done {kind} {outcome.released}"
        case Wake():
            return ""
        case _:
            assert_never(command)


def _events(events: Sequence[StreamEvent]) -> str:
    return ", ".join(map(_event, events))


def _event(event: StreamEvent) -> str:
    match event:
        case TextDelta(text, _, extra):
            return json.dumps(text, ensure_ascii=False) if text else f"cites {json.dumps(extra)}"
        case ReasoningDelta(text):
            return f"thought {json.dumps(text, ensure_ascii=False)}"
        case RefusalDelta(text):
            return f"refusal {json.dumps(text, ensure_ascii=False)}"
        case ToolCallDelta():
            return f"call {event.index} {event.id} {event.name} {event.arguments}"
        case UsageReport():
            mark = " about" if event.estimated else ""
            return f"usage {event.input_tokens} {event.output_tokens}{mark}"
        case Foreign(extra):
            return f"foreign {json.dumps(extra, ensure_ascii=False)}"
        case Finished(reason):
            return f"finish {reason.value}"
        case Restarted():
            return "restarted"
        case _:
            assert_never(event)
