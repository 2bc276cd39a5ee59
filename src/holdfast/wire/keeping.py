"""What of an answer with calls must be given back to the target that gave it.

Vendors sign or encrypt what a model has thought before it called a tool, or ask for it in plain
text, and refuse the results of the calls without it. No other target can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..core.attempt import Target
from ..core.events import Finished, StreamEvent
from ..core.failure import Failure
from ..core.message import Native, Prompt
from .chat.native import ChatKeeper
from .messages.native import MessageKeeper
from .responses.native import ResponseKeeper


class Keeper(Protocol):
    """Reads along with one answer."""

    def add(self, events: Sequence[StreamEvent]) -> None: ...

    def native(self) -> Any:
        """What the dialect's `write_prompt` puts back; None if nothing must be. JSON."""
        ...


_KEEPERS: Mapping[str, Callable[[Target], Keeper]] = {
    "chat": ChatKeeper,
    "messages": MessageKeeper,
    "responses": ResponseKeeper,
}

Items = Sequence[StreamEvent | Failure]


def keeping(target: Target) -> Callable[[Items], Items]:
    """Batches of an answer of `target`, with what it wants back in their `Finished`."""
    keeper = _KEEPERS[target.dialect](target)

    def read(items: Items) -> Items:
        keeper.add([item for item in items if not isinstance(item, Failure)])
        return [_with(item) if isinstance(item, Finished) else item for item in items]

    def _with(finished: Finished) -> Finished:
        body = keeper.native()
        if body is None:
            return finished
        return replace(finished, native=Native(target.key, target.dialect, body))

    return read


def own(prompt: Prompt, target: Target) -> Prompt:
    """`prompt` without what other targets want back."""
    return replace(
        prompt,
        messages=tuple(
            message
            if message.native is None or _is_of(message.native, target)
            else replace(message, native=None)
            for message in prompt.messages
        ),
    )


def _is_of(native: Native, target: Target) -> bool:
    return native.by == target.key and native.dialect == target.dialect
