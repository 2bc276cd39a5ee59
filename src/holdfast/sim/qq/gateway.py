"""The platform's WebSocket gateway: sessions, replay, and ways to break them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from .events import Event
from .rules import KNOWN_INTENTS, Rules

Json = dict[str, Any]

DISPATCH, BEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


@dataclass(slots=True)
class Session:
    """`events` are all it was ever given, for replay; `left_at` is when its connection broke."""

    id: str
    intents: int
    seq: int = 0
    events: list[Json] = field(default_factory=list)
    connection: _Connection | None = None
    left_at: float | None = None


class _Closed(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class GatewaySide:
    """An async context manager. `token_good` judges what clients identify with."""

    def __init__(
        self,
        rules: Rules,
        bot: Json,
        token_good: Callable[[str], bool],
        now: Callable[[], float],
        changed: Callable[[], None],
        host: str,
    ) -> None:
        self.rules = rules
        self.bot = bot
        self.token_good = token_good
        self.now = now
        self.changed = changed
        self.host = host
        self.port = 0
        self.sessions: dict[str, Session] = {}
        self.connections: set[_Connection] = set()
        self.identified: list[Json] = []  # what clients sent, without their tokens
        self.resumed: list[Json] = []
        self.beats: list[int | None] = []
        self.closes: list[int] = []  # the codes with which we closed
        self.acknowledging = True  # heartbeats are answered
        self.frozen = False  # nothing is sent any more

    async def __aenter__(self) -> Self:
        self._server: Server = await serve(
            self._serve, self.host, 0, compression=None, ping_interval=None, close_timeout=1.0
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in tuple(self.connections):
            connection.drop()
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    def address(self) -> Json:
        """The answer of `GET /gateway/bot`."""
        return {
            "url": f"ws://{self.host}:{self.port}/websocket/",
            "shards": 1,
            "session_start_limit": {
                "total": 1500,
                "remaining": self.rules.sessions_left,
                "reset_after": 86_400_000,
                "max_concurrency": 1,
            },
        }

    @property
    def live(self) -> bool:
        return any(session.connection for session in self.sessions.values())

    def dispatch(self, event: Event) -> None:
        """To every session that asked for such events, now or when it resumes."""
        for session in self.sessions.values():
            if session.intents & event.intent and not self.expired(session):
                session.seq += 1
                session.events.append(event.frame(session.seq))
                if session.connection:
                    session.connection.send(session.events[-1])

    def expired(self, session: Session) -> bool:
        left = session.left_at
        return left is not None and self.now() - left > self.rules.session_life

    # What tests do to it.

    def kick(self, code: int) -> None:
        """Closes every connection with this code."""
        for connection in tuple(self.connections):
            connection.close(code)

    def drop(self) -> None:
        """Breaks every connection without a word."""
        for connection in tuple(self.connections):
            connection.drop()

    def ask_to_reconnect(self) -> None:
        """op 7."""
        self._tell({"op": RECONNECT})

    def invalidate(self, *, resumable: bool) -> None:
        """op 9; without `resumable` the sessions are gone."""
        self._tell({"op": INVALID, "d": resumable})
        if not resumable:
            self.sessions.clear()

    def forget_sessions(self) -> None:
        """What clients resume is not known any more."""
        self.sessions.clear()

    def count_from(self, seq: int) -> None:
        """Sessions go on, and their next event has this number, whatever came before."""
        for session in self.sessions.values():
            session.seq = seq - 1

    def _tell(self, frame: Json) -> None:
        for connection in self.connections:
            connection.send(frame)

    async def _serve(self, websocket: ServerConnection) -> None:
        connection = _Connection(self, websocket)
        self.connections.add(connection)
        self.changed()
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            self.changed()


class _Connection:
    """One client. What is sent goes through a queue, so that events never wait for it."""

    def __init__(self, gateway: GatewaySide, websocket: ServerConnection) -> None:
        self._gateway = gateway
        self._websocket = websocket
        self._out: asyncio.Queue[Json | int] = asyncio.Queue()
        self._session: Session | None = None

    def send(self, frame: Json) -> None:
        self._out.put_nowait(frame)

    def close(self, code: int) -> None:
        self._out.put_nowait(code)

    def drop(self) -> None:
        self._websocket.transport.abort()

    async def run(self) -> None:
        interval = self._gateway.rules.heartbeat_interval
        writer = asyncio.get_running_loop().create_task(self._write())
        self.send({"op": HELLO, "d": {"heartbeat_interval": int(interval * 1000)}})
        try:
            async with asyncio.timeout(self._gateway.rules.hello_patience) as patience:
                async for message in self._websocket:
                    self._take(message)
                    if self._session:
                        now = asyncio.get_running_loop().time()
                        patience.reschedule(now + 2 * interval)
        except TimeoutError:
            self.close(4009)
        except _Closed as closed:
            self.close(closed.code)
        except ConnectionClosed:
            writer.cancel()
        else:
            writer.cancel()
        finally:
            self._leave()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self) -> None:
        """Ends with the close."""
        while True:
            frame = await self._out.get()
            if isinstance(frame, int):
                self._gateway.closes.append(frame)
                await self._websocket.close(frame)
                return
            if not self._gateway.frozen:
                try:
                    await self._websocket.send(json.dumps(frame, ensure_ascii=False))
                except ConnectionClosed:
                    return

    def _leave(self) -> None:
        session = self._session
        if session and session.connection is self:
            session.connection = None
            session.left_at = self._gateway.now()

    def _take(self, message: str | bytes) -> None:
        """Raises _Closed."""
        try:
            frame = json.loads(message)
            op = frame["op"]
        except (ValueError, KeyError, TypeError):
            raise _Closed(4002) from None
        data = frame.get("d")
        if op == IDENTIFY and isinstance(data, dict):
            self._identify(data)
        elif op == RESUME and isinstance(data, dict):
            self._resume(data)
        elif op == BEAT:
            self._beat(data)
        else:
            raise _Closed(4001)

    def _check_token(self, data: Json) -> None:
        scheme, _, token = str(data.get("token")).partition(" ")
        if scheme != "QQBot" or not self._gateway.token_good(token):
            raise _Closed(4004)

    def _identify(self, data: Json) -> None:
        gateway = self._gateway
        if self._session:
            raise _Closed(4005)
        gateway.identified.append({k: v for k, v in data.items() if k != "token"})
        self._check_token(data)
        intents, shard = data.get("intents"), data.get("shard", [0, 1])
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS or not intents:
            raise _Closed(4013)
        if intents & ~gateway.rules.granted:
            raise _Closed(4014)
        if not (isinstance(shard, list) and len(shard) == 2 and 0 <= shard[0] < shard[1]):
            raise _Closed(4010)
        gateway.rules.sessions_left -= 1
        session = Session(str(uuid.uuid4()), intents, seq=1, connection=self)
        gateway.sessions[session.id] = session
        self._session = session
        ready = {
            "version": 1,
            "session_id": session.id,
            "user": {
                "id": gateway.bot["id"],
                "username": gateway.bot["username"],
                "bot": True,
                "status": 0,
            },
            "shard": shard,
        }
        self.send({"op": DISPATCH, "s": 1, "t": "READY", "id": f"READY:{session.id}", "d": ready})
        gateway.changed()

    def _resume(self, data: Json) -> None:
        gateway = self._gateway
        gateway.resumed.append({k: v for k, v in data.items() if k != "token"})
        self._check_token(data)
        session = gateway.sessions.get(str(data.get("session_id")))
        seq = data.get("seq")
        if session is None or gateway.expired(session):
            if gateway.rules.lost_session == "4006":
                raise _Closed(4006)
            self.send({"op": INVALID, "d": False})
            return
        if not isinstance(seq, int) or seq > session.seq:
            raise _Closed(4007)
        if session.connection:
            session.connection.close(1000)
        session.connection, session.left_at = self, None
        self._session = session
        for frame in session.events:
            if frame["s"] > seq - gateway.rules.replay_more:
                self.send(frame)
        session.seq += 1
        self.send({"op": DISPATCH, "s": session.seq, "t": "RESUMED", "id": "", "d": ""})
        gateway.changed()

    def _beat(self, data: Any) -> None:
        if self._session is None:
            raise _Closed(4003)
        self._gateway.beats.append(data)
        if self._gateway.acknowledging:
            self.send({"op": ACK})
        self._gateway.changed()
