"""What a simulated upstream does to one connection, step by step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes at once; with them `pieces` more pieces of the answer are complete."""

    data: bytes
    pieces: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Drip:
    """Write `data` again and again, `every` so many seconds, until the peer leaves."""

    data: bytes
    every: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing more until the peer leaves."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Abort the connection: the peer sees a TCP RST (ECONNRESET)."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order: the peer sees a TCP FIN."""


Action = Send | Wait | Drip | Stall | Reset | Close


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the catalogue, and how many pieces of the answer go before it.

    `after` means something to faults at a chunk position only. A negative number counts from
    the end: -1 leaves one piece unsent.
    """

    name: str
    after: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.after}" if self.after else self.name
