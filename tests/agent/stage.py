"""A turn on a stage: a journal in memory, upstreams that follow a script, time that jumps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from tests.upstream.virtual import LoopClock, run_virtual

from holdfast.agent.abilities import Abilities
from holdfast.agent.asking import Models
from holdfast.agent.codec import read_events
from holdfast.agent.events import Ended, Noted, TextAdded, ToolAnswered, ToolAsked, TurnEvent
from holdfast.agent.framing import Framer
from holdfast.agent.memory import Memory
from holdfast.agent.runner import Runner
from holdfast.agent.task import Task
from holdfast.agent.tools import AgentTool, Toolbox, ToolServer
from holdfast.core.attempt import Continuation, Target
from holdfast.core.message import Role, said
from holdfast.engine.ports import Entry
from holdfast.resilience.policy import Policy, Route
from holdfast.upstream.capabilities import known
from holdfast.upstream.connector import Connector
from holdfast.upstream.executor import Executor
from holdfast.upstream.memory import MemoryTransport, Reply, Step
from holdfast.wire import DIALECTS

Json = Mapping[str, Any]


class MemoryJournal:
    """Implements `engine.ports.Journal`: what is settled survives a kill, the rest is lost."""

    def __init__(self, past: Iterable[Json] = ()) -> None:
        self.past: Sequence[Entry] = [Entry(n, event) for n, event in enumerate(past, start=1)]
        self.entries: list[Json] = [entry.event for entry in self.past]
        self.settled = len(self.entries)
        self.on_settle: Callable[[], Awaitable[None]] | None = None
        self.on_add: Callable[[Json], object] | None = None

    def add(self, event: Json) -> int:
        self.entries.append(json.loads(json.dumps(event)))
        if self.on_add:
            self.on_add(event)
        return len(self.entries)

    def last(self, event: Json) -> None:
        self.add(event)
        self.settled = len(self.entries)

    def gather(self, event: Callable[[], Json | None]) -> None:
        if (made := event()) is not None:
            self.add(made)

    async def settle(self) -> None:
        await asyncio.sleep(0)
        self.settled = len(self.entries)
        if self.on_settle:
            await self.on_settle()

    @property
    def events(self) -> list[TurnEvent]:
        return read_events(self.entries)

    def after_kill(self, kept: int | None = None) -> MemoryJournal:
        """What the next life finds: the durable entries, or the first `kept`."""
        return MemoryJournal(self.entries[: self.settled if kept is None else kept])


# What upstreams say.


def sse(*chunks: Json, done: bool = True) -> bytes:
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return b"".join([*events, *([b"data: [DONE]\n\n"] if done else [])])


def chunk(delta: Json, finish: str | None = None) -> Json:
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(name: str, arguments: Json | str = "{}", id: str = "", index: int = 0) -> Json:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    return {"index": index, "id": id or f"call_{index}", "type": "function", "function": function}


def says(text: str, finish: str = "stop") -> Reply:
    """A whole answer in two pieces."""
    half = len(text) // 2
    pieces = [chunk({"content": piece}) for piece in (text[:half], text[half:]) if piece]
    return Reply((*(sse(piece, done=False) for piece in pieces), sse(chunk({}, finish))))


def calls(*made: Json, text: str = "", finish: str = "tool_calls") -> Reply:
    spoken = [chunk({"content": text})] if text else []
    numbered = [{**one, "index": place} for place, one in enumerate(made)]
    return Reply((sse(*spoken, chunk({"tool_calls": numbered}), chunk({}, finish)),))


def breaks(text: str, *how: Step) -> Reply:
    """An answer that begins with `text` and does not end well."""
    return Reply((sse(chunk({"content": text}), done=False), *how))


def refuses(status: int, error: Json, **headers: str) -> Reply:
    body = json.dumps({"error": error}).encode()
    return Reply((body,), status, {"content-type": "application/json", **headers})


Script = Callable[[Json], Reply]


def in_turn(*replies: Reply) -> Script:
    """The first request has the first reply, and all after the last have the last."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Stage:
    """Everything that a turn needs. `scripts` answers by the name of a target's host.

    `vendors` are targets that stand elsewhere: dialect, base URL and model, by the host's name.
    """

    scripts: Mapping[str, Script]
    tools: Sequence[AgentTool] = ()
    servers: Mapping[str, ToolServer] = field(default_factory=dict)
    routes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # name -> hosts
    abilities: Mapping[str, Abilities] = field(default_factory=dict)
    vendors: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    continuation: Continuation = Continuation.INSTRUCT
    memory: Memory = field(default_factory=Memory)
    asked: list[tuple[str, Json]] = field(default_factory=list)  # host, body

    def __post_init__(self) -> None:
        self._transport = MemoryTransport(self._reply)
        self._refs = 0
        connector = Connector(lambda _: self._transport, DIALECTS, "holdfast", LoopClock())
        self.executor = Executor(connector, LoopClock(), lambda: 0.5)
        models = Models(self.executor, self._route, self._ref, LoopClock())
        framer = Framer(models, lambda n: self.abilities.get(n, Abilities()), self.memory)
        self.runner = Runner(models, framer, Toolbox(self.tools, self.servers))

    @property
    def bodies(self) -> list[Json]:
        return [body for _, body in self.asked]

    def _reply(self, request: httpx2.Request) -> Reply:
        body = json.loads(request.content)
        self.asked.append((request.url.host, body))
        named = [n for n, (_, url, _) in self.vendors.items() if request.url.host in url]
        return self.scripts[named[0] if named else request.url.host.partition(".")[0]](body)

    def _ref(self) -> str:
        self._refs += 1
        return f"REF{self._refs}"

    def _route(self, name: str) -> Route | None:
        hosts = self.routes.get(name) or ((name,) if name in self.scripts else ())
        targets = tuple(map(self._target, hosts))
        return Route(name, targets, self.policy) if targets else None

    def _target(self, host: str) -> Target:
        dialect, url, model = self.vendors.get(host, ("chat", f"http://{host}.invalid/v1", "m"))
        return Target(
            f"{host}/{model}",
            dialect,
            url,
            model,
            continuation=self.continuation,
            returned=known().of(url, model).returned,
        )

    async def play(
        self, task: Task, journal: MemoryJournal, stopping: Callable[[], bool] = lambda: False
    ) -> Ended:
        try:
            return await self.runner.run(task, journal, stopping)
        finally:
            await self.executor.aclose()


