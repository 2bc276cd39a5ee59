"""What is measured on every gateway, and one cell's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .answers import Plan
from .load import Load, Tally

SHORT = Plan(20)  # as a chat's short reply; the whole stream in one write
LONG_BURST = Plan(200)
LONG_TICK = Plan(200, 0)
PACED_ONE = Plan(3, 3)
PACED_MANY = Plan(10, 100)
NOISY = 0.1  # of a core: what others may take before a figure is called disturbed
WIDE = 32  # connections of the cells that do not vary them


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure. `kind` names the group that the report puts it in."""

    kind: str  # json | stream | burst | tick | paced
    load: Load
    stretch: float = 1.0  # times the seconds that a cell is given

    @property
    def name(self) -> str:
        return f"{self.kind} c{self.load.connections}"


def cells(connections: Sequence[int]) -> list[Cell]:
    """In the order they run: gentle before rough, so that nothing inherits an overload.

    The paced ones ask some 25 times a second, which no gateway here finds hard, and so they
    last longer: a p99 wants hundreds of answers.
    """
    paced = [
        Cell("paced", Load(PACED_ONE, stream=True, connections=1, period=0.04), 3.0),
        Cell("paced", Load(PACED_MANY, stream=True, connections=WIDE, period=1.25), 3.0),
    ]
    whole = [
        Cell(kind, Load(SHORT, stream=kind == "stream", connections=each))
        for each in sorted(connections)
        for kind in ("json", "stream")
    ]
    long = [
        Cell("burst", Load(LONG_BURST, stream=True, connections=WIDE)),
        Cell("tick", Load(LONG_TICK, stream=True, connections=WIDE)),
    ]
    return [*paced, *long, *whole]


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: half of the answers were as fast or faster, and all but one in a hundred."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread | None:
        """None where nothing was counted."""
        if not seconds:
            return None
        ordered = sorted(seconds)
        last = len(ordered) - 1
        return cls(ordered[round(last * 0.5)] * 1000, ordered[round(last * 0.99)] * 1000)


@dataclass(frozen=True, slots=True)
class Figures:
    """One cell on one gateway. Busy: the share of a core that was used while counting."""

    cell: str
    seconds: float
    whole: int
    flaws: Mapping[str, int]
    per_second: float
    chunks_per_second: float  # the upstream's chunks that arrived in whole answers
    wait: Spread | None  # to the end of the answer
    first: Spread | None  # to its first token
    gateway_busy: float
    load_busy: float
    disturbed: float  # the share of either core that others took, whichever is more

    @property
    def errors(self) -> int:
        return sum(self.flaws.values())


class Used(NamedTuple):
    """CPU seconds: of the processes we know, and of the two cores as a whole."""

    gateway: float
    load: float  # generator and fake model together
    gateway_core: float
    load_core: float


def figures(cell: Cell, tally: Tally) -> Figures:
    """The figures of a cell whose meter told what was `Used`."""
    used = Used(*tally.computed)
    rate = len(tally.waits) / tally.seconds
    foreign = max(used.gateway_core - used.gateway, used.load_core - used.load, 0.0)
    return Figures(
        cell=cell.name,
        seconds=round(tally.seconds, 2),
        whole=len(tally.waits),
        flaws=dict(tally.flaws),
        per_second=rate,
        chunks_per_second=rate * cell.load.plan.chunks if cell.load.stream else 0.0,
        wait=Spread.of(tally.waits),
        first=Spread.of(tally.firsts) if cell.load.stream else None,
        gateway_busy=used.gateway / tally.seconds,
        load_busy=used.load / tally.seconds,
        disturbed=foreign / tally.seconds,
    )


@dataclass(frozen=True, slots=True)
class Showing:
    """All that one gateway showed, or why it did not take part."""

    name: str
    version: str = ""
    skipped: str = ""
    idle_bytes: int = 0
    loaded_bytes: int = 0
    figures: Mapping[str, Figures] = field(default_factory=dict)  # by the cell's name


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a reader must know to trust the numbers, or to repeat them."""

    date: str
    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    libraries: str
    load_average: float  # over a minute, just before the run
    seconds: float  # per cell, at least
    minutes: float  # the whole run
    control: str  # what the meter said of answers that were cut on purpose
