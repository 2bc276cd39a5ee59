"""The chat's HTTP interface: `/chat/api/...`, used by the page in `web/`.

    GET  conversations/{id}             what was said, with every entry so far
    POST conversations/{id}/messages    {"id", "text"}: 202 {"turn"}; 409: other words have that id
    POST conversations/{id}/stop        {"turn"}: that one; without a body whatever runs
    GET  turns/{id}/events?after=N      server-sent entries after sequence N, until the turn ends
    GET  turns/{id}/media/{N}/{M}       file M of what a tool brought by entry N

A conversation's id is 32 hexadecimal digits that the page draws: whoever knows it may read it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ...bot.event import Inbound
from ...core.clock import Clock
from ...core.verdict import Language
from ...engine.ports import Engine, Entry
from ...store.ports import Conversations, Overloaded, StoreFailed, Turns
from ...wire.jsontext import dumps, mend
from ..body import read_body
from . import files
from .adapter import PLATFORM, WebChat
from .view import View

HEARTBEAT = 15.0  # seconds of silence after which a comment keeps the line
MAX_TEXT = 100_000  # characters of one message
MAX_BODY = 8 * MAX_TEXT  # bytes
RECENT = 50  # turns that a reload shows

_LOG = structlog.get_logger("holdfast.webchat")

_ID = re.compile(r"[0-9a-f]{32}")
_SEQUENCE = re.compile(r"[0-9]{1,18}")
_STREAM = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}


Guard = Callable[[Mapping[str, str]], None]
"""Raises StreamFailed unless the browser may come in."""


@dataclass(frozen=True, slots=True)
class WebChatService:
    """`simulated`: the model behind it is the built-in one, which the page must say."""

    adapter: WebChat
    engine: Engine
    turns: Turns
    conversations: Conversations
    guard: Guard
    clock: Clock
    reasoning: bool = False
    simulated: bool = False


def routes(chat: WebChatService) -> list[BaseRoute]:
    api = _Api(chat)
    base = "/chat/api"
    return [
        Route(f"{base}/conversations/{{id}}", api.read),
        Route(f"{base}/conversations/{{id}}/messages", api.hear, methods=["POST"]),
        Route(f"{base}/conversations/{{id}}/stop", api.stop, methods=["POST"]),
        Route(f"{base}/turns/{{id:path}}/events", api.follow),
        Route(f"{base}/turns/{{id:path}}/media/{{sequence}}/{{number}}", api.file),
    ]


class _Api:
    def __init__(self, chat: WebChatService) -> None:
        self._chat = chat

    async def read(self, request: Request) -> Response:
        self._chat.guard(request.headers)
        conversation = request.path_params["id"]
        if not _ID.fullmatch(conversation):
            return _wrong("the conversation's id is 32 hexadecimal digits")
        lane, language = self._lane(conversation), _language(request)
        told = await asyncio.to_thread(self._all, lane, language)
        known = {"bot": self._chat.adapter.name, "simulated": self._chat.simulated}
        return JSONResponse({**known, "turns": told}, headers={"cache-control": "no-store"})

    async def hear(self, request: Request) -> Response:
        self._chat.guard(request.headers)
        conversation = request.path_params["id"]
        body = await _json(request)
        if body is None:
            return _wrong("the body is no JSON, or too long; send {id, text}")
        fault = _fault(conversation, body)
        if fault:
            return _wrong(fault)
        now = self._chat.clock.wall()
        try:
            inbound, fresh = await self._chat.adapter.hear(
                conversation, body["id"], mend(body["text"]), now, _language(request)
            )
            other = not fresh and await self._is_other(inbound)
        except (StoreFailed, Overloaded):
            return JSONResponse({"error": "not accepted; send it again"}, 503)
        if other:
            return JSONResponse({"error": "another message has this id"}, 409)
        return JSONResponse({"turn": inbound.turn_id}, 202)

    async def stop(self, request: Request) -> Response:
        self._chat.guard(request.headers)
        body = await _json(request, b"{}")
        turn = body.get("turn") if isinstance(body, dict) else 0
        if not isinstance(turn, str | None):
            return _wrong("the body is {turn}, or nothing")
        conversation = request.path_params["id"]
        if not _ID.fullmatch(conversation) or not (turn is None or self._is_ours(turn)):
            return JSONResponse({"stopped": False})  # nobody could have begun it
        stopped = await self._chat.engine.stop(self._lane(conversation), only=turn)
        return JSONResponse({"stopped": stopped})

    async def follow(self, request: Request) -> Response:
        self._chat.guard(request.headers)
        wanted = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        if not _SEQUENCE.fullmatch(wanted):
            return _wrong("after is the sequence of the last entry that came: a whole number")
        turn_id = request.path_params["id"]
        if not self._is_ours(turn_id):
            return JSONResponse({"error": "no such turn"}, 404)
        entries = self._chat.engine.watch(turn_id)
        body = _events(entries, int(wanted), self._view(_language(request)))
        return StreamingResponse(body, media_type="text/event-stream", headers=_STREAM)

    async def file(self, request: Request) -> Response:
        """It is durable before the page is told of it, so the store has it."""
        self._chat.guard(request.headers)
        turn_id, *numbers = (request.path_params[name] for name in ("id", "sequence", "number"))
        if not (self._is_ours(turn_id) and all(map(_SEQUENCE.fullmatch, numbers))):
            return JSONResponse({"error": "no such file"}, 404)
        sequence, number = map(int, numbers)
        entry = await asyncio.to_thread(self._chat.turns.event, turn_id, sequence)
        file = files.found(entry, number)
        return files.response(file) if file else JSONResponse({"error": "no such file"}, 404)

    async def _is_other(self, inbound: Inbound) -> bool:
        """Whether what was kept under its id are other words. Raises StoreFailed."""
        found = await asyncio.to_thread(self._chat.turns.find, inbound.turn_id)
        return found is not None and found[0].body.get("text", "") != inbound.text

    def _is_ours(self, turn_id: str) -> bool:
        """No store need be asked for what it could not even look up, such as a NUL."""
        return turn_id.startswith(f"{self._chat.adapter.name}:") and turn_id.isprintable()

    def _all(self, lane: str, language: Language) -> list[dict[str, Any]]:
        """Every turn of the lane, ended, running and waiting, oldest first."""
        chat = self._chat
        ended = [*reversed(chat.conversations.recent(lane, RECENT))]
        running = chat.turns.running(lane)
        known = [*ended, *([running] if running else []), *chat.turns.waiting(lane)]
        return [
            {
                "id": turn.id,
                "asked": turn.body.get("text", ""),
                "entries": self._view(language).told(chat.turns.events(turn.id, media=False)),
            }
            for turn in known
        ]

    def _view(self, language: Language) -> View:
        return View(language, reasoning=self._chat.reasoning)

    def _lane(self, conversation: str) -> str:
        return f"{self._chat.adapter.name}:{PLATFORM}:{conversation}"


def _language(request: Request) -> Language:
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    return "zh" if chinese else "en"


async def _events(entries: AsyncIterator[Entry], after: int, view: View) -> AsyncIterator[bytes]:
    """Every entry after that sequence, which is its id; the end is said: a cut is no end."""
    following = asyncio.ensure_future(anext(entries, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=HEARTBEAT)
            if not done:
                yield b": hb\n\n"
                continue
            try:
                entry = following.result()
            except StoreFailed as failed:  # the page comes back
                _LOG.error("a reader is left: the store is away", reason=str(failed))
                return
            if entry is None:
                yield b'data: {"end": true}\n\n'
                return
            told = view.shown(entry)
            if entry.sequence > after:
                yield b"id: %d\ndata: %b\n\n" % (entry.sequence, dumps(told))
            following = asyncio.ensure_future(anext(entries, None))
    finally:
        following.cancel()


async def _json(request: Request, nothing: bytes = b"") -> Any:
    """The body, or what stands for `nothing`; None if it is no JSON, or too long."""
    try:
        return json.loads(await read_body(request, MAX_BODY) or nothing)
    except (ValueError, RecursionError):
        return None


def _fault(conversation: str, body: Any) -> str:
    """What is wrong with a message; "" if nothing is."""
    if not _ID.fullmatch(conversation):
        return "the conversation's id is 32 hexadecimal digits"
    if not isinstance(body, dict) or not isinstance(body.get("text"), str):
        return "text is missing; send {id, text}"
    if not isinstance(body.get("id"), str) or not _ID.fullmatch(body["id"]):
        return "id is 32 hexadecimal digits, new for every message"
    if not body["text"].strip():
        return "text is empty"
    if len(body["text"]) > MAX_TEXT:
        return f"text is longer than {MAX_TEXT} characters; send less"
    return ""


def _wrong(why: str) -> Response:
    return JSONResponse({"error": why}, 400)
