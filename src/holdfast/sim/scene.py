"""One answer about to be played: what is said, how it is written, and how far it comes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .actions import Action, Close, Send, Wait
from .habits import Habits
from .http1 import CHUNKED, Framing, Headers, head
from .speech import DONE, Payload, Speech

__all__ = ["DONE", "LINES", "Actions", "Scene", "Style"]

Actions = tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How an event is written down. The last four are not legal, and are met all the same.

    See WHATWG HTML 9.2 and RFC 8259.
    """

    line_end: bytes = b"\n"
    field: bytes = b"data: "
    before: bytes = b""  # lines before the data of every event
    escape: bool = False
    indent: bool = False  # JSON over many lines, each a data line of the same event
    named: bool = False  # events carry their types as names
    gap: bytes = b"\n"  # the blank line after an event
    ending: bytes = b""  # after the data of every event, before its line ends
    bare: bool = False  # only the first line of data is marked as such
    quoted: bool = False  # JSON inside a JSON string
    news: bool = False  # members and events that nobody knows yet

    def event(self, payload: Payload) -> bytes:
        if self.news:
            aside = self._event({"type": "tomorrow", NEWS: True}) if "type" in payload else b""
            return aside + self._event(with_news(payload))
        return self._event(payload)

    def _event(self, payload: Payload) -> bytes:
        indent = 1 if self.indent else None
        text = json.dumps(payload, ensure_ascii=self.escape, indent=indent)
        text = json.dumps(text) if self.quoted else text
        named = self.named and isinstance(payload.get("type"), str)
        return self.raw(text.encode(), payload["type"] if named else "")

    def raw(self, data: bytes, name: str = "") -> bytes:
        rest = b"" if self.bare else self.field
        lines = self.field + data.replace(b"\n", b"\n" + rest) + self.ending + b"\n"
        named = f"event: {name}\n".encode() if name else b""
        return (self.before + named + lines + self.gap).replace(b"\n", self.line_end)


NEWS = "x_tomorrow"


def with_news(value: Any) -> Any:
    """`value` with a member more in every object but those that a model itself has written."""
    if isinstance(value, list):
        return [with_news(one) for one in value]
    if not isinstance(value, dict):
        return value
    inside = {k: held if k == "input" else with_news(held) for k, held in value.items()}
    return {**inside, NEWS: "since 2027"}


# One JSON text a line, without the form of events.
LINES = Style(field=b"", gap=b"")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault is played on. `after` pieces go before it; it never exceeds their number."""

    speech: Speech
    habits: Habits
    stream: bool
    request_id: str
    after: int
    style: Style = Style()
    framing: Framing = CHUNKED
    content_type: str = "text/event-stream; charset=utf-8"
    prologue: bytes = b""  # body bytes before the first event

    @property
    def count(self) -> int:
        return len(self.speech.pieces)

    def frame(self, data: bytes) -> bytes:
        """One more part of a body whose framing has no memory."""
        return b"".join(self.framing.frame([data]))

    def event(self, payload: Payload) -> Send:
        return Send(self.frame(self.style.event(payload)))

    def raw(self, data: bytes) -> Send:
        return Send(self.frame(data))


def head_of(scene: Scene, framing: Headers | None = None, status: int = 200) -> bytes:
    """The head of a 200 in the scene's framing, unless another is given."""
    headers = [
        *([("Content-Type", scene.content_type)] if scene.content_type else []),
        ("Cache-Control", "no-cache"),
        ("X-Request-Id", scene.request_id),
        *(scene.framing.headers if framing is None else framing),
    ]
    return head(status, headers, scene.framing.version)


def told(scene: Scene, count: int) -> Actions:
    """The head, the opening and the first `count` pieces."""
    if not scene.stream:
        return _told_whole(scene, count)
    opening = scene.prologue + _written(scene, scene.speech.opening)
    parts = [opening, *(_written(scene, piece) for piece in scene.speech.pieces[:count])]
    first, *rest = scene.framing.frame(parts)
    return (Send(head_of(scene)), Send(first), *_paced(scene, rest))


def whole(scene: Scene, closing: Iterable[bytes] | None = None) -> Actions:
    """The whole answer: all pieces, what closes it, and the end of the body.

    `closing` holds events instead of finish, usage and [DONE].
    """
    if not scene.stream:
        return _told_whole(scene, scene.count)
    speech = scene.speech
    ends = [*map(scene.style.event, speech.closing), *map(scene.style.raw, speech.voice.ends)]
    closed = b"".join(ends if closing is None else closing)
    parts = [
        scene.prologue + _written(scene, speech.opening),
        *(_written(scene, piece) for piece in speech.pieces),
        closed,
    ]
    first, *rest, last = scene.framing.frame(parts)
    return (
        Send(head_of(scene)),
        Send(first),
        *_paced(scene, rest),
        Send(last + scene.framing.end),
        *(() if scene.framing.delimited else (Close(),)),
    )


def until(scene: Scene, count: int) -> Scene:
    """The scene with an answer that has only its first `count` pieces."""
    return replace(scene, speech=replace(scene.speech, pieces=scene.speech.pieces[:count]))


def with_body(status: int, headers: Headers, body: bytes, request_id: str) -> Actions:
    """A whole answer with a length, such as an error."""
    own = [*headers, ("X-Request-Id", request_id), ("Content-Length", str(len(body)))]
    return (Send(head(status, own) + body),)


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _told_whole(scene: Scene, count: int) -> Actions:
    """For a request that does not stream: as much of the JSON as `count` pieces are of all."""
    said = with_news(scene.speech.whole) if scene.style.news else scene.speech.whole
    body = json.dumps(said, ensure_ascii=scene.habits.escape).encode()
    share = len(body) * count // scene.count if scene.count else len(body)
    length = (("Content-Length", str(len(body))),)
    plain = replace(scene, content_type="application/json")
    return (Send(head_of(plain, length)), Send(body[:share], count))


def _written(scene: Scene, payloads: Iterable[Payload]) -> bytes:
    return b"".join(map(scene.style.event, payloads))


def _paced(scene: Scene, parts: Iterable[bytes]) -> Actions:
    pause = (Wait(scene.habits.pace),) if scene.habits.pace else ()
    return tuple(action for part in parts for action in (*pause, Send(part, 1)))
