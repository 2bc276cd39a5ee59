"""`python -m bench.dialects`: what it costs to be asked in one dialect and to ask in another.

One gateway, alone on one core, in front of a model that speaks all three dialects; the model and
whoever asks share the other. All nine pairs of a cell are asked in turn, round after round, so that
they meet the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from .answers import Plan
from .cells import LONG_BURST, SHORT, WIDE
from .forms import FORMS
from .load import QUESTION, Door, Load, apply, ask_once
from .procs import Cores, Server, computed, free_port, on_core
from .results import RESULTS, keep
from .upstream import Upstream, written

_WORK = Path(__file__).parent / ".work"
_READY = 60.0  # seconds
_BAR = 0.6  # of the speed of the same dialect


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    what: str
    plan: Plan
    stream: bool
    said: Sequence[str] = (QUESTION,)


CELLS = (
    Cell("json", f"{SHORT.chunks} chunks of the model, one JSON body", SHORT, stream=False),
    Cell("stream", f"{SHORT.chunks} chunks, streamed", SHORT, stream=True),
    Cell("burst", f"{LONG_BURST.chunks} chunks, streamed", LONG_BURST, stream=True),
    Cell("history", "as json, asked with 60 earlier turns of 600 characters", SHORT, stream=False,
         said=(*(f"{turn} {QUESTION * 12}" for turn in range(60)), QUESTION)),
)  # fmt: skip
PAIRS = tuple(product(FORMS, FORMS))  # of the client, of the model


@dataclass(frozen=True, slots=True)
class Rate:
    """Whole answers a second, and milliseconds of the gateway's core for each."""

    per_second: float
    core: float


Rates = Mapping[str, Mapping[tuple[str, str], Sequence[Rate]]]  # by cell, by pair; round by round


class _Ask(msgspec.Struct):
    model: str


_ASK = msgspec.json.Decoder(_Ask)


@lru_cache(maxsize=64)
def _stream(dialect: str, plan: Plan) -> tuple[bytes, ...]:
    return written(FORMS[dialect].events(plan), plan)


class Model(Upstream):
    """Answers in the dialect in which it is asked, always with a stream: Holdfast asks for none
    else."""

    def on_message_complete(self) -> None:
        path = self.url.decode()
        dialect = next(name for name, form in FORMS.items() if path == form.path)
        plan = Plan.of(_ASK.decode(b"".join(self.body)).model)
        self.answer(_stream(dialect, plan), plan)


def load_of(cell: Cell, pair: tuple[str, str]) -> Load:
    served, asked = pair
    model = f"{asked}/{cell.plan.model}"
    return Load(cell.plan, cell.stream, WIDE, form=FORMS[served], model=model, said=cell.said)


def door_of(port: int, pair: tuple[str, str]) -> Door:
    return Door(port, FORMS[pair[0]].path)


def _settings(port: int, upstream: int) -> str:
    base = f"http://127.0.0.1:{upstream}/v1"
    providers = "".join(
        f'[providers.{name}]\ndialect = "{name}"\nbase_url = "{base}"\napi_keys = ["fake"]\n'
        for name in FORMS
    )
    models = {f"{name}/{cell.plan.model}" for name in FORMS for cell in CELLS}
    routes = "".join(f'[routes."{model}"]\ntargets = ["{model}"]\n' for model in sorted(models))
    return f'[server]\nport = {port}\ndata_dir = "./data"\n{providers}{routes}'


@asynccontextmanager
async def served(cores: Cores, folder: Path, upstream: int) -> AsyncIterator[tuple[Server, int]]:
    port = free_port()
    (folder / "holdfast.toml").write_text(_settings(port, upstream), encoding="utf-8")
    program = "from holdfast.cli import main; main()"
    argv = [sys.executable, "-c", program, "serve"]
    server = Server(argv, cores.gateway, folder / "output.log", {}, folder)
    try:
        deadline = time.monotonic() + _READY
        for cell, pair in product(CELLS, PAIRS):
            while flaw := await ask_once(door_of(port, pair), load_of(cell, pair), _READY):
                if not server.running or time.monotonic() > deadline:
                    raise RuntimeError(f"no answer to {cell.name} {pair}: {flaw}")
                await asyncio.sleep(0.1)
        yield server, port
    finally:
        server.stop()


