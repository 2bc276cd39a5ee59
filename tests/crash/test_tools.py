"""A tool that must not be used twice, on a server of tools: that server dies, or ours does."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.crash.asking import Page, Question, judge_page
from tests.crash.served import Lives
from tests.crash.town import SEED
from tests.launching import Launcher
from tests.serving import configuration

from holdfast.sim.upstream import SimulatedUpstream

TILL = Path(__file__).parent / "till.py"
TAKES = 0.2  # seconds for a payment
TRIPS = 6
BUY = Question("Please tool:till__pay", tool=True)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


def settings(base_url: str, folder: Path) -> str:
    arguments = [str(folder / "ledger.txt"), str(folder / "pid.txt"), str(TAKES)]
    command = [sys.executable, "-S", "-E", str(TILL), *arguments]
    more = f"""
[mcp.till]
command = {command}

[bots.page]
platform = "webchat"
route = "main"
tools = ["mcp:till"]
access = {{ direct = "open" }}
rate = {{ person = 100000, conversation = 100000 }}
"""
    return configuration(base_url, {"main": ["ok;chunk=64"]}, more)


async def the_server_dies(lives: Lives, folder: Path) -> None:
    await lives.life.kill()
    lives.begin()


async def the_till_dies(lives: Lives, folder: Path) -> None:
    kill_till(folder)


def kill_till(folder: Path) -> None:
    """If it lives: a till ends with its server, and its number may be another's by now."""
    pid = folder / "pid.txt"
    if not pid.exists():
        return
    number = pid.read_text("utf-8")
    try:
        till = os.pidfd_open(int(number))
    except ProcessLookupError:
        return
    try:
        if os.fsencode(folder) in Path(f"/proc/{number}/cmdline").read_bytes():
            signal.pidfd_send_signal(till, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        pass
    finally:
        os.close(till)


@pytest.mark.parametrize("blow", [the_server_dies, the_till_dies])
def test_nobody_pays_twice_whoever_dies(launcher: Launcher, tmp_path: Path, blow: Any) -> None:
    ledger = tmp_path / "ledger.txt"
    ledger.touch()

    async def main() -> None:
        dice = random.Random(SEED)
        doubts = 0
        async with SimulatedUpstream() as upstream, Lives(launcher, tmp_path, {}) as lives:
            (tmp_path / "holdfast.toml").write_text(settings(upstream.base_url, tmp_path))
            await lives.begin().ready()
            for _ in range(TRIPS):
                before = len(ledger.read_text("utf-8").splitlines())
                page = Page(lives, f"{dice.getrandbits(128):032x}")
                reading = page.follow(await page.say(BUY.words, f"{dice.getrandbits(128):032x}"))
                async with asyncio.TaskGroup() as group:
                    entries = group.create_task(reading)
                    await lives.life.ready()
                    await lives.life.survives(dice.uniform(0.0, 2 * TAKES))
                    await blow(lives, tmp_path)
                paid = len(ledger.read_text("utf-8").splitlines()) - before
                assert judge_page(entries.result(), BUY) == ""
                assert paid <= 1
                assert paid or page.doubt
                doubts += page.doubt
                if page.doubt:
                    told = str(upstream.requests[-1].body["messages"][-1]["content"])
                    assert "unknown" in told, "the model is told too"
        print(f"{TRIPS} trips, {doubts} in doubt")

    asyncio.run(main())
