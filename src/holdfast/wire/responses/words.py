"""The words of the dialect that reading and writing share.

Sources: OpenAI's reference of the Responses API and its streaming events, November 2026.

What an event's `extra` holds, beside fields of the upstream: `ITEM`, the output item that the
event begins; `BREAK`, that the text is only a gap between two items or parts, for readers who
know no such thing; `PART`, that a content part begins; `RAW`, that reasoning is no summary;
`DONE`, fields of the item as the upstream closed it; and what `wire.beside` puts there. What is
noted for `ITEM_DONE` closes the item.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...core.events import StopReason

ITEM = "item"
BREAK = "break"
PART = "part"
RAW = "raw"
DONE = "done"
ANNOTATIONS = "annotations"
LOGPROBS = "logprobs"

GAP = "\n\n"

# Of an upstream's item: what is ours to say.
OWN = ("type", "status", "content", "summary", "arguments", "input", "call_id", "name")

FUNCTION = "function_call"
CUSTOM = "custom_tool_call"

CREATED, QUEUED, IN_PROGRESS = "response.created", "response.queued", "response.in_progress"
LIFECYCLE = frozenset({CREATED, QUEUED, IN_PROGRESS})
ITEM_DONE = "response.output_item.done"
ENDS = frozenset({"response.completed", "response.done", "response.incomplete"})

# `incomplete_details.reason` of answers that are whole as far as they go.
INCOMPLETE: Mapping[str, StopReason] = {
    "max_output_tokens": StopReason.LENGTH,
    "max_tokens": StopReason.LENGTH,
    "max_messages": StopReason.LENGTH,
    "steered": StopReason.END,
    "content_filter": StopReason.CONTENT_FILTER,
}
REASONS: Mapping[StopReason, str] = {
    StopReason.LENGTH: "max_output_tokens",
    StopReason.CONTENT_FILTER: "content_filter",
}
