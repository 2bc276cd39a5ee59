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
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from starlette.datastructures import Headers as GivenHeaders
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.request import Request, Surface
from ..engine.ports import Engine, Overloaded, Turn
from ..resilience.findings import STOPPED
from ..store.ports import ENDED, StoreFailed, Turns, TurnState
from ..wire import SERVED
from ..wire.body import invalid
from ..wire.dialect import Head, ServedDialect
from ..wire.jsontext import dumps
from .durable import (
    LANE,
    Asked,
    Refused,
    broken_off,
    call_id,
    fingerprint,
    in_background,
    response_object,
    stream_parts,
    whole_answer,
)
from .errors import Headers, Refusal, store_failed, told_of
from .kept import MAX_BODY, Kept, find, gone
from .limits import ClientGone, check_headers, number_in
from .reply import Reply, unless
from .services import Services

PATH = "/v1/calls/"
LONGEST_KEY = 255

_LOG = structlog.get_logger("holdfast.gateway")

_JSON: Headers = [(b"content-type", b"application/json")]


def wants_durable(headers: Mapping[str, str], request: Request) -> bool:
    asked = in_background(request.dialect, request.body) or "idempotency-key" in headers
    return asked or _wants_ids(headers)


def _wants_ids(headers: Mapping[str, str]) -> bool:
    return headers.get("x-holdfast-resume", "") == "1"


