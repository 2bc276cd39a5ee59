"""A disk that takes nothing more: what is new is refused in words, what is under way goes on."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.crash.asking import Page, Question, judge_page
from tests.crash.served import Lives
from tests.crash.town import settings
from tests.launching import Launcher
from tests.serving import PATIENCE

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux")
LONG, SHORT = Question("Please text:long"), Question("And text:short")


class Limited:
    """No file of the process may grow: to it the disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, process: int) -> None:
        _limit(process, 1)

    def free(self, process: int) -> None:
        _limit(process, resource.RLIM_INFINITY)


def _limit(process: int, size: int) -> None:
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, most))


class Mounted:
    """A small disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, process: int) -> None:
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def free(self, process: int) -> None:
        self._filler.unlink()


@contextmanager
def mounted(folder: Path, options: str = "size=8m") -> Iterator[Path]:
    place = folder / "disk"
    place.mkdir()
    made = _mount("-t", "tmpfs", "-o", options, "tmpfs", str(place))
    if made.returncode != 0:
        pytest.xfail(f"this machine lets nobody mount: {made.stderr}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


def test_a_full_disk_costs_nobody_an_answer(launcher: Launcher, tmp_path: Path) -> None:
    asyncio.run(lived_through(launcher, Limited(tmp_path)))


def test_a_small_disk_that_is_full_costs_nobody_an_answer(
    launcher: Launcher, tmp_path: Path
) -> None:
    with mounted(tmp_path) as place:
        asyncio.run(lived_through(launcher, Mounted(place)))


async def lived_through(launcher: Launcher, disk: Limited | Mounted) -> None:
    folder = disk.folder
    async with (
        SimulatedUpstream() as upstream,
        SimulatedQQ() as qq,
        Lives(launcher, folder, {}) as lives,
    ):
        (folder / "holdfast.toml").write_text(settings(upstream, qq), encoding="utf-8")
        process = lives.begin().pid
        page = Page(lives, "c" * 32)
        reading = asyncio.create_task(page.follow(await page.say(LONG.words, "d" * 32)))
        await page.until(5)
        disk.fill(process)
        while page.text != LONG.answer:
            await page.until(len(page.read) + 1)
        _, url = await lives.url()
        message = {"id": "e" * 32, "text": SHORT.words}
        path = f"/chat/api/conversations/{page.conversation}/messages"
        refused = await lives.http.post(url + path, json=message)
        assert refused.status_code == 503
        assert "send it again" in refused.json()["error"]
        assert "store" in (await lives.http.get(f"{url}/readyz")).json()
        disk.free(process)
        assert judge_page(await reading, LONG) == ""
        after = await page.follow(await page.say(SHORT.words, "e" * 32))
        assert judge_page(after, SHORT) == ""


def test_on_a_disk_that_is_read_only_it_does_not_start_and_says_why(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main(place: Path) -> None:
        async with (
            SimulatedUpstream() as upstream,
            SimulatedQQ() as qq,
            Lives(launcher, tmp_path, {}) as lives,
        ):
            table = f'[server]\ndata_dir = "{place}"\n'
            told = settings(upstream, qq, table)
            (tmp_path / "holdfast.toml").write_text(told, encoding="utf-8")
            life = lives.begin()
            async with asyncio.timeout(PATIENCE):
                await life.over.wait()
        said = (tmp_path / "stderr.txt").read_text("utf-8")
        assert "Read-only file system" in said
        assert str(place) in said
        assert "Traceback" not in said

    with mounted(tmp_path, "ro") as place:
        asyncio.run(main(place))
