"""The bytes of one answer to events: a stream of chunks, one JSON body, or neither.

What the answer is, is read off its first bytes: headers lie in both directions. What its
chunks mean is the business of a `Reader`, one for each dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Protocol

from ..core.events import Foreign, StreamEvent
from ..core.failure import Failure, Kind, Phase
from ..core.redact import scrub
from .classify import classify_answer, classify_event, telling
from .dialect import ErrorAnswer
from .fronts import is_page
from .halves import Halves
from .jsontext import loads
from .jsonvalues import JsonValues
from .lenient import plain
from .sse import LIMIT, SseEvent, SseParser
from .trouble import error_of, says

Item = StreamEvent | Failure

BODY = 32 * 1024 * 1024  # bytes of a JSON body
ANSWER = 256 * 1024 * 1024  # bytes of a whole answer: what is told is kept, to be gone on with
PAGE = 64 * 1024  # bytes of a body that is neither, kept to explain it
_EXCERPT = 256  # characters
_DONE, _WORD = b"[DONE]", b"DONE"
_BOM = b"\xef\xbb\xbf"
_MESSAGE = ("", "message")  # the names under which SSE delivers what everybody reads
_ERRORS = frozenset({"error", "exception"})
_SIGNS_OF_LIFE = frozenset({"ping", "pong", "keepalive", "heartbeat", "alive", "noop"})
_JSON = re.compile(r"[{\"]|\[\s*[\[{\"\d\]-]")
_KNOWN = frozenset({"type", "choices", "object", "error"})
_BEGINS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "chat": lambda value: isinstance(value.get("choices"), list),
    "responses": lambda value: (
        value.get("object") == "response" or str(value.get("type")).startswith("response.")
    ),
    "messages": lambda value: value.get("type") in ("message", "message_start"),
}
_EVENT_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:")
_LONGEST = max(map(len, _EVENT_FIELDS))
# What may stand between the JSON texts of one event: marks of the events that they were, line ends
# that were escaped once more, and at the end the marker.
_GLUE = re.compile(rb"(?:data:|\\[nr]|,|\s)*(?:\[?DONE)?")


class Form(Enum):
    EVENTS = "events"
    JSON = "json"
    OTHER = "other"


def form_of(start: bytes, media_type: str) -> Form | None:
    """What an answer is that starts so; None while that is open."""
    if start and _BOM.startswith(start):
        return None
    text = start.removeprefix(_BOM).lstrip(b" \t\r\n\v\f\x1e\0")
    if not text:
        return None
    if text[:1] in (b"{", b"[", b'"'):
        return Form.JSON
    if text[:1] == b"<":
        return Form.OTHER
    field = text[:_LONGEST].lower()
    if media_type == "text/event-stream" or field.startswith(_EVENT_FIELDS):
        return Form.EVENTS
    return None if any(name.startswith(field) for name in _EVENT_FIELDS) else Form.OTHER


class Reader(Protocol):
    """What the chunks of one answer say, in order. A `Failure` is the last item it gives."""

    dialect: str
    vendor: str  # whose answer it is; "" if that is not known
    began: bool  # a chunk has come
    told: bool  # `Finished` was given, and nothing has come since
    over: bool  # a chunk was the dialect's own end marker

    @property
    def phase(self) -> Phase: ...

    def read(self, chunk: Mapping[str, Any]) -> list[Item]: ...

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        """Whether `body` is an answer that says of itself that it is whole: nothing need follow."""
        ...

    def read_body(self, body: Mapping[str, Any]) -> list[Item] | None:
        """One JSON body that is no error; None if it is no answer of this dialect."""
        ...

    def end(self, *, marked: bool) -> list[Item]:
        """The stream is over: by the marker [DONE], or because no more bytes came."""
        ...


_CUT = Failure(Kind.TRUNCATED, Phase.END, detail="the bytes ended in the middle of an event")


class AnswerDecoder:
    """Implements `wire.dialect.Decoder` over the reader of a dialect."""

    def __init__(self, content_type: str, reader: Reader) -> None:
        self.done = False
        self._content_type = content_type
        self._media_type = content_type.partition(";")[0].strip().lower()
        self._form: Form | None = None
        self._size = 0  # bytes that have come
        self._held = bytearray()  # what came before the form was known, or a body
        self._failed = False
        self._parser = SseParser()
        self._values = JsonValues()
        self._first: bytes | None = None  # a JSON value that may be all there is
        self._streams = False  # another one came
        self._reader = reader
        self._halves: Halves | None = None  # once a half was seen
        self._aside: Mapping[str, Any] | None = None  # what was said last, and is no part of it

    def receive_data(self, data: bytes) -> Sequence[Item]:
        if self.done or self._failed:
            return ()
        self._size += len(data)
        if self._size > ANSWER:
            return self._give([self._wrong(f"an answer of more than {ANSWER >> 20} MiB")])
        if self._form is None:
            data = bytes(self._held) + data
            self._held.clear()
            self._form = form_of(data, self._media_type)
        if self._form is Form.EVENTS:
            return self._give(self._events(data))
        if self._form is Form.JSON:
            return self._give(self._json(data))
        self._held += data
        if self._form is Form.OTHER and len(self._held) >= PAGE:
            return self._give([self._page()])
        return ()

    def receive_eof(self) -> Sequence[Item]:
        if self.done or self._failed:
            return ()
        items = self._give(self._last())
        self.done = not self._failed
        return items

    def _last(self) -> list[Item]:
        match self._form:
            case Form.EVENTS:
                return self._events_end()
            case Form.JSON:
                return self._values_end() if self._streams else self._body(bytes(self._held))
            case Form.OTHER:
                return [self._page()]
            case None:
                return [self._page()] if self._held.strip() else self._reader.end(marked=False)

    def _give(self, items: list[Item]) -> Sequence[Item]:
        if self._halves:
            items = self._halves.join(items)
        self._failed = bool(items) and isinstance(items[-1], Failure)
        return items

    # A stream of chunks.

    def _events(self, data: bytes) -> list[Item]:
        items = self._each(self._parser.feed(data))
        if self._parser.overflowed and not self._is_over(items):
            items.append(self._wrong(f"an event of more than {LIMIT >> 20} MiB"))
        return items

    def _json(self, data: bytes) -> list[Item]:
        """One body, or chunks without the form of events: what comes second shows it."""
        values = self._values.feed(data)
        if not self._streams:
            self._held += data
            if self._first is None and values:
                self._first = values.pop(0)
                if self._says_all(self._first):
                    items = self._body(self._first)
                    self.done = not self._is_over(items)
                    return items
            if self._first is not None and values:
                self._streams = True
                self._held.clear()
                values.insert(0, self._first)
        items = self._each(map(SseEvent, values))
        if max(len(self._held), self._values.size) > BODY:
            items.append(self._wrong(f"a JSON body of more than {BODY >> 20} MiB"))
        return items

    def _says_all(self, value: bytes) -> bool:
        """Whether a whole body, or an error, has come; the connection may stay open after it."""
        try:
            body = self._loads(value)
        except ValueError:
            return False
        if not isinstance(body, dict):
            return False
        return error_of(body) is not None or self._reader.is_whole(body)

    def _each(self, events: Iterable[SseEvent]) -> list[Item]:
        items: list[Item] = []
        for event in events:
            items += self._event(event)
            if self._is_over(items):
                break
        return items

    def _is_over(self, items: Sequence[Item]) -> bool:
        return self.done or (bool(items) and isinstance(items[-1], Failure))

    def _event(self, event: SseEvent) -> list[Item]:
        data = event.data.strip()
        while data.startswith(b"data:"):  # a proxy that wrapped lines which were events already
            data = data[5:].lstrip()
        if data.startswith(_DONE) and _GLUE.fullmatch(data[len(_DONE) :]):
            self.done = True
            return self._explained(self._reader.end(marked=True), self._parser.stray)
        if not data and event.event not in _ERRORS:
            return []
        try:
            value = self._loads(data)
        except ValueError:
            several = _glued(data)
            if several:
                return self._each(replace(event, data=each) for each in several)
            return self._unreadable(event, data)
        if isinstance(value, str) and value[:1] in ("{", "["):
            return self._event(replace(event, data=value.encode("utf-8", "surrogatepass")))
        if event.event in _ERRORS:
            error = error_of(value) if isinstance(value, dict) else None
            return [self._judged(error or value)]
        if isinstance(value, dict):
            if event.event not in _MESSAGE and not value.keys() & _KNOWN:
                value = {"type": event.event, **value}
            strange = None if self._reader.began else self._other_dialect(value)
            return [self._wrong(strange)] if strange else self._value(value)
        return self._value(value)

    def _other_dialect(self, value: Mapping[str, Any]) -> str | None:
        """A sentence about it, if `value` begins an answer in another dialect than was asked."""
        found = next((name for name, begins in _BEGINS.items() if begins(value)), None)
        if found in (None, self._reader.dialect):
            return None
        return f"the answer is in the dialect {found}: the provider's `dialect` may be wrong"

    def _value(self, value: object) -> list[Item]:
        """Google puts its objects into a list; what is no object at all keeps a line alive."""
        if isinstance(value, dict):
            items = self._reader.read(value)
            self.done = self._reader.over
            if "choices" not in value:
                self._note(value, items)
            elif items:
                self._aside = None
            return items
        if isinstance(value, list):
            items = []
            for member in value:
                items += self._value(member)
                if items and isinstance(items[-1], Failure):
                    break
            return items
        if not isinstance(value, str):
            return []
        told = self._told(value)
        return [told or self._wrong("an event that is no JSON object")]

    def _note(self, value: Mapping[str, Any], items: Sequence[Item]) -> None:
        """Words outside the answer may be why it ends here, if nothing of it follows them."""
        if any(not isinstance(item, Foreign) for item in items):
            self._aside = None
        elif says(value):
            self._aside = value

    def _events_end(self) -> list[Item]:
        tail = self._parser.unfinished.strip()
        if tail in (b"", _DONE):
            return self._explained(self._reader.end(marked=tail == _DONE), self._parser.stray)
        if self._reader.told:
            return []
        if self._is_whole(tail):  # only the blank line after it is missing
            items = self._event(SseEvent(tail))
            failed = bool(items) and isinstance(items[-1], Failure)
            return items if failed or self.done else items + self._reader.end(marked=False)
        # What was cut is evidence of the cut, and perhaps of its cause, but no event.
        return [self._reported(tail) or _CUT]

    def _values_end(self) -> list[Item]:
        if self._values.cut:
            return [] if self._reader.told else [_CUT]
        between = self._values.between
        return self._explained(self._reader.end(marked=between == _WORD), bytes(between))

    def _explained(self, items: list[Item], stray: bytes) -> list[Item]:
        """A missing end, with what somebody wrote between the events, if anything, as its cause."""
        last = items[-1] if items else None
        if not isinstance(last, Failure) or last.kind is Kind.TOOL_ARGUMENTS:
            return items
        if self._aside is not None:
            cause = self._judged(self._aside)
            if cause.kind is not Kind.SERVER_ERROR:  # that is what any words would amount to
                return [*items[:-1], cause]
        if not stray:
            return items
        if not self._reader.began:
            self._held += stray
            return [self._page()]
        said = _text(stray)
        nested = self._told(said)
        shown = nested.detail if nested and is_page(said) else scrub(said, _EXCERPT)
        told = replace(last, detail=f"{last.detail}; between the events: {shown}", nested=nested)
        return [*items[:-1], self._reported(stray) or told]

    def _is_whole(self, text: bytes) -> bool:
        try:
            return isinstance(self._loads(text), dict | list)
        except ValueError:
            return bool(_glued(text))

    def _reported(self, text: bytes) -> Failure | None:
        """The failure that `text` reports, if it is an error in JSON."""
        try:
            value = self._loads(text)
        except ValueError:
            return None
        if isinstance(value, list) and value:  # Google
            value = value[0]
        error = error_of(value) if isinstance(value, dict) else None
        return None if error is None else self._judged(error)

    def _unreadable(self, event: SseEvent, data: bytes) -> list[Item]:
        text = _text(data)
        if event.event in _ERRORS:
            return [self._judged(text)]
        is_json = _JSON.match(text)
        if plain(text) in _SIGNS_OF_LIFE or (event.event not in _MESSAGE and not is_json):
            return []
        if "\ufffd" in text:
            return [self._wrong("an event that is not UTF-8")]
        if is_json:  # the answer's own words are not for records
            return [self._wrong(f"an event of {len(data)} bytes that is not JSON")]
        told = self._told(text)
        if told and not is_page(text):
            return [told]
        return [self._wrong(f"an event that is not JSON: {scrub(text, _EXCERPT)}")]

    # One JSON body, or neither.

    def _body(self, data: bytes) -> list[Item]:
        text = data.removeprefix(_BOM).strip(b" \t\r\n\x1e")
        try:
            value = self._loads(text)
            if isinstance(value, str) and value[:1] in ("{", "["):  # JSON in JSON
                value = self._loads(value.encode("utf-8", "surrogatepass"))
        except ValueError:
            if self._first is not None:  # more than JSON: as if it had been streamed
                told = self._event(SseEvent(self._first))
                return told if self._is_over(told) else told + self._values_end()
            if not text.endswith((b"}", b"]")):
                detail = "the bytes ended in the middle of a JSON body"
                return [Failure(Kind.TRUNCATED, Phase.END, detail=detail)]
            return [self._wrong(f"a body of {len(text)} bytes that is not JSON")]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            words = self._told(value) if isinstance(value, str) else None
            return [words or self._wrong("a JSON body that is no object")]
        if error_of(value) is None:
            items = self._reader.read_body(value)
            if items is not None:
                return items
            strange = self._other_dialect(value)
            if strange or not says(value):
                said = strange or "a JSON body that is neither an answer nor an error"
                return [self._wrong(said)]
        return [self._judged(value)]

    def _page(self) -> Failure:
        """A body of another kind, e.g. the page of a proxy: never the answer that was asked for."""
        headers = {"content-type": self._content_type}
        page = ErrorAnswer(200, headers, bytes(self._held[:PAGE]), "", Phase.FIRST, 0.0)
        told = classify_answer(page)
        detail = f"the answer is no stream of events ({self._media_type or 'of no type'})"
        detail = f"{detail}: {told.detail}" if told.detail else detail
        return replace(told, kind=Kind.PROTOCOL, detail=detail)

    def _judged(self, error: object) -> Failure:
        return classify_event(error, self._reader.phase, self._reader.vendor)

    def _told(self, words: str) -> Failure | None:
        return telling(words, self._reader.phase, self._reader.vendor)

    def _wrong(self, detail: str) -> Failure:
        return Failure(Kind.PROTOCOL, self._reader.phase, detail=detail)

    def _loads(self, text: bytes) -> Any:
        if self._halves is None and (b"\\ud" in text or b"\\uD" in text):
            self._halves = Halves()
        return loads(text)


def _glued(data: bytes) -> list[bytes]:
    """The JSON texts, and the end marker, that lost what kept them apart; [] if it is not that."""
    reader = JsonValues()
    values = reader.feed(data)
    between = bytes(reader.between)
    if reader.cut or values in ([], [data]) or not _GLUE.fullmatch(between):
        return []
    return [*values, _DONE] if between.endswith(_WORD) else values


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