@dataclass
class Played:
    """What came of a turn."""

    journal: MemoryJournal
    stage: Stage
    seconds: float

    @property
    def events(self) -> list[TurnEvent]:
        return self.journal.events

    @property
    def ended(self) -> Ended:
        """The one end, which is the last event and durable."""
        ends = [event for event in self.events if isinstance(event, Ended)]
        assert len(ends) == 1, ends
        assert self.events[-1] is ends[0] or self.events[-1] == ends[0]
        assert self.journal.settled == len(self.journal.entries)
        return ends[0]

    @property
    def text(self) -> str:
        """What the person has read."""
        return "".join(event.text for event in self.events if isinstance(event, TextAdded))

    @property
    def intents(self) -> list[tuple[str, str]]:
        return [(e.name, e.arguments) for e in self.events if isinstance(e, ToolAsked)]

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(e.outcome, e.message.text) for e in self.events if isinstance(e, ToolAnswered)]

    def noted(self, key: str) -> list[Mapping[str, Any]]:
        return [e.values for e in self.events if isinstance(e, Noted) and e.key == key]


def task(question: str = "hello", **changes: Any) -> Task:
    return Task("main", said(Role.USER, question), **changes)


def play(
    given: Stage | Script, what: Task | None = None, journal: MemoryJournal | None = None
) -> Played:
    """Plays a turn to its end in virtual time."""

    async def main() -> Played:
        stage = given if isinstance(given, Stage) else Stage({"main": given})
        written = journal or MemoryJournal()
        await stage.play(what or task(), written)
        return Played(written, stage, asyncio.get_running_loop().time())

    return run_virtual(main())
