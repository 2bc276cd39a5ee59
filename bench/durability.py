"""`python -m bench.durability`: what it costs that nothing is lost.

One gateway on SQLite, alone on one core; the model and whoever asks on the other. In the same
minutes the same questions are asked in three ways: through the gateway as it comes, which writes
nothing down; with `X-Holdfast-Resume: 1`, which makes the call outlive its connection; and as a
message to a bot. Measured are the time from the question to the first byte that the model gets,
one question at a time, and the throughput of streams, many at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from uuid import uuid4

import httpx2
import uvloop

from .answers import Plan
from .cells import LONG_BURST, LONG_TICK, SHORT, WIDE, Spread
from .load import Door, Load, apply, ask_once
from .procs import Cores, Server, computed, free_port, on_core
from .results import RESULTS, keep
from .upstream import Upstream

KEPT = (("x-holdfast-resume", "1"),)
PLAIN, RESUMED, BOT = "gateway", "gateway, resume", "message to a bot"
ROUNDS = 5  # of every kind of stream, without and with; the median counts
_WORK = Path(__file__).parent / ".work"
_READY = 60.0  # seconds
_PLANS = {"stream": SHORT, "burst": LONG_BURST, "tick": LONG_TICK, "many": Plan(1000, 0)}


class Model(Upstream):
    """The fake model, which also tells when a question reached it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, asked: Callable[[float], None]) -> None:
        super().__init__(loop)
        self._asked = asked

    def data_received(self, data: bytes) -> None:
        self._asked(time.perf_counter())
        super().data_received(data)


class Reached:
    """When the model was first reached since the last question."""

    def __init__(self) -> None:
        self._first: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def tell(self, at: float) -> None:
        if not self._first.done():
            self._first.set_result(at)

    async def next(self) -> float:
        self._first = asyncio.get_running_loop().create_future()
        return await self._first


@dataclass(frozen=True, slots=True)
class Streamed:
    """Chunks a second of one kind of stream, and seconds of the gateway's core for each million."""

    per_second: float
    core: float


@dataclass(frozen=True, slots=True)
class Measured:
    first: Mapping[str, Spread]  # by the way a question went
    rates: Mapping[str, tuple[Sequence[Streamed], Sequence[Streamed]]]  # without, with
    written: int  # bytes of the database, by streams without
    disk: Spread  # a small file made durable


@asynccontextmanager
async def served(cores: Cores, folder: Path, upstream: int) -> AsyncIterator[tuple[Server, Door]]:
    """A gateway of its own on its core."""
    port = free_port()
    (folder / "holdfast.toml").write_text(_settings(port, upstream), encoding="utf-8")
    program = "from holdfast.cli import main; main()"
    argv = [sys.executable, "-c", program, "serve"]
    server = Server(argv, cores.gateway, folder / "output.log", {}, folder)
    try:
        door = Door(port)
        load = Load(SHORT, stream=True, connections=1)
        deadline = time.monotonic() + _READY
        while flaw := await ask_once(door, load, _READY):
            if not server.running or time.monotonic() > deadline:
                raise RuntimeError(f"no gateway: {flaw}; {server.last_words()}")
            await asyncio.sleep(0.1)
        yield server, door
    finally:
        server.stop()


def _settings(port: int, upstream: int) -> str:
    routes = "".join(
        f'[routes."{plan.model}"]\ntargets = ["fake/{plan.model}"]\n' for plan in _PLANS.values()
    )
    return f"""
[server]
port = {port}
data_dir = "./data"
[providers.fake]
dialect = "chat"
base_url = "http://127.0.0.1:{upstream}/v1"
api_keys = ["fake"]
{routes}
[bots.page]
platform = "webchat"
route = "{SHORT.model}"
access = {{ direct = "open" }}
rate = {{ person = 1000000, conversation = 1000000 }}
"""


