"""`python -m bench.bot`: many conversations at once, and how long a message waits for us.

A bot on the simulated QQ, over its WebSocket gateway, as `holdfast serve` runs it, on a core of its
own; the simulators of QQ and of the model share the other. Our own time is measured from outside:
from the moment a person's message leaves QQ until the request for it is read by the model. So the
simulators' own time is in it too; how late they are, and what they compute, is told beside it. What
a message costs the server is told by its CPU time, which hardly depends on who else is at work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.sim.qq.people import Person
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.reading import RawRequest
from holdfast.sim.scene import Actions
from holdfast.sim.script import expected, parse
from holdfast.sim.upstream import SimulatedUpstream

from .procs import Cores, Server, computed
from .results import RESULTS, keep, section

LOOK = 0.005  # seconds between two looks at how late the simulators are
PATIENCE = 300.0  # seconds for one scene
TARGET = 50.0  # milliseconds
COST = "CPU ms each"
IN_ORDER = 5  # messages of each conversation that are sent without waiting
_ROOT = Path(__file__).parent.parent


class Model(SimulatedUpstream):
    """Notes when each question was read, by its words."""

    def __init__(self) -> None:
        super().__init__()
        self.read_at: dict[str, float] = {}
        self.order: list[str] = []

    def answer(self, request: RawRequest) -> Actions:
        now = time.perf_counter()
        actions = super().answer(request)
        words = str(self.requests[-1].body["messages"][-1]["content"])
        self.read_at.setdefault(words, now)
        self.order.append(words)
        return actions


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the messages of a round come: over so many `seconds`, evenly; 0: in one instant.

    `pace` is between two pieces of an answer.
    """

    name: str
    seconds: float
    pace: float
    rounds: int


ARRIVALS = (
    Arrival("evenly over a second", 1.0, 0.0, 5),
    Arrival("evenly over ten seconds, each answer takes ten", 10.0, 0.55, 2),
    Arrival("all in one instant", 0.0, 0.0, 5),
)


@dataclass(slots=True)
class Figures:
    """What came of one arrival. `waits` are milliseconds of our own, `ends` seconds to the end."""

    waits: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    wrong: int = 0
    busy: float = 0.0  # milliseconds of the server's CPU for a message
    load: float = 0.0  # the same of the simulators
    late: list[float] = field(default_factory=list)  # milliseconds that the simulators were late


