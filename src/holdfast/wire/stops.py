"""The words by which an answer says why it ended, whosever they are.

Vendors and proxies pass on words of other dialects, and words made of two: "content_filter:
SAFETY". Those that mean failure are `classify.finish_failure`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.events import StopReason

# OpenAI's, in chat completions.
STANDARD: Mapping[str, StopReason] = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.CONTENT_FILTER,
}

_WORDS: Mapping[str, StopReason] = {
    **STANDARD,
    "max_tokens": StopReason.LENGTH,
    "max_output_tokens": StopReason.LENGTH,
    "model_length": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "error_limit": StopReason.LENGTH,
    "tool_use": StopReason.TOOL_CALLS,
    "tool_call": StopReason.TOOL_CALLS,
    "sensitive": StopReason.CONTENT_FILTER,
    "safety": StopReason.CONTENT_FILTER,
    "image_safety": StopReason.CONTENT_FILTER,
    "refusal": StopReason.CONTENT_FILTER,
    "recitation": StopReason.CONTENT_FILTER,
    "prohibited_content": StopReason.CONTENT_FILTER,
    "blocklist": StopReason.CONTENT_FILTER,
    "spii": StopReason.CONTENT_FILTER,
    "content_filtered": StopReason.CONTENT_FILTER,
    "guardrail_intervened": StopReason.CONTENT_FILTER,
    "error_toxic": StopReason.CONTENT_FILTER,
}

# What some servers write where they mean that there is no reason yet.
NO_FINISH = frozenset({"", "null", "none", "finish_reason_unspecified"})


def parts_of(word: str) -> list[str]:
    """The words that `word` is made of, itself first."""
    return [word, *word.split(":")] if ":" in word else [word]


def stop_reason(word: str) -> StopReason:
    """A word that is in no table says at least that the model was done."""
    known = (_WORDS.get(part.strip().lower()) for part in parts_of(word))
    return next(filter(None, known), StopReason.END)