async def first_bytes(port: int, reached: Reached, count: int) -> Mapping[str, Spread]:
    """One question at a time, in turn by every way, so that all meet the same machine."""
    seconds: dict[str, list[float]] = {PLAIN: [], RESUMED: [], BOT: []}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=_READY) as http:

        async def call(headers: Mapping[str, str]) -> None:
            said = [{"role": "user", "content": "How are you?"}]
            body = {"model": SHORT.model, "stream": True, "messages": said}
            (await http.post("/v1/chat/completions", json=body, headers=headers)).raise_for_status()

        async def message() -> None:
            body = {"id": uuid4().hex, "text": "How are you?"}
            path = f"/chat/api/conversations/{uuid4().hex}/messages"
            turn = (await http.post(path, json=body)).raise_for_status().json()["turn"]
            (await http.get(f"/chat/api/turns/{turn}/events")).raise_for_status()

        ways = {PLAIN: lambda: call({}), RESUMED: lambda: call(dict(KEPT)), BOT: message}
        for number in range(count + count // 5):
            for way, ask in ways.items():
                waiting = asyncio.ensure_future(reached.next())
                await asyncio.sleep(0.002)  # what the last answer left to do is done
                began = time.perf_counter()
                await ask()
                if number >= count // 5:
                    seconds[way].append(await waiting - began)
    return {way: spread for way, all in seconds.items() if (spread := Spread.of(all))}


async def rate(door: Door, plan: Plan, seconds: float, pid: int) -> Streamed:
    gc.collect()
    load = Load(plan, stream=True, connections=WIDE)
    tally = await apply(door, load, seconds, lambda: [computed(pid)])
    if tally.flaws:
        raise RuntimeError(f"not every answer was whole: {dict(tally.flaws)}")
    chunks = len(tally.waits) * plan.chunks
    return Streamed(chunks / tally.seconds, tally.computed[0] / chunks * 1e6)


def durable_write(folder: Path, count: int = 200) -> Spread:
    """What this disk takes to make a few bytes durable."""
    taken = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    spread = Spread.of(taken)
    assert spread is not None
    return spread


async def measure(questions: int, seconds: float) -> Measured:
    cores = Cores.of_this_machine()
    loop = asyncio.get_running_loop()
    os.sched_setaffinity(0, {cores.load})
    reached = Reached()
    model = await loop.create_server(lambda: Model(loop, reached.tell), "127.0.0.1", 0)
    _WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_WORK) as name, on_core(cores.load):
        folder = Path(name)
        upstream = model.sockets[0].getsockname()[1]
        async with served(cores, folder, upstream) as (server, door):
            first = await first_bytes(door.port, reached, questions)
            kept = replace(door, headers=KEPT)
            rates: dict[str, tuple[list[Streamed], list[Streamed]]] = {}
            written = 0
            for kind, plan in _PLANS.items():
                without, with_ = rates.setdefault(kind, ([], []))
                for number in range(ROUNDS):
                    if number % 2:  # what the machine does meanwhile is to be neither's burden
                        with_.append(await rate(kept, plan, seconds, server.pid))
                    before = _size(folder)
                    without.append(await rate(door, plan, seconds, server.pid))
                    written += _size(folder) - before
                    if not number % 2:
                        with_.append(await rate(kept, plan, seconds, server.pid))
                    print(kind, without[-1], with_[-1], flush=True)
        model.close()
        return Measured(first, rates, written, durable_write(folder))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "data").glob("holdfast.db*"))


def report(found: Measured, questions: int) -> str:
    plain = found.first[PLAIN].p50
    firsts = "\n".join(
        f"| {way} | {spread.p50:.2f} | {spread.p50 - plain:+.2f} | {spread.p99:.2f} |"
        for way, spread in found.first.items()
    )
    rates = "\n".join(_row(kind, *both) for kind, both in found.rates.items())
    return f"""## What durability costs

SQLite on this machine's disk, which makes 4 KiB durable in {found.disk.p50:.2f} ms (p50). One run,
the gateway alone on one core; every row of a table in turn with the others.

From the question to the first byte that the model gets, {questions} questions of each kind, one at
a time. A message to a bot is compared with a plain call through the gateway, which is journalled
nowhere: what is added holds the journal, and all that a bot does besides.

| way | p50, ms | added | p99, ms |
| --- | ---: | ---: | ---: |
{firsts}

Streams, {WIDE} at a time, each asking again at once, so that the gateway's core is full: medians of
{ROUNDS} rounds, in turn the one and the other first. Chunks are the model's. Others on this machine
slow a stream down; what the gateway computes for a chunk they hardly change, so that the last ratio
is the one to trust.

| stream | chunks/s | with resume | ratio | µs of its core a chunk | with resume | ratio |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{rates}

Streams without resume wrote {found.written} bytes to the database.
"""


def _row(kind: str, without: Sequence[Streamed], with_: Sequence[Streamed]) -> str:
    plain, kept = (median(each.per_second for each in all) for all in (without, with_))
    core, more = (median(each.core for each in all) for all in (without, with_))
    spent = f"{core:.1f} | {more:.1f} | {more / core:.2f}"
    name = f"{_PLANS[kind].chunks} chunks, {kind}"
    return f"| {name} | {plain:,.0f} | {kept:,.0f} | {kept / plain:.2f} | {spent} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.durability", description=__doc__)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=3.0, help="of every round of streams")
    parser.add_argument("--dry", action="store_true", help="do not keep the report")
    told = parser.parse_args()
    found = uvloop.run(measure(told.questions, told.seconds))
    text = report(found, told.questions)
    print(text)
    if not told.dry:
        keep(RESULTS, "durability", text)


if __name__ == "__main__":
    main()
