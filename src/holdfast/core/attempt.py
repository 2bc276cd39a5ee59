"""Targets that may be asked, and the record of asking them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

from .events import UsageReport
from .failure import Failure, Kind, Phase
from .reason import Reason


class Continuation(Enum):
    """What a target can do with an answer that was cut off."""

    NATIVE = "native"  # the vendor resumes the very stream
    PREFILL = "prefill"  # goes on from a partial assistant message
    INSTRUCT = "instruct"  # can be told to go on
    NEVER = "never"


# The name under which the vendor's id of a stream that it keeps stands among `upstream_ids`.
RESPONSE_ID = "x-response-id"


class How(Enum):
    """How an attempt asks: from the beginning, or from what was released."""

    START = "start"
    NATIVE = "native"  # the vendor gives the very stream once more
    PREFILL = "prefill"
    INSTRUCT = "instruct"
    ANEW = "anew"  # the whole question again: what is said again is joined to what was released


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and the name it goes by. The secret shows in no repr, log or record."""

    id: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one attempt, in seconds. Both idle limits run once content has begun."""

    connect: float = 5.0
    write: float = 30.0
    headers: float = 30.0
    first_event: float = 45.0
    bytes_idle: float = 45.0
    content_idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Returned:
    """A field of its answers that a target is given back, in the `place` where it had said it: a
    message or call of the chat dialect, a block of messages, an item of responses.

    `missing` stands for it where a call was another model's; "" if the target needs nothing.
    """

    place: str
    name: str
    missing: Any = field(default="", hash=False)


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint + model + credential that may be asked.

    `quirks` names vendor habits from `upstream.catalog` that the codec must know,
    e.g. which flag marks a prefill.
    """

    name: str  # "provider/model"
    dialect: str = "chat"
    base_url: str = ""
    model: str = ""
    credential: Credential = Credential()
    continuation: Continuation = Continuation.INSTRUCT
    timeouts: Timeouts = Timeouts()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    proxy: str = field(default="", repr=False)  # URL of a forward proxy; may hold a password
    quirks: frozenset[str] = frozenset()
    resume: str = ""  # for How.NATIVE: the vendor's id of the stream that broke
    returned: tuple[Returned, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown of it, whoever echoes it, in every form in which it is sent."""
        values = [value for _, value in self.headers]
        bare = [value.partition(" ")[2] for value in values]  # "Bearer KEY"
        return (self.credential.secret, *_passwords(self.proxy), *values, *filter(None, bare))

    @property
    def key(self) -> str:
        """Names this target with this key, e.g. "proxy/gpt-5.5#k_3f9a"."""
        return f"{self.name}#{self.credential.id}" if self.credential.id else self.name


def _passwords(url: str) -> tuple[str, ...]:
    """The password in `url`, as it is written, as it is meant, and as RFC 7617 sends it."""
    split = urlsplit(url)
    if not split.password:
        return ()
    user, password = unquote(split.username or ""), unquote(split.password)
    return split.password, password, b64encode(f"{user}:{password}".encode()).decode()


class Confidence(Enum):
    """How sure the place of a joint is."""

    PROVED = "proved"  # by a repetition that cannot be chance, or by the target's own promise
    LIKELY = "likely"  # by a repetition that is hardly chance
    ASSUMED = "assumed"  # nothing was repeated, and nothing speaks against it


@dataclass(frozen=True, slots=True)
class Seam:
    """How a continued answer was joined to what had been released."""

    rule: str
    overlap: int = 0  # characters that the continuation repeated and we removed
    dropped: int = 0  # characters of preamble removed
    confidence: Confidence = Confidence.ASSUMED

    @property
    def verified(self) -> bool:
        return self.confidence is Confidence.PROVED


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to one target. Times are monotonic seconds."""

    number: int
    target: Target
    how: How
    started_at: float
    ended_at: float
    phase: Phase
    marks: Mapping[Phase, float] = field(default_factory=dict)  # when each phase began
    first_event_at: float | None = None
    released: int = 0  # characters of text that this attempt gave to the reader
    failure: Failure | None = None
    decision: str = ""  # retry | failover | hedge | continue | replace | stop | finish
    why: Reason | None = None  # of the decision
    status: int | None = None
    upstream_ids: tuple[tuple[str, str], ...] = ()
    seam: Seam | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: finished, or the failure that is told to the client."""

    failure: Failure | None
    attempts: tuple[Attempt, ...]
    usage: UsageReport | None = None
    released: int = 0

    @property
    def recovered(self) -> bool:
        """Whether the answer is whole although something failed on the way."""
        return self.failure is None and self.troubled

    @property
    def troubled(self) -> bool:
        """Whether any target failed; an attempt that we gave up ourselves, or could not make, is
        no trouble.
        """
        failures = [attempt.failure for attempt in self.attempts if attempt.failure]
        return any(f.kind is not Kind.CANCELLED and not f.untold for f in failures)
