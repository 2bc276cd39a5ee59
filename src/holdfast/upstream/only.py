"""The one choice of an answer of which one was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from ..core.failure import Failure

Batch = Sequence[StreamEvent | Failure]

_CHOSEN = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, Foreign)  # of one choice


class OnlyChoice:
    """Some count the only choice from 1, and some give more than was asked for: the first that
    says something is the answer, and the words of another are no part of it.
    """

    def __init__(self) -> None:
        self._index: int | None = None  # the upstream's own

    def __call__(self, batch: Batch) -> Batch:
        if not any(map(self._is_other, batch)):
            return batch
        return [told for event in batch for told in self._as_first(event)]

    def _is_other(self, event: StreamEvent | Failure) -> bool:
        """Whether it is of another choice than the first, or shows which is the first."""
        if isinstance(event, _CHOSEN):
            return event.choice != 0 or self._index != 0
        return isinstance(event, Finished) and bool(event.reasons)

    def _as_first(self, event: StreamEvent | Failure) -> Batch:
        if isinstance(event, _CHOSEN):
            aside = isinstance(event, Foreign)  # 0 if it is of no choice
            if self._index is None and not aside:
                self._index = event.choice
            ours = self._index in (None, event.choice) or (aside and event.choice == 0)
            return [replace(event, choice=0)] if ours else []
        if isinstance(event, Finished) and event.reasons:
            return [self._ended(event)]
        return [event]

    def _ended(self, event: Finished) -> Finished:
        """Reasons stand in the order of the choices."""
        place = min(self._index or 0, len(event.reasons) - 1)
        reason = event.reasons[place]
        return replace(event, reason=reason, reasons=(), word=event.word if place == 0 else "")
