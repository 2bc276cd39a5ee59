"""Every fault of the catalogue under a turn that speaks, calls two tools and speaks again.

On real sockets, against the simulator: the first target meets the fault in both steps, the
second is well. The person reads one whole answer or one honest end, and no tool runs twice.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import httpx2
import pytest
from tests.agent.stage import MemoryJournal
from tests.upstream.leaks import HANG, watched

from holdfast.agent.abilities import Abilities
from holdfast.agent.asking import Models
from holdfast.agent.events import Ended, Noted, StepEnded, TextAdded, ToolAnswered, ToolAsked
from holdfast.agent.framing import Framer
from holdfast.agent.memory import Memory
from holdfast.agent.runner import Runner
from holdfast.agent.task import Task
from holdfast.agent.tools import AgentTool, Toolbox, tool
from holdfast.app import SystemClock
from holdfast.core.attempt import Target, Timeouts
from holdfast.core.failure import REMEDIES, Kind, Remedy
from holdfast.core.message import Role, said
from holdfast.resilience.policy import Policy, Route
from holdfast.sim.catalogue import FAULTS, PLAYERS, Position
from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.upstream.connector import Connector
from holdfast.upstream.executor import Executor
from holdfast.upstream.transport import Transports
from holdfast.wire import DIALECTS

pytestmark = pytest.mark.scenario

SHORT = TEXTS["short"]["en"]
SPEED = 20.0
HASTY = Timeouts(5, 5, 1.0, 1.0, 1.0, 1.0)  # for who plays silence
PATIENT = Timeouts(*[HANG] * 6)
POLICY = Policy(deadline=HANG)
AT_ONCE = 6  # turns side by side

# Faults that say of the question what no other target could help with.
FINAL = frozenset(kind for kind, remedy in REMEDIES.items() if remedy is Remedy.STOP)


@dataclass
class Desk:
    """Two tools, and what they did."""

    sent: list[str] = field(default_factory=list)

    @property
    def tools(self) -> list[AgentTool]:
        @tool()
        async def send(to: str) -> str:
            self.sent.append(to)
            return "sent"

        @tool(pure=True)
        async def look(place: str) -> str:
            return f"{place} is there"

        return [send, look]


def spoiled() -> list[str]:
    """The names of models that play each fault, at its beginning and in its middle."""
    names = []
    for name in PLAYERS:
        chunks = FAULTS[name].position is Position.CHUNK
        names += [f"{name}@{place}" for place in (0, 3, -1)] if chunks else [name]
    return names


def limits(model: str) -> Timeouts:
    kind = FAULTS[re.split("[@;]", model)[0]].kind
    return HASTY if kind is Kind.TIMEOUT else PATIENT


async def turn(
    sim: SimulatedUpstream, executor: Executor, models: list[str], question: str
) -> tuple[MemoryJournal, Desk]:
    refs = count(1)
    targets = tuple(
        Target(f"p{n}/{model}", "chat", sim.base_url, model, timeouts=limits(model))
        for n, model in enumerate(models)
    )
    route = Route("r", targets, POLICY)
    clock = SystemClock()
    asking = Models(executor, lambda _: route, lambda: f"REF{next(refs)}", clock)
    desk = Desk()
    framer = Framer(asking, lambda _: Abilities(), Memory())
    runner = Runner(asking, framer, Toolbox(desk.tools))
    journal = MemoryJournal()
    asked = Task("r", said(Role.USER, question), tools=("send", "look"), max_steps=4)
    await runner.run(asked, journal)
    return journal, desk


Check = Callable[[str, MemoryJournal, Desk], None]


def play_all(questions: dict[str, tuple[list[str], str]], check: Check) -> None:
    """Plays turns side by side, each with the models that its name stands for."""

    async def main() -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        transports = Transports(httpx2.create_ssl_context())
        async with SimulatedUpstream(speed=SPEED) as sim:

            async def one(name: str) -> None:
                async with gate:
                    connector = Connector(transports, DIALECTS, "holdfast", SystemClock())
                    executor = Executor(connector, SystemClock(), lambda: 0.1)
                    models, question = questions[name]
                    journal, desk = await turn(sim, executor, models, question)
                    await executor.aclose()
                    check(name, journal, desk)

            await asyncio.gather(*map(one, questions))
            await transports.aclose()

    asyncio.run(watched(main()))


def common(name: str, journal: MemoryJournal, desk: Desk) -> Ended:
    """What must hold whatever happened."""
    events = journal.events
    ends = [event for event in events if isinstance(event, Ended)]
    assert len(ends) == 1, name
    assert events[-1] == ends[0], name
    assert journal.settled == len(journal.entries), name
    assert len(desk.sent) <= 1, name
    intents = [event.call_id for event in events if isinstance(event, ToolAsked)]
    answers = [event.call_id for event in events if isinstance(event, ToolAnswered)]
    assert len(intents) == len(set(intents)), name
    assert set(intents) <= set(answers), name
    for event in events:
        if isinstance(event, ToolAsked):
            assert isinstance(json.loads(event.arguments), dict), name
    return ends[0]


def text_of(journal: MemoryJournal) -> str:
    return "".join(event.text for event in journal.events if isinstance(event, TextAdded))


def check_with_another(name: str, journal: MemoryJournal, desk: Desk, whole: str) -> None:
    """The second target can answer whatever the first does, but for final words on the question."""
    ended = common(name, journal, desk)
    truth = FAULTS[name.partition("@")[0]]
    text = text_of(journal)
    if truth.kind is Kind.TOOL_ARGUMENTS:
        # The model, told what was wrong, answers something else, and is cut once more.
        assert text.startswith(whole) or SHORT.startswith(text), (name, text)
        return
    if ended.outcome == "finished":
        assert text == whole, (name, text)
        # A call at the length limit may be cut: then it is told, and this model does without.
        assert len(desk.sent) == 1 or truth.finish == "length", name
        return
    final = truth.kind in FINAL or truth.finish != "stop"
    assert final, (name, ended)
    assert whole.startswith(text), (name, text)


def test_a_turn_with_another_target_reads_one_whole_answer() -> None:
    def check(name: str, journal: MemoryJournal, desk: Desk) -> None:
        check_with_another(name, journal, desk, SHORT)

    question = "Please use tool:send and tool:look"
    models = {name: [f"{name};text=short", "ok;text=short"] for name in spoiled()}
    play_all({name: (targets, question) for name, targets in models.items()}, check)


def test_a_turn_that_speaks_before_it_calls_reads_one_whole_answer() -> None:
    def check(name: str, journal: MemoryJournal, desk: Desk) -> None:
        check_with_another(name, journal, desk, f"{SHORT}\n\n{SHORT}")

    question = "Please tell me text:short and use tool:send and tool:look"
    play_all({name: ([name, "ok"], question) for name in spoiled()}, check)


def test_a_turn_without_another_target_ends_honestly() -> None:
    def check(name: str, journal: MemoryJournal, desk: Desk) -> None:
        ended = common(name, journal, desk)
        text = text_of(journal)
        if ended.outcome == "finished":
            assert text == SHORT, (name, text)
            assert len(desk.sent) == 1 or name.startswith("length"), name
            return
        assert ended.key, name
        assert SHORT.startswith(text), (name, text)
        whole = [event.message.text for event in journal.events if isinstance(event, StepEnded)]
        assert ended.outcome != "failed" or not any(whole), name

    patient = (Kind.TIMEOUT, Kind.RATE_LIMITED, Kind.OVERLOADED)  # these are waited for
    names = [n for n in spoiled() if FAULTS[n.partition("@")[0]].kind not in patient]
    question = "Please use tool:send and tool:look"
    play_all({name: ([f"{name};text=short"], question) for name in names}, check)


@pytest.mark.parametrize(
    ("calls", "sent"), [("pieces", 1), ("growing", 1), ("quoted", 1), ("flat", 1), ("text", 0)]
)
def test_a_model_that_calls_in_an_odd_way_is_understood_or_told(calls: str, sent: int) -> None:
    """A call as text is not run, and nobody reads it: the model is told, and answers in words."""

    def check(name: str, journal: MemoryJournal, desk: Desk) -> None:
        assert common(name, journal, desk).outcome == "finished"
        assert len(desk.sent) == sent
        assert text_of(journal) == SHORT
        told = [e.values for e in journal.events if isinstance(e, Noted) and e.key == "spoken_call"]
        assert told == ([] if sent else [{"tool": "send"}])

    model = f"ok;text=short;calls={calls}"
    play_all({calls: ([model], "Please use tool:send and tool:look")}, check)


def test_a_model_that_writes_calls_as_text_after_its_words_keeps_the_words() -> None:
    def check(name: str, journal: MemoryJournal, desk: Desk) -> None:
        assert common(name, journal, desk).outcome == "finished"
        assert desk.sent == []
        assert text_of(journal) == f"{SHORT}\n\n{SHORT}"

    question = "Please tell me text:short and use tool:send"
    play_all({"text": (["ok;text=short;calls=text"], question)}, check)
