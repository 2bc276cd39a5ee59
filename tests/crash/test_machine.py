"""What the machine does to whole servers: PostgreSQL and NATS die and come back, the clock is set,
the database takes nothing more.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.crash.asking import ROUTE, Page, Question, judge_call, judge_page
from tests.crash.cluster import LONG, SOME, Cluster, Story, cluster, played
from tests.crash.machine import Clock, Nats, Postgres, postgres
from tests.crash.served import Lives
from tests.crash.town import SEED, WORK, Town, settings, settled
from tests.launching import Launcher
from tests.ports import reserved
from tests.pulse import Pulse
from tests.serving import PATIENCE

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.store.database import Database
from holdfast.store.ports import Entry, StoreFailed, Turn
from holdfast.store.turns import SqlTurns

NODES = ("gateway", "worker1", "worker2", "connector1", "connector2")
AN_HOUR = 3600
SHORT = Question("And text:short")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]

Blow = Callable[[], Awaitable[None]]


async def lived_through(town: Town, pulse: Pulse, *blows: Blow) -> None:
    """People of every kind come; each blow falls when some have got some of their answers."""
    dice = random.Random(SEED)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(town.live(over))
        for blow in blows:
            await pulse.beats(dice.randrange(WORK))
            await blow()
        await pulse.beats(WORK)
        over.set()
    problems = town.judge()
    print(f"answered {dict(town.answered)}, {town.orphans} streams lost")
    assert not problems, "\n".join(problems)


@asynccontextmanager
async def server(
    launcher: Launcher, folder: Path, more: str = "", env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Lives, Town, Pulse]]:
    """One whole server, with people around it."""
    ledger = folder / "ledger.txt"
    ledger.touch()
    pulse = Pulse()
    async with SimulatedUpstream(sleep=pulse.sleep) as upstream, SimulatedQQ() as qq:
        (folder / "holdfast.toml").write_text(settings(upstream, qq, more), encoding="utf-8")
        known = {"HOLDFAST_CRASH_LEDGER": str(ledger), **(env or {})}
        async with Lives(launcher, folder, known) as lives:
            await lives.begin().ready()
            await settled(qq)
            yield lives, Town(lives, qq, ledger, SEED), pulse


def on(database: Postgres) -> str:
    return f'[server]\ndatabase_url = "{database.url}"\n'


async def born_again(lives: Lives) -> None:
    await lives.life.ready()
    await lives.life.kill()
    lives.begin()


def test_postgres_dies_in_mid_answer_and_comes_back(launcher: Launcher, tmp_path: Path) -> None:
    async def main(database: Postgres) -> None:
        async with server(launcher, tmp_path, on(database)) as (lives, town, pulse):

            async def both() -> None:
                await database.restart()
                await born_again(lives)

            await lived_through(town, pulse, database.restart, database.restart)

    with postgres() as database:
        asyncio.run(main(database))


ALONE = b"SELECT pg_try_advisory_lock(hashtext(current_schema() || '.alone'))"


def locked(database: Postgres) -> bool:
    """Whether some process is alone there."""
    with psycopg.connect(database.url, autocommit=True) as other:
        row = other.execute("SELECT FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        return row is not None


def test_a_server_keeps_its_database_to_itself_when_that_has_come_back(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async with server(launcher, tmp_path, on(database)) as (lives, town, _):
            assert locked(database)
            await database.restart()
            async with asyncio.timeout(PATIENCE):
                while not await asyncio.to_thread(locked, database):
                    await asyncio.sleep(0)
            await town.round()
            assert not lives.life.over.is_set()

    with postgres() as database:
        asyncio.run(main(database))


def test_a_server_whose_database_was_taken_by_another_says_so_and_ends(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async with server(launcher, tmp_path, on(database)) as (lives, _, _):
            lives.life.signal(signal.SIGSTOP)
            await database.restart()
            with psycopg.connect(database.url, autocommit=True) as other:
                other.execute(ALONE)
                lives.life.signal(signal.SIGCONT)
                async with asyncio.timeout(PATIENCE):
                    await lives.life.over.wait()
        said = (tmp_path / "stderr.txt").read_text("utf-8")
        assert "another holdfast serve works there" in said

    with postgres() as database:
        asyncio.run(main(database))


def test_what_was_told_to_be_written_outlives_a_crash_of_postgres() -> None:
    """Readers have read it, and the turn goes on: without it there would be a hole."""
    entries = [Entry(n, {"type": "text_added", "text": f"{n} "}) for n in range(1, 6)]
    with postgres() as server:
        database = Database(server.url)
        turns = SqlTurns(database)
        turn = Turn("1", "lane", {}, 0.0)
        taken = turns.start(turn, 10, "me").result()
        assert taken
        for entry in entries:
            turns.append(taken.fence, turn.id, [entry], hard=False).result()
        asyncio.run(server.restart())
        after = Entry(6, {"type": "ended"})
        turns.append(taken.fence, turn.id, [after], hard=True).result()
        assert list(turns.events(turn.id)) == [*entries, after]
        database.close()


def test_of_all_connections_that_a_crash_of_postgres_broke_one_is_met() -> None:
    with postgres() as server:
        database = Database(server.url)
        turns = SqlTurns(database)
        with ExitStack() as stack:
            for _ in range(3):  # which idle in the pool then
                connection = stack.enter_context(database.read())
                connection.exec_driver_sql("SELECT 1")
        asyncio.run(server.restart())
        with pytest.raises(StoreFailed):
            turns.find("1")
        for _ in range(3):
            assert turns.find("1") is None
        database.close()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    with reserved() as port:
        yield Nats(tmp_path / "nats", port)


def test_postgres_dies_under_a_cluster_and_comes_back(
    launcher: Launcher, nats: Nats, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async def story(there: Cluster) -> None:
            town = there.town(SEED)
            await lived_through(town, there.pulse, database.restart, database.restart)

        await on_own_servers(launcher, tmp_path, database, nats, story)

    with postgres() as database:
        asyncio.run(main(database))


async def reads(lives: Lives, path: str) -> tuple[int, bytes]:
    """On one connection, which nobody makes again; what only kept it open through silence aside."""
    _, url = await lives.url()
    async with asyncio.timeout(PATIENCE):
        answer = await lives.http.get(url + path)
    return answer.status_code, answer.content.replace(b": hb\n\n", b"")


def test_readers_outlive_a_restart_of_postgres(launcher: Launcher, tmp_path: Path) -> None:
    async def main(database: Postgres) -> None:
        async with server(launcher, tmp_path, on(database)) as (lives, _, pulse):
            await read_through(lives, pulse, database)

    with postgres() as database:
        asyncio.run(main(database))


def test_readers_on_a_node_outlive_a_restart_of_postgres(
    launcher: Launcher, nats: Nats, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async def story(there: Cluster) -> None:
            await read_through(there.gateway, there.pulse, database)

        await on_own_servers(launcher, tmp_path, database, nats, story)

    with postgres() as database:
        asyncio.run(main(database))


async def read_through(lives: Lives, pulse: Pulse, database: Postgres) -> None:
    """A page and a client of the gateway read on; and whoever comes after the restart can."""
    page = Page(lives, "c" * 32)
    _, url = await lives.url()
    body = {"model": ROUTE, "messages": [{"role": "user", "content": LONG.words}], "stream": True}
    asked = f"{url}/v1/chat/completions"
    asking = lives.http.stream("POST", asked, json=body, headers={"x-holdfast-resume": "1"})
    async with AsyncExitStack() as stack:
        with pulse.held(after=SOME):
            turn = await page.say(LONG.words, "d" * 32)
            path = f"/chat/api/turns/{turn}/events?after=0"
            reading = asyncio.create_task(reads(lives, path))
            following = asyncio.create_task(page.follow(turn))
            await page.begun()
            told = (await stack.enter_async_context(asking)).aiter_raw()
            read = await anext(told)
            await database.restart()
            later = asyncio.create_task(reads(lives, path))
        async for piece in told:
            read += piece
    assert judge_call(read, LONG) == ""
    status, whole = await reading
    assert (status, await later) == (200, (200, whole))
    assert whole.endswith(b'data: {"end": true}\n\n')
    assert judge_page(await following, LONG) == ""


async def on_own_servers(
    launcher: Launcher,
    folder: Path,
    database: Postgres,
    nats: Nats,
    story: Story,
    env: Mapping[str, str] | None = None,
) -> None:
    name = f"holdfast{uuid4().hex}"[:32]
    await nats.start()
    try:
        async with cluster(launcher, folder, database.url, nats.url, name) as there:
            there.env |= env or {}
            await played(there, story, NODES)
    finally:
        await nats.kill()


def test_nats_dies_under_a_cluster_and_comes_back_with_its_disk_and_without(
    launcher: Launcher, nats: Nats, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async def forgets() -> None:
            await nats.restart(forgetful=True)

        async def story(there: Cluster) -> None:
            town = there.town(SEED)
            await lived_through(town, there.pulse, nats.restart, forgets, nats.kill, nats.start)

        await on_own_servers(launcher, tmp_path, database, nats, story)

    with postgres() as database:
        asyncio.run(main(database))


def setting(clock: Clock, ahead: int) -> Blow:
    async def blow() -> None:
        clock.set(ahead)

    return blow


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    yield made
    made.remove()


@pytest.mark.parametrize("first", [AN_HOUR, -AN_HOUR])
def test_the_clock_is_set_by_an_hour_and_set_right(
    launcher: Launcher, clock: Clock, tmp_path: Path, first: int
) -> None:
    async def main() -> None:
        async with server(launcher, tmp_path, env=clock.ours) as (lives, town, pulse):

            async def again() -> None:
                await born_again(lives)

            blows = (setting(clock, first), again, setting(clock, 0), again)
            await lived_through(town, pulse, *blows)

    asyncio.run(main())


@pytest.mark.parametrize("first", [AN_HOUR, -AN_HOUR])
def test_the_clock_of_a_cluster_and_its_database_is_set(
    launcher: Launcher, nats: Nats, clock: Clock, tmp_path: Path, first: int
) -> None:
    async def main(database: Postgres) -> None:
        async def story(there: Cluster) -> None:
            async def again() -> None:
                for name in ("worker1", "connector1"):
                    await there.nodes[name].life.ready()
                    await there.nodes[name].life.kill()
                    await there.begin(name)

            blows = (setting(clock, first), again, setting(clock, 0), again)
            await lived_through(there.town(SEED), there.pulse, *blows)

        await on_own_servers(launcher, tmp_path, database, nats, story, clock.ours)

    with postgres(clock.theirs) as database:
        asyncio.run(main(database))


def test_a_database_that_has_become_read_only_costs_nobody_an_answer(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main(database: Postgres) -> None:
        async with server(launcher, tmp_path, on(database)) as (lives, town, pulse):
            page = Page(lives, "c" * 32)
            with pulse.held(after=SOME):
                reading = asyncio.create_task(page.follow(await page.say(LONG.words, "d" * 32)))
                await page.begun()
                database.set_read_only(True)
            while page.text != LONG.answer:
                await page.until(len(page.read) + 1)
            _, url = await lives.url()
            message = {"id": "e" * 32, "text": SHORT.words}
            path = f"/chat/api/conversations/{page.conversation}/messages"
            refused = await lives.http.post(url + path, json=message)
            assert refused.status_code == 503
            assert "send it again" in refused.json()["error"]
            assert "read-only" in (await lives.http.get(f"{url}/readyz")).json()["store"]
            database.set_read_only(False)
            async with asyncio.timeout(PATIENCE):
                assert judge_page(await reading, LONG) == ""
            after = await page.follow(await page.say(SHORT.words, "e" * 32))
            assert judge_page(after, SHORT) == ""
            await town.round()
            problems = town.judge()
            assert not problems, "\n".join(problems)

    with postgres() as database:
        asyncio.run(main(database))
