"""The contract of a wire format: how to ask, how to read the answer, what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.attempt import How, Target
from ..core.events import StreamEvent
from ..core.failure import Failure, Phase
from ..core.message import Prompt
from ..core.request import Request

ANY = Target("")  # one without habits


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """What to send: `path` is appended to the target's base URL."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An answer that is not a stream of events, with all that may explain it.

    `host` is the endpoint that answered. `received_at` is Unix seconds: HTTP dates need it.
    `body` holds at most the first 64 KiB.
    """

    status: int | None
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    host: str
    phase: Phase
    received_at: float


class Decoder(Protocol):
    """One answer's bytes to events. Never raises: a `Failure` is the last item, if any.

    `done` is true once the dialect's own end marker has been read: nothing more will come.
    """

    done: bool

    def receive_data(self, data: bytes) -> Sequence[StreamEvent | Failure]: ...

    def receive_eof(self) -> Sequence[StreamEvent | Failure]:
        """The bytes ended cleanly. Yields `Finished` or a `Failure` of phase END."""
        ...


class Dialect(Protocol):
    def encode_request(
        self, request: Request, target: Target, how: How, released: str
    ) -> EncodedRequest:
        """`released` is the text the reader already has; `how` says what to do with it."""
        ...

    def decoder(self, content_type: str, host: str = "") -> Decoder:
        """`host` is the endpoint that answers; the numbers of errors are its vendor's own."""
        ...

    def classify(self, answer: ErrorAnswer) -> Failure: ...

    def quirk(self, asked: Request, target: Target, failure: Failure) -> str:
        """The quirk that `target` shows by refusing `asked`: with it, it can be asked again."""
        ...

    def write_prompt(self, prompt: Prompt, target: Target = ANY) -> Mapping[str, Any] | Failure:
        """The body that asks `prompt` of `target`, without `model` and `stream`.

        A failure of kind UNSUPPORTED names in `param` the field that the dialect has no words for.
        """
        ...

    def read_prompt(self, body: Mapping[str, Any]) -> Prompt | Failure:
        """What `body` asks, to be asked in another dialect; `wire.losses` lists what it loses.

        A failure of kind UNSUPPORTED names in `param` the field that no prompt has a place for.
        """
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What is the same in all parts of one answer. `created` is in Unix seconds."""

    ref: str
    created: int
    model: str


class StreamWriter(Protocol):
    """Writes one streamed answer: one id, model and role, whatever happened behind.

    `heartbeat` fills a silence without being part of the answer. `ends_failed` is whether `fail`
    ends the answer in order: the dialect's clients are then told of the failure where they look for
    an end. Elsewhere the connection is broken off after it, so that nobody takes it for whole.
    """

    heartbeat: bytes
    ends_failed: bool

    def encode(self, events: Sequence[StreamEvent]) -> bytes: ...

    def finish(self, extension: Mapping[str, Any] | None) -> bytes:
        """The end of a whole answer. `extension` is told under "holdfast" where there is room."""
        ...

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """The end of an answer that could not be saved: `error` as `gateway.errors` words it."""
        ...


class Assembler(Protocol):
    """Collects one answer for a client that does not stream."""

    def add(self, events: Sequence[StreamEvent]) -> None: ...

    def answer(self, extension: Mapping[str, Any] | None) -> bytes: ...


# What a client of a dialect was given stays given: none has a word for taking it back.
APPENDED = "a client's answer is only appended to"


class ServedDialect(Protocol):
    """A dialect towards clients."""

    def decode_request(self, body: bytes) -> Request | Failure:
        """A failure is of kind INVALID and names the field and the remedy."""
        ...

    def stream(self, head: Head, request: Request) -> StreamWriter: ...

    def assembler(self, head: Head, request: Request) -> Assembler: ...

    def refusal(self, error: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of an HTTP error in the shape that this dialect's clients know."""
        ...
