"""The words of the dialect that reading and writing share."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.events import StopReason

# What an event's `extra` holds that is not a field of the delta: the choice's `logprobs`, other
# fields of the choice, fields of the chunk, and those that are every chunk's from here on; of
# `Finished`, all of these for each choice; of a call, all of these under `DELTA`.
LOGPROBS = "logprobs"
BESIDE = "choice"
AROUND = "chunk"
HEAD = "chunks"
CLOSING = "closing"
DELTA = "delta"

CUSTOM = "custom"  # the type of a tool that takes free text
LEGACY = "function_call"  # `extra["type"]` of a call in the old form

FINISH: Mapping[StopReason, str] = {
    StopReason.END: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
}
