"""A PostgreSQL that is stopped, or behind a network that swallows everything, is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.conformance.databases import postgres_schema
from tests.crash.proxy import Proxy
from tests.upstream.leaks import HANG

from holdfast.store.answering import Answering
from holdfast.store.database import Database
from holdfast.store.ports import StoreFailed, Turn
from holdfast.store.turns import SqlTurns

READERS = 15  # as many connections as there may be

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patient")]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "silence", HANG)


Story = Callable[[Database, Proxy], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    async def main(url: str) -> None:
        async with asyncio.timeout(HANG), Proxy(url) as line:
            database = await asyncio.to_thread(Database, line.url)
            await story(database, line)
            await asyncio.to_thread(database.close)

    with postgres_schema() as url:
        asyncio.run(main(url))


@asynccontextmanager
async def silent(line: Proxy) -> AsyncIterator[None]:
    """The server says nothing, and nobody waits for it any longer than that is noticed."""
    line.swallow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Answering, "silence", 0.0)
        yield
    line.mend()


def test_looks_at_a_silent_server_fail_and_use_nothing_up() -> None:
    async def story(database: Database, line: Proxy) -> None:
        turns, loop = SqlTurns(database), asyncio.get_running_loop()
        with ThreadPoolExecutor(READERS) as threads:

            async def looks() -> list[object]:
                asked = [loop.run_in_executor(threads, turns.find, "1") for _ in range(READERS)]
                return await asyncio.gather(*asked, return_exceptions=True)

            assert await looks() == [None] * READERS
            async with silent(line):
                assert {type(failed) for failed in await looks()} == {StoreFailed}
            assert await looks() == [None] * READERS

    told(story)


def test_what_is_written_to_a_silent_server_fails_and_is_there_once() -> None:
    async def story(database: Database, line: Proxy) -> None:
        turns, turn = SqlTurns(database), Turn("1", "lane", {}, 0.0)
        assert await asyncio.wrap_future(turns.accept(Turn("0", "lane", {}, 0.0), 10))
        async with silent(line):
            with pytest.raises(StoreFailed):
                await asyncio.wrap_future(turns.accept(turn, 10))
        await asyncio.wrap_future(turns.accept(turn, 10))
        assert len(await asyncio.to_thread(turns.waiting, "lane")) == 2

    told(story)


def test_what_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of a large table is made by one statement, in which nothing is heard."""

    async def story(database: Database, line: Proxy) -> None:
        def migrates() -> None:
            with database.engine.begin() as connection:
                database.habits.take_time(connection)
                monkeypatch.setattr(Answering, "silence", 0.0)
                connection.exec_driver_sql("SELECT pg_sleep(0.3)")
                monkeypatch.setattr(Answering, "silence", HANG)

        def next_one() -> float:
            with database.read() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, Answering)
                return driver.silence

        await asyncio.to_thread(migrates)
        assert await asyncio.to_thread(next_one) == HANG

    told(story)
