"""What single backends demand beyond their dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .chat_form import Misshapen

# What the Codex backend takes (codex-rs, `ResponsesApiRequest`).
_CODEX = frozenset(
    {
        "model",
        "instructions",
        "input",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "service_tier",
        "prompt_cache_key",
        "text",
    }
)


def check(dialect: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
    """Raises Misshapen."""
    if dialect == "messages" and "anthropic-version" not in headers:
        raise Misshapen("anthropic-version: header is required")
    if dialect == "responses" and "codex" in path:
        _check_codex(headers, body)


def _check_codex(headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
    unknown = next((name for name in body if name not in _CODEX), None)
    given = body.get("input")
    roles = [item.get("role") for item in given] if isinstance(given, list) else ["?"]
    reproaches = {
        f"Unsupported parameter: {unknown}": unknown is not None,
        "Store must be set to false": body.get("store") is not False,
        "Stream must be set to true": body.get("stream") is not True,
        "Instructions are required": not isinstance(body.get("instructions"), str)
        or not body["instructions"],
        "Input must be a list": not isinstance(given, list),
        "System messages are not allowed": "system" in roles,
        "Unauthorized": not headers.get("authorization", "").startswith("Bearer "),
    }
    for reproach, deserved in reproaches.items():
        if deserved:
            raise Misshapen(reproach)
