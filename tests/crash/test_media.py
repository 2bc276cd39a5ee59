"""The server is killed around the moment at which a picture is sent: it comes, and once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest
from tests.crash.served import Lives
from tests.crash.town import SEED, orphans, settled
from tests.launching import Launcher
from tests.serving import PATIENCE, configuration
from tests.upstream.leaks import until

from holdfast.sim.qq.people import Person
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

TILL = Path(__file__).parent / "till.py"
TAKES = 0.1  # seconds for a picture
TRIPS = 8

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


def settings(base_url: str, qq: SimulatedQQ, folder: Path) -> str:
    arguments = [str(folder / "ledger.txt"), str(folder / "pid.txt"), str(TAKES)]
    command = [sys.executable, "-S", "-E", str(TILL), *arguments]
    told = "\n".join(f"{key} = {json.dumps(value)}" for key, value in qq.settings().items())
    more = f"""
[mcp.till]
command = {json.dumps(command)}

[bots.helper]
platform = "qq"
{told}
route = "main"
tools = ["mcp:till"]
access = {{ direct = "open" }}
"""
    return configuration(base_url, {"main": ["ok;chunk=64"]}, more)


async def at_any_time(qq: SimulatedQQ, before: int, dice: random.Random) -> None:
    await asyncio.sleep(dice.uniform(0.0, 3 * TAKES))


async def at_the_upload(qq: SimulatedQQ, before: int, dice: random.Random) -> None:
    await until(lambda: any(one.path.endswith("/files") for one in qq.asked[before:]))


async def at_the_message(qq: SimulatedQQ, before: int, dice: random.Random) -> None:
    await until(lambda: any("media" in one.body for one in qq.asked[before:]))


def is_told(anna: Person) -> bool:
    """All is at its end, but for a stream whose name nobody was told before the process died."""
    lost = orphans(anna)
    return len(anna.shown) > 1 + len(lost) and all(one in lost for one in anna.generating)


def pictures(anna: Person) -> int:
    return sum(shown.kind == "media" for shown in anna.shown)


@pytest.mark.parametrize("moment", [at_any_time, at_the_upload, at_the_message])
def test_a_picture_comes_once_whenever_the_server_dies(
    launcher: Launcher, tmp_path: Path, moment: type
) -> None:
    async def main() -> None:
        dice = random.Random(SEED)
        async with (
            SimulatedQQ() as qq,
            SimulatedUpstream() as upstream,
            Lives(launcher, tmp_path, {}) as lives,
        ):
            (tmp_path / "holdfast.toml").write_text(settings(upstream.base_url, qq, tmp_path))
            await lives.begin().ready()
            await settled(qq)
            for trip in range(TRIPS):
                async with asyncio.timeout(PATIENCE):
                    await qq.connected()
                    anna, before = qq.person(f"Anna {trip}"), len(qq.asked)
                    anna.says("Please tool:till__draw")
                    await moment(qq, before, dice)
                    await lives.life.kill()
                    await lives.begin().ready()
                    await until(lambda: is_told(anna))  # noqa: B023
                assert pictures(anna) == 1
                assert anna.shown[0].kind == "media", "before the words that follow it"
            assert qq.complaints == []

    asyncio.run(main())
