"""What targets of any dialect refuse by name, and are asked without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.attempt import How, Target
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.request import Request
from holdfast.wire import DIALECTS

CLAUDE_CODE = {
    "model": "r",
    "max_tokens": 9,
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
    ],
}
CODEX = {"model": "r", "input": "Hi", "client_metadata": {"a": "b"}, "store": False}


def refused(detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.HEADERS, detail=detail, status=400)


def sent(dialect: str, body: dict[str, Any], *quirks: str) -> dict[str, Any]:
    target = Target("t", dialect, model="m", quirks=frozenset(quirks))
    encoded = DIALECTS[dialect].encode_request(Request(dialect, "r", body), target, How.START, "")
    told: dict[str, Any] = json.loads(encoded.body)
    return told


def quirk(dialect: str, body: dict[str, Any], detail: str) -> str:
    asked = Request(dialect, "r", body)
    return DIALECTS[dialect].quirk(asked, Target("t", dialect), refused(detail))


@pytest.mark.parametrize(
    "said",
    [
        'messages: Unexpected role "system".',
        "messages[1].role: unknown variant `system`, expected `user` or `assistant`",
        "messages[1].role must be either 'user' or 'assistant', but got 'system'",
        "body.messages.1.role: Input should be 'user' or 'assistant'",
        "System messages are not allowed",
    ],
)
def test_words_of_the_system_in_mid_conversation(said: str) -> None:
    """Claude Code says them so since 2.1.154; many a server of this dialect does not know them."""
    shown = quirk("messages", CLAUDE_CODE, said)
    first, second = sent("messages", CLAUDE_CODE, shown)["messages"]
    assert (first["role"], second["role"]) == ("user", "user")
    assert second["content"] == [{"type": "text", "text": "Be brief."}]


def test_who_said_none_is_not_asked_again() -> None:
    body = {**CLAUDE_CODE, "messages": CLAUDE_CODE["messages"][:1]}  # type: ignore[index]
    assert quirk("messages", body, 'messages: Unexpected role "system".') == ""


@pytest.mark.parametrize("dialect", ["responses", "chat"])
def test_a_field_that_may_be_lost_is_left_out(dialect: str) -> None:
    body = {**CODEX, "messages": CLAUDE_CODE["messages"], "service_tier": "flex"}
    shown = quirk(dialect, body, "Unknown parameter: 'service_tier'.")
    assert "service_tier" not in sent(dialect, body, shown)
    assert sent(dialect, body)["service_tier"] == "flex"


@pytest.mark.parametrize("said", ["Unknown parameter: 'tools'.", "Unsupported value: 'input'."])
def test_a_field_that_carries_meaning_is_not(said: str) -> None:
    assert quirk("responses", {**CODEX, "tools": []}, said) == ""
