"""What people attach, from real sockets: no more than asked for, and from nowhere inside."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.upstream.leaks import until
from tests.upstream.peers import Manner, Visit, peer, run

from holdfast.bot.event import Attachment
from holdfast.bot.fetch import HttpFetch, reachable
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed

LIMIT = 1000  # bytes


def anywhere(address: str) -> bool:
    return True


def answer(body: bytes, status: int = 200, **headers: str) -> bytes:
    fields = {"content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def manner_of(pages: Mapping[str, bytes]) -> Manner:
    async def manner(visit: Visit) -> None:
        while head := await visit.request():
            await visit.send(pages[head.split(b" ")[1].decode()])

    return manner


async def fetched(url: str, fetch: HttpFetch | None = None) -> bytes:
    fetch = fetch or HttpFetch(anywhere)
    try:
        return await fetch(Attachment("image", url), LIMIT)
    finally:
        await fetch.aclose()


async def failure(url: str, fetch: HttpFetch | None = None) -> Failure:
    with pytest.raises(StreamFailed) as failed:
        await fetched(url, fetch)
    assert failed.value.failure.hop is Hop.PLATFORM
    return failed.value.failure


def test_a_file_comes_as_it_is() -> None:
    body = bytes(range(250)) * 4

    async def main() -> None:
        async with peer(manner_of({"/a.png?rkey=x": answer(body)})) as there:
            assert await fetched(f"{there.url}/a.png?rkey=x") == body

    run(main())


def test_one_byte_too_many_is_told_and_the_rest_is_not_read() -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(LIMIT + 1))
        await visit.hung_up()  # the file does not end by itself

    async def main() -> None:
        async with peer(manner) as there:
            assert (await failure(f"{there.url}/")).kind is Kind.TOO_LONG
            await until(there.left)

    run(main())


def test_redirects_are_followed_a_few_times() -> None:
    async def main() -> None:
        pages = {
            "/1": answer(b"", 302, location="/2"),
            "/2": answer(b"there"),
            "/loop": answer(b"", 301, location="/loop"),
            "/out": answer(b"", 302, location="file:///etc/passwd"),
        }
        async with peer(manner_of(pages)) as there:
            assert await fetched(f"{there.url}/1") == b"there"
        for path in ("/loop", "/out"):
            async with peer(manner_of(pages)) as there:
                assert (await failure(f"{there.url}{path}")).kind is Kind.PROTOCOL

    run(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_house_cannot_be_reached(host: str) -> None:
    async def main() -> None:
        async with peer(manner_of({})) as there:
            failed = await failure(f"http://{host}:{there.port}/", HttpFetch())
            assert (failed.kind, failed.phase) == (Kind.FORBIDDEN, Phase.CONNECT)
            assert not there.visits

    run(main())


def test_nor_by_a_redirect() -> None:
    async def main() -> None:
        async with peer(manner_of({})) as inside:
            pages = {"/": answer(b"", 307, location=f"http://localhost:{inside.port}/secret")}
            async with peer(manner_of(pages)) as outside:
                asked = iter([True])  # the first address is outside, as far as this test says
                fetch = HttpFetch(lambda _: next(asked, False))
                assert (await failure(f"{outside.url}/", fetch)).kind is Kind.FORBIDDEN
            assert not inside.visits

    run(main())


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("93.184.216.34", True),
        ("198.18.0.7", True),  # a local proxy's stand-in for a name
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_outside(address: str, may: bool) -> None:
    assert reachable(address) is may


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, Kind.NOT_FOUND),
        (410, Kind.NOT_FOUND),
        (403, Kind.SERVER_ERROR),
        (500, Kind.SERVER_ERROR),
    ],
)
def test_a_file_that_is_not_there(status: int, kind: Kind) -> None:
    async def main() -> None:
        async with peer(manner_of({"/": answer(b"{}", status)})) as there:
            failed = await failure(f"{there.url}/")
            assert (failed.kind, failed.status) == (kind, status)

    run(main())


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
def test_a_file_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(begun)
        await visit.hung_up()

    async def main() -> None:
        async with peer(manner) as there:
            fetch = HttpFetch(anywhere, patience=0.2)
            assert (await failure(f"{there.url}/", fetch)).kind is Kind.TIMEOUT

    run(main())


def test_a_file_that_breaks_off_is_no_file() -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")

    async def main() -> None:
        async with peer(manner) as there:
            assert (await failure(f"{there.url}/")).phase in (Phase.STREAM, Phase.FIRST)

    run(main())


@pytest.mark.parametrize("url", ["http://", "ftp://x/y", "no url", "http://[::1"])
def test_what_is_no_address(url: str) -> None:
    run(_refused(url))


async def _refused(url: str) -> None:
    assert isinstance(await failure(url), Failure)


@pytest.mark.parametrize("host", ["a" * 64 + ".com", "a..b", "x" * 300])
def test_a_name_that_is_none_is_nowhere(host: str) -> None:
    async def main() -> None:
        assert (await failure(f"http://{host}/a.png")).kind is Kind.FORBIDDEN

    run(main())
