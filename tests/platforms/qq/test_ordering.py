"""Messages of one conversation are kept in their order, those of others meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from holdfast.bot.event import Inbound, Notice, Person, Place, Scene
from holdfast.platforms.qq.ordering import InOrder, OnConnection
from holdfast.store.ports import StoreFailed


def message(name: str) -> Inbound:
    """`name` is the conversation's letter and a number."""
    place = Place(f"qq:c2c:{name[0]}", Scene.DIRECT)
    return Inbound("b", "qq", name, place, Person(name[0]), name, 0.0)


class Store:
    """A sink that is told when, and whether, it has kept each message."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._keeping: dict[str, asyncio.Future[bool]] = {}

    async def take(self, event: Inbound | Notice) -> bool:
        self.asked.append(event.id)
        self._keeping[event.id] = asyncio.get_running_loop().create_future()
        if not await self._keeping[event.id]:
            raise StoreFailed("the disk is full")
        return True

    async def kept(self, name: str, *, safe: bool = True) -> None:
        self._keeping[name].set_result(safe)
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def played(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_conversations_do_not_wait_for_each_other_and_messages_do() -> None:
    async def scene() -> None:
        store = Store()
        sink = InOrder(store.take)
        tasks = [asyncio.create_task(sink(message(name))) for name in ("a1", "a2", "b1", "a3")]
        await settled()
        assert store.asked == ["a1", "b1"]
        await store.kept("a1")
        assert store.asked == ["a1", "b1", "a2"]
        await store.kept("a2")
        await store.kept("b1")
        await store.kept("a3")
        assert all(await asyncio.gather(*tasks))

    played(scene)


def test_behind_a_message_that_was_not_kept_none_of_its_conversation_is() -> None:
    async def scene() -> None:
        store = Store()
        sink = InOrder(store.take)
        tasks = [asyncio.create_task(sink(message(name))) for name in ("a1", "a2", "b1", "a3")]
        await settled()
        await store.kept("a1", safe=False)
        await store.kept("b1")
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, StoreFailed) for one in outcomes] == [True, True, False, True]
        assert store.asked == ["a1", "b1"]
        again = asyncio.create_task(sink(message("a1")))
        await settled()
        await store.kept("a1")
        assert await again

    played(scene)


def test_who_stops_waiting_stops_nobody_else() -> None:
    async def scene() -> None:
        store = Store()
        sink = InOrder(store.take)
        first, second, third = (asyncio.create_task(sink(message(f"a{n}"))) for n in (1, 2, 3))
        await settled()
        second.cancel()
        await store.kept("a1")
        assert await first
        with pytest.raises(asyncio.CancelledError):
            await second
        with pytest.raises(StoreFailed):
            await third

    played(scene)


def test_what_comes_again_while_it_is_still_being_refused_is_kept_and_all_behind_it() -> None:
    async def scene() -> None:
        store = Store()
        sink = InOrder(store.take)
        names = ("a1", "a2", "a1", "a2")  # of one connection, and of the next
        tasks = [asyncio.create_task(sink(message(name))) for name in names]
        await settled()
        await store.kept("a1", safe=False)
        assert store.asked == ["a1", "a1"]
        await store.kept("a1")
        await store.kept("a2")
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, StoreFailed) for one in outcomes] == [True, True, False, False]

    played(scene)


def test_what_comes_behind_one_that_was_not_kept_waits_for_it_and_others_do_not() -> None:
    """However much later it comes on that connection: on the next one all of it comes again."""

    async def scene() -> None:
        store = Store()
        ordered = InOrder(store.take)
        first = OnConnection(ordered)
        refused = asyncio.create_task(first(message("a1")))
        await settled()
        await store.kept("a1", safe=False)
        with pytest.raises(StoreFailed):
            await refused
        with pytest.raises(StoreFailed):
            await first(message("a2"))
        other = asyncio.create_task(first(message("b1")))
        await settled()
        await store.kept("b1")
        assert await other
        assert store.asked == ["a1", "b1"]
        second = OnConnection(ordered)
        tasks = [asyncio.create_task(second(message(name))) for name in ("a1", "a2")]
        await settled()
        await store.kept("a1")
        await store.kept("a2")
        assert await asyncio.gather(*tasks) == [True, True]

    played(scene)


def test_what_comes_again_on_the_same_connection_opens_the_way_behind_it() -> None:
    async def scene() -> None:
        store = Store()
        sink = OnConnection(InOrder(store.take))
        for safe in (False, True):
            task = asyncio.create_task(sink(message("a1")))
            await settled()
            await store.kept("a1", safe=safe)
            await asyncio.gather(task, return_exceptions=True)
        behind = asyncio.create_task(sink(message("a2")))
        await settled()
        await store.kept("a2")
        assert await behind

    played(scene)


def test_what_never_comes_again_is_not_waited_for_on_another_connection() -> None:
    async def scene() -> None:
        store = Store()
        ordered = InOrder(store.take)
        lost = asyncio.create_task(OnConnection(ordered)(message("a1")))
        await settled()
        await store.kept("a1", safe=False)
        with pytest.raises(StoreFailed):
            await lost
        behind = asyncio.create_task(OnConnection(ordered)(message("a2")))
        await settled()
        await store.kept("a2")
        assert await behind

    played(scene)
