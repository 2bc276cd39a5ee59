"""The bytes of one answer to events: a stream of chunks, one JSON body, or neither.

What the answer is, is read off its first bytes: headers lie in both directions. What its
chunks mean is the business of a `Reader`, one for each dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Protocol

from ..core.events import StreamEvent
from ..core.failure import Failure, Kind, Phase
from ..core.redact import scrub
from .classify import classify_answer, classify_event, telling
from .dialect import ErrorAnswer
from .fronts import is_page
from .halves import Halves
from .jsontext import loads
from .lenient import plain
from .report import as_status
from .sse import LIMIT, SseEvent, SseParser

Item = StreamEvent | Failure

BODY = 32 * 1024 * 1024  # bytes of a JSON body
PAGE = 64 * 1024  # bytes of a body that is neither, kept to explain it
_EXCERPT = 256  # characters
_DONE = b"[DONE]"
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


class Form(Enum):
    EVENTS = "events"
    JSON = "json"
    OTHER = "other"


def form_of(start: bytes, media_type: str) -> Form | None:
    """What an answer is that starts so; None while that is open."""
    if start and _BOM.startswith(start):
        return None
    text = start.removeprefix(_BOM).lstrip()
    if not text:
        return None
    if text[:1] in (b"{", b"["):
        return Form.JSON
    if text[:1] == b"<":
        return Form.OTHER
    if media_type == "text/event-stream" or text.startswith(_EVENT_FIELDS):
        return Form.EVENTS
    return None if any(field.startswith(text) for field in _EVENT_FIELDS) else Form.OTHER


class Reader(Protocol):
    """What the chunks of one answer say, in order. A `Failure` is the last item it gives."""

    dialect: str
    began: bool  # a chunk has come
    told: bool  # `Finished` was given, and nothing has come since
    over: bool  # a chunk was the dialect's own end marker

    @property
    def phase(self) -> Phase: ...

    def read(self, chunk: Mapping[str, Any]) -> list[Item]: ...

    def read_body(self, body: Mapping[str, Any]) -> list[Item] | None:
        """One JSON body that is no error; None if it is no answer of this dialect."""
        ...

    def end(self, *, marked: bool) -> list[Item]:
        """The stream is over: by the marker [DONE], or because no more bytes came."""
        ...


class AnswerDecoder:
    """Implements `wire.dialect.Decoder` over the reader of a dialect."""

    def __init__(self, content_type: str, reader: Reader) -> None:
        self.done = False
        self._content_type = content_type
        self._media_type = content_type.partition(";")[0].strip().lower()
        self._form: Form | None = None
        self._held = bytearray()  # what came before the form was known, or a body
        self._failed = False
        self._parser = SseParser()
        self._reader = reader
        self._halves: Halves | None = None  # once a half was seen

    def receive_data(self, data: bytes) -> Sequence[Item]:
        if self.done or self._failed:
            return ()
        if self._form is None:
            data = bytes(self._held) + data
            self._held.clear()
            self._form = form_of(data, self._media_type)
        if self._form is Form.EVENTS:
            return self._give(self._events(data))
        self._held += data
        if self._form is Form.JSON and len(self._held) > BODY:
            return self._give([self._wrong(f"a JSON body of more than {BODY >> 20} MiB")])
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
                return self._body()
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
        items: list[Item] = []
        for event in self._parser.feed(data):
            items += self._event(event)
            if self.done or (items and isinstance(items[-1], Failure)):
                return items
        if self._parser.overflowed:
            items.append(self._wrong(f"an event of more than {LIMIT >> 20} MiB"))
        return items

    def _event(self, event: SseEvent) -> list[Item]:
        data = event.data.strip()
        while data.startswith(b"data:"):  # a proxy that wrapped lines which were events already
            data = data[5:].lstrip()
        if data == _DONE:
            self.done = True
            return self._explained(self._reader.end(marked=True))
        if not data and event.event not in _ERRORS:
            return []
        try:
            value = self._loads(data)
        except ValueError:
            return self._unreadable(event, data)
        if isinstance(value, str) and value[:1] in ("{", "["):
            return self._event(replace(event, data=value.encode("utf-8", "surrogatepass")))
        if event.event in _ERRORS:
            error = error_of(value) if isinstance(value, dict) else None
            return [classify_event(error or value, self._reader.phase)]
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
        told = telling(value, self._reader.phase)
        return [told or self._wrong("an event that is no JSON object")]

    def _events_end(self) -> list[Item]:
        tail = self._parser.unfinished.strip()
        if tail in (b"", _DONE):
            return self._explained(self._reader.end(marked=tail == _DONE))
        if self._reader.told:
            return []
        if self._is_whole(tail):  # only the blank line after it is missing
            items = self._event(SseEvent(tail))
            failed = bool(items) and isinstance(items[-1], Failure)
            return items if failed or self.done else items + self._reader.end(marked=False)
        # What was cut is evidence of the cut, and perhaps of its cause, but no event.
        detail = "the bytes ended in the middle of an event"
        cut = Failure(Kind.TRUNCATED, Phase.END, detail=detail)
        return [self._reported(tail) or cut]

    def _explained(self, items: list[Item]) -> list[Item]:
        """A missing end, with what somebody wrote between the events, if anything, as its cause."""
        stray = self._parser.stray
        last = items[-1] if items else None
        if not stray or not isinstance(last, Failure) or last.kind is Kind.TOOL_ARGUMENTS:
            return items
        if not self._reader.began:
            self._held += stray
            return [self._page()]
        said = _text(stray)
        detail = f"{last.detail}; between the events: {scrub(said, _EXCERPT)}"
        told = replace(last, detail=detail, nested=telling(said, self._reader.phase))
        return [*items[:-1], self._reported(stray) or told]

    def _is_whole(self, text: bytes) -> bool:
        try:
            return isinstance(self._loads(text), dict | list)
        except ValueError:
            return False

    def _reported(self, text: bytes) -> Failure | None:
        """The failure that `text` reports, if it is an error in JSON."""
        try:
            value = self._loads(text)
        except ValueError:
            return None
        error = error_of(value) if isinstance(value, dict) else None
        return None if error is None else classify_event(error, self._reader.phase)

    def _unreadable(self, event: SseEvent, data: bytes) -> list[Item]:
        text = _text(data)
        if event.event in _ERRORS:
            return [classify_event(text, self._reader.phase)]
        if event.event not in _MESSAGE or plain(text) in _SIGNS_OF_LIFE:
            return []
        if "\ufffd" in text:
            return [self._wrong("an event that is not UTF-8")]
        if _JSON.match(text):  # the answer's own words are not for records
            return [self._wrong(f"an event of {len(data)} bytes that is not JSON")]
        told = telling(text, self._reader.phase)
        if told and not is_page(text):
            return [told]
        return [self._wrong(f"an event that is not JSON: {scrub(text, _EXCERPT)}")]

    # One JSON body, or neither.

    def _body(self) -> list[Item]:
        text = bytes(self._held).removeprefix(_BOM).strip()
        try:
            value = self._loads(text)
        except ValueError:
            if not text.endswith((b"}", b"]")):
                detail = "the bytes ended in the middle of a JSON body"
                return [Failure(Kind.TRUNCATED, Phase.END, detail=detail)]
            return [self._wrong(f"a body of {len(text)} bytes that is not JSON")]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            return [self._wrong("a JSON body that is no object")]
        if error_of(value) is None:
            items = self._reader.read_body(value)
            if items is not None:
                return items
            strange = self._other_dialect(value)
            if strange or not isinstance(value.get("message"), str):
                said = strange or "a JSON body that is neither an answer nor an error"
                return [self._wrong(said)]
        return [classify_event(value, Phase.FIRST)]

    def _page(self) -> Failure:
        """A body of another kind, e.g. the page of a proxy: never the answer that was asked for."""
        headers = {"content-type": self._content_type}
        page = ErrorAnswer(200, headers, bytes(self._held[:PAGE]), "", Phase.FIRST, 0.0)
        told = classify_answer(page)
        detail = f"the answer is no stream of events ({self._media_type or 'of no type'})"
        detail = f"{detail}: {told.detail}" if told.detail else detail
        return replace(told, kind=Kind.PROTOCOL, detail=detail)

    def _wrong(self, detail: str) -> Failure:
        return Failure(Kind.PROTOCOL, self._reader.phase, detail=detail)

    def _loads(self, text: bytes) -> Any:
        if self._halves is None and (b"\\ud" in text or b"\\uD" in text):
            self._halves = Halves()
        return loads(text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def error_of(body: Mapping[str, Any]) -> object | None:
    """What `body` says went wrong, in one of the forms that errors take inside an answer."""
    error: object = body.get("error")
    if error and _is_trouble(error):
        return error
    around = [_spelt(held) for held in body.values() if isinstance(held, dict)]
    if body.get("choices"):
        return body if any(map(_is_numbered, around)) else None
    members = _spelt(body)
    if any(members.get(name) is False for name in _GOOD) or _failed(members):
        return body
    if any(_is_error_name(name) and _is_trouble(held) for name, held in members.items()):
        return body
    if _is_coded(members):
        return body
    # MiniMax's base_resp, Spark's header, Tencent's Response
    return body if any(_is_coded(held) or _holds_error(held) for held in around) else None


def _spelt(body: Mapping[str, Any]) -> dict[str, Any]:
    return {plain(key): held for key, held in body.items()}


_GOOD = ("success", "ok", "succeeded")
_STATES = ("object", "type", "status", "state", "event", "result")
_FAILED = frozenset({"error", "failed", "failure", "fail", "exception"})
_ERROR_NAME = re.compile(r"(?:error|errors|err|exception|fault|failure|detail)$|^err(?:or)?[a-z]+$")
_NUMBERS = ("code", "statuscode")
_CODES = (*_NUMBERS, "status")
_WORDS = ("message", "msg", "statusmsg")
_NO_ERROR = (None, "", 0, "0", 200, "200", "ok", "OK", "success")


def _is_error_name(name: str) -> bool:
    return _ERROR_NAME.search(name) is not None


def _failed(members: Mapping[str, Any]) -> bool:
    words = (members.get(name) for name in _STATES)
    return any(isinstance(word, str) and word.casefold() in _FAILED for word in words)


def _is_coded(members: Mapping[str, Any]) -> bool:
    """Whether it holds a code that is none of success, with words to it or as a status."""
    codes = [code for name in _CODES if (code := members.get(name)) not in _NO_ERROR]
    words = any(isinstance(members.get(name), str) for name in _WORDS)
    return bool(codes) and (words or any((as_status(code) or 0) >= 400 for code in codes))


def _is_numbered(members: Mapping[str, Any]) -> bool:
    """Whether it holds a number that is none of success, and a sentence to it."""
    numbers = [members.get(name) for name in _NUMBERS]
    failed = any(isinstance(n, int) and n not in _NO_ERROR for n in numbers)
    return failed and any(isinstance(members.get(name), str) and members[name] for name in _WORDS)


def _holds_error(members: Mapping[str, Any]) -> bool:
    errors = (held for name, held in members.items() if _is_error_name(name))
    return any(isinstance(error, dict) and _is_trouble(error) for error in errors)


def _is_trouble(error: object) -> bool:
    """Some write an error into every chunk that says there was none."""
    if isinstance(error, dict):
        return any(held not in _NO_ERROR for held in error.values())
    return bool(error) and error not in _NO_ERROR
