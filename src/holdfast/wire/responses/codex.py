"""The Codex backend's own demands on a request (codex-rs, `codex-api`; November 2026).

It stores nothing, always streams, wants instructions, and knows fewer parameters.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..asking import Headers
from ..fields import table, text, without
from ..jsontext import loads

QUIRK = "codex"

_UNKNOWN = (
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "metadata",
    "user",
    "safety_identifier",
    "truncation",
    "background",
    "stream_options",
)
_REASONING = "reasoning.encrypted_content"
_CLAIMS = "https://api.openai.com/auth"
_DEFAULT = "You are a helpful assistant."


def adapted(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body`, whose input is a list, as this backend takes it."""
    given = [item for item in body.get("input") or () if isinstance(item, dict)]
    include = [name for name in body.get("include") or () if name != _REASONING]
    return {
        **without(body, *_UNKNOWN),
        "instructions": body.get("instructions") or _DEFAULT,
        "input": [_told(item) for item in given],
        "store": False,
        "include": [*include, _REASONING],
    }


def headers(token: str) -> Headers:
    """What its client sends beside the token; the account is named inside the token."""
    account = _account(token)
    named = (("chatgpt-account-id", account),) if account else ()
    return (("openai-beta", "responses=experimental"), ("originator", "holdfast"), *named)


def _told(item: dict[str, Any]) -> dict[str, Any]:
    """It takes no system message beside its instructions, and knows no ids: it stores nothing."""
    item = without(item, "id")
    return {**item, "role": "developer"} if text(item, "role") == "system" else item


def _account(token: str) -> str:
    """The account in the claims of a JSON Web Token; nothing is verified, it is ours."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return ""
    return text(table({"claims": claims}, "claims").get(_CLAIMS) or {}, "chatgpt_account_id")
