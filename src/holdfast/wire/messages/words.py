"""The words of the dialect that reading and writing share.

Source: Anthropic's reference of the Messages API and of its streaming events, November 2026.

What an event's `extra` holds: `BLOCK`, that a content block begins, with its further fields;
`SIGNATURE` of the reasoning so far; `CITATIONS` of the text so far; and what `wire.beside` puts
there. What is noted for `BLOCK_STOP` closes the block. `Finished` has the fields of the message,
under `BESIDE` those of the event that tells them, under `LAST` those of the last one.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...core.events import StopReason

BLOCK = "block"
SIGNATURE = "signature"
CITATIONS = "citations"
LAST = "last"

BLOCK_START, BLOCK_STOP = "content_block_start", "content_block_stop"

STOP: Mapping[str, StopReason] = {
    "end_turn": StopReason.END,
    "stop_sequence": StopReason.END,
    "pause_turn": StopReason.END,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "tool_use": StopReason.TOOL_CALLS,
    "refusal": StopReason.CONTENT_FILTER,
}
FINISH: Mapping[StopReason, str] = {
    StopReason.END: "end_turn",
    StopReason.LENGTH: "max_tokens",
    StopReason.TOOL_CALLS: "tool_use",
    StopReason.CONTENT_FILTER: "refusal",
}
