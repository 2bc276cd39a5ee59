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

STANDARD: Mapping[str, StopReason] = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.CONTENT_FILTER,
}

# Words of other dialects that vendors and proxies pass on. A word that is in no table says at
# least that the model was done; those that mean failure are `classify.finish_failure`'s.
VENDORS: Mapping[str, StopReason] = {
    "max_tokens": StopReason.LENGTH,
    "max_output_tokens": StopReason.LENGTH,
    "model_length": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "tool_use": StopReason.TOOL_CALLS,
    "tool_call": StopReason.TOOL_CALLS,
    "sensitive": StopReason.CONTENT_FILTER,
    "safety": StopReason.CONTENT_FILTER,
    "refusal": StopReason.CONTENT_FILTER,
    "recitation": StopReason.CONTENT_FILTER,
    "prohibited_content": StopReason.CONTENT_FILTER,
    "blocklist": StopReason.CONTENT_FILTER,
    "spii": StopReason.CONTENT_FILTER,
    "content_filtered": StopReason.CONTENT_FILTER,
}

FINISH: Mapping[StopReason, str] = {
    StopReason.END: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
}

# What some servers write where they mean that there is no finish reason yet.
NO_FINISH = frozenset({"", "null", "none", "finish_reason_unspecified"})


def stop_reason(word: str) -> StopReason:
    word = word.lower()
    return STANDARD.get(word) or VENDORS.get(word, StopReason.END)
