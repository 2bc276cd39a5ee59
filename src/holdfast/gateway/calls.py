"""Durable calls over HTTP: asking for one, coming back to it, giving it up.

x-holdfast-resume: 1      the stream's events carry ids; the call goes on without its client
Idempotency-Key: KEY      the same key and body is the same call: 409 while it runs (attach with
                          Prefer: holdfast-attach), its answer again once it has ended; 422 if
                          the body differs
GET  /v1/calls/{id}                 how it stands
GET  /v1/calls/{id}/events?after=N  the stream again, from the event after N (or Last-Event-ID)
POST /v1/calls/{id}/cancel
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers as GivenHeaders
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.request import Request, Surface
from ..engine.ports import Engine, Overloaded, Turn
from ..store.ports import ENDED, StoreFailed, Turns, TurnState
from ..wire import SERVED
from ..wire.dialect import Head
from ..wire.jsontext import dumps
from .durable import (
    LANE,
    Asked,
    Part,
    Refused,
    call_id,
    fingerprint,
    stream_parts,
    tenant,
    whole_answer,
)
from .errors import Headers, Refusal
from .limits import ClientGone
from .reply import Reply, unless
from .services import Services

PATH = "/v1/calls/"
MAX_BODY = 4 * 1024 * 1024  # bytes of a request that is kept
LONGEST_KEY = 255

_JSON: Headers = [(b"content-type", b"application/json")]


def wants_durable(headers: Mapping[str, str]) -> bool:
    return headers.get("x-holdfast-resume", "") == "1" or "idempotency-key" in headers


class DurableExchange:
    """The HTTP half of one durable call."""

    def __init__(
        self, services: Services, headers: GivenHeaders, receive: Receive, send: Send
    ) -> None:
        if services.engine is None or services.turns is None:
            raise StreamFailed(
                _invalid("not_durable", "this gateway keeps no calls; ask without resume")
            )
        self._engine: Engine = services.engine
        self._turns: Turns = services.turns
        self._services = services
        self._headers = headers
        self._call = ""
        self._ref = ""
        self._replayed = False
        self._reply = Reply(receive, send, self._head)

    async def ask(
        self, path: str, request: Request, body: bytes, ref: str, client: Mapping[str, Any]
    ) -> None:
        """Starts the call, or finds the one of the same key, and tells its answer.

        `ref` is for a new call; `client` what helps to find it in the client's own logs.
        Raises StreamFailed before anything was said.
        """
        if len(body) > MAX_BODY:
            detail = f"a request that is to outlive its connection has at most {MAX_BODY} bytes"
            raise StreamFailed(_invalid("body_too_large", detail))
        whose, key = tenant(self._headers), self._key()
        head = Head(ref, int(self._services.clock.wall()), request.model)
        print_of = fingerprint(path, body)
        asked = Asked(request.dialect, request.body, head, whose, print_of, request.via, client)
        turn_id = LANE + (call_id(whose, key) if key else ref)
        turn = Turn(turn_id, turn_id, asked.to_json(), self._services.clock.wall())
        try:
            fresh = await self._engine.accept(turn)
            if not fresh:
                turn, asked = await self._known(turn, asked)
        except StoreFailed as failed:
            failure = Failure(Kind.CAPACITY, Phase.ADMIT, Hop.STORE, detail=str(failed))
            raise StreamFailed(failure) from failed
        except Overloaded as full:
            raise StreamFailed(Failure(Kind.CAPACITY, Phase.ADMIT, Hop.ENGINE)) from full
        ids = self._headers.get("x-holdfast-resume", "") == "1"
        await self._tell(turn, asked, 0, ids=ids)

    async def again(self, call: str, query: QueryParams) -> None:
        """The stream of a call that was begun before. Raises StreamFailed."""
        turn, asked, _ = await self._find(call)
        await self._tell(turn, asked, self._after(query), ids=True)

    async def status(self, call: str) -> None:
        _, asked, state = await self._find(call)
        told = {
            "id": call,
            "object": "holdfast.call",
            "ref": asked.head.ref,
            "model": asked.head.model,
            "created": asked.head.created,
            "state": "ended" if state in ENDED else state.value,
            "events": f"{PATH}{call}/events",
        }
        await self._reply.respond(200, _JSON, dumps(told))

    async def cancel(self, call: str) -> None:
        turn, _, _ = await self._find(call)
        stopped = await self._engine.stop(turn.lane)
        await self._reply.respond(200, _JSON, dumps({"id": call, "stopped": stopped}))

    async def _known(self, turn: Turn, asked: Asked) -> tuple[Turn, Asked]:
        """The earlier call of the same key."""
        stored, first, state = await self._find(turn.id.removeprefix(LANE))
        if first.fingerprint != asked.fingerprint:
            detail = "this Idempotency-Key was used for another request; choose a new one"
            raise StreamFailed(_invalid("idempotency_key_reused", detail))
        attach = "holdfast-attach" in self._headers.get("prefer", "")
        if state not in ENDED and not attach:
            events = f"{PATH}{turn.id.removeprefix(LANE)}/events"
            detail = f"the call of this Idempotency-Key is still running; read it at GET {events}"
            raise StreamFailed(_invalid("idempotency_in_progress", detail))
        self._replayed = True
        return stored, first

    async def _find(self, call: str) -> tuple[Turn, Asked, TurnState]:
        """A call of this client's. Raises StreamFailed."""
        found = await asyncio.to_thread(self._turns.find, LANE + call)
        asked = Asked.of(found[0]) if found else None
        if found is None or asked is None or asked.tenant != tenant(self._headers):
            detail = "there is no such call, or it is no longer kept; ask anew"
            raise StreamFailed(_invalid("call_not_found", detail))
        return found[0], asked, found[1]

    async def _tell(self, turn: Turn, asked: Asked, after: int, *, ids: bool) -> None:
        """Raises ClientGone, StreamFailed."""
        self._call, self._ref = turn.id.removeprefix(LANE), asked.head.ref
        streams = asked.request().surface is not Surface.NONE
        telling = self._stream(turn, asked, after, ids=ids) if streams else self._whole(turn, asked)
        leaving = asyncio.create_task(self._reply.left())
        try:
            await unless(asyncio.create_task(telling), leaving, self._services.drain.over)
        except Refused as refused:
            await self._reply.respond(refused.status, refused.headers, refused.body)
        finally:
            leaving.cancel()

    async def _whole(self, turn: Turn, asked: Asked) -> None:
        body = await whole_answer(self._engine, turn, asked)
        await self._reply.respond(200, _JSON, body)

    async def _stream(self, turn: Turn, asked: Asked, after: int, *, ids: bool) -> None:
        heartbeat = asked.served.stream(asked.head, asked.request()).heartbeat
        parts = stream_parts(self._engine, turn, asked, after, ids=ids)
        async for part in _with_pulse(parts, self._services.settings.heartbeat, heartbeat):
            # Without its last chunk the body is broken off: the answer is not whole.
            await self._reply.write(part.data, more=not (part.last and part.whole))

    def _key(self) -> str:
        """RFC 8941 says a quoted string; bare keys are met more often."""
        key = self._headers.get("idempotency-key", "").strip().strip('"')
        if len(key) > LONGEST_KEY or ("idempotency-key" in self._headers and not key):
            detail = f"Idempotency-Key is 1 to {LONGEST_KEY} characters long"
            raise StreamFailed(_invalid("invalid_idempotency_key", detail))
        return key

    def _after(self, query: QueryParams) -> int:
        given = self._headers.get("last-event-id") or query.get("after") or "0"
        number = given.rpartition(":")[2]
        if not (number.isascii() and number.isdigit()):
            detail = "after (or Last-Event-ID) is the id of the last event that came, or its number"
            raise StreamFailed(_invalid("invalid_event_id", detail))
        return int(number)

    def _head(self) -> Headers:
        head = [
            (b"x-request-id", self._ref.encode()),
            (b"x-holdfast-call", self._call.encode()),
            (b"proxy-status", b"holdfast; received-status=200"),
        ]
        return [*head, (b"idempotency-replayed", b"true")] if self._replayed else head


