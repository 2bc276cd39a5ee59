"""The messages of one delivery, and what the person has of the turn by them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from .adapter import Capabilities
from .parts import Part, State


class Told:
    """Messages by slot, the last state of each."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = {kept.slot: kept for kept in parts}

    def __iter__(self) -> Iterator[Part]:
        return iter(list(self._parts.values()))

    def keep(self, part: Part) -> None:
        self._parts[part.slot] = part

    @property
    def free_slot(self) -> int:
        return max(self._parts, default=0) + 1

    @property
    def last(self) -> Part | None:
        """The last message with text that the platform has, or may have."""
        texts = (kept for kept in self if kept.form in ("stream", "whole"))
        told = [kept for kept in texts if kept.state is not State.FAILED]
        return max(told, key=lambda kept: kept.slot, default=None)

    @property
    def exhibits(self) -> Mapping[int, State]:
        """What became of the exhibits that were sent, by their numbers."""
        return {kept.exhibit: kept.state for kept in self if kept.form == "media"}

    @property
    def position(self) -> int:
        """The place in the turn's text from which the telling goes on."""
        return self.last.resume if self.last else 0

    @property
    def reach(self) -> int:
        """The place up to which the turn's text was known when it was told."""
        return max((kept.end for kept in self), default=0)

    @property
    def closed(self) -> Part | None:
        """The message with which the person has their end."""
        return next((kept for kept in self if kept.closing and kept.state is State.DELIVERED), None)

    @property
    def unknown(self) -> int:
        """How many whole messages are of unknown outcome."""
        return sum(kept.form == "whole" and kept.state is State.UNKNOWN for kept in self)

    @property
    def repeats(self) -> bool:
        """Whether the person may have read before what comes next."""
        doubtful = [kept for kept in self if kept.doubtful and kept.state is State.UNKNOWN]
        return self.last in doubtful or any(kept.seen > self.position for kept in doubtful)

    @property
    def stub(self) -> bool:
        """Whether the last message is a beginning that is there and can neither grow nor end."""
        last = self.last
        return (
            last is not None
            and last.form == "stream"
            and last.state is State.UNKNOWN
            and not (last.message_id or last.doubtful)
        )

    @property
    def typing(self) -> bool:
        """Whether it was shown that an answer is on its way."""
        return any(kept.form == "typing" for kept in self)

    def left(self, can: Capabilities) -> float:
        """How many more messages may be sent."""
        if can.replies is None:
            return math.inf
        used = sum(
            kept.state is not State.FAILED and (kept.form != "typing" or can.typing_takes_reply)
            for kept in self
        )
        return can.replies - used

    def broken_streams(self) -> list[Part]:
        """Messages that grew, are not at their end, and may be brought to it."""
        return [
            kept
            for kept in self
            if kept.form == "stream" and kept.state is State.UNKNOWN and kept.message_id
        ]
