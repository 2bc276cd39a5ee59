"""What the page's interface refuses, before a bot hears of it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast.app import SystemClock
from holdfast.platforms.webchat.adapter import WebChat
from holdfast.platforms.webchat.routes import MAX_BODY, MAX_TEXT, WebChatService, routes

HERE = "0123456789abcdef" * 2
MESSAGES = f"/chat/api/conversations/{HERE}/messages"
NOBODY = cast(Any, None)  # is asked for nothing here


def asked(method: str, path: str, **content: Any) -> int:
    async def main() -> int:
        chat = WebChatService(
            WebChat("page"), NOBODY, NOBODY, NOBODY, lambda headers: None, SystemClock()
        )
        transport = httpx2.ASGITransport(Starlette(routes=routes(chat)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.request(method, path, **content)).status_code

    return asyncio.run(main())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'"' + b"x" * MAX_BODY + b'"',
    ],
)
def test_bodies_that_are_no_message(content: bytes) -> None:
    assert asked("POST", MESSAGES, content=content) == 400


@pytest.mark.parametrize(
    "message",
    [
        {"id": HERE},
        {"id": HERE, "text": 5},
        {"id": HERE, "text": " \n\u3000"},
        {"id": HERE, "text": "x" * (MAX_TEXT + 1)},
        {"id": HERE[1:], "text": "hello"},
        {"id": HERE.upper(), "text": "hello"},
        {"text": "hello"},
    ],
)
def test_messages_that_are_none(message: dict[str, Any]) -> None:
    assert asked("POST", MESSAGES, json=message) == 400


@pytest.mark.parametrize("after", ["-1", "x", "\u00b2", "1.5", "9" * 19, "9" * 6000])
def test_sequences_that_are_none(after: str) -> None:
    assert asked("GET", "/chat/api/turns/page:1/events", params={"after": after}) == 400


@pytest.mark.parametrize("turn", ["other:1", "page", "1", "page:%00"])
def test_turns_of_others_are_not_followed(turn: str) -> None:
    assert asked("GET", f"/chat/api/turns/{turn}/events") == 404


@pytest.mark.parametrize("conversation", ["x", HERE.upper(), f"{HERE}0"])
def test_conversations_that_are_none(conversation: str) -> None:
    assert asked("GET", f"/chat/api/conversations/{conversation}") == 400


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'{"turn": 5}', b"[" * 100_000])
def test_stops_that_mean_no_turn(content: bytes) -> None:
    assert asked("POST", f"/chat/api/conversations/{HERE}/stop", content=content) == 400
