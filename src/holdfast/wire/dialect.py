"""The contract of a wire format: how to ask, how to read the answer, what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.attempt import How, Target
from ..core.events import StreamEvent
from ..core.failure import Failure, Phase
from ..core.request import Request


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """What to send: `path` is appended to the target's base URL."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


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

    def decoder(self, content_type: str) -> Decoder: ...

    def classify(self, answer: ErrorAnswer) -> Failure: ...
