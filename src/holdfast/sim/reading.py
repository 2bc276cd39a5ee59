"""HTTP/1.1 requests out of bytes (RFC 9112), as much of it as clients of a model use."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 32 * 1024 * 1024
_LINE_LIMIT = 1024  # of a chunk header or a trailer


@dataclass(frozen=True, slots=True)
class RawRequest:
    """`headers` have lower-case names; of several equal names the last one counts."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


class Malformed(Exception):
    """The bytes are no request that is taken. Arguments: HTTP status, why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class RequestReader:
    """Bytes in, requests out.

    `awaited` is true once a head said `Expect: 100-continue` and its body has not come.
    """

    def __init__(self) -> None:
        self.awaited = False
        self._buffer = bytearray()
        self._requests = self._read()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next_request(self) -> RawRequest | None:
        """None: more bytes are needed. Raises Malformed; after that nothing can be read."""
        return next(self._requests)

    def _read(self) -> Generator[RawRequest | None, None, None]:
        while True:
            yield from self._first_word()
            head = yield from self._until(b"\r\n\r\n", HEAD_LIMIT, 431)
            method, path, version, headers = _parsed(head)
            self.awaited = headers.get("expect", "").lower() == "100-continue"
            body = yield from self._body(headers)
            self.awaited = False
            wish = headers.get("connection", "").lower()
            keeps = wish != "close" if version == "HTTP/1.1" else wish == "keep-alive"
            yield RawRequest(method, path, headers, body, keeps)

    def _body(self, headers: Mapping[str, str]) -> Generator[None, None, bytes]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return (yield from self._chunks())
        return (yield from self._take(_number(headers.get("content-length", "0"), 10)))

    def _chunks(self) -> Generator[None, None, bytes]:
        body = bytearray()
        while True:
            line = yield from self._until(b"\r\n", _LINE_LIMIT, 400)
            size = _number(line.partition(b";")[0].decode("latin-1"), 16)
            if not size:
                break
            if len(body) + size > BODY_LIMIT:
                raise Malformed(413, "the body is too large")
            body += yield from self._take(size)
            yield from self._take(2)
        while (yield from self._until(b"\r\n", _LINE_LIMIT, 400)):
            continue  # trailers say nothing here
        return bytes(body)

    def _first_word(self) -> Generator[None, None, None]:
        """What does not begin as a request, e.g. with a TLS handshake, never ends as one."""
        while not (begun := self._buffer.lstrip(b"\r\n")):
            yield
        if not begun[:1].isalpha():
            raise Malformed(400, "that is no HTTP")

    def _until(self, mark: bytes, limit: int, status: int) -> Generator[None, None, bytes]:
        searched = 0
        while (end := self._buffer.find(mark, searched)) < 0:
            if len(self._buffer) > limit:
                raise Malformed(status, f"more than {limit} bytes without an end")
            searched = max(0, len(self._buffer) - len(mark) + 1)
            yield
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    def _take(self, size: int) -> Generator[None, None, bytes]:
        if size > BODY_LIMIT:
            raise Malformed(413, "the body is too large")
        while len(self._buffer) < size:
            yield
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _parsed(head: bytes) -> tuple[str, str, str, Mapping[str, str]]:
    first, *lines = head.decode("latin-1").lstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Malformed(400, "the request line is not HTTP/1.1")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise Malformed(400, "a header line is malformed")
        headers[name.lower()] = value.strip()
    return words[0], words[1], words[2], headers


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        number = -1
    if number < 0:
        raise Malformed(400, "a length is not a number")
    return number
