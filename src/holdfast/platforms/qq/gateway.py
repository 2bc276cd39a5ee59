"""Carries out what `session` decides, on a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from ...core.clock import Clock
from ...core.failure import Failure, StreamFailed
from ...store.ports import Notes, StoreFailed
from .api import AGENT, Api
from .codec.reading import Json, number, text
from .session import (
    OUR_CLOSE,
    Close,
    Command,
    Deliver,
    Entered,
    Locate,
    Memory,
    Open,
    Send,
    Session,
    Stop,
)
from .tokens import Tokens

_CONNECT_PATIENCE = 10.0  # seconds
_CLOSE_PATIENCE = 1.0
_FRAME_LIMIT = 16 * 1024 * 1024  # bytes
_KEEP_EVERY = 1.0  # seconds between two writes of how far we are

_LOG = structlog.get_logger("holdfast.qq")

# The library writes whole frames to its log, one of which holds the access token.
_FRAMES = logging.getLogger("holdfast.qq.frames")
_FRAMES.setLevel(logging.INFO)

Take = Callable[[Json], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Frame:
    connection: ClientConnection
    frame: Json


@dataclass(frozen=True, slots=True)
class _Ended:
    connection: ClientConnection
    code: int | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """An event is durable, or could not be made so."""

    event: Deliver
    safe: bool


class Journal:
    """Where a session is kept between processes."""

    def __init__(self, notes: Notes, app_id: str, clock: Clock) -> None:
        self._notes = notes
        self._key = f"qq.session.{app_id}"
        self._clock = clock
        self._memory = Memory()
        self._news = asyncio.Event()
        self._tried: str | None = None  # the session of which it was last tried
        self._tries = asyncio.Event()
        self._written: Memory | None = None
        self._written_at = 0.0

    async def load(self) -> Memory:
        """What another process left, or this one, some of which may not be written. Whether it is
        too old is the platform's to say: a session that is not resumed loses what was said
        meanwhile. Raises StoreFailed.
        """
        kept = await asyncio.to_thread(self._notes.get, self._key)
        found = Memory(text(kept, "session_id"), number(kept, "seq") or 0) if kept else None
        if found != self._written:  # others have been here since
            self._written, self._memory = found, found or Memory()
        return self._memory

    def tell(self, memory: Memory) -> None:
        """How far the session is; `run` keeps it."""
        self._memory = memory
        self._news.set()

    async def run(self) -> None:
        """Until cancelled. No connection waits for it: a store that takes its time, or that is
        away, must not cost it its heartbeat.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            memory = self._memory
            await self.keep(memory)
            self._tried = memory.session_id
            self._tries.set()

    async def named(self, session_id: str) -> None:
        """Returns once another process would resume this session, or cannot be told of it, or it
        is no more: whoever is killed before leaves behind what nobody can ask for again.
        """
        while self._memory.session_id == session_id != self._tried:
            self._tries.clear()
            await self._tries.wait()

    async def keep(self, memory: Memory, *, last: bool = False) -> None:
        """Not after every event: to hear of one twice does no harm."""
        self._memory = memory
        now = self._clock.monotonic()
        since = now - self._written_at
        changed = memory != self._written
        same_session = self._written and memory.session_id == self._written.session_id
        if not (changed and (since >= _KEEP_EVERY or last or not same_session)):
            return
        value = {"session_id": memory.session_id, "seq": memory.seq}
        try:
            await asyncio.to_thread(self._notes.put, self._key, value)
        except StoreFailed as failed:
            _LOG.warning("qq_session_not_kept", why=str(failed))
            return
        self._written, self._written_at = memory, now


