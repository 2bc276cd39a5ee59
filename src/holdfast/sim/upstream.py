"""A model upstream on real sockets that plays the scripts: raw TCP, so that nothing is smoothed.

It serves `POST .../chat/completions`, `.../responses`, `.../messages`, `.../embeddings` and
`GET .../models`; a path with `codex` in it is as strict as the Codex backend. The model's name
says what goes wrong (`sim.script`); faults of addresses have base URLs of their own
(`address_for`).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, assert_never, cast

from .actions import Close, Drip, Reset, Send, Stall, Wait
from .addresses import Addresses, origin, reset
from .backends import check
from .catalogue import PLAYERS
from .chat_form import Misshapen, chat_form
from .dice import Dice
from .embeddings import embed
from .error_answers import JSON, openai
from .habits import UnknownWord
from .reading import Malformed, RawRequest, RequestReader
from .responses import response_id
from .scene import Actions, as_json, with_body
from .script import conversation, parse, play, refused, unknown_model
from .speech import CREATED

_KEPT = 1000  # requests that are remembered
_CONVERSATIONS = 10_000  # for which the turn is remembered
_BAD = "invalid_request_error"
_DIALECTS = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/messages": "messages",
}

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came. `headers` have lower-case names; `body` is {} unless it was JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    model: str


class SimulatedUpstream:
    """An async context manager. Equal seeds cut equal answers into equal pieces.

    `speed` divides all times of the scripts. With `ssl_context` it speaks TLS.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        speed: float = 1.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.host = host
        self.port = port  # the real one once entered
        self.requests: deque[Seen] = deque(maxlen=_KEPT)
        self.open_streams = 0  # answers under way
        self.aborted = 0  # answers that the peer did not wait for
        self._seed = seed
        self._ssl = ssl_context
        self._speed = speed
        self._sleep = sleep
        self._serial = 0
        self._kept: dict[str, tuple[str, Mapping[str, Any], int]] = {}  # by the response's id
        self._turns: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._connections: set[_Connection] = set()
        self._addresses = Addresses(host)
        self._stack = AsyncExitStack()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._addresses)
            server = await loop.create_server(
                lambda: _Connection(self, self._connections), self.host, self.port, ssl=self._ssl
            )
            self.port = int(server.sockets[0].getsockname()[1])
            stack.push_async_callback(server.wait_closed)
            stack.push_async_callback(self._drop)
            stack.callback(server.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def base_url(self) -> str:
        return f"{origin('https' if self._ssl else 'http', self.host, self.port)}/v1"

    def address_for(self, fault_name: str) -> str:
        """The base URL that brings the fault about; for those of model names, our own.

        `tls_untrusted` is our own as well and needs an `ssl_context` that nobody trusts;
        `tls_plain` needs to be without one.
        """
        if fault_name == "tls_plain":
            return f"{origin('https', self.host, self.port)}/v1"
        elsewhere = self._addresses.origin(fault_name)
        return f"{elsewhere}/v1" if elsewhere else self.base_url

    async def idle(self) -> None:
        """Returns when no answer is under way."""
        await self._idle.wait()

    async def pause(self, seconds: float) -> None:
        await self._sleep(seconds / self._speed)

    def begun(self) -> None:
        self.open_streams += 1
        self._idle.clear()

    def ended(self, *, by_peer: bool) -> None:
        self.open_streams -= 1
        self.aborted += by_peer
        if not self.open_streams:
            self._idle.set()

    def answer(self, request: RawRequest) -> Actions:
        """What is done about one request."""
        body = _json_object(request.body)
        model = body.get("model", "") if body else ""
        path = request.path.partition("?")[0]
        self.requests.append(Seen(request.method, path, request.headers, body or {}, str(model)))
        dialect = next((d for end, d in _DIALECTS.items() if path.endswith(end)), "")
        if request.method == "GET" and path.endswith("/models"):
            return _models()
        if request.method == "POST" and (dialect or path.endswith("/embeddings")):
            if body is None or not isinstance(model, str) or not model:
                return _error(400, "a JSON object with a model is needed")
            if dialect:
                return self._answer(dialect, model, body, request)
            return self._embedding(model, body)
        response = next((i for i in self._kept if f"/responses/{i}" in path), None)
        if response:
            return self._again(response, cancel=path.endswith("/cancel"))
        return _error(404, f"there is no {request.method} {path}")

    def _again(self, response: str, *, cancel: bool) -> Actions:
        """A response that ran in the background: the same words, and perhaps another fault."""
        model, asked, serial = self._kept[response]
        if cancel:
            body = {"id": response, "object": "response", "status": "cancelled"}
            return with_body(200, JSON, as_json(body), "req_sim_000000")
        behaviour = parse(model)
        turn = self._turn(model, conversation(asked, behaviour))
        return play(asked, behaviour.turn(turn), Dice(self._seed), serial, "responses")

    def _answer(
        self, dialect: str, model: str, body: Mapping[str, Any], request: RawRequest
    ) -> Actions:
        try:
            check(dialect, request.path, request.headers, body)
            asked = chat_form(dialect, body)
            behaviour = parse(model)
        except UnknownWord as unknown:
            return unknown_model(model, str(unknown), dialect)
        except Misshapen as why:
            return refused(dialect, 400, str(why), None, "req_sim_000000")
        self._serial += 1
        if body.get("background") is True and body.get("store") is not False:
            self._kept[response_id(self._serial)] = (model, asked, self._serial)
        turn = self._turn(model, conversation(asked, behaviour))
        return play(asked, behaviour.turn(turn), Dice(self._seed), self._serial, dialect)

    def _embedding(self, model: str, body: Mapping[str, Any]) -> Actions:
        try:
            behaviour = parse(model)
        except UnknownWord as unknown:
            return unknown_model(model, str(unknown))
        self._serial += 1
        turn = self._turn(model, json.dumps(body.get("input"), default=str))
        return embed(body, behaviour.turn(turn), self._serial)

    def _turn(self, model: str, dialogue: str) -> int:
        key = (model, dialogue)
        turn = self._turns.pop(key, 0)
        self._turns[key] = turn + 1
        if len(self._turns) > _CONVERSATIONS:
            self._turns.popitem(last=False)
        return turn

    async def _drop(self) -> None:
        """Ends every connection and waits until its task is gone."""
        await asyncio.gather(
            *(connection.drop() for connection in tuple(self._connections)),
            return_exceptions=True,
        )


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each played to its end.

    Its task ends when the peer leaves.
    """

    def __init__(self, upstream: SimulatedUpstream, connections: set[_Connection]) -> None:
        self._upstream = upstream
        self._connections = connections
        self._reader = RequestReader()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._playing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.set_write_buffer_limits(high=0)  # a reset must not swallow what was sent
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._news.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._end(by_peer=True)
        self._task.cancel()

    async def drop(self) -> None:
        self._end(by_peer=False)
        self._transport.abort()
        self._task.cancel()
        await self._task

    async def _serve(self) -> None:
        try:
            while True:
                request = await self._next_request()
                self._begin()
                if not await self._perform(self._upstream.answer(request)):
                    return
                self._end(by_peer=False)
                if not request.keep_alive:
                    return
        except Malformed as problem:
            await self._perform(_error(problem.status, problem.why))
        finally:
            self._end(by_peer=False)
            self._transport.close()

    async def _next_request(self) -> RawRequest:
        while (request := self._reader.next_request()) is None:
            if self._reader.awaited:
                self._reader.awaited = False
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._news.clear()
            await self._news.wait()
        return request

    async def _perform(self, actions: Actions) -> bool:
        """Whether the connection may serve another request."""
        for action in actions:
            match action:
                case Send(data):
                    await self._send(data)
                case Wait(seconds):
                    await self._upstream.pause(seconds)
                case Drip(data, every):
                    while True:
                        await self._send(data)
                        await self._upstream.pause(every)
                case Stall():
                    await asyncio.Event().wait()
                case Reset():
                    self._end(by_peer=False)
                    reset(self._transport)
                    return False
                case Close():
                    return False
                case _:
                    assert_never(action)
        return True

    async def _send(self, data: bytes) -> None:
        """Returns when the kernel has it all; others have had their turn meanwhile."""
        self._transport.write(data)
        await asyncio.sleep(0)
        await self._writable.wait()

    def _begin(self) -> None:
        self._playing = True
        self._upstream.begun()

    def _end(self, *, by_peer: bool) -> None:
        if self._playing:
            self._playing = False
            self._upstream.ended(by_peer=by_peer)


def _json_object(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _models() -> Actions:
    listed = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "holdfast-sim"}
        for name in PLAYERS
    ]
    return with_body(200, JSON, as_json({"object": "list", "data": listed}), "req_sim_000000")


def _error(status: int, message: str) -> Actions:
    return with_body(status, JSON, as_json(openai(message, _BAD)), "req_sim_000000")
