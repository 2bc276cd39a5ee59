"""A disk that takes nothing more: what is new is refused in words, what is under way goes on."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path

import pytest
from tests.crash.asking import Page, Question, judge_page
from tests.crash.served import Launcher, Lives
from tests.crash.town import settings

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux")
LONG, SHORT = Question("Please text:long"), Question("And text:short")


def limit(process: int, size: int) -> None:
    """No file of the process may grow beyond so many bytes: to it the disk is full."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, most))


def test_a_full_disk_costs_nobody_an_answer(launcher: Launcher, tmp_path: Path) -> None:
    async def main() -> None:
        async with SimulatedUpstream() as upstream, SimulatedQQ() as qq:
            (tmp_path / "holdfast.toml").write_text(settings(upstream, qq), encoding="utf-8")
            async with Lives(launcher, tmp_path, {}) as lives:
                process = lives.begin().pid
                page = Page(lives, "c" * 32)
                reading = asyncio.create_task(page.follow(await page.say(LONG.words, "d" * 32)))
                await page.until(5)
                limit(process, 1)
                while page.text != LONG.answer:
                    await page.until(len(page.read) + 1)
                _, url = await lives.url()
                message = {"id": "e" * 32, "text": SHORT.words}
                path = f"/chat/api/conversations/{page.conversation}/messages"
                refused = await lives.http.post(url + path, json=message)
                assert refused.status_code == 503
                assert "send it again" in refused.json()["error"]
                assert "store" in (await lives.http.get(f"{url}/readyz")).json()
                limit(process, resource.RLIM_INFINITY)
                assert judge_page(await reading, LONG) == ""
                after = await page.follow(await page.say(SHORT.words, "e" * 32))
                assert judge_page(after, SHORT) == ""

    asyncio.run(main())