class DurableExchange:
    """The HTTP half of one durable call."""

    def __init__(
        self, services: Services, headers: GivenHeaders, receive: Receive, send: Send
    ) -> None:
        if services.engine is None or services.turns is None:
            en = "this gateway keeps no calls; ask for none to be kept"
            zh = "这个网关不保留调用；请不要要求保留"
            raise StreamFailed(invalid("not_durable", None, en, zh))
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
        Raises StreamFailed and StoreFailed before anything was said.
        """
        if len(body) > MAX_BODY:
            en = f"a request that is to outlive its connection has at most {MAX_BODY} bytes"
            zh = f"要在断线后继续的请求最多 {MAX_BODY} 字节"
            raise StreamFailed(invalid("body_too_large", None, en, zh))
        if in_background(request.dialect, request.body) and request.body.get("store") is False:
            en = "a response in the background is kept until it is read: leave out store"
            zh = "后台的 response 会保留到被读取为止：请去掉 store"
            raise StreamFailed(invalid("background_is_stored", "store", en, zh))
        whose, key = self._services.tenant(self._headers), self._key()
        await self.kept.question(request)  # what it refers to must be there
        now = self._services.clock.wall()
        head = Head(call_id(whose, key) if key else ref, int(now), request.model)
        asked = Asked(
            dialect=request.dialect,
            body=request.body,
            head=head,
            ref=ref,
            tenant=whose,
            fingerprint=fingerprint(path, body) if key else "",
            via=request.via,
            client=client,
            ids=_wants_ids(self._headers),
            headers=request.headers,
            decoded=request,
        )
        turn_id = LANE + head.ref
        turn = Turn(turn_id, turn_id, asked.to_json(), now, known=asked)
        state = TurnState.WAITING
        fresh = True
        try:
            if key or asked.background:  # who comes back with the key, or is told at once
                fresh = await self._engine.accept(turn)
            else:
                await self._engine.undertake(turn)
            if not fresh:
                turn, asked, state = await self._known(turn, asked)
        except Overloaded as full:
            raise StreamFailed(Failure(Kind.CAPACITY, Phase.ADMIT, Hop.ENGINE)) from full
        if asked.request().surface is not Surface.NONE:
            await self.stream(turn, asked, 0, ids=asked.ids or _wants_ids(self._headers))
        elif asked.background:
            await self.tell_response(turn, asked, state, fresh=fresh)
        else:
            await self._tell(self._whole(turn, asked), turn, asked)

    async def again(self, call: str, query: QueryParams) -> None:
        """The events of a call that was begun before. Raises StreamFailed, StoreFailed."""
        turn, asked, _state = await self.find(call)
        if asked.request().surface is Surface.NONE:
            await self._tell(self._whole(turn, asked), turn, asked)
        else:
            await self.stream(turn, asked, self._after(query), ids=True)

    async def status(self, call: str, _: QueryParams) -> None:
        _turn, asked, state = await self.find(call)
        told = {
            "id": call,
            "object": "holdfast.call",
            "ref": asked.ref,
            "model": asked.head.model,
            "created": asked.head.created,
            "state": "ended" if state in ENDED else state.value,
            "events": f"{PATH}{call}/events",
        }
        await self.tell(told)

    async def cancel(self, call: str, _: QueryParams) -> None:
        turn, _asked, state = await self.find(call)
        stopped = await self.give_up(turn, state)
        await self.tell({"id": call, "stopped": stopped})

    async def give_up(self, turn: Turn, state: TurnState) -> bool:
        """Ends a call, at once or as soon as it would begin; False if it has ended already."""
        if state in ENDED:
            return False
        if not await self._engine.stop(turn.lane, waiting=True):
            return False
        found = await asyncio.to_thread(self._turns.find, turn.id)
        if found and found[1] is not TurnState.WAITING:
            async for _ in self._engine.watch(turn.id):
                continue
        return True

    async def tell_response(
        self, turn: Turn, asked: Asked, state: TurnState, *, fresh: bool = False
    ) -> None:
        """The response as it stands, as an object of its dialect; one that is `fresh` waits, as
        who asked for it is told, however quick its answer is.
        """
        self._call, self._ref = asked.head.ref, asked.ref
        entries = () if fresh else await asyncio.to_thread(self._turns.events, turn.id)
        told = response_object(asked, entries)
        if told["status"] == "in_progress":
            waits = "queued" if state is TurnState.WAITING else "in_progress"
            told = {**told, "status": "cancelled" if turn.stop else waits}
        await self.tell(told)

    @property
    def kept(self) -> Kept:
        return Kept(self._services, self._services.tenant(self._headers))

    async def forget(self, turn: Turn) -> None:
        """Drops a call that has ended, or once it has."""
        async for _ in self._engine.watch(turn.id):
            continue
        await asyncio.wrap_future(self._turns.delete(turn.id))

    async def tell(self, told: Mapping[str, Any]) -> None:
        await self._reply.respond(200, _JSON, dumps(told))

    async def _known(self, turn: Turn, asked: Asked) -> tuple[Turn, Asked, TurnState]:
        """The earlier call of the same key."""
        stored, first, state = await self.find(turn.id.removeprefix(LANE))
        if first.fingerprint != asked.fingerprint:
            en = "this Idempotency-Key was used for another request; choose a new one"
            zh = "这个 Idempotency-Key 已用于另一个请求；请换一个新的"
            raise StreamFailed(invalid("idempotency_key_reused", None, en, zh))
        attach = "holdfast-attach" in self._headers.get("prefer", "")
        waits = first.request().surface is not Surface.NONE or not first.background
        if state not in ENDED and waits and not attach:
            events = f"{PATH}{turn.id.removeprefix(LANE)}/events"
            en = f"the call of this Idempotency-Key is still running; read it at GET {events}"
            zh = f"这个 Idempotency-Key 的调用还在进行；请用 GET {events} 读取"
            raise StreamFailed(invalid("idempotency_in_progress", None, en, zh))
        self._replayed = True
        return stored, first, state

    async def find(self, call: str) -> tuple[Turn, Asked, TurnState]:
        """A call of this client's. Raises StreamFailed, StoreFailed."""
        found = await find(self._turns, call, self._services.tenant(self._headers))
        if found is None:
            raise gone()
        return found

    async def stream(self, turn: Turn, asked: Asked, after: int, *, ids: bool) -> None:
        """The events from the one numbered `after` + 1 on. Raises ClientGone, StoreFailed."""
        await self._tell(self._stream(turn, asked, after, ids=ids), turn, asked)

    async def _tell(self, telling: Coroutine[Any, Any, None], turn: Turn, asked: Asked) -> None:
        self._call, self._ref = turn.id.removeprefix(LANE), asked.ref
        leaving = asyncio.create_task(self._reply.left())
        try:
            await unless(asyncio.create_task(telling), leaving, self._services.drain.over)
        except Refused as refused:
            await self._reply.respond(refused.status, refused.headers, refused.body)
        finally:
            leaving.cancel()
        if self._services.drain.over.done() and not self._reply.begun:
            raise StreamFailed(STOPPED)

    async def _whole(self, turn: Turn, asked: Asked) -> None:
        body = await whole_answer(self._engine, turn, asked)
        await self._reply.respond(200, _JSON, body)

    async def _stream(self, turn: Turn, asked: Asked, after: int, *, ids: bool) -> None:
        writer = asked.served.stream(asked.head, asked.request())
        parts = stream_parts(self._engine, turn, asked, writer, after, ids=ids, reply=self._reply)
        pulse = asyncio.create_task(self._pulse(turn, writer.heartbeat))
        try:
            async for part in parts:
                if part.last:
                    pulse.cancel()
                if part.last and not part.whole:
                    await self._reply.break_off(part.data)
                else:
                    await self._reply.write(part.data, more=not part.last)
        except StoreFailed as failed:
            if not self._reply.begun:
                raise
            await self._reply.break_off(broken_off(asked, self._refusal(failed, asked)))
        finally:
            pulse.cancel()

    def _refusal(self, failed: StoreFailed, asked: Asked) -> Refusal:
        """Why a reader is left, who may come back: the call goes on."""
        _LOG.error("a reader is left: the store is away", call=self._call, reason=str(failed))
        services = self._services
        spoken = services.speak(self._headers, asked.request().language)
        return Refusal(store_failed(failed, Phase.STREAM), asked.ref, spoken, services.level)

    async def _pulse(self, turn: Turn, heartbeat: bytes) -> None:
        """Fills every silence, until it is cancelled; the first that a client is told is the id
        of a call that is kept.
        """
        every, loop = self._services.settings.heartbeat, asyncio.get_running_loop()
        since = loop.time()
        with suppress(ClientGone):
            while True:
                await asyncio.sleep(since + every - loop.time())
                since = max(since, self._reply.written_at)
                if loop.time() < since + every:
                    continue
                if self._reply.begun or await self._is_kept(turn):
                    await self._reply.write(heartbeat)
                since = loop.time()

    async def _is_kept(self, turn: Turn) -> bool:
        try:
            return await asyncio.to_thread(self._turns.find, turn.id) is not None
        except StoreFailed:
            return False

    def _key(self) -> str:
        """RFC 8941 says a quoted string; bare keys are met more often."""
        given = self._headers.get("idempotency-key")
        key = (given or "").strip().strip('"')
        if len(key) > LONGEST_KEY or (given is not None and not key):
            en = f"Idempotency-Key is 1 to {LONGEST_KEY} characters long"
            zh = f"Idempotency-Key 的长度是 1 到 {LONGEST_KEY} 个字符"
            raise StreamFailed(invalid("invalid_idempotency_key", None, en, zh))
        return key

    def _after(self, query: QueryParams) -> int:
        given = self._headers.get("last-event-id") or query.get("after") or "0"
        number = number_in(given.rpartition(":")[2])
        if number is None:
            en = "after (or Last-Event-ID) is the id of the last event that came, or its number"
            zh = "after（或 Last-Event-ID）是最后收到的事件的 id 或编号"
            raise StreamFailed(invalid("invalid_event_id", None, en, zh))
        return number

    def _head(self) -> Headers:
        head = [
            (b"x-request-id", self._ref.encode()),
            (b"x-holdfast-call", self._call.encode()),
            (b"proxy-status", b"holdfast; received-status=200"),
        ]
        return [*head, (b"idempotency-replayed", b"true")] if self._replayed else head


