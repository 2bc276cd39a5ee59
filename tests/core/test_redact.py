"""No secret and no person in what is kept; and the words that explain stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.attempt import Credential, Target
from holdfast.core.failure import Cause, Failure, Kind, Phase
from holdfast.core.redact import LIMIT, MASK, conceal, header_text, key_id, scrub, upstream_ids

SECRETS = (
    "sk-proj-abcdef1234567890",
    "sk-ant-api03-AAAA-bbbb_CCCC",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrst1234",
    "xoxb-123456789012-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123",
    "123456789:AAEhBOweik9ai2o01234567890abcdefghij",
    "someone@mail.example",
    "13800138000",
    "11010519491231002X",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["key {} is wrong", "({})", "密钥 {} 无效", '{{"key": "{}"}}'])
def test_what_looks_like_a_secret_is_hidden(secret: str, text: str) -> None:
    cleaned = scrub(text.format(secret))
    assert secret not in cleaned
    assert MASK in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary-canary",
        "authorization=Basic Y2FuYXJ5OmNhbmFyeQ==",
        '"api_key": "canary"',
        "api key: canary",
        "password=canary",
        "https://me:canary@proxy.example/",
        "https://x.example/v1?key=canary&a=1",
        "https://x.example/v1?api_key=canary",
        "Cookie: session=canary; other=canary",
        "x-api-key: canary",
        "Incorrect API key provided: canary",
    ],
)
def test_what_names_its_secret_is_hidden_whatever_it_looks_like(text: str) -> None:
    assert "canary" not in scrub(text).lower()


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for requests",
        "This model's maximum context length is 8192 tokens.",
        "dial tcp 192.0.2.1:443: connect: connection refused",
        "The model `gpt-5.5` does not exist.",
        "当前分组上游负载已饱和，请稍后再试",
        "upstream_error: Upstream request failed",
        "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate",
        "tokens: 4096",
    ],
)
def test_what_explains_a_failure_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


def test_one_line_without_control_signs_of_bounded_length() -> None:
    assert scrub("a\nb\t c\x1b[31m\u202ed") == "a b c\\x1b[31m\\x202ed"
    assert len(scrub("x " * LIMIT)) == LIMIT
    assert scrub("\ud800") == "?"


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


def test_a_secret_at_the_edge_of_the_window_leaves_no_half() -> None:
    text = "x" * (LIMIT - 10) + " sk-proj-abcdef1234567890"
    assert "abc" not in scrub(text)


def test_what_a_target_was_given_is_hidden_by_value_everywhere() -> None:
    failure = Failure(
        Kind.AUTH,
        Phase.HEADERS,
        detail="canary",
        code="canary",
        param="canary",
        by="canary",
        cause_chain=(Cause("X", "canary", reason="canary"),),
        upstream_ids=(("x-request-id", "canary"),),
        nested=Failure(Kind.AUTH, Phase.HEADERS, detail="canary"),
    )
    assert "canary" not in repr(conceal(failure, ["canary", ""]))
    assert conceal(failure, ["", "can"]) is failure  # too short to be told from a word


def test_a_target_shows_no_secret_and_knows_all_of_its_own() -> None:
    target = Target(
        "p/m",
        credential=Credential("k_1", "canary1"),
        headers=(("Authorization", "Bearer canary2"),),
        proxy="http://me:can%61ry3@proxy.example",
    )
    assert "canary" not in repr(target)
    assert {"canary1", "canary2", "canary3", "can%61ry3"} <= set(target.secrets)


def test_ids_and_names_of_keys() -> None:
    assert upstream_ids({"x-request-id": "a b\nc", "x-other": "no"}) == (("x-request-id", "abc"),)
    assert key_id("secret", b"pepper") == key_id("secret", b"pepper") != key_id("secret", b"salt")
    assert header_text('a "b" \\ é') == 'a \\"b\\" \\\\ ?'
