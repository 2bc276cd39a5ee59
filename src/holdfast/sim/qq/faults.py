"""What can go wrong with a request to the platform, as data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error of the platform's own, with HTTP `status`."""

    code: int
    status: int = 400
    err_code: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of HTML, as the front servers answer (401, 429, 502, 503, 504)."""

    status: int = 502
    retry_after: float | None = None  # seconds, as a header


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that are no JSON, with HTTP `status`."""

    body: bytes = b"{"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed without an answer, or with `reset` reset."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Freeze:
    """No answer ever comes."""


@dataclass(frozen=True, slots=True)
class Slow:
    """The answer comes after so many seconds of real time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pending:
    """HTTP 202: taken, and waiting for an audit."""

    audit_id: str = "audit-1"


What = Refuse | Page | Garbage | Cut | Freeze | Slow | Pending


@dataclass(slots=True)
class Fault:
    """Befalls the next `times` requests whose path holds `where`.

    `done`: the platform does what it was asked, and only its answer is spoilt.
    """

    what: What
    where: str = "messages"
    times: int = 1
    done: bool = False

    def befalls(self, path: str) -> bool:
        if not self.times or self.where not in path:
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    waiting: list[Fault] = field(default_factory=list)

    def next_for(self, path: str) -> Fault | None:
        return next((fault for fault in self.waiting if fault.befalls(path)), None)