class Gateway:
    """One bot's connection."""

    def __init__(
        self,
        name: str,
        session: Session,
        api: Api,
        tokens: Tokens,
        journal: Journal,
        clock: Clock,
        entered: Callable[[Entered], None],
    ) -> None:
        self._name = name
        self._session = session
        self._api = api
        self._tokens = tokens
        self._journal = journal
        self._clock = clock
        self._entered = entered
        self._inputs: asyncio.Queue[_Frame | _Ended | _Kept] = asyncio.Queue()
        self._events: asyncio.Queue[Deliver | None] = (
            asyncio.Queue()
        )  # None: from another connection
        self._connection: ClientConnection | None = None
        self._readers: set[asyncio.Task[None]] = set()

    async def run(self, connected: Callable[[], Take]) -> None:
        """Until cancelled. Raises StreamFailed for what only an operator can mend.

        `connected` gives what takes the events of one connection. It returns once an event is
        durable, or raises StoreFailed; it is called for many at once, in the order in which they
        came, and for those behind one that could not be kept as well.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                keeper = tasks.create_task(self._keep_events(connected))
                journal = tasks.create_task(self._journal.run())
                failure = await self._drive()
                keeper.cancel()
                journal.cancel()
        finally:
            await self._disconnect(OUR_CLOSE)
            self._count_the_last()
            await self._journal.keep(self._session.memory, last=True)
        raise StreamFailed(failure)

    def _count_the_last(self) -> None:
        """What became durable just before the end."""
        while not self._inputs.empty():
            match self._inputs.get_nowait():
                case _Kept(event, True):
                    self._session.settled(event.session_id, event.seq)
                case _:
                    continue

    async def _drive(self) -> Failure:
        """Inputs to the session, its commands carried out, one after the other."""
        while True:
            commands = deque(self._step(await self._next_input()))
            while commands:
                command = commands.popleft()
                if isinstance(command, Stop):
                    return command.failure
                commands.extend(await self._carry_out(command))
            self._journal.tell(self._session.memory)

    async def _next_input(self) -> _Frame | _Ended | _Kept | None:
        """None: the session's time has come."""
        due = self._session.due
        wait = None if due is None else max(0.0, due - self._clock.monotonic())
        try:
            async with asyncio.timeout(wait):
                return await self._inputs.get()
        except TimeoutError:
            return None

    def _step(self, given: _Frame | _Ended | _Kept | None) -> Iterable[Command]:
        now = self._clock.monotonic()
        match given:
            case None:
                return self._session.tick(now)
            case _Frame(connection, frame):
                current = connection is self._connection
                return self._session.receive(frame, now) if current else ()
            case _Ended(connection, code):
                if connection is not self._connection:
                    return ()
                self._connection = None
                _LOG.info("qq_gateway_closed", bot=self._name, code=code)
                return self._session.closed(code, now)
            case _Kept(event, True):
                self._session.settled(event.session_id, event.seq)
                return ()
            case _Kept(event):
                self._session.refused(event.session_id, event.seq, now)
                return ()
            case _:
                assert_never(given)

    async def _carry_out(self, command: Command) -> Iterable[Command]:
        """What the session wants next, if it was told the outcome at once."""
        match command:
            case Locate():
                return await self._locate()
            case Open(url, fresh_token):
                return await self._open(url, fresh=fresh_token)
            case Send(frame):
                await self._send(frame)
            case Close(code):
                _LOG.info("qq_gateway_left", bot=self._name)
                await self._disconnect(code)
            case Deliver():
                self._events.put_nowait(command)
            case Entered():
                _LOG.info("qq_gateway_open", bot=self._name, resumed=command.resumed)
                self._entered(command)
            case Stop():
                raise AssertionError("_drive ends before a Stop is carried out")
            case _:
                assert_never(command)
        return ()

    async def _locate(self) -> Iterable[Command]:
        try:
            there = await self._api.gateway()
        except StreamFailed as failed:
            return self._unlocated(failed.failure)
        now = self._clock.monotonic()
        return self._session.located(there.url, there.remaining, there.reset_after, now)

    def _unlocated(self, failure: Failure) -> Iterable[Command]:
        _LOG.warning(
            "qq_gateway_unreachable",
            bot=self._name,
            kind=failure.kind.value,
            cause=failure.cause,
            code=failure.code,
        )
        return self._session.unlocated(failure, self._clock.monotonic())

    async def _open(self, url: str, *, fresh: bool) -> Iterable[Command]:
        try:
            token = await self._tokens.get()
            if fresh:
                self._tokens.drop(token)
                token = await self._tokens.get()
        except StreamFailed as failed:
            return self._unlocated(failed.failure)
        try:
            connection = await connect(
                url,
                user_agent_header=AGENT,
                open_timeout=_CONNECT_PATIENCE,
                close_timeout=_CLOSE_PATIENCE,
                ping_interval=None,  # the platform has heartbeats of its own
                max_size=_FRAME_LIMIT,
                max_queue=None,
                compression=None,
                logger=_FRAMES,
                proxy=True if url.startswith("wss:") else None,
            )
        except (OSError, InvalidHandshake, InvalidURI, EOFError) as error:
            _LOG.warning("qq_gateway_refused", bot=self._name, error=type(error).__name__)
            return self._session.closed(None, self._clock.monotonic())
        self._connection = connection
        self._events.put_nowait(None)
        reader = asyncio.get_running_loop().create_task(self._read(connection))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return self._session.opened(token, self._clock.monotonic())

    async def _read(self, connection: ClientConnection) -> None:
        """Every frame of one connection, and its end, to the inputs."""
        code: int | None = None
        try:
            while True:
                frame = _parsed(await connection.recv())
                if frame is not None:
                    self._inputs.put_nowait(_Frame(connection, frame))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
        finally:
            self._inputs.put_nowait(_Ended(connection, code))

    async def _send(self, frame: Json) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.send(json.dumps(frame))
        except ConnectionClosed:
            return  # its reader tells

    async def _disconnect(self, code: int) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close(code)
        for reader in tuple(self._readers):
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _keep_events(self, connected: Callable[[], Take]) -> None:
        """Side by side: the store keeps many as fast as one."""
        take = connected()
        async with asyncio.TaskGroup() as tasks:
            while True:
                event = await self._events.get()
                if event is None:
                    take = connected()
                else:
                    await self._journal.named(event.session_id)
                    tasks.create_task(self._keep(event, take))

    async def _keep(self, event: Deliver, take: Take) -> None:
        safe = False
        try:
            await take(event.frame)
            safe = True
        except StoreFailed as failed:
            _LOG.error("qq_event_not_kept", bot=self._name, why=str(failed))
        self._inputs.put_nowait(_Kept(event, safe))


def _parsed(message: str | bytes) -> Json | None:
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None
