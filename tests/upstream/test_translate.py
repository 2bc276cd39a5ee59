"""What exceptions mean: every fault is made by real sockets where a socket can make it."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
from collections.abc import Callable

import httpcore2
import httpx2
import pytest
from tests import ports
from tests.upstream.lines import END, text
from tests.upstream.peers import (
    CHUNKED,
    LAST_CHUNK,
    OK,
    Authority,
    Manner,
    Visit,
    chunk,
    peer,
    run,
)
from tests.upstream.tries import Tried, target, trier

from holdfast.core.failure import STALE, Failure, Hop, Kind, Phase
from holdfast.core.verdict import explain
from holdfast.upstream.progress import Progress
from holdfast.upstream.translate import failure_from, links

pytestmark = pytest.mark.usefixtures("every_loop")


def meet(manner: Manner, tried: Tried | None = None) -> Failure:
    """The failure of one attempt at a plain server that behaves in this manner."""

    async def main() -> Failure:
        async with peer(manner) as there, trier() as here:
            return await here.fail(target(there.url), tried)

    return run(main())


def meet_at(url: str, proxy: str = "") -> Failure:
    async def main() -> Failure:
        async with trier() as here:
            return await here.fail(target(url, proxy=proxy))

    return run(main())


def said(failure: Failure) -> tuple[Kind, Phase, str]:
    return failure.kind, failure.phase, failure.cause


def after_request(*parts: bytes, reset: bool = False) -> Manner:
    """Reads the whole request, sends these bytes, then ends or resets the connection."""

    async def manner(visit: Visit) -> None:
        await visit.request()
        for part in parts:
            await visit.send(part)
        if reset:
            visit.reset()

    return manner


# Before a connection.


def test_a_port_on_which_nothing_listens() -> None:
    failure = meet_at(f"http://127.0.0.1:{ports.closed()}")
    assert said(failure) == (Kind.REFUSED, Phase.CONNECT, "ECONNREFUSED")
    assert [cause.type for cause in failure.cause_chain] == [
        "httpcore2.ConnectError",
        "builtins.ConnectionRefusedError",
    ]


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror) as truth:
        socket.getaddrinfo("nowhere.invalid", 80)
    names = {value: name for name, value in vars(socket).items() if name.startswith("EAI_")}
    failure = meet_at("http://nowhere.invalid")
    assert said(failure) == (Kind.DNS, Phase.RESOLVE, names[truth.value.errno or 0])


def test_a_name_that_no_resolver_takes() -> None:
    failure = meet_at(f"http://{'a' * 64}.invalid")
    assert (failure.kind, failure.phase) == (Kind.DNS, Phase.RESOLVE)


def test_a_name_in_another_script_is_asked_for_in_its_ascii_form() -> None:
    failure = meet_at("http://模型.invalid")
    assert (failure.kind, failure.phase) == (Kind.DNS, Phase.RESOLVE)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/v1",
        "127.0.0.1/v1",
        "",
        "http://",
        "http://[::1/v1",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:http/v1",
        "http://\u2603\u0301\u200d.\ud800/",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    failure = meet_at(url)
    assert (failure.kind, failure.phase) == (Kind.CONFIG, Phase.ADMIT)
    assert failure.hop is Hop.ENGINE


def test_a_forward_proxy_of_a_kind_we_do_not_speak() -> None:
    failure = meet_at("https://localhost", proxy="gopher://127.0.0.1:70")
    assert (failure.kind, failure.phase) == (Kind.CONFIG, Phase.ADMIT)


def test_a_machine_without_a_free_file_descriptor_blames_itself() -> None:
    progress = Progress(lambda _: None, Phase.CONNECT)
    failure = failure_from(OSError(errno.EMFILE, "Too many open files"), progress)
    assert (*said(failure), failure.hop) == (Kind.POOL, Phase.CONNECT, "EMFILE", Hop.ENGINE)


# TLS.


def test_tls_asked_of_a_port_that_speaks_plain_http() -> None:
    async def answer(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    async def main() -> Failure:
        async with peer(answer) as there, trier() as here:
            return await here.fail(target(f"https://localhost:{there.port}"))

    assert said(run(main())) == (Kind.TLS, Phase.TLS, "WRONG_VERSION_NUMBER")


def test_tls_asked_of_a_port_that_speaks_first() -> None:
    async def greet(visit: Visit) -> None:
        await visit.send(b"220 mail.example ESMTP\r\n")
        await visit.hung_up()

    async def main() -> Failure:
        async with peer(greet) as there, trier() as here:
            return await here.fail(target(f"https://localhost:{there.port}"))

    failure = run(main())
    assert (failure.kind, failure.phase) == (Kind.TLS, Phase.TLS)


def test_a_certificate_that_nobody_vouches_for() -> None:
    async def main() -> Failure:
        server = Authority().server()
        async with peer(after_request(), server) as there, trier(Authority().client()) as here:
            return await here.fail(target(there.url))

    assert said(run(main())) == (
        Kind.TLS_CERTIFICATE,
        Phase.TLS,
        "CERTIFICATE_VERIFY_FAILED",
    )


def test_a_certificate_for_another_name() -> None:
    async def main() -> Failure:
        authority = Authority()
        server = authority.server("elsewhere.invalid")
        async with peer(after_request(), server) as there, trier(authority.client()) as here:
            return await here.fail(target(there.url))

    failure = run(main())
    assert said(failure)[:2] == (Kind.TLS_CERTIFICATE, Phase.TLS)
    assert "mismatch" in explain(failure, "en")
    assert "mismatch" in explain(failure, "zh")


async def _end_after_hello(visit: Visit) -> None:
    await visit.reader.read(1)


async def _reset_after_hello(visit: Visit) -> None:
    await visit.reader.read(1)
    visit.reset()


@pytest.mark.parametrize(
    ("manner", "kind"), [(_end_after_hello, Kind.TLS), (_reset_after_hello, Kind.RESET)]
)
def test_a_handshake_that_is_cut(manner: Manner, kind: Kind) -> None:
    async def main() -> Failure:
        async with peer(manner) as there, trier() as here:
            return await here.fail(target(f"https://localhost:{there.port}"))

    failure = run(main())
    assert (failure.kind, failure.phase) == (kind, Phase.TLS)
    assert (failure.cause == "ECONNRESET") is (kind is Kind.RESET)


def test_a_reset_under_tls_in_mid_answer() -> None:
    tried = Tried()

    async def main() -> Failure:
        authority = Authority()
        manner = after_request(CHUNKED, chunk(text("a")), reset=True)
        async with peer(manner, authority.server()) as there, trier(authority.client()) as here:
            return await here.fail(target(there.url), tried)

    assert said(run(main())) == (Kind.RESET, Phase.STREAM, "ECONNRESET")
    assert tried.text == "a"
    assert tried.phases == [
        Phase.RESOLVE,
        Phase.CONNECT,
        Phase.TLS,
        Phase.WRITE,
        Phase.HEADERS,
        Phase.FIRST,
    ]


def test_an_end_under_tls_in_mid_answer() -> None:
    async def main() -> Failure:
        authority = Authority()
        manner = after_request(CHUNKED, chunk(text("a")))
        async with peer(manner, authority.server()) as there, trier(authority.client()) as here:
            return await here.fail(target(there.url))

    assert said(run(main())) == (Kind.TRUNCATED, Phase.STREAM, "EOF")


# Before headers: a reset and an end are not the same.


def test_a_reset_before_headers() -> None:
    failure = meet(after_request(reset=True))
    assert said(failure) == (Kind.RESET, Phase.HEADERS, "ECONNRESET")
    assert failure.code is None


def test_an_end_before_headers() -> None:
    failure = meet(after_request())
    assert said(failure) == (Kind.CLOSED, Phase.HEADERS, "EOF")
    assert failure.code is None


@pytest.mark.parametrize("part", [b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\n", OK, OK[:-1]])
def test_an_end_inside_the_headers(part: bytes) -> None:
    assert said(meet(after_request(part))) == (Kind.CLOSED, Phase.HEADERS, "EOF")


def test_a_reset_inside_the_headers() -> None:
    assert said(meet(after_request(OK, reset=True))) == (Kind.RESET, Phase.HEADERS, "ECONNRESET")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/9.9 banana\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        OK + b"X-Long: " + b"x" * 200_000,
    ],
)
def test_an_answer_that_is_not_http(nonsense: bytes) -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(nonsense)
        await visit.hung_up()

    failure = meet(manner)
    assert (failure.kind, failure.phase) == (Kind.PROTOCOL, Phase.HEADERS)


def test_a_reset_while_the_request_is_written() -> None:
    async def hasty(visit: Visit) -> None:
        await visit.reader.read(10)
        visit.reset()

    async def early() -> Failure:
        async with peer(hasty) as there, trier() as here:
            here.lines.headers = tuple((f"X-Filler-{n}", "y" * 8000) for n in range(2000))
            return await here.fail(target(there.url))

    failure = run(early())
    assert (failure.kind, failure.phase) == (Kind.RESET, Phase.WRITE)
    assert failure.cause in ("ECONNRESET", "EPIPE")


# Kept-alive connections.


@pytest.mark.parametrize(
    ("reset", "kind", "cause"),
    [(False, Kind.CLOSED, "EOF"), (True, Kind.RESET, "ECONNRESET")],
)
def test_a_kept_alive_connection_that_dies_unanswered(reset: bool, kind: Kind, cause: str) -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED + chunk(END) + LAST_CHUNK)
        await visit.request()
        if reset:
            visit.reset()

    async def main() -> tuple[Failure, int]:
        async with peer(manner) as there, trier() as here:
            await here.ask(target(there.url))
            failure = await here.fail(target(there.url))
            return failure, len(there.visits)

    failure, connections = run(main())
    assert connections == 1
    assert (*said(failure), failure.code) == (kind, Phase.HEADERS, cause, STALE)


def test_a_kept_alive_connection_that_answers_nonsense_is_not_stale() -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED + chunk(END) + LAST_CHUNK)
        await visit.request()
        await visit.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")

    async def main() -> Failure:
        async with peer(manner) as there, trier() as here:
            await here.ask(target(there.url))
            return await here.fail(target(there.url))

    failure = run(main())
    assert (failure.kind, failure.code) == (Kind.PROTOCOL, None)


# In the body.


@pytest.mark.parametrize(
    ("parts", "phase"),
    [
        ((CHUNKED,), Phase.FIRST),
        ((CHUNKED, chunk(b": comment\n")), Phase.FIRST),
        ((CHUNKED, chunk(text("a"))), Phase.STREAM),
        ((CHUNKED, chunk(text("a")), b"40\r\nhalf a chunk"), Phase.STREAM),
        ((CHUNKED, chunk(text("a"))[:-2]), Phase.STREAM),
        ((OK + b"Content-Length: 100\r\n\r\n",), Phase.FIRST),
        ((OK + b"Content-Length: 100\r\n\r\n", text("a")), Phase.STREAM),
    ],
)
@pytest.mark.parametrize("reset", [False, True])
def test_a_body_that_is_cut(parts: tuple[bytes, ...], phase: Phase, reset: bool) -> None:
    expected = (Kind.RESET, phase, "ECONNRESET") if reset else (Kind.TRUNCATED, phase, "EOF")
    assert said(meet(after_request(*parts, reset=reset))) == expected


def test_what_came_before_a_reset_is_told_before_it() -> None:
    tried = Tried()
    parts = [chunk(text(f"w{n}")) for n in range(500)]
    failure = meet(after_request(CHUNKED + b"".join(parts), reset=True), tried)
    assert failure.kind is Kind.RESET
    assert tried.text == "".join(f"w{n}" for n in range(500))


def test_a_body_without_length_that_just_ends_is_judged_by_the_dialect() -> None:
    failure = meet(after_request(OK + b"\r\n", text("a")))
    assert said(failure) == (Kind.TRUNCATED, Phase.END, "EOF")


def test_a_chunk_without_a_size() -> None:
    failure = meet(after_request(CHUNKED, chunk(text("a")), b"zz\r\n"))
    assert (failure.kind, failure.phase) == (Kind.CODING, Phase.STREAM)


def test_gzip_that_is_none() -> None:
    body = OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + b"\x1f\x8b" + bytes(18)
    failure = meet(after_request(body))
    assert (failure.kind, failure.phase) == (Kind.CODING, Phase.FIRST)


def test_a_blank_line_before_the_status_is_passed_over() -> None:
    failure = meet(after_request(b"\r\n", b"\r\n" + OK + b"\r\n", text("a")))
    assert said(failure) == (Kind.TRUNCATED, Phase.END, "EOF")


def test_a_coding_that_we_cannot_read_is_named_and_not_quoted() -> None:
    body = OK + b"Content-Encoding: br\r\nContent-Length: 20\r\n\r\n" + bytes(range(128, 148))
    failure = meet(after_request(body))
    assert (failure.kind, failure.phase) == (Kind.CODING, Phase.FIRST)
    assert failure.cause == "the body is coded as br"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        (bytes(range(1, 30)), "does not speak HTTP"),
    ],
)
def test_a_peer_of_another_language(answer: bytes, said: str) -> None:
    failure = meet(after_request(answer))
    assert (failure.kind, failure.phase) == (Kind.PROTOCOL, Phase.HEADERS)
    assert said in failure.cause


def test_gzip_that_ends_too_soon_is_judged_by_the_dialect() -> None:
    whole = gzip.compress(text("a") + END)
    half = whole[: len(whole) // 2]
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(half)
    failure = meet(after_request(head + half))
    assert failure.kind is Kind.TRUNCATED


# Through a forward proxy.


def through(manner: Manner) -> Failure:
    async def main() -> Failure:
        async with peer(manner) as proxy, trier() as here:
            return await here.fail(target("https://model.invalid", proxy=proxy.url))

    return run(main())


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_a_forward_proxy_that_refuses_the_tunnel(status: bytes) -> None:
    failure = through(after_request(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"))
    assert (failure.kind, failure.phase) == (Kind.PROXY, Phase.CONNECT)
    assert failure.cause.encode() == status


def test_a_forward_proxy_that_ends_before_it_answers() -> None:
    failure = through(after_request())
    assert (failure.kind, failure.phase) == (Kind.PROXY, Phase.CONNECT)


def test_a_forward_proxy_that_resets() -> None:
    assert said(through(after_request(reset=True))) == (Kind.RESET, Phase.CONNECT, "ECONNRESET")


def test_a_forward_proxy_that_is_not_there() -> None:
    failure = meet_at("https://model.invalid", proxy=f"http://127.0.0.1:{ports.closed()}")
    assert said(failure) == (Kind.REFUSED, Phase.CONNECT, "ECONNREFUSED")


def test_a_tunnel_to_something_that_is_not_tls() -> None:
    async def manner(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await visit.reader.read(1)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert said(through(manner)) == (Kind.TLS, Phase.TLS, "WRONG_VERSION_NUMBER")


# The chain itself.


def progress(phase: Phase = Phase.HEADERS) -> Progress:
    return Progress(lambda _: None, phase, reused=False)


def raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except httpcore2.ReadError as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_cause_behind_a_suppressed_context_is_found() -> None:
    def act() -> None:
        try:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        except OSError:
            raise httpcore2.ReadError from None

    failure = failure_from(raised(act), progress())
    assert said(failure) == (Kind.RESET, Phase.HEADERS, "ECONNRESET")


def test_a_cause_inside_nested_groups_is_found() -> None:
    reset = ConnectionResetError(errno.ECONNRESET, "reset")
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("?"), reset])])
    failure = failure_from(group, progress())
    assert said(failure) == (Kind.RESET, Phase.HEADERS, "ECONNRESET")


def test_of_several_addresses_the_one_that_was_reached_tells() -> None:
    unreachable = OSError(errno.ENETUNREACH, "unreachable")
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    error = httpcore2.ConnectError()
    error.__cause__ = ExceptionGroup("no address", [unreachable, refused])
    failure = failure_from(error, progress(Phase.CONNECT))
    assert said(failure) == (Kind.REFUSED, Phase.CONNECT, "ECONNREFUSED")


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert list(links(first)) == [first, second]


def test_a_chain_without_end_is_cut() -> None:
    error: Exception = ValueError("0")
    for number in range(100):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    assert len(list(links(error))) == 16


@pytest.mark.parametrize(
    ("error", "kind", "phase"),
    [
        (TimeoutError(), Kind.TIMEOUT, Phase.HEADERS),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), Kind.TIMEOUT, Phase.HEADERS),
        (OSError(errno.EHOSTUNREACH, "no route"), Kind.UNREACHABLE, Phase.HEADERS),
        (BrokenPipeError(errno.EPIPE, "broken pipe"), Kind.RESET, Phase.HEADERS),
        (ConnectionResetError(), Kind.RESET, Phase.HEADERS),
        (httpcore2.ReadError(), Kind.CLOSED, Phase.HEADERS),
        (httpcore2.ConnectError(), Kind.REFUSED, Phase.HEADERS),
        (httpcore2.ReadTimeout(), Kind.TIMEOUT, Phase.HEADERS),
        (httpcore2.PoolTimeout(), Kind.POOL, Phase.HEADERS),
        (httpx2.DecodingError("bad gzip"), Kind.CODING, Phase.HEADERS),
        (ssl.SSLError(1, "bad record mac"), Kind.PROTOCOL, Phase.HEADERS),
        (KeyError("?"), Kind.INTERNAL, Phase.HEADERS),
    ],
)
def test_exceptions_that_stand_alone(error: Exception, kind: Kind, phase: Phase) -> None:
    failure = failure_from(error, progress())
    assert (failure.kind, failure.phase) == (kind, phase)


def test_the_number_of_a_resolver_is_never_taken_for_that_of_the_system() -> None:
    """On some systems EAI_MEMORY and the like are positive, as errno is."""
    failure = failure_from(socket.gaierror(errno.EPIPE, "resolver"), progress(Phase.RESOLVE))
    assert (failure.kind, failure.phase) == (Kind.DNS, Phase.RESOLVE)


def test_texts_of_exceptions_are_scrubbed() -> None:
    failure = failure_from(OSError("to https://me:hunter2@host.invalid/"), progress())
    assert "hunter2" not in repr(failure)
