"""Server-sent events out of bytes, however they were cut (WHATWG HTML, section 9.2).

The parser works on bytes: a line end is never part of a UTF-8 sequence, so nothing is decoded
before its line is whole. Beyond the standard it keeps evidence: the data of a block that the
end of the bytes left open, and lines that are no field at all, such as the JSON or HTML that a
proxy writes into a stream which it cannot serve any more. And it reads what careless senders
write: a field whose name stands behind a byte order mark, padding or spaces, or in capitals;
where the data is JSON, events without a blank line between them, and JSON whose own line ends
were sent as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .jsontext import loads

LIMIT = 8 * 1024 * 1024  # bytes of one line, and of the data of one event
JSON = 64 * 1024  # bytes of data that are tried as JSON before their block ends
STRAY = 4 * 1024  # bytes of lines without a field name that are kept

_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")
_BOM = b"\xef\xbb\xbf"
_PADDING = re.compile(rb"(?:\xef\xbb\xbf|[\x00-\x20\x7f])+")


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One dispatched event. `data` is UTF-8 if the sender kept the rules: judge it there."""

    data: bytes
    event: str = ""
    id: str = ""  # the last one the stream has set; it persists


class SseParser:
    """Feed it bytes, take the events they complete. Never raises.

    A line or an event over the limit sets `overflowed`; the parser then takes nothing more.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.overflowed = False
        self.retry: int | None = None  # milliseconds that the sender asks for
        self._limit = limit
        self._partial = bytearray()  # a line without its end
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._id = ""
        self._stray = bytearray()
        self._after_cr = False  # an LF that comes next belongs to the CR before it
        self._first_line = True

    def feed(self, data: bytes) -> list[SseEvent]:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if self.overflowed or not data:
            return []
        if b"\n" not in data and b"\r" not in data:
            self._keep(data)
            return []
        if self._partial:
            data = bytes(self._partial) + data
            self._partial.clear()
        lines = data.splitlines()
        self._after_cr = data.endswith(b"\r")
        rest = b"" if self._after_cr or data.endswith(b"\n") else lines.pop()
        events = self._take(lines)
        if rest:
            self._keep(rest)
        return events

    @property
    def unfinished(self) -> bytes:
        """The data of a block whose blank line has not come: evidence, never an event."""
        field, value = _field(self._open_line)
        open_data = [*self._data, value] if field == b"data" else self._data
        return b"\n".join(open_data)

    @property
    def stray(self) -> bytes:
        """The last lines that were no field, and a last line of that kind without its end."""
        last = self._open_line
        if any(field.startswith(_field(last)[0]) for field in _FIELDS):
            last = b""  # a field, or the beginning of one
        return (bytes(self._stray) + last)[-STRAY:].strip()

    @property
    def _open_line(self) -> bytes:
        line = bytes(self._partial)
        return line.removeprefix(_BOM) if self._first_line else line

    def _keep(self, partial: bytes) -> None:
        self._partial += partial
        self.overflowed = self.overflowed or len(self._partial) > self._limit

    def _take(self, lines: list[bytes]) -> list[SseEvent]:
        events: list[SseEvent] = []
        if self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if not line:
                if self._data:
                    events.append(self._dispatch())
                self._event = ""
            elif line.startswith(b"data:"):
                events += self._more(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line.startswith(b":"):
                events += self._set(line)
            if self.overflowed or len(line) > self._limit:
                self.overflowed = True
                break
        return events

    def _more(self, value: bytes) -> list[SseEvent]:
        """A line of data; the event before it, if this one begins another."""
        before = []
        if self._data and value[:1] in _OPENING and self._holds_json:
            before.append(self._dispatch())
        self._add(value)
        return before

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        self._size += len(value) + 1
        self.overflowed = self._size > self._limit

    def _dispatch(self) -> SseEvent:
        event = SseEvent(b"\n".join(self._data), self._event, self._id)
        self._data = []
        self._size = 0
        return event

    @property
    def _holds_json(self) -> bool:
        """Whether the data so far is a whole JSON text: no line can belong to it any more."""
        if not self._data or self._size > JSON or not self._data[-1].rstrip().endswith(_CLOSING):
            return False
        try:
            loads(b"\n".join(self._data))
        except ValueError:
            return False
        return True

    def _set(self, line: bytes) -> list[SseEvent]:
        field, value = _field(line)
        if field not in _FIELDS and not self._is_open:
            field, value = _field(_plain(line))
        if field == b"data":
            return self._more(value)
        if field == b"event":
            self._event = value.decode("utf-8", "replace")
        elif field == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif field == b"retry":
            self.retry = int(value) if value.isdigit() and len(value) < 10 else self.retry
        elif self._is_open:
            self._add(line)
        elif field:
            self._stray += line + b"\n"
            del self._stray[:-STRAY]
        return []

    @property
    def _is_open(self) -> bool:
        """Whether a line may belong to JSON that has begun and is not whole."""
        return bool(self._data) and self._data[0][:1] in _OPENING and not self._holds_json


_FIELDS = (b"data", b"event", b"id", b"retry")


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Name and value; the name of a comment, and of an empty line, is b""."""
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def _plain(line: bytes) -> bytes:
    """`line` with its name as it should be written: no sender means anything by disguising it."""
    padding = _PADDING.match(line)
    name, mark, value = line[padding.end() if padding else 0 :].partition(b":")
    name = name.strip().lower()
    return name + mark + value if name in (*_FIELDS, b"") else line
