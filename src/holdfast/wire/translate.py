"""From one dialect to another: requests on their way out, events on their way back.

Between two dialects stands `core.message.Prompt`. What comes out is a request of the target's
own dialect, so that whoever encodes or continues it need not know that it was another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..core.attempt import Target
from ..core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ..core.failure import Failure
from ..core.request import Request
from . import freetext
from .dialect import Dialect
from .freetext import FreeText
from .keeping import own

Items = Sequence[StreamEvent | Failure]

# What the clients of each dialect call the fields of a prompt that a target may have no words for.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "chat": {"structure": "response_format"},
    "responses": {"structure": "text.format", "messages": "input"},
    "messages": {"structure": "output_config.format", "stop": "stop_sequences"},
}


def in_dialect(
    request: Request, target: Target, dialects: Mapping[str, Dialect]
) -> Request | Failure:
    """`request` as if it had been asked in the dialect of `target`.

    A failure of kind UNSUPPORTED names the field of the client's body that cannot be said.
    """
    if request.prompt is None and request.dialect == target.dialect:
        return request
    prompt = request.prompt or dialects[request.dialect].read_prompt(request.body)
    if isinstance(prompt, Failure):
        return prompt
    body = dialects[target.dialect].write_prompt(own(prompt, target), target)
    if isinstance(body, Failure):
        name = _NAMES.get(request.dialect, {}).get(body.param or "", body.param)
        return replace(body, param=name)
    free_text = frozenset() if target.dialect == "responses" else freetext.names(prompt)
    return replace(
        request, dialect=target.dialect, body=body, headers=(), prompt=None, free_text=free_text
    )


def back(asked: Request) -> Callable[[Items], Items]:
    """Reads an answer to `asked`, which `in_dialect` made, for a client of another dialect."""
    if not asked.free_text:
        return neutral
    free_text = FreeText(asked.free_text)
    return lambda items: free_text(neutral(items))


def neutral(items: Items) -> list[StreamEvent | Failure]:
    """`items` without what only clients of the dialect they came from would understand."""
    kept = (_neutral(item) for item in items)
    return [item for item in kept if item is not None]


def _neutral(item: StreamEvent | Failure) -> StreamEvent | Failure | None:
    match item:
        case Foreign():
            return None
        case TextDelta() | ReasoningDelta() | RefusalDelta():
            if item.extra is None:
                return item
            return replace(item, extra=None) if item.text else None
        case ToolCallDelta() | UsageReport():
            return item if item.extra is None else replace(item, extra=None)
        case Finished():
            return replace(item, word="", extra=None)
        case Restarted() | Failure():
            return item