class CallRoutes:
    """`/v1/calls/...`, as plain ASGI."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = GivenHeaders(scope=scope)
        reply = Reply(receive, send, lambda: [])
        try:
            self._services.check_key(headers)
            await self._serve(DurableExchange(self._services, headers, receive, send), scope)
        except StreamFailed as failed:
            services = self._services
            services.turned_away(failed.failure)
            ref, language = services.new_ref(), services.speak(headers)
            refusal = Refusal(failed.failure, ref, language, services.level)
            kind, body = refusal.body(headers.get("accept", ""), SERVED["chat"])
            told = [(b"content-type", kind.encode()), *refusal.headers()]
            with suppress(ClientGone):
                await reply.respond(refusal.status, told, body)
        except ClientGone:
            return

    async def _serve(self, exchange: DurableExchange, scope: Scope) -> None:
        call, _, rest = scope["path"].removeprefix(PATH).partition("/")
        match scope["method"], rest:
            case "GET", "":
                await exchange.status(call)
            case "GET", "events":
                await exchange.again(call, QueryParams(scope["query_string"]))
            case "POST", "cancel":
                await exchange.cancel(call)
            case _:
                raise StreamFailed(_invalid("not_found", f"there is no {scope['path']}"))


async def _with_pulse(
    parts: AsyncIterator[Part], every: float, heartbeat: bytes
) -> AsyncIterator[Part]:
    """`parts`, and `heartbeat` in every silence of so many seconds."""
    following = asyncio.ensure_future(anext(parts, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=every)
            if not done:
                yield Part(heartbeat)
                continue
            part = following.result()
            if part is None:
                return
            yield part
            following = asyncio.ensure_future(anext(parts, None))
    finally:
        following.cancel()


def _invalid(code: str, detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail, code=code)