async def _rate(port: int, cell: Cell, pair: tuple[str, str], seconds: float, pid: int) -> Rate:
    gc.collect()
    tally = await apply(door_of(port, pair), load_of(cell, pair), seconds, lambda: [computed(pid)])
    if tally.flaws:
        raise RuntimeError(f"not every answer was whole: {pair} {dict(tally.flaws)}")
    answers = len(tally.waits)
    return Rate(answers / tally.seconds, tally.computed[0] / answers * 1000)


async def measure(cells: Sequence[Cell], rounds: int, seconds: float) -> Rates:
    cores = Cores.of_this_machine()
    loop = asyncio.get_running_loop()
    os.sched_setaffinity(0, {cores.load})
    model = await loop.create_server(lambda: Model(loop), "127.0.0.1", 0)
    _WORK.mkdir(exist_ok=True)
    rates: dict[str, dict[tuple[str, str], list[Rate]]] = {}
    with tempfile.TemporaryDirectory(dir=_WORK) as name, on_core(cores.load):
        upstream = model.sockets[0].getsockname()[1]
        async with served(cores, Path(name), upstream) as (server, port):
            for cell in cells:
                found = rates[cell.name] = {pair: [] for pair in PAIRS}
                for _, pair in product(range(rounds), PAIRS):
                    found[pair].append(await _rate(port, cell, pair, seconds, server.pid))
                print(cell.name, "measured", flush=True)
        model.close()
    return rates


def kept(rates: Mapping[tuple[str, str], Sequence[Rate]], pair: tuple[str, str]) -> float:
    """The share of the speed that is kept: of the core's time, which others do not take from."""
    same = rates[pair[0], pair[0]]
    return median(ours.core / one.core for ours, one in zip(same, rates[pair], strict=True))


def report(rates: Rates, seconds: float) -> str:
    cells = [cell for cell in CELLS if cell.name in rates]
    told = "\n".join(f"- {cell.name}: {cell.what}" for cell in cells)
    head = " | ".join(f"{cell.name}, /s | core, ms | kept" for cell in cells)
    lines = "| ---: | ---: | ---: " * len(cells)
    rows = "\n".join(
        f"| {' → '.join(pair)} | {' | '.join(_figures(rates[cell.name], pair) for cell in cells)} |"
        for pair in PAIRS
    )
    rounds = len(next(iter(rates[cells[0].name].values())))
    least, where = min(
        (kept(rates[cell.name], pair), f"{cell.name}, {' → '.join(pair)}")
        for cell, pair in product(cells, PAIRS)
    )
    return f"""# Dialects

Written by `python -m bench.dialects`. The client's dialect → the model's, through one
`holdfast serve` alone on its core; {WIDE} connections that ask again at once; the nine pairs in
turn, {rounds} rounds of {seconds:g} s, medians.

{told}

Kept: the share of the speed of the client's own dialect, by the time of the gateway's core that an
answer takes.

| pair | {head} |
| --- {lines}|
{rows}

Least is kept of {where}: {least:.0%}. The bar is {_BAR:.0%}.
"""


def _figures(rates: Mapping[tuple[str, str], Sequence[Rate]], pair: tuple[str, str]) -> str:
    per_second = median(rate.per_second for rate in rates[pair])
    core = median(rate.core for rate in rates[pair])
    return f"{per_second:,.0f} | {core:.2f} | {kept(rates, pair):.0%}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dialects", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of every pair (3)")
    parser.add_argument("--seconds", type=float, default=0.7, help="of one pair in a round (0.7)")
    parser.add_argument("--only", help="this cell only")
    parser.add_argument("--dry", action="store_true", help="only print the table")
    given = parser.parse_args(argv)
    cells = [cell for cell in CELLS if given.only in (None, cell.name)]
    text = report(uvloop.run(measure(cells, given.rounds, given.seconds)), given.seconds)
    print(text)
    if not given.dry and given.only is None:
        keep(RESULTS, "dialects", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
