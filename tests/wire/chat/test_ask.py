"""A client's body to what decisions need to know of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.failure import Failure, Kind
from holdfast.core.request import Request, Surface
from holdfast.wire.chat.ask import decode_request

USER = {"role": "user", "content": "hi"}


def read(**body: Any) -> Request:
    request = decode_request(json.dumps({"model": "m", "messages": [USER], **body}).encode())
    assert isinstance(request, Request), request
    return request


def test_a_plain_request() -> None:
    request = read()
    assert (request.model, request.surface, request.choices) == ("m", Surface.NONE, 1)
    assert request.continuable
    assert read(stream=True).surface is Surface.APPEND_ONLY
    assert read(stream=True, stream_options={"include_usage": True}).include_usage


@pytest.mark.parametrize(
    "body",
    [
        {"n": 2},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"guided_json": {"type": "object"}},
        {"guided_regex": "a+"},
    ],
)
def test_what_must_not_be_continued(body: Any) -> None:
    assert not read(**body).continuable


@pytest.mark.parametrize(
    "body",
    [{"n": 1}, {"n": None}, {"response_format": {"type": "text"}}, {"response_format": None}],
)
def test_what_may(body: Any) -> None:
    assert read(**body).continuable


@pytest.mark.parametrize(
    ("content", "language"),
    [
        ("How are you?", "en"),
        ("你好，请讲讲 HTTP/1.1 的 chunked 编码", "zh"),
        ("Please translate this: 你好", "en"),
        ("", "en"),
        ("今日はいい天気ですね", "en"),
        ([{"type": "text", "text": "请看图"}, {"type": "image_url", "image_url": {}}], "zh"),
        (None, "en"),
        (7, "en"),
    ],
)
def test_the_language_to_address_the_model_in(content: Any, language: str) -> None:
    assert read(messages=[{"role": "user", "content": content}]).language == language


def test_the_last_words_of_the_user_count() -> None:
    messages = [{"role": "user", "content": "Hello there"}, {"role": "user", "content": "说中文"}]
    assert read(messages=[*messages, {"role": "assistant", "content": "ok"}]).language == "zh"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["model", "messages", "n", "stream", "role", "content", "tools"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=15,
    )
)
def test_every_body_is_a_request_or_a_failure_that_says_what_is_wrong(body: Any) -> None:
    found = decode_request(json.dumps(body).encode())
    if isinstance(found, Failure):
        assert found.kind is Kind.INVALID
        assert found.detail
        assert found.code
    else:
        assert found.model


@given(st.binary(max_size=50))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    decode_request(body)
