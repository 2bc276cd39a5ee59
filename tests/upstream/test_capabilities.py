"""The data file is valid, and each field comes from the first row that speaks of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from holdfast.core.attempt import Continuation, Returned
from holdfast.upstream.capabilities import Capabilities, known

DATED = {"as_of": date(2026, 11, 20), "source": "https://vendor.example/docs"}


def table(*rows: dict[str, Any], thinking: str = "think") -> Capabilities:
    return Capabilities({"thinking": thinking, "capability": [{**DATED, **row} for row in rows]})


def test_every_row_says_when_and_by_whom() -> None:
    assert known().rows
    for row in known().rows:
        assert date(2023, 1, 1) < row.as_of
        assert row.source
        told = (row.continuation, row.context_tokens, row.returns, row.length)
        assert any(told) or row.vision is not None
        assert bool(row.flags) == (row.continuation == "prefill")


def test_the_first_row_that_speaks_of_a_field_counts() -> None:
    made = table(
        {"address": "^a\\.example", "continuation": "prefill", "flags": ["prefix"], "echoes": True},
        {"model": "^big", "context_tokens": 1000, "vision": True},
        {"context_tokens": 10, "continuation": "never", "vision": False},
    )
    found = made.of("https://a.example/v1", "big-1")
    assert found.continuation is Continuation.PREFILL
    assert found.quirks == {"prefill:prefix", "echoes_prefix"}
    assert (found.context_tokens, found.vision) == (1000, True)
    other = made.of("https://b.example/v1", "small")
    assert other.continuation is Continuation.NEVER
    assert (other.context_tokens, other.vision) == (10, False)
    assert other.source == DATED["source"]


def test_what_is_given_back_is_added_up_and_said_by_the_first_row() -> None:
    made = table(
        {"address": "^a\\.example", "returns": {"call.signature": {"skip": True}}},
        {"returns": {"call.signature": "", "message.thoughts": ""}},
    )
    signature = Returned("call", "signature", {"skip": True})
    thoughts = Returned("message", "thoughts")
    assert set(made.of("https://a.example", "m").returned) == {signature, thoughts}
    other = made.of("https://b.example", "m").returned
    assert set(other) == {Returned("call", "signature"), thoughts}


def test_a_model_that_thinks_has_rows_of_its_own() -> None:
    made = table(
        {"mode": "thinking", "continuation": "instruct"},
        {"mode": "plain", "continuation": "prefill", "flags": ["partial"]},
    )
    assert made.of("https://a.example", "m-thinking").continuation is Continuation.INSTRUCT
    assert made.of("https://a.example", "m").continuation is Continuation.PREFILL


def test_what_nobody_speaks_of_is_not_known() -> None:
    found = table({"address": "^x$", "vision": True}).of("https://a.example", "m")
    assert (found.continuation, found.context_tokens, found.vision, found.as_of) == (None,) * 4


@pytest.mark.parametrize(
    "row",
    [
        {"address": "("},
        {"continuation": "perhaps"},
        {"flags": ["sideways"]},
        {"context_tokens": 0},
        {"as_of": "soon"},
        {"source": ""},
        {"colour": "blue"},
    ],
)
def test_a_malformed_row_is_told(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        table(row)


@pytest.mark.parametrize(
    ("model", "tokens", "vision"),
    [
        ("gpt-5.5", 1_050_000, True),
        ("openai/gpt-5.4-pro", 1_050_000, True),
        ("gpt-5.4-mini", 400_000, True),
        ("gpt-5.1-chat-latest", 128_000, True),
        ("moonshotai/kimi-k2.6", 262_144, True),
        ("kimi-k2-thinking", 256_000, False),
        ("openai/gpt-4o-mini", 128_000, True),
        ("deepseek-chat", 128_000, False),
        ("unheard-of", None, None),
    ],
)
def test_sizes_go_by_the_models_name(model: str, tokens: int | None, vision: bool | None) -> None:
    found = known().of("https://proxy.example/v1", model)
    assert (found.context_tokens, found.vision) == (tokens, vision)


@pytest.mark.parametrize(
    ("address", "habits"),
    [
        ("https://api.deepseek.com/v1", {"max_tokens"}),
        ("https://api.mistral.ai/v1", {"max_tokens"}),
        ("http://127.0.0.1:11434/v1", {"max_tokens"}),
        ("https://api.openai.com/v1", set()),
        ("https://proxy.example/v1", set()),
    ],
)
def test_who_knows_the_older_name_of_the_limit_only(address: str, habits: set[str]) -> None:
    assert known().of(address, "m").habits == habits
