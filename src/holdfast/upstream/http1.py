"""HTTP/1.1 on one connection: a question goes out, its answer comes in, and then the next.

What one read of the socket brings is one piece of the answer, however many HTTP chunks it holds:
all that follows (decoding, deciding, writing to the client) happens once for the read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

import httpcore2
import httptools

from ..core.failure import Phase
from .progress import Progress

READ = 64 * 1024  # bytes
LONGEST = 100 * 1024  # bytes of which none is the body's: fields, interim answers, trailers
SWITCHED = 101  # the one interim status that nothing follows

_LENGTHS = re.compile(rb"\r?\ncontent-length:([^\r\n]*)", re.IGNORECASE)
_FIELD = re.compile(rb"[^\0\r\n]*")

Fields = Sequence[tuple[bytes, bytes]]


class Connection:
    """One question at a time. Raises httpcore2's exceptions, and is of no more use then.

    `timeouts` are for streams that keep time; our own sockets do not.
    """

    def __init__(
        self, stream: httpcore2.AsyncNetworkStream, timeouts: Mapping[str, float | None]
    ) -> None:
        self.idle_until = 0.0  # by the event loop's clock
        self._stream = stream
        self._timeouts = timeouts
        self._parser = _parser(self)
        self._prepare()

    def _prepare(self) -> None:
        self.status = 0  # until the answer is known
        self.reason = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self._head = b""  # what was read before the answer was known
        self._unclear = False  # it is all read before it is told
        self._pieces: list[bytes] = []
        self._answered = False  # the head of the answer is here
        self._over = False  # and its end
        self._until_closed = False  # that is where the connection ends
        self._lasting = False  # another question may follow
        self._broken: httptools.HttpParserError | None = None  # behind the pieces

    async def ask(
        self, method: bytes, target: bytes, fields: Fields, body: bytes, progress: Progress
    ) -> None:
        """Returns when `status`, `reason` and `fields` of the answer are known.

        A server may answer what it has not read to its end: a connection that breaks while we
        write may still have an answer in it.
        """
        self._prepare()
        head = [b"%b %b HTTP/1.1" % (method, target), *(b"%b: %b" % field for field in fields)]
        if not all(map(_FIELD.fullmatch, head)):
            raise httpcore2.LocalProtocolError("a line end within a line of the request")
        connecting = method == b"CONNECT"  # making a tunnel is a part of connecting
        if not connecting:
            progress.reach(Phase.WRITE)
        try:
            whole = b"\r\n".join([*head, b"", body])
            await self._stream.write(whole, self._timeouts.get("write"))
        except httpcore2.WriteError:
            pass
        if not (connecting or progress.unsent):
            progress.reach(Phase.HEADERS)
        came = 0
        while not self._answered:
            if came:
                await asyncio.sleep(0)  # what floods us does not hold up the others
            came += await self._read("the peer ended its side before it had answered")
            if self._broken and not self._answered:
                raise _nonsense(self._broken)
            if came > LONGEST and not self._answered:
                raise httpcore2.RemoteProtocolError("too much came before the answer itself")

    async def piece(self) -> bytes:
        """What comes next of the body; b"" at its end."""
        came = 0
        while not self._pieces:
            if self._over:
                return b""
            if self._broken:
                raise _nonsense(self._broken)
            came += await self._read("the peer ended its side where more was due")
            if came > LONGEST and not self._pieces:
                raise httpcore2.RemoteProtocolError("the framing of the body does not end")
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def lasting(self) -> bool:
        """Whether it can be asked again: all was said, and nobody ended it or said more."""
        return self._over and self._lasting and not self._stream.get_extra_info("is_readable")

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _read(self, ended: str) -> int:
        data = await self._stream.read(READ, self._timeouts.get("read"))
        if not data:
            if not self._until_closed:
                raise httpcore2.RemoteProtocolError(ended)
            self._over = True
        else:
            self._feed(data)
        return len(data)

    def _feed(self, data: bytes) -> None:
        if self._answered:
            self._broken = self._parse(data)
            return
        self._head += data
        self._broken = None if self._unclear else self._parse(data)
        refused = self._broken and not self._answered
        if self._unclear or (refused and _LENGTHS.search(self._head)):
            # The parser takes no length that is said more than once: it is given one.
            self._unclear, self._broken = True, None
            fields, blank, rest = self._head.partition(b"\r\n\r\n")
            if blank:
                self.fields, self.reason, self._parser = [], b"", _parser(self)
                self._broken = self._parse(measured_once(fields) + blank + rest)

    def _parse(self, data: bytes) -> httptools.HttpParserError | None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._over, self._lasting = True, False
        except httptools.HttpParserError as error:
            self._lasting = False
            return error
        return None

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Once all is said: then it answers what was never asked."""
        self._lasting = False

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._answered:  # or it is a trailer
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._answered:
            return
        status = self._parser.get_status_code()
        if status < 200 and status != SWITCHED:
            self.fields, self.reason = [], b""
            return
        self._answered, self.status = True, status
        self._lasting = self._parser.should_keep_alive()
        self._until_closed = not _is_measured(self.fields)

    def on_body(self, data: bytes) -> None:
        if not self._over:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        self._over = self._answered


def _is_measured(fields: Fields) -> bool:
    """Whether a body says itself where it ends (RFC 9112, 6.3)."""
    known = [(name.lower(), value) for name, value in fields]
    codings = [value for name, value in known if name == b"transfer-encoding"]
    if codings:
        return codings[-1].strip().lower().endswith(b"chunked")
    return any(name == b"content-length" for name, _ in known)


def _parser(told: Connection) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(told)
    # Many servers break these rules, and there is only one thing that they can mean.
    parser.set_dangerous_leniencies(
        lenient_chunked_length=True,
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_optional_lf_after_cr=True,
        lenient_spaces_after_chunk_size=True,
        lenient_version=True,
    )
    return parser


def measured_once(fields: bytes) -> bytes:
    """`fields` with one Content-Length where it says the same more than once (RFC 9110, 8.6)."""
    said = {length.strip() for values in _LENGTHS.findall(fields) for length in values.split(b",")}
    if len(said) != 1:
        return fields
    return _LENGTHS.sub(b"", fields) + b"\r\nContent-Length: %b" % said.pop()


def _nonsense(error: httptools.HttpParserError) -> httpcore2.RemoteProtocolError:
    told = httpcore2.RemoteProtocolError(str(error))
    told.__cause__ = error
    return told