def at(share: float, values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _look(late: list[float]) -> None:
    """How much later than it wished this process comes to do something, again and again."""
    while True:
        due = time.perf_counter() + LOOK
        await asyncio.sleep(LOOK)
        late.append((time.perf_counter() - due) * 1000)


def pace_of_this_machine() -> float:
    """Milliseconds of CPU for a fixed piece of Python work, to compare figures of two machines, or
    of two days on one that others use.
    """
    said = {"messages": [{"role": "user", "content": f"{number} 你好"} for number in range(50)]}
    taken = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(200):
            json.loads(json.dumps(said))
        taken.append((time.process_time() - began) * 1000)
    return min(taken)


@dataclass(slots=True)
class House:
    qq: SimulatedQQ
    model: Model
    server: Server
    people: Sequence[Person]

    async def scene(self, arrival: Arrival) -> Figures:
        figures, began, ours = Figures(), computed(self.server.pid), time.process_time()
        looking = asyncio.create_task(_look(figures.late))
        async with asyncio.timeout(PATIENCE):
            for number in range(arrival.rounds):
                await self._round(arrival, number, figures)
        looking.cancel()
        messages = arrival.rounds * len(self.people)
        figures.busy = (computed(self.server.pid) - began) / messages * 1000
        figures.load = (time.process_time() - ours) / messages * 1000
        return figures

    async def _round(self, arrival: Arrival, number: int, figures: Figures) -> None:
        gap = arrival.seconds / len(self.people)
        began = time.perf_counter()
        talks = []
        for place, person in enumerate(self.people):
            await asyncio.sleep(max(0.0, began + place * gap - time.perf_counter()))
            talks.append(asyncio.create_task(self._talk(arrival, number, place, person, figures)))
        await asyncio.gather(*talks)

    async def _talk(
        self, arrival: Arrival, number: int, place: int, person: Person, figures: Figures
    ) -> None:
        words = f"{arrival.name} {number}.{place} text:short"
        before = len(person.shown)
        sent = time.perf_counter()
        person.says(words)
        await self._answered(person, before + 1)
        figures.ends.append(time.perf_counter() - sent)
        figures.waits.append((self.model.read_at[words] - sent) * 1000)
        told = [shown.body for shown in person.shown[before:]]
        figures.wrong += told != [whole(words)]

    async def ordered(self) -> int:
        """Conversations, each with some messages in one instant, whose answers came in order."""
        before = {person.id: len(person.shown) for person in self.people}
        asked = [
            (person, f"in order {number}.{place} text:short")
            for number in range(IN_ORDER)
            for place, person in enumerate(self.people)
        ]
        async with asyncio.timeout(PATIENCE):
            for person, words in asked:
                person.says(words)
            await asyncio.gather(
                *(self._answered(person, before[person.id] + IN_ORDER) for person in self.people)
            )
        place = {words: at for at, words in enumerate(self.model.order)}
        good = 0
        for person in self.people:
            read = [place[words] for whose, words in asked if whose is person]
            good += read == sorted(read) and len(person.shown) == before[person.id] + IN_ORDER
        return good

    async def _answered(self, person: Person, count: int) -> None:
        while len(person.shown) < count or person.generating:
            await self.qq.news()


def whole(words: str) -> str:
    return expected({"messages": [{"role": "user", "content": words}]}, parse("ok").habits)


def _settings(qq: SimulatedQQ, model: Model, arrivals: Sequence[Arrival]) -> str:
    keys = "\n".join(f'{name} = "{value}"' for name, value in qq.settings().items())
    targets = "".join(
        f'[routes.r{number}]\ntargets = ["model/ok;pace={arrival.pace}"]\n'
        for number, arrival in enumerate(arrivals)
    )
    return f"""
[providers.model]
base_url = "{model.base_url}"
{targets}
[bots.helper]
platform = "qq"
route = "r0"
access = {{ direct = "open" }}
rate = {{ person = 1000000, conversation = 1000000 }}
{keys}
"""


async def measure(
    people: int, arrivals: Sequence[Arrival], attend: Callable[[int], None]
) -> tuple[Mapping[str, Figures], int]:
    """By the arrival's name; and how many conversations were in order."""
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.load})
    program = Path(sys.executable).with_name("holdfast")
    # What QQ permits in a second is counted for the whole bot: it would be the limit here.
    rules = Rules(frames_per_second=100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with SimulatedQQ(rules) as qq, Model() as model:
            results: dict[str, Figures] = {}
            known = [qq.person(f"P{number}") for number in range(people)]
            in_order = 0
            for arrival in arrivals:
                (folder / "holdfast.toml").write_text(_settings(qq, model, [arrival]), "utf-8")
                argv = (str(program), "serve", "--port", "0")
                server = Server(argv, cores.gateway, folder / "log.txt", {}, folder)
                try:
                    await qq.until(lambda: qq.gateway.live, 60)
                    attend(server.pid)
                    house = House(qq, model, server, known)
                    await house.scene(Arrival("warm-up", 0.5, arrival.pace, 1))
                    results[arrival.name] = await house.scene(arrival)
                    if not in_order:
                        in_order = await house.ordered()
                finally:
                    server.stop()
                await qq.until(lambda: not qq.gateway.live, 60)
    return results, in_order


def costs(text: str) -> Mapping[str, str]:
    """What a message cost the server in a report of before, by the arrival's name."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    heads = next((row for row in rows if COST in row), None)
    if heads is None:
        return {}
    place = heads.index(COST)
    return {row[1]: row[place] for row in rows if len(row) == len(heads)}


def report(
    people: int, results: Mapping[str, Figures], in_order: int, before: Mapping[str, str]
) -> str:
    rows = "\n".join(
        f"| {name} | {len(figures.waits):,} | {at(0.5, figures.waits):.1f}"
        f" | {at(0.99, figures.waits):.1f} | {max(figures.waits):.1f} | {figures.busy:.1f}"
        f" | {before.get(name, '')} | {figures.load:.1f} | {at(0.99, figures.late):.1f}"
        f" | {statistics.median(figures.ends):.2f} | {max(figures.ends):.2f} | {figures.wrong} |"
        for name, figures in results.items()
    )
    names = f"they come|messages|wait p50|wait p99|longest|{COST}|before|simulators|late p99"
    heads = f"| {f'{names}|end p50|longest|wrong'.replace('|', ' | ')} |"
    return f"""# Conversations at once

Written by `python -m bench.bot --people {people}`. {people} conversations in private chats of the
simulated QQ, each of which says something once a round: the server on one core, the simulators of
QQ and of the model on the other. Wait: from a person's message to the request that the model
reads, milliseconds, with the simulators' own time. CPU: milliseconds for each message from its
coming to the end of its answer, of the server now, in the report before this one, and of the
simulators. Late: how much later than they wished the simulators did anything, milliseconds. End:
seconds until the whole answer is there. Wrong: answers that were not whole, or not there exactly
once. A fixed piece of Python work took {pace_of_this_machine():.1f} ms of CPU here.

{heads}
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

With {IN_ORDER} messages of each sent in one instant, {people * IN_ORDER:,} in all, {in_order} of
{people} conversations were answered in order and completely.
"""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bot", description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="conversations (200)")
    parser.add_argument("--only", type=int, default=None, help="this arrival only, from 0")
    parser.add_argument("--dry", action="store_true", help="only print the table")
    given = parser.parse_args(argv)
    arrivals: Sequence[Any] = ARRIVALS if given.only is None else [ARRIVALS[given.only]]
    say = lambda pid: print(f"the server is process {pid}", flush=True)  # noqa: E731
    results, in_order = asyncio.run(measure(given.people, arrivals, say))
    before = costs(section(RESULTS, "bot"))
    text = report(given.people, results, in_order, before)
    print(text)
    if not given.dry and given.only is None:
        keep(RESULTS, "bot", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
