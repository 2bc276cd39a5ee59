"""`python -m bench.cluster`: short turns a second with one, two and three workers.

Real processes on this machine, a real PostgreSQL and a real NATS server with JetStream
(HOLDFAST_TEST_POSTGRES and HOLDFAST_TEST_NATS say where). The model is simulated and answers at
once, so what is measured is Holdfast, the database and the load generator, on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

import httpx2
import psycopg

from holdfast.sim.upstream import SimulatedUpstream

from .results import RESULTS, keep

POSTGRES = os.environ.get("HOLDFAST_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")
NATS = os.environ.get("HOLDFAST_TEST_NATS", "nats://127.0.0.1:4222")
AT_ONCE = 32  # requests of the load generator
LANES = 64  # conversations
PATIENCE = 300.0  # seconds
_LOOK = 0.05  # seconds between looks at how many turns have ended


@contextmanager
def schema() -> Iterator[str]:
    """The URL of an empty schema, which is dropped again."""
    name = f"holdfast_bench_{uuid4().hex}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"'.encode())
        try:
            yield f"{POSTGRES}?options={quote(f'-csearch_path={name}')}"
        finally:
            connection.execute(f'DROP SCHEMA "{name}" CASCADE'.encode())


@contextmanager
def node(folder: Path, role: str) -> Iterator[str]:
    """A node that is ready; its address."""
    program = "from holdfast.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--role", role]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield "http://" + process.stdout.readline().partition("http://")[2].split()[0]
        finally:
            process.terminate()
            process.wait()


class Measured(NamedTuple):
    workers: int
    rate: float  # turns that ended in a second
    commits: float  # of PostgreSQL, for each turn
    rows: float  # that it wrote, for each turn
    written: float  # KiB of its write-ahead log, for each turn


async def measure(workers: int, turns: int) -> Measured:
    """Whatever else the database does meanwhile is counted as well: it should do nothing."""
    with schema() as url, tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        async with SimulatedUpstream() as upstream:
            (folder / "holdfast.toml").write_text(_settings(url, upstream.base_url), "utf-8")
            gateway = await asyncio.to_thread(stack.enter_context, node(folder, "gateway"))
            for _ in range(workers):
                await asyncio.to_thread(stack.enter_context, node(folder, "worker"))
            before = await asyncio.to_thread(_costs, url)
            began = time.monotonic()
            async with asyncio.timeout(PATIENCE):
                await _say(gateway, turns)
                looks = await asyncio.to_thread(_until_ended, url, turns)
            took = time.monotonic() - began
            await asyncio.to_thread(stack.close)
            after = await asyncio.to_thread(_costs, url)
    commits, rows, written = (later - sooner for sooner, later in zip(before, after, strict=True))
    shares = ((commits - looks) / turns, rows / turns, written / 1024 / turns)
    return Measured(workers, turns / took, *shares)


async def _say(gateway: str, turns: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    lanes = [uuid4().hex for _ in range(LANES)]
    async with httpx2.AsyncClient(base_url=gateway, timeout=PATIENCE) as http:

        async def say(number: int) -> None:
            path = f"/chat/api/conversations/{lanes[number % LANES]}/messages"
            body = {"id": uuid4().hex, "text": f"{number} text:short"}
            async with gate:
                while (await http.post(path, json=body)).status_code != 202:  # a full lane
                    await asyncio.sleep(_LOOK)

        await asyncio.gather(*(say(number) for number in range(turns)))


def _until_ended(url: str, turns: int) -> int:
    """How often it had to look."""
    looks = 1
    with psycopg.connect(url, autocommit=True) as connection:
        count = "SELECT count(*) FROM turns WHERE state = 'done'"
        while (connection.execute(count).fetchone() or (0,))[0] < turns:
            time.sleep(_LOOK)
            looks += 1
    return looks


def _costs(url: str) -> tuple[int, int, int]:
    """Commits and rows written so far, and bytes of the write-ahead log."""
    told = """
        SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,
               pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
        FROM pg_stat_database WHERE datname = current_database()
    """
    with psycopg.connect(url, autocommit=True) as connection:
        commits, rows, written = connection.execute(told).fetchone() or (0, 0, 0)
    return commits, rows, written


def _settings(database: str, upstream: str) -> str:
    return f"""
[server]
database_url = "{database}"
[cluster]
nats = "{NATS}"
name = "bench-{uuid4().hex[:8]}"
[providers.vendor]
base_url = "{upstream}"
[routes.main]
targets = ["vendor/ok"]
[bots.page]
platform = "webchat"
route = "main"
access = {{ direct = "open" }}
rate = {{ person = 1000000, conversation = 1000000 }}
"""


def report(measured: Sequence[Measured], turns: int) -> str:
    lines = "\n".join(
        f"| {workers} | {rate:.0f} | {commits:.1f} | {rows:.0f} | {written:.0f} |"
        for workers, rate, commits, rows, written in measured
    )
    return f"""## Short turns on a cluster

{turns} messages in {LANES} conversations, answered at once by a simulated model: from the first
that is sent to the end of the last turn, through one gateway. Everything shares
{os.cpu_count()} cores: PostgreSQL, NATS, the nodes, the model and the load generator, so more
workers cannot be faster here than the cores allow.

| workers | turns a second | commits a turn | rows written a turn | KiB of log a turn |
| --- | --- | --- | --- | --- |
{lines}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cluster", description=__doc__)
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--dry", action="store_true", help="do not keep the report")
    told = parser.parse_args()
    measured = [asyncio.run(measure(count, told.turns)) for count in told.workers]
    text = report(measured, told.turns)
    print(text)
    if not told.dry:
        keep(RESULTS, "cluster", text)


if __name__ == "__main__":
    main()
