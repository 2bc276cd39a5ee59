"""One run: every gateway in turn on its own core, the same loads, in the same minutes."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from . import upstream
from .cells import NOISY, SHORT, WIDE, Cell, Conditions, Figures, Showing, Used, cells, figures
from .load import Door, Load, apply, ask_once
from .peers import BASELINE, PEERS, Launch, Unavailable, place_for
from .procs import Cores, Server, busy, computed, free_port, resident

_READY_SECONDS = 120.0
_LIMIT = 20.0  # seconds for one answer while we wait for a gateway to be ready
_SETTLE = 1.0
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for."""

    seconds: float
    only: tuple[str, ...]  # empty: all
    connections: tuple[int, ...]
    work: Path


@dataclass(frozen=True, slots=True)
class Bench:
    """What every gateway of a run has in common."""

    order: Order
    cores: Cores
    upstream: Server
    upstream_port: int
    say: Callable[[str], None]


@contextmanager
def _upstream(cores: Cores, work: Path) -> Iterator[tuple[Server, int]]:
    port = free_port()
    argv = (sys.executable, "-m", upstream.__name__, str(port))
    server = Server(argv, cores.load, work / "upstream.log", {}, _ROOT)
    try:
        yield server, port
    finally:
        server.stop()


async def _ready(server: Server, door: Door) -> None:
    """Until it gives whole answers, streamed and not. Raises Unavailable."""
    deadline = time.monotonic() + _READY_SECONDS
    for stream in (False, True):
        load = Load(SHORT, stream=stream, connections=1)
        while flaw := await ask_once(door, load, _LIMIT):
            if not server.running:
                raise Unavailable(f"it stopped: {server.last_words()}")
            if time.monotonic() > deadline:
                kind = "stream" if stream else "JSON"
                raise Unavailable(f"no whole {kind} answer: {flaw}; {server.last_words()}")
            await asyncio.sleep(0.2)


def _meter(bench: Bench, pid: int | None) -> Used:
    """What was used so far. Without a gateway, nobody minds what its core does."""
    load = computed(bench.upstream.pid) + time.process_time()
    load_core = busy(bench.cores.load)
    if pid is None:
        return Used(0.0, load, 0.0, load_core)
    return Used(computed(pid), load, busy(bench.cores.gateway), load_core)


async def _measure(bench: Bench, door: Door, pid: int | None) -> Sequence[Figures]:
    found = []
    for cell in cells(bench.order.connections):
        gc.collect()
        seconds = bench.order.seconds * cell.stretch
        tally = await apply(door, cell.load, seconds, lambda: _meter(bench, pid))
        found.append(figures(cell, tally))
        bench.say(_line(cell, found[-1]))
        await asyncio.sleep(_SETTLE / 4)
    return found


def _line(cell: Cell, shown: Figures) -> str:
    first = f", first token {shown.first.p50:.2f} ms" if shown.first else ""
    broken = f", ERRORS {dict(shown.flaws)}" if shown.errors else ""
    others = f", others took {shown.disturbed:.0%} of a core" if shown.disturbed > NOISY else ""
    return f"  {cell.name:<12} {shown.per_second:>10,.1f} /s{first}{broken}{others}"


async def _show(bench: Bench, name: str) -> Showing:
    """One gateway from its start to its stop."""
    bench.say(f"{name}:")
    models = tuple(dict.fromkeys(cell.load.plan.model for cell in cells(bench.order.connections)))
    ports = (free_port(), bench.upstream_port)
    place = place_for(name, bench.order.work, ports, models)
    try:
        launch = PEERS[name](place)
        if not launch.argv:
            found = await _measure(bench, launch.door, None)
            return Showing(name, launch.version, figures={each.cell: each for each in found})
        return await _show_started(bench, name, launch, place.folder)
    except Unavailable as reason:
        bench.say(f"  skipped: {reason}")
        return Showing(name, skipped=str(reason))


async def _show_started(bench: Bench, name: str, launch: Launch, folder: Path) -> Showing:
    log = folder / "output.log"
    server = Server(launch.argv, bench.cores.gateway, log, launch.env, folder)
    try:
        await _ready(server, launch.door)
        await asyncio.sleep(_SETTLE)
        idle = resident(server.pid)
        found = await _measure(bench, launch.door, server.pid)
        await asyncio.sleep(_SETTLE)
        loaded = resident(server.pid)
    finally:
        server.stop()
    return Showing(
        name, launch.version, "", idle, loaded, figures={each.cell: each for each in found}
    )


async def _control(bench: Bench) -> str:
    """Cut every answer on purpose: a meter that counts one of them as whole is worthless."""
    door = Door(bench.upstream_port, path=f"{upstream.CUT.decode()}/v1/chat/completions")
    verdicts = []
    for stream in (False, True):
        load = Load(SHORT, stream=stream, connections=WIDE)
        tally = await apply(door, load, 0.2, lambda: ())
        if tally.waits or not tally.flaws:
            raise RuntimeError(f"the meter took a cut answer for a whole one: {tally.flaws}")
        verdicts.append(f"{tally.flaws.total()} of {tally.flaws.total()} {_word(stream)}")
    return " and ".join(verdicts) + " answers cut on purpose were counted as errors"


def _word(stream: bool) -> str:
    return "streamed" if stream else "JSON"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _conditions(order: Order, began: float, load_average: float, control: str) -> Conditions:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("uvloop", "httptools"))
    return Conditions(
        date=datetime.now().astimezone().isoformat(timespec="minutes"),
        cpu=_cpu_model(),
        cores=os.cpu_count() or 0,
        memory_gib=round(pages / 2**30, 1),
        kernel=platform.release().partition("-")[0],
        python=platform.python_version(),
        libraries=libraries,
        load_average=round(load_average, 2),
        seconds=order.seconds,
        minutes=round((time.monotonic() - began) / 60, 1),
        control=control,
    )


def _stop_on_sigterm() -> None:
    """So that no server that we started outlives us."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def run(order: Order, say: Callable[[str], None]) -> tuple[Conditions, Sequence[Showing]]:
    """Measure what is ordered. Raises RuntimeError where this machine cannot."""
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.load})
    _stop_on_sigterm()
    order.work.mkdir(parents=True, exist_ok=True)
    began, load_average = time.monotonic(), os.getloadavg()[0]
    names = [name for name in PEERS if name == BASELINE or not order.only or name in order.only]
    with _upstream(cores, order.work) as (server, port):
        await _ready(server, Door(port))
        bench = Bench(order, cores, server, port, say)
        gc.freeze()
        control = await _control(bench)
        say(control)
        showings = [await _show(bench, name) for name in names]
    return _conditions(order, began, load_average, control), showings