Serve = Callable[[DurableExchange, str, QueryParams], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Resource:
    """What can be done with calls below one path. `methods`: by method and what follows the id.

    Errors are told in the words of `dialect`.
    """

    path: str
    dialect: ServedDialect
    methods: Mapping[tuple[str, str], Serve]


CALLS = Resource(
    PATH,
    SERVED["chat"],
    {
        ("GET", ""): DurableExchange.status,
        ("GET", "events"): DurableExchange.again,
        ("POST", "cancel"): DurableExchange.cancel,
    },
)


class KeptCalls:
    """A resource of calls that were begun before, as plain ASGI."""

    def __init__(self, services: Services, resource: Resource) -> None:
        self._services = services
        self._resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = GivenHeaders(scope=scope)
        try:
            check_headers(headers.raw)
            self._services.check_key(headers)
            await self._serve(DurableExchange(self._services, headers, receive, send), scope)
        except (StreamFailed, StoreFailed) as failed:
            with suppress(ClientGone):
                told = told_of(failed)
                await self._refuse(told, headers, scope, Reply(receive, send, list))
        except ClientGone:
            return

    async def _serve(self, exchange: DurableExchange, scope: Scope) -> None:
        call, _, rest = scope["path"].removeprefix(self._resource.path).partition("/")
        serve = self._resource.methods.get((scope["method"], rest))
        if serve is None:
            code = "method_not_allowed" if self._allowed(rest) else "not_found"
            asked = f"{scope['method']} {scope['path']}"
            raise StreamFailed(invalid(code, None, f"there is no {asked}", f"没有 {asked}"))
        await serve(exchange, call, QueryParams(scope["query_string"]))

    async def _refuse(
        self, failure: Failure, headers: GivenHeaders, scope: Scope, reply: Reply
    ) -> None:
        services = self._services
        services.turned_away(failure)
        ref, language = services.new_ref(), services.speak(headers)
        refusal = Refusal(failure, ref, language, services.level)
        kind, body = refusal.body(headers.get("accept", ""), self._resource.dialect)
        told = [(b"content-type", kind.encode()), *refusal.headers()]
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            rest = scope["path"].removeprefix(self._resource.path).partition("/")[2]
            told.append((b"allow", ", ".join(self._allowed(rest)).encode()))  # RFC 9110, 15.5.6
        await reply.respond(refusal.status, told, body)

    def _allowed(self, rest: str) -> list[str]:
        return [method for method, below in self._resource.methods if below == rest]
