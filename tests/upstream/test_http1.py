"""How answers are framed: what can mean one thing only is taken, and what has no end is not."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterable
from contextlib import aclosing

import httpcore2
import httpx2
import pytest
from tests.upstream.leaks import until
from tests.upstream.lines import END, text
from tests.upstream.peers import CHUNKED, LAST_CHUNK, OK, Visit, chunk, peer, run
from tests.upstream.tries import Tried, target, trier

from holdfast.core.failure import Failure, Hop, Kind, Phase
from holdfast.upstream.progress import CURRENT, Progress
from holdfast.upstream.transport import HttpTransport

pytestmark = pytest.mark.usefixtures("every_loop")

BODY = text("hello") + END
MEASURED = re.compile(b"chunked|length", re.IGNORECASE)


def asked(*answer: bytes) -> tuple[Tried, list[int]]:
    """The same asked twice of a peer that answers so; and how many connections that took."""

    async def manner(visit: Visit) -> None:
        while await visit.request():
            for part in answer:
                await visit.send(part)
            if not MEASURED.search(b"".join(answer)):
                return

    async def main() -> tuple[Tried, list[int]]:
        async with peer(manner) as there, trier() as here:
            await here.ask(target(there.url))
            return await here.ask(target(there.url)), [len(there.visits)]

    return run(main())


def refused(*answer: bytes) -> tuple[Failure, Tried]:
    async def manner(visit: Visit) -> None:
        await visit.request()
        for part in answer:
            await visit.send(part)
        await visit.hung_up()

    async def main() -> tuple[Failure, Tried]:
        tried = Tried()
        async with peer(manner) as there, trier() as here:
            return await here.fail(target(there.url), tried), tried

    return run(main())


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"%x;name=value\r\n%b\r\n" % (len(BODY), BODY) + LAST_CHUNK,
        CHUNKED + b"%x  \r\n%b\r\n" % (len(BODY), BODY) + LAST_CHUNK,
        CHUNKED + chunk(BODY) + b"0\r\nX-Trailer: late\r\n\r\n",
        CHUNKED + chunk(BODY).replace(b"\r\n", b"\n") + LAST_CHUNK,
        CHUNKED.replace(b"\r\n", b"\n") + chunk(BODY) + LAST_CHUNK,
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(BODY) + LAST_CHUNK,
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + CHUNKED + chunk(BODY) + LAST_CHUNK,
        OK + b"X-Folded: a\r\n b\r\n" + CHUNKED[len(OK) :] + chunk(BODY) + LAST_CHUNK,
        OK + b"X-Odd: a\x01b\r\n" + CHUNKED[len(OK) :] + chunk(BODY) + LAST_CHUNK,
        CHUNKED.replace(b"1.1", b"1.2") + chunk(BODY) + LAST_CHUNK,
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(BODY) + LAST_CHUNK,
    ],
)
def test_forms_that_mean_one_thing_only_are_taken(answer: bytes) -> None:
    tried, connections = asked(answer)
    assert tried.text == "hello"
    assert connections == [1]


@pytest.mark.parametrize(
    "head",
    [
        OK + b"\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
def test_a_body_may_end_with_its_connection(head: bytes) -> None:
    tried, connections = asked(head, BODY)
    assert tried.text == "hello"
    assert connections == [2]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("again", [b"\r\ncontent-length: %d", b", %d"])
def test_a_length_may_be_said_twice_but_not_two_lengths(again: bytes, apart: bool) -> None:
    head = OK + b"Content-Length: %d" % len(BODY)
    answer = head + again % len(BODY) + b"\r\nX-A: b\r\n\r\n" + BODY
    parts = [answer[place : place + 1] for place in range(len(answer))] if apart else [answer]
    tried, _ = asked(*parts)
    assert tried.text == "hello"
    failure, _ = refused(head + again % 9 + b"\r\n\r\n" + BODY)
    assert (failure.kind, failure.phase) == (Kind.PROTOCOL, Phase.HEADERS)


def test_every_byte_may_come_alone() -> None:
    answer = CHUNKED + chunk(text("hel")) + chunk(END) + LAST_CHUNK
    tried, _ = asked(*(answer[place : place + 1] for place in range(len(answer))))
    assert tried.text == "hel"


@pytest.mark.parametrize(
    "endless", [b"1;" + b"x" * 200_000, b"0\r\n" + b"X-Trailer: y\r\n" * 30_000]
)
def test_framing_without_an_end_is_no_body(endless: bytes) -> None:
    failure, tried = refused(CHUNKED, chunk(text("a")), endless)
    assert (failure.kind, failure.phase) == (Kind.CODING, Phase.STREAM)
    assert tried.text == "a"


def test_what_came_before_nonsense_is_told_before_it() -> None:
    failure, tried = refused(CHUNKED + chunk(text("a")) + b"zz\r\n")
    assert (failure.kind, failure.phase, failure.hop) == (Kind.CODING, Phase.STREAM, Hop.UPSTREAM)
    assert tried.text == "a"


def test_interim_answers_without_an_end_are_no_answer() -> None:
    failure, _ = refused(b"HTTP/1.1 102 Processing\r\n\r\n" * 5000)
    assert (failure.kind, failure.phase) == (Kind.PROTOCOL, Phase.HEADERS)


def test_a_request_that_cannot_be_sent_leaves_no_connection() -> None:
    """Not one that was used before, either."""
    visits: list[Visit] = []

    async def manner(visit: Visit) -> None:
        visits.append(visit)
        while await visit.request():
            await visit.send(CHUNKED + chunk(BODY) + LAST_CHUNK)

    async def main() -> None:
        CURRENT.set(Progress(lambda phase: None))
        async with peer(manner) as there, HttpTransport(ssl.create_default_context()) as http:
            for value in ("well", "two\r\nlines"):
                sent = httpx2.Request("GET", there.url, headers={"x-said": value})
                try:
                    async with aclosing(await http.handle_async_request(sent)) as answer:
                        assert isinstance(answer.stream, AsyncIterable)
                        assert [piece async for piece in answer.stream] == [BODY]
                except httpcore2.LocalProtocolError:
                    await until(lambda: visits[0].gone)
            assert visits[0].gone

    run(main())
