"""How long to reason, where one dialect counts tokens and another has words."""

from __future__ import annotations

from ..core.message import Prompt


def effort(prompt: Prompt) -> str | None:
    """How long to reason, as an effort; a budget of tokens is put into words."""
    if prompt.effort or prompt.reasoning_tokens is None:
        return prompt.effort
    for most, word in ((2048, "low"), (8192, "medium")):
        if prompt.reasoning_tokens <= most:
            return word
    return "high"
