"""A dialect of one line per event, so that a test reads like the answer it scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.core.attempt import How, Target
from holdfast.core.events import Finished, StopReason, StreamEvent, TextDelta, UsageReport
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.message import Prompt, Role, said
from holdfast.core.request import Request
from holdfast.wire.dialect import ANY, EncodedRequest, ErrorAnswer

Event = StreamEvent | Failure

KINDS: Mapping[int, Kind] = {
    401: Kind.AUTH,
    429: Kind.RATE_LIMITED,
    500: Kind.SERVER_ERROR,
    502: Kind.BAD_GATEWAY,
}


def text(word: str) -> bytes:
    return f"text {word}\n".encode()


FINISH = b"finish stop\n"
DONE = b"done !\n"
END = FINISH + DONE
COMMENT = b": still here\n"


def _said_text(word: str) -> Event:
    return TextDelta(word.replace("_", " "))


def _said_boom(word: str) -> Event:
    raise LookupError(f"this decoder is broken at {word}")


_WORDS: Mapping[str, Callable[[str], Event]] = {
    "text": _said_text,
    "usage": lambda number: UsageReport(1, int(number)),
    "finish": lambda word: Finished(StopReason.END, word=word),
    "error": lambda word: Failure(Kind.OVERLOADED, Phase.STREAM, detail=word),
    "boom": _said_boom,
}


@dataclass(slots=True)
class LineDecoder:
    done: bool = False
    rest: bytes = b""
    finished: bool = False

    def receive_data(self, data: bytes) -> Sequence[Event]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            name, _, word = line.decode().partition(" ")
            self.done = self.done or name == "done"
            if name in _WORDS:
                events.append(_WORDS[name](word))
        self.finished = self.finished or any(isinstance(e, Finished) for e in events)
        return events

    def receive_eof(self) -> Sequence[Event]:
        if self.finished:
            return []
        return [Failure(Kind.TRUNCATED, Phase.END, detail="ended without a finish line")]


@dataclass(slots=True)
class Lines:
    """Keeps what it was asked to classify."""

    path: str = "/ask"
    headers: tuple[tuple[str, str], ...] = ()
    answers: list[ErrorAnswer] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)

    def encode_request(
        self, request: Request, target: Target, how: How, released: str
    ) -> EncodedRequest:
        key = (("Authorization", f"Bearer {target.credential.secret}"),)
        auth = key if target.credential.secret else ()
        body = f"{how.value}|{released}".encode()
        return EncodedRequest(self.path, (*auth, *self.headers, *target.headers), body)

    def decoder(self, content_type: str, host: str = "") -> LineDecoder:
        self.content_types.append(content_type)
        return LineDecoder()

    def classify(self, answer: ErrorAnswer) -> Failure:
        self.answers.append(answer)
        failure = Failure(
            KINDS[answer.status or 0],
            answer.phase,
            detail=answer.body.decode("utf-8", "replace")[:200],
            status=answer.status,
            code=answer.headers.get("x-code"),
        )
        wait = answer.headers.get("retry-after")
        return replace(failure, retry_after=float(wait)) if wait else failure

    def quirk(self, asked: Request, target: Target, failure: Failure) -> str:
        return ""

    def write_prompt(self, prompt: Prompt, target: Target = ANY) -> Mapping[str, Any] | Failure:
        return {"said": [message.text for message in prompt.messages]}

    def read_prompt(self, body: Mapping[str, Any]) -> Prompt | Failure:
        return Prompt(tuple(said(Role.USER, text) for text in body.get("said", ())))
