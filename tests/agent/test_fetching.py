"""Pages from real sockets; no way into the network of the house."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests import ports
from tests.upstream import peers
from tests.upstream.peers import Peer, Visit, peer
from tests.upstream.virtual import LoopClock

from holdfast.agent.builtins import builtins
from holdfast.agent.fetching import MOST, Fetcher, Page
from holdfast.agent.toolrun import run_tool
from holdfast.agent.tools import ToolContext, ToolFailed
from holdfast.core.message import ToolCall
from holdfast.upstream.guard import is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # the metadata of clouds
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2002:a00:1::1", False),
        ("2001:0:7f00:1::", False),
        ("2001:db8::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def everywhere(_: str) -> bool:
    return True


async def fetched(url: str, fetcher: Fetcher | None = None) -> Page:
    fetcher = fetcher or Fetcher(everywhere)
    try:
        return await fetcher.fetch(url)
    finally:
        await fetcher.aclose()


def run(main: Coroutine[Any, Any, None]) -> None:
    peers.run(main)


def answer(body: bytes, kind: str = "text/html", status: int = 200, **headers: str) -> bytes:
    fields = {"content-type": kind, "content-length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def serving(pages: Mapping[str, bytes]) -> AbstractAsyncContextManager[Peer]:
    async def manner(visit: Visit) -> None:
        while head := await visit.request():
            await visit.send(pages[head.split(b" ")[1].decode()])

    return peer(manner)


def test_a_page_is_fetched_and_read() -> None:
    page = answer(b"<title>T</title><p>Hello <a href=x>there</a>")

    async def main() -> None:
        async with serving({"/a/b": page}) as there:
            found = await fetched(f"{there.url}/a/b")
        assert (found.title, found.cut) == ("T", False)
        assert found.text == f"Hello [there]({there.url}/a/x)"

    run(main())


def test_redirects_are_followed_a_few_times() -> None:
    async def main() -> None:
        pages = {
            "/1": answer(b"", status=302, location="/2"),
            "/2": answer(b"there", "text/plain"),
            "/loop": answer(b"", status=301, location="/loop"),
        }
        async with serving(pages) as there:
            assert (await fetched(f"{there.url}/1")).text == "there"
        async with serving(pages) as there:
            with pytest.raises(ToolFailed, match="redirects"):
                await fetched(f"{there.url}/loop")

    run(main())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/"],
)
def test_the_house_cannot_be_reached(url: str) -> None:
    async def main() -> None:
        async with serving({}) as there:
            with pytest.raises(ToolFailed, match="not on the public internet"):
                await fetched(url.format(port=there.port), Fetcher())
            assert not there.visits

    run(main())


def test_a_redirect_into_the_house_is_refused() -> None:
    """The page is outside, as far as this test says; where it sends us is inside."""

    async def main() -> None:
        async with serving({"/secret": answer(b"secret", "text/plain")}) as inside:
            target = f"http://localhost:{inside.port}/secret"
            outer = {"/": answer(b"", status=307, location=target)}
            async with serving(outer) as outside:
                allowed = iter([True])  # the first address that is asked about, and no other
                fetcher = Fetcher(lambda _: next(allowed, False))
                with pytest.raises(ToolFailed, match="localhost is not on the public internet"):
                    await fetched(f"{outside.url}/", fetcher)
            assert not inside.visits

    run(main())


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def rebinding(host: str, port: int, **_: Any) -> list[Any]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("93.184.216.34", "127.0.0.1")
            ]

        monkeypatch.setattr(loop, "getaddrinfo", rebinding)
        with pytest.raises(ToolFailed, match="not on the public internet"):
            await fetched("http://sneaky.invalid/", Fetcher())

    run(main())


def test_the_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with serving({"/": answer(b"ok", "text/plain")}) as there:
            loop = asyncio.get_running_loop()
            asked: list[str] = []

            async def once(host: str, port: int, **_: Any) -> list[Any]:
                asked.append(host)
                where = ("127.0.0.1", port)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", where)]

            checked: list[str] = []
            monkeypatch.setattr(loop, "getaddrinfo", once)
            fetcher = Fetcher(lambda address: not checked.append(address))  # type: ignore[func-returns-value]
            found = await fetched(f"http://name.invalid:{there.port}/", fetcher)
            assert found.text == "ok"
            assert checked == ["127.0.0.1"]
            assert [host for host in asked if host == "name.invalid"] == ["name.invalid"]

    run(main())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.com/", "only http and https"),
        ("gopher://127.0.0.1:6379/_x", "only http and https"),
        ("http://user:pass@example.com/", "user name"),
        ("http://", "only http and https"),
        ("http://exa mple:x/", "no valid URL"),
        ("https://e.com/" + "a" * 3000, "longer than"),
    ],
)
def test_urls_that_are_not_fetched(url: str, told: str) -> None:
    async def main() -> None:
        with pytest.raises(ToolFailed, match=told):
            await fetched(url)

    run(main())


def test_cookies_of_one_fetch_are_not_sent_with_the_next() -> None:
    heads: list[bytes] = []

    async def manner(visit: Visit) -> None:
        while head := await visit.request():
            heads.append(head.lower())
            await visit.send(answer(b"ok", "text/plain", set_cookie="session=secret; Path=/"))

    async def main() -> None:
        async with peer(manner) as there:
            fetcher = Fetcher(everywhere)
            for _ in range(2):
                assert (await fetcher.fetch(there.url)).text == "ok"
            await fetcher.aclose()
        assert len(heads) == 2
        assert not any(b"cookie" in head for head in heads)
        assert b"user-agent: holdfast/" in heads[0]

    run(main())


def test_an_error_answer_is_told_without_its_body() -> None:
    async def main() -> None:
        async with serving({"/": answer(b"internal detail", status=503)}) as there:
            with pytest.raises(ToolFailed) as failed:
                await fetched(f"{there.url}/")
            assert str(failed.value) == "127.0.0.1 answered 503"

    run(main())


def test_what_is_no_text_is_not_read() -> None:
    async def main() -> None:
        async with serving({"/": answer(b"%PDF", "application/pdf")}) as there:
            with pytest.raises(ToolFailed, match="application/pdf"):
                await fetched(f"{there.url}/")

    run(main())


def test_a_page_is_read_up_to_its_limit() -> None:
    async def main() -> None:
        async with serving({"/": answer(b"x" * (MOST + 5000), "text/plain")}) as there:
            found = await fetched(f"{there.url}/")
        assert (len(found.text), found.cut) == (MOST, True)

    run(main())


def test_a_packed_page_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(b"\0" * (8 * MOST))
    small = gzip.compress("你好".encode())

    async def main() -> None:
        pages = {
            "/bomb": answer(bomb, "text/plain", content_encoding="gzip"),
            "/small": answer(small, "text/plain; charset=utf-8", content_encoding="gzip"),
            "/broken": answer(b"no gzip", "text/plain", content_encoding="gzip"),
            "/odd": answer(b"?", "text/plain", content_encoding="br"),
        }
        async with serving(pages) as there:
            assert (await fetched(f"{there.url}/small")).text == "你好"
            found = await fetched(f"{there.url}/bomb")
            assert (len(found.text), found.cut) == (MOST, True)
            for broken in ("/broken", "/odd"):
                with pytest.raises(ToolFailed, match="packed"):
                    await fetched(there.url + broken)

    run(main())


def test_a_server_that_cannot_be_reached_is_told_as_what_it_is() -> None:
    async def main() -> None:
        fetcher = Fetcher(everywhere)
        fetch = next(t for t in builtins(LoopClock(), fetcher) if t.name == "fetch")
        url = f"http://127.0.0.1:{ports.closed()}/"
        call = ToolCall("c1", "fetch", f'{{"url":"{url}"}}')
        told = await run_tool(fetch, call, ToolContext(), LoopClock())
        await fetcher.aclose()
        assert told.outcome == "error"
        assert told.failure is not None
        assert (told.failure["kind"], told.failure["hop"]) == ("connection_refused", "tool")

    run(main())
