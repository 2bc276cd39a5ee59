"""One request for an answer, from the client's bytes to the client's end, in any dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from ..core.events import Finished, StreamEvent
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.redact import scrub
from ..core.request import Request, Surface
from ..resilience.policy import Route
from ..store.ports import StoreFailed
from ..upstream.executor import Call
from ..wire.asking import PASSED
from ..wire.dialect import Head, ServedDialect, StreamWriter
from .calls import DurableExchange, wants_durable
from .durable import Asked, fingerprint
from .errors import Headers as RawHeaders
from .errors import Refusal, told_of
from .kept import Keeping, Kept, keeps
from .limits import ClientGone, check_headers, number_in, read_body
from .reply import Reply, unless
from .services import Services, extension

MAX_HOPS = 8  # gateways a request may pass before it is taken for a loop


class Exchange:
    """Reads the request, runs its call, and tells how it ended."""

    def __init__(
        self,
        services: Services,
        dialect: ServedDialect,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.ref = services.new_ref()
        self._began = services.clock.wall()
        self._services = services
        self._dialect = dialect
        self._headers = Headers(scope=scope)
        self._path: str = scope["path"]
        self._receive = receive
        self._send = send
        self._reply = Reply(receive, send, self._head)
        self._request: Request | None = None
        self._call: Call | None = None
        self._stream: StreamWriter | None = None
        self._keeping: Keeping | None = None

    async def run(self) -> None:
        try:
            self._admit()
            with self._services.gate.enter():
                await self._serve()
        except (StreamFailed, StoreFailed) as failed:
            await self._refuse(told_of(failed))
        except ClientGone:
            return

    def _admit(self) -> None:
        services, via = self._services, self._headers.get("via", "")
        check_headers(self._headers.raw)
        if services.node in via or via.count(",") >= MAX_HOPS:
            raise StreamFailed(Failure(Kind.LOOP, Phase.ADMIT, Hop.CLIENT))
        services.check_key(self._headers)

    async def _serve(self) -> None:
        body = await read_body(self._receive, self._services.settings.max_body, self._headers)
        request, route = self._understand(body)
        if wants_durable(self._headers, request):
            durable = DurableExchange(self._services, self._headers, self._receive, self._send)
            await durable.ask(self._path, request, body, self.ref, self._client(request))
        else:
            await self._answer(await self._prepared(request, body), route)

    def _understand(self, body: bytes) -> tuple[Request, Route]:
        services = self._services
        request = self._dialect.decode_request(body)
        if isinstance(request, Failure):
            raise StreamFailed(request)
        passed = tuple((n, v) for n, v in self._headers.items() if n in PASSED)
        via = self._headers.get("via", "")
        self._request = request = replace(request, via=via, headers=passed)
        return request, services.route(request)

    async def _prepared(self, request: Request, body: bytes) -> Request:
        """What the targets are asked; `self._request` is what the client is told it asked."""
        services, tenant = self._services, self._services.tenant(self._headers)
        question = await Kept(services, tenant).question(request)
        if keeps(services, request, len(body)) and services.turns:
            head, printed = self._of(request), fingerprint(self._path, body)
            asked = Asked("responses", request.body, head, self.ref, tenant, printed)
            self._keeping = Keeping(services.turns, asked, self._began)
        elif request.dialect == "responses":
            self._request = replace(request, body={**request.body, "store": False})
        return question

    async def _answer(self, request: Request, route: Route) -> None:
        """Races the answer against the client's leaving. At the end of service it is told so."""
        services = self._services
        call = services.executor.call(request, route, self.ref)
        self._call = call
        services.keeper.clients[self.ref] = self._client(request)
        streams = request.surface is Surface.APPEND_ONLY
        answering = asyncio.create_task(self._tell(call) if streams else self._tell_whole(call))
        leaving = asyncio.create_task(self._reply.left())
        with services.drain.telling(call.stop):
            try:
                await unless(answering, leaving)
            finally:
                leaving.cancel()

    async def _tell(self, call: Call) -> None:
        """Streams the answer. Silence is filled with comments, so that proxies keep the line."""
        asked = self._request or call.request
        stream = self._stream = self._dialect.stream(self._of(asked), asked)
        finished = False
        async with call:
            while not finished:
                try:
                    async with asyncio.timeout(self._services.settings.heartbeat):
                        batch = await anext(call)
                except TimeoutError:
                    await self._reply.write(stream.heartbeat)
                    continue
                data = stream.encode(batch)
                finished = isinstance(batch[-1], Finished)
                await self._keep(batch, call)
                if finished:
                    data += stream.finish(extension(call, self.ref))
                await self._reply.write(data, more=not finished)

    async def _tell_whole(self, call: Call) -> None:
        asked = self._request or call.request
        answer = self._dialect.assembler(self._of(asked), asked)
        async with call:
            async for batch in call:
                answer.add(batch)
                await self._keep(batch, call)
        body = answer.answer(extension(call, self.ref))
        await self._reply.respond(200, [(b"content-type", b"application/json")], body)

    async def _keep(self, batch: Sequence[StreamEvent], call: Call) -> None:
        """The end is told when it is written down: the next request may come with it."""
        if self._keeping:
            self._keeping.add(batch)
            if isinstance(batch[-1], Finished):
                await self._keeping.keep(extension(call, self.ref))

    async def _refuse(self, failure: Failure) -> None:
        call = self._call
        if call is None:
            self._services.turned_away(failure)
        refusal = Refusal(
            failure,
            self.ref,
            self._services.speak(self._headers, self._request.language if self._request else None),
            self._services.level,
            call.attempts if call else (),
            call.began if call else 0.0,
            call.released if call and self._reply.begun else 0,
        )
        if not self._reply.begun:
            kind, body = refusal.body(self._headers.get("accept", ""), self._dialect)
            headers = [(b"content-type", kind.encode()), *refusal.headers()]
            with suppress(ClientGone):
                await self._reply.respond(refusal.status, headers, body)
        elif self._stream:
            data = self._stream.fail(refusal.error())
            with suppress(ClientGone):
                if self._stream.ends_failed:
                    await self._reply.write(data, more=False)
                else:
                    await self._reply.break_off(data)

    def _of(self, request: Request) -> Head:
        return Head(self.ref, int(self._began), request.model)

    def _head(self) -> RawHeaders:
        """What is true of every answer; a recovery says so as soon as it is known."""
        head = [
            (b"x-request-id", self.ref.encode()),
            (b"proxy-status", b"holdfast; received-status=200"),
        ]
        saved = extension(self._call, self.ref) if self._call else None
        if saved:
            head.append((b"x-holdfast-recovered", b"true"))
            head.append((b"x-holdfast-attempts", str(saved["attempts"]).encode()))
        return head

    def _client(self, request: Request) -> Mapping[str, Any]:
        """What helps to find this call in the client's own logs."""
        retries = self._headers.get("x-stainless-retry-count", "")
        known = {
            "agent": scrub(self._headers.get("user-agent", ""), 200),
            "request_id": scrub(self._headers.get("x-client-request-id", ""), 200),
            "retry_count": number_in(retries),
            "stream": request.surface is Surface.APPEND_ONLY,
        }
        return {name: value for name, value in known.items() if value not in ("", None)}
