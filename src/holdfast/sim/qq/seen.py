"""What people see: the ledger on which tests assert."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .rules import Place

State = Literal["whole", "generating", "rolled back", "recalled"]
Kind = Literal["text", "markdown", "media", "stream", "typing"]


@dataclass(slots=True)
class Shown:
    """Something a bot sent into a conversation.

    `body` is all text that was delivered; `answers` the msg_id or event_id, "" for none; `quotes`
    the words of the message that people see quoted.
    """

    id: str
    kind: Kind
    body: str
    at: float
    answers: str = ""
    seq: int | None = None
    quotes: str = ""
    format: Literal["text", "markdown"] = "text"
    keyboard: bool = False
    files: tuple[str, ...] = ()
    contents: tuple[bytes, ...] = ()  # of the files, b"" where the platform fetches them itself
    frames: list[str] = field(default_factory=list)  # the text after each frame of a stream
    indexes: list[int] = field(default_factory=list)
    finished: bool = True
    left: bool = False  # a stream that the platform ended by itself
    recalled: bool = False
    patience: float = 0.0
    last_at: float = 0.0

    def state(self, now: float) -> State:
        """Clients roll a stream that never ended back to what its first frame said."""
        if self.recalled:
            return "recalled"
        if self.finished:
            return "whole"
        return "rolled back" if now - self.last_at > self.patience else "generating"

    def text(self, now: float) -> str:
        """What stands on the screen."""
        match self.state(now):
            case "recalled":
                return ""
            case "rolled back":
                return self.frames[0]
            case _:
                return self.body


@dataclass(slots=True)
class Conversation:
    """A chat of one person, group or channel with the bot."""

    place: Place
    id: str
    shown: list[Shown] = field(default_factory=list)
    friend: bool = True  # or: the bot is a member
    muted: bool = False
    rejects: bool = False  # messages that answer nothing

    @property
    def key(self) -> tuple[Place, str]:
        return self.place, self.id
