"""Names that are looked up: apart from the loop's own threads, and once for all who ask."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.upstream.leaks import HANG, settle
from tests.upstream.peers import run

from holdfast.upstream.resolving import Resolver

pytestmark = pytest.mark.usefixtures("every_loop")

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[str]]]:
    """A resolver that is silent until it is let go, and whom it was asked for."""
    go, asked = threading.Event(), []

    def lookup(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        go.wait(HANG)
        if host == "nobody.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield go, asked
    go.set()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 7))),
        ("::1", (socket.AF_INET6, ("::1", 7, 0, 0))),
    ],
)
def test_an_address_needs_no_lookup(
    host: str, address: Any, held: tuple[threading.Event, list[str]]
) -> None:
    async def main() -> Any:
        return await Resolver().addresses(host, 7)

    assert run(main()) == [address]
    assert held[1] == []


def test_all_who_ask_for_a_name_share_one_lookup(held: tuple[threading.Event, list[str]]) -> None:
    go, asked = held

    async def main() -> None:
        resolver = Resolver()
        waiting = [asyncio.create_task(resolver.addresses("slow.invalid", 80)) for _ in range(50)]
        await settle()
        waiting.pop().cancel()
        await settle()
        go.set()
        for found in await asyncio.gather(*waiting):
            assert found == [(socket.AF_INET, ("192.0.2.1", 80))]
        assert asked == ["slow.invalid"]
        await resolver.addresses("slow.invalid", 80)
        assert len(asked) == 2

    run(main())


def test_a_silent_resolver_takes_none_of_the_loops_threads(
    held: tuple[threading.Event, list[str]],
) -> None:
    async def main() -> None:
        resolver = Resolver()
        waiting = [
            asyncio.create_task(resolver.addresses(f"{number}.invalid", 80)) for number in range(70)
        ]
        await settle()
        assert await asyncio.to_thread(lambda: "done") == "done"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    run(main())


def test_a_name_that_nobody_waits_for_any_more_fails_in_silence(
    held: tuple[threading.Event, list[str]],
) -> None:
    async def main() -> None:
        resolver = Resolver()
        asking = asyncio.create_task(resolver.addresses("nobody.invalid", 80))
        await settle()
        asking.cancel()
        held[0].set()
        with pytest.raises(socket.gaierror):
            await resolver.addresses("nobody.invalid", 80)

    run(main())
