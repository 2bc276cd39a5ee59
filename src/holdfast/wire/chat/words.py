"""The words of the dialect that reading and writing share."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.events import StopReason

# What an event's `extra` holds that is not a field of the delta: the choice's `logprobs`, other
# fields of the choice, fields of the chunk; of `Finished`, all of these for each choice.
LOGPROBS = "logprobs"
BESIDE = "choice"
AROUND = "chunk"
CLOSING = "closing"

CUSTOM = "custom"  # the type of a tool that takes free text
LEGACY = "function_call"  # `extra["type"]` of a call in the old form

FINISH: Mapping[StopReason, str] = {
    StopReason.END: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
}
