"""What is true about a fault: what the record of an attempt that met it must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..core.failure import Kind, Phase
from .actions import Action
from .scene import Scene


class Position(StrEnum):
    """Where in an answer a fault strikes."""

    BEFORE = "before"  # before anything of the answer; "@K" means nothing to it
    CHUNK = "chunk"  # after "@K" pieces
    AFTER = "after"  # after all of them


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of the catalogue. `kind` is None for what must do no harm at all.

    `cause` is the errno or resolver or TLS word that ends the chain of causes, "EOF" where
    the bytes just ended, "" where neither says it. `status` is the HTTP status that was
    read, None without one. `nested` is what the answering proxy says of its own upstream.
    `finish` is the finish reason of the answer; any other than "stop" ends it at "@K".
    """

    name: str
    kind: Kind | None
    phase: Phase
    meaning_en: str
    meaning_zh: str
    position: Position = Position.BEFORE
    cause: str = ""
    status: int | None = 200
    nested: Kind | None = None
    retry_after: float | None = None  # seconds
    finish: str = "stop"
    address: bool = False  # made by the base URL, not by the model name
    speaks: bool = False  # it is content itself, even where none went before it

    @property
    def healthy(self) -> bool:
        return self.kind is None

    def phase_after(self, sent: int) -> Phase:
        """The phase in which it strikes when `sent` pieces of the answer went before it."""
        unspoken = not (sent or self.speaks)
        return Phase.FIRST if self.phase is Phase.STREAM and unspoken else self.phase

    def meaning(self, language: str) -> str:
        return self.meaning_zh if language == "zh" else self.meaning_en


Player = Callable[[Scene], tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """What is true about a fault, and how it is played."""

    truth: Truth
    play: Player
