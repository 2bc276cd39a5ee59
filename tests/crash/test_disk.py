"""A store that takes nothing more, as a full disk or a database that is away: what is new is
refused in words, what is under way goes on, and what was refused is answered once it can be.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from tests.conformance.databases import postgres_schema
from tests.crash.asking import Page, Question, judge_page
from tests.crash.cluster import LONG, SOME
from tests.crash.proxy import Proxy
from tests.crash.served import Lives
from tests.crash.town import settings
from tests.launching import Launcher
from tests.pulse import Pulse
from tests.serving import PATIENCE

from holdfast.bot import texts
from holdfast.sim.qq.people import Chat
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux")
SHORT = Question("And text:short")
LATER = Question("And then text:demo")


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


class Away:
    """A PostgreSQL whose line is cut."""

    def __init__(self, folder: Path, line: Proxy) -> None:
        self.folder = folder
        self._line = line

    def fill(self, process: int) -> None:
        self._line.cut()

    def free(self, process: int) -> None:
        self._line.mend()


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
    folder, pulse = disk.folder, Pulse()
    async with (
        SimulatedUpstream(sleep=pulse.sleep) as upstream,
        SimulatedQQ() as qq,
        Lives(launcher, folder, {}) as lives,
    ):
        (folder / "holdfast.toml").write_text(settings(upstream, qq), encoding="utf-8")
        process = lives.begin().pid
        page = Page(lives, "c" * 32)
        with pulse.held(after=SOME):
            reading = asyncio.create_task(page.follow(await page.say(LONG.words, "d" * 32)))
            await page.begun()
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


def test_a_full_disk_is_told_to_everybody_who_writes(launcher: Launcher, tmp_path: Path) -> None:
    asyncio.run(everybody_is_told(launcher, Limited(tmp_path)))


def test_a_small_disk_that_is_full_is_told_to_everybody_who_writes(
    launcher: Launcher, tmp_path: Path
) -> None:
    with mounted(tmp_path) as place:
        asyncio.run(everybody_is_told(launcher, Mounted(place)))


def test_a_database_that_is_away_is_told_to_everybody_who_writes(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main(database: str) -> None:
        async with Proxy(database) as line:
            table = f'[server]\ndatabase_url = "{line.url}"\n'
            await everybody_is_told(launcher, Away(tmp_path, line), table)

    with postgres_schema() as database:
        asyncio.run(main(database))


async def everybody_is_told(
    launcher: Launcher, store: Limited | Mounted | Away, server: str = ""
) -> None:
    """One after the other, on QQ's gateway, over its webhook, and on the page; and all of them are
    answered afterwards, whoever wrote twice in the order in which they wrote.
    """
    async with (
        SimulatedUpstream() as upstream,
        SimulatedQQ() as qq,
        SimulatedQQ(Rules(webhook_tries=100_000)) as calling,
        Lives(launcher, store.folder, {}) as lives,
    ):
        told = settings(upstream, qq, server + called(calling))
        (store.folder / "holdfast.toml").write_text(told, encoding="utf-8")
        life = lives.begin()
        url = await life.ready()
        calling.webhook.url = f"{url}/webhooks/called"
        await qq.connected()
        people = {door: [door.person() for _ in range(3)] for door in (qq, calling)}
        page = Page(lives, "c" * 32)
        store.fill(life.pid)
        for door, writers in people.items():
            for person in writers:
                person.says(SHORT.words)
                await door.until(partial(reads_something, person))
                assert person.reads[0] in texts.TEXTS["store_failed"]
        message = {"id": "e" * 32, "text": SHORT.words}
        path = f"/chat/api/conversations/{page.conversation}/messages"
        for _ in range(3):
            refused = await lives.http.post(url + path, json=message)
            assert refused.status_code == 503
        first = people[qq][0]
        first.says(LATER.words)
        store.free(life.pid)
        for door, writers in people.items():
            for person in writers:
                await door.until(partial(answered, person, SHORT))
        await qq.until(lambda: answered(first, LATER))
        bodies = [shown.body for shown in first.shown]
        assert bodies.index(SHORT.answer) < bodies.index(LATER.answer)
        after = await page.follow(await page.say(SHORT.words, "e" * 32))
        assert judge_page(after, SHORT) == ""
        assert len(qq.gateway.identified) == 1
        assert not [*qq.complaints, *calling.complaints]


def called(qq: SimulatedQQ) -> str:
    bot = "\n".join(f'{name} = "{value}"' for name, value in qq.settings("webhook").items())
    access = 'access = { direct = "open" }'
    return f'[bots.called]\nplatform = "qq"\nroute = "main"\n{access}\n{bot}\n'


def reads_something(chat: Chat) -> bool:
    return bool(chat.reads)


def answered(chat: Chat, question: Question) -> bool:
    """With a whole answer that is on the screen once."""
    whole = [shown for shown in chat.shown if shown.finished and shown.body == question.answer]
    return len(whole) == 1


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
