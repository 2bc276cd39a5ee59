"""Connections: used again, closed at once, slowed down, led through proxies, never leaked."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.upstream.leaks import settle, until
from tests.upstream.lines import END, text
from tests.upstream.peers import (
    CHUNKED,
    LAST_CHUNK,
    Authority,
    Manner,
    Visit,
    chunk,
    peer,
    run,
)
from tests.upstream.tries import ASK, Tried, target, trier

from holdfast.core.attempt import How
from holdfast.core.failure import STALE, Failure, Kind, Phase, StreamFailed
from holdfast.upstream import bytestream, sockets
from holdfast.upstream.resolving import Address
from holdfast.upstream.transport import Transports

pytestmark = pytest.mark.usefixtures("every_loop")

WHOLE = CHUNKED + chunk(text("hello")) + chunk(END) + LAST_CHUNK


async def answer_all(visit: Visit) -> None:
    while await visit.request():
        await visit.send(WHOLE)


def open_sockets() -> int:
    return sum(map(_is_socket, range(3, 1024)))


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


# Kept alive.


def test_a_connection_serves_again() -> None:
    async def main() -> None:
        async with peer(answer_all) as there, trier() as here:
            first = await here.ask(target(there.url))
            second = await here.ask(target(there.url))
            assert (first.text, second.text) == ("hello", "hello")
            assert len(there.visits) == 1
            assert Phase.CONNECT in first.phases
            assert second.phases == [Phase.WRITE, Phase.HEADERS, Phase.FIRST]

    run(main())


def test_a_connection_that_the_peer_ended_in_the_meantime_is_not_used_again() -> None:
    async def once(visit: Visit) -> None:
        await visit.request()
        await visit.send(WHOLE)

    async def main() -> None:
        async with peer(once) as there, trier() as here:
            await here.ask(target(there.url))
            await until(lambda: not here.keeps)
            assert (await here.ask(target(there.url))).text == "hello"
            assert len(there.visits) == 2

    run(main())


def test_a_connection_that_speaks_unasked_is_not_used_again() -> None:
    async def chatty(visit: Visit) -> None:
        await visit.request()
        await visit.send(WHOLE)
        await settle()
        await visit.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await visit.hung_up()

    async def main() -> None:
        async with peer(chatty) as there, trier() as here:
            await here.ask(target(there.url))
            await until(lambda: not here.keeps)
            assert (await here.ask(target(there.url))).text == "hello"
            assert len(there.visits) == 2

    run(main())


def test_where_one_kept_connection_was_dead_no_other_is_kept() -> None:
    both = asyncio.Barrier(2)

    async def once(visit: Visit) -> None:
        await visit.request()
        await both.wait()
        await visit.send(WHOLE)
        await visit.request()

    async def main() -> None:
        async with peer(once) as there, trier() as here:
            asked = target(there.url)
            await asyncio.gather(here.ask(asked), here.ask(asked))
            assert (await here.fail(asked)).code == STALE
            await until(lambda: any(visit.gone for visit in there.visits))

    run(main())


def test_an_answer_to_nothing_is_not_taken_for_the_next_answer() -> None:
    """The same, when both come in one piece and have already been read."""

    async def chatty(visit: Visit) -> None:
        await visit.request()
        await visit.send(WHOLE + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await visit.hung_up()

    async def main() -> None:
        async with peer(chatty) as there, trier() as here:
            await here.ask(target(there.url))
            await until(there.left)
            assert (await here.ask(target(there.url))).text == "hello"
            assert len(there.visits) == 2

    run(main())


def test_an_answer_that_is_whole_is_read_to_its_end_so_that_the_connection_lives() -> None:
    async def late_end(visit: Visit) -> None:
        while await visit.request():
            await visit.send(CHUNKED + chunk(text("hello") + END))
            await settle()
            await visit.send(LAST_CHUNK)

    async def main() -> None:
        async with peer(late_end) as there, trier() as here:
            for _ in range(3):
                assert (await here.ask(target(there.url))).text == "hello"
            assert len(there.visits) == 1

    run(main())


def test_a_failed_attempt_leaves_nothing_to_use_again() -> None:
    async def cut_first(visit: Visit) -> None:
        await visit.request()
        if first.pop():
            await visit.send(CHUNKED + chunk(text("a")))
        else:
            await visit.send(WHOLE)
            await visit.hung_up()

    first = [False, True]

    async def main() -> None:
        async with peer(cut_first) as there, trier() as here:
            assert (await here.fail(target(there.url))).kind is Kind.TRUNCATED
            assert (await here.ask(target(there.url))).text == "hello"

    run(main())


# Closed at once.


async def never_ending(visit: Visit) -> None:
    await visit.request()
    await visit.send(CHUNKED + chunk(text("a")))
    await visit.hung_up()


async def never_answering(visit: Visit) -> None:
    await visit.request()
    await visit.hung_up()


@pytest.mark.parametrize("manner", [never_ending, never_answering])
def test_a_cancelled_attempt_closes_its_connection_at_once(manner: Manner) -> None:
    async def main() -> None:
        async with peer(manner) as there, trier() as here:
            tried = Tried()
            task = asyncio.create_task(here.ask(target(there.url), tried))
            last = Phase.FIRST if manner is never_ending else Phase.HEADERS
            await until(lambda: tried.phases[-1:] == [last])
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(there.left)

    run(main())


def test_an_attempt_that_is_left_in_mid_answer_closes_its_connection() -> None:
    async def main() -> None:
        async with peer(never_ending) as there, trier() as here:
            opened = here.connector.open(
                ASK, target(there.url), How.START, "", lambda phase, status, ids: None
            )
            async with opened as batches:
                await anext(batches)
            await until(there.left)

    run(main())


def test_a_cancelled_handshake_closes_its_connection() -> None:
    async def mute(visit: Visit) -> None:
        await visit.hung_up()

    async def main() -> None:
        async with peer(mute) as there, trier() as here:
            tried = Tried()
            task = asyncio.create_task(here.ask(target(f"https://localhost:{there.port}"), tried))
            await until(lambda: tried.phases[-1:] == [Phase.TLS])
            await settle()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(there.left)

    run(main())


def test_closing_the_transports_closes_idle_connections() -> None:
    async def main() -> None:
        async with peer(answer_all) as there:
            async with trier() as here:
                await here.ask(target(there.url))
                assert not there.visits[0].gone
            await until(there.left)

    run(main())


# Addresses.


def test_the_next_address_is_asked_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with peer(answer_all) as there, trier() as here:
            loop = asyncio.get_running_loop()
            (entry,) = await loop.getaddrinfo("127.0.0.1", there.port, type=1)
            closed = await loop.getaddrinfo("127.0.0.1", 1, type=1)
            connect = sockets._connect

            async def from_two(addresses: list[Address]) -> bytestream.ByteStream:
                assert addresses == [(entry[0], entry[4])]
                return await connect([(closed[0][0], closed[0][4]), *addresses])

            monkeypatch.setattr(sockets, "_connect", from_two)
            assert (await here.ask(target(there.url))).text == "hello"

    run(main())


def test_if_every_address_refuses_all_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Failure:
        async with trier() as here:
            loop = asyncio.get_running_loop()
            closed = await loop.getaddrinfo("127.0.0.1", 1, type=1)
            connect = sockets._connect

            async def from_two(addresses: list[Address]) -> bytestream.ByteStream:
                return await connect([(closed[0][0], closed[0][4]), *addresses])

            monkeypatch.setattr(sockets, "_connect", from_two)
            return await here.fail(target("http://127.0.0.1:2"))

    failure = run(main())
    assert (failure.kind, failure.phase) == (Kind.REFUSED, Phase.CONNECT)
    assert [cause.label for cause in failure.cause_chain].count("ECONNREFUSED") == 2


# Much at once.


def test_many_requests_at_once_get_their_own_answers() -> None:
    async def echo(visit: Visit) -> None:
        while asked := await visit.request():
            path = asked.split(b" ")[1].decode().strip("/").split("/")[0]
            await visit.send(CHUNKED + chunk(text(path)))
            await settle(3)
            await visit.send(chunk(END) + LAST_CHUNK)

    async def main() -> None:
        async with peer(echo) as there, trier() as here:
            for round_ in range(2):
                names = [f"r{round_}n{n}" for n in range(60)]
                asked = [here.ask(target(f"{there.url}/{name}")) for name in names]
                answers = await asyncio.gather(*asked)
                assert [tried.text for tried in answers] == names
            assert len(there.visits) == 60

    run(main())


def test_nothing_is_left_open_when_all_is_closed() -> None:
    async def mixed(visit: Visit) -> None:
        await visit.request()
        match next(turn) % 3:
            case 0:
                visit.reset()
            case 1:
                await visit.send(WHOLE)
                await visit.hung_up()
            case _:
                await visit.send(CHUNKED + chunk(text("a")))

    turn = iter(range(1000))

    async def main() -> None:
        async with peer(mixed) as there, trier() as here:
            asked = [here.ask(target(there.url)) for _ in range(30)]
            await asyncio.gather(*asked, return_exceptions=True)

    gc.collect()
    before = open_sockets()
    run(main())
    gc.collect()
    assert open_sockets() == before


def test_a_large_answer_arrives_whole() -> None:
    words = [f"{n}:" + "x" * 60_000 for n in range(100)]

    async def large(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED)
        for word in words:
            await visit.send(chunk(text(word)))
        await visit.send(chunk(END) + LAST_CHUNK)

    async def main() -> Tried:
        async with peer(large) as there, trier() as here:
            return await here.ask(target(there.url))

    assert run(main()).text == "".join(words)


def test_a_large_request_arrives_whole() -> None:
    seen: list[bytes] = []

    async def slow(visit: Visit) -> None:
        seen.append(await visit.request())
        await visit.send(WHOLE)

    async def main() -> None:
        async with peer(slow) as there, trier() as here:
            released = "字" * 2_000_000
            opened = here.connector.open(
                ASK, target(there.url), How.INSTRUCT, released, lambda phase, status, ids: None
            )
            async with opened as batches:
                assert [len(batch) async for batch in batches]
            assert seen[0].endswith(b"instruct|" + released.encode())

    run(main())


@pytest.mark.parametrize("secured", [False, True])
def test_a_reader_that_does_not_read_makes_the_peer_wait(secured: bool) -> None:
    sent = [0]
    word = chunk(text("x" * 50_000))

    async def flood(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED)
        for _ in range(2000):  # 100 MB
            await visit.send(word)
            sent[0] += len(word)
        await visit.send(chunk(END) + LAST_CHUNK)

    async def main() -> None:
        authority = Authority()
        tls = authority.server() if secured else None
        async with peer(flood, tls) as there, trier(authority.client()) as here:
            opened = here.connector.open(
                ASK, target(there.url), How.START, "", lambda phase, status, ids: None
            )
            async with opened as batches:
                await anext(batches)
                stalled = -1
                while stalled != sent[0]:
                    stalled = sent[0]
                    await settle(500)
                assert stalled < 50_000_000
                for _ in range(300):
                    await anext(batches)
                await until(lambda: sent[0] > stalled)

    run(main())


def test_a_peer_that_does_not_read_makes_the_writer_wait() -> None:
    """And an answer that it gives all the same is heard."""

    async def early(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        visit.writer.write_eof()
        await visit.hung_up()

    async def main() -> Failure:
        async with peer(early) as there, trier() as here:
            opened = here.connector.open(
                ASK, target(there.url), How.START, "x" * 30_000_000, lambda phase, status, ids: None
            )
            with pytest.raises(StreamFailed) as failed:
                await opened.__aenter__()
            return failed.value.failure

    failure = run(main())
    assert (failure.kind, failure.status) == (Kind.AUTH, 401)


# Forward proxies.


@asynccontextmanager
async def forward_proxy(seen: list[bytes], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A proxy that opens tunnels to wherever on this machine it is asked to."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def manner(visit: Visit) -> None:
        head = await visit.request()
        seen.append(head)
        port = int(head.split(b" ")[1].rsplit(b":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await visit.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(visit.reader, writer))
                both.create_task(pump(reader, visit.writer))
        finally:
            writer.transport.abort()

    async with peer(manner, tls) as there:
        yield there.url


def test_a_tunnel_through_a_proxy_that_wants_a_password() -> None:
    seen: list[bytes] = []

    async def main() -> None:
        authority = Authority()
        async with (
            peer(answer_all, authority.server()) as there,
            forward_proxy(seen) as proxy,
            trier(authority.client()) as here,
        ):
            asked = target(there.url, proxy=proxy.replace("://", "://me:hunter2@"))
            first = await here.ask(asked)
            second = await here.ask(asked)
            assert (first.text, second.text) == ("hello", "hello")
            assert first.phases == [
                Phase.RESOLVE,
                Phase.CONNECT,
                Phase.TLS,
                Phase.WRITE,
                Phase.HEADERS,
                Phase.FIRST,
            ]
            assert second.phases == [Phase.WRITE, Phase.HEADERS, Phase.FIRST]
            (head,) = seen
            assert head.startswith(f"CONNECT localhost:{there.port} HTTP/1.1\r\n".encode())
            assert b"Basic " + base64.b64encode(b"me:hunter2") in head

    run(main())


def test_a_tunnel_through_a_proxy_that_is_itself_behind_tls() -> None:
    async def main() -> None:
        authority = Authority()
        async with (
            peer(answer_all, authority.server()) as there,
            forward_proxy([], authority.server()) as proxy,
            trier(authority.client()) as here,
        ):
            assert (await here.ask(target(there.url, proxy=proxy))).text == "hello"

    run(main())


def test_a_plain_request_is_handed_to_the_proxy_whole() -> None:
    seen: list[bytes] = []

    async def relay(visit: Visit) -> None:
        seen.append(await visit.request())
        await visit.send(WHOLE)

    async def main() -> None:
        async with peer(relay) as proxy, trier() as here:
            asked = target("http://model.invalid/v1", proxy=proxy.url)
            assert (await here.ask(asked)).text == "hello"

    run(main())
    assert seen[0].startswith(b"POST http://model.invalid/v1/ask HTTP/1.1\r\n")


def test_a_tunnel_kept_alive_that_dies_is_stale() -> None:
    async def once(visit: Visit) -> None:
        await visit.request()
        await visit.send(WHOLE)
        await visit.request()

    async def main() -> Failure:
        authority = Authority()
        async with (
            peer(once, authority.server()) as there,
            forward_proxy([]) as proxy,
            trier(authority.client()) as here,
        ):
            asked = target(there.url, proxy=proxy)
            await here.ask(asked)
            return await here.fail(asked)

    assert run(main()).code == STALE


def test_a_cut_tunnel_leaves_no_connection() -> None:
    async def main() -> None:
        authority = Authority()
        async with (
            peer(never_ending, authority.server()) as there,
            forward_proxy([]) as proxy,
            trier(authority.client()) as here,
        ):
            tried = Tried()
            task = asyncio.create_task(here.ask(target(there.url, proxy=proxy), tried))
            await until(lambda: tried.text == "a")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(there.left)

    run(main())


def test_each_proxy_has_a_transport_of_its_own() -> None:
    async def main() -> None:
        transports = Transports(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        assert transports("") is transports("")
        assert transports("") is not transports("http://127.0.0.1:1")
        await transports.aclose()

    run(main())
