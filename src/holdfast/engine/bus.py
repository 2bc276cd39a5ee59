"""What the nodes of a cluster tell one another over NATS. All of it may be lost: the database
knows, and is looked at whenever nothing was heard for a while.

- wake-ups, kept by JetStream until acknowledged: "this lane has work"
- live events of turns, and the hint to look at the database
- that something was accepted, to those who deliver the answers
- requests to stop turns, and to make room for what ends others
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from ..store.database import dump
from ..store.ports import Entry

_LOG = structlog.get_logger("holdfast.engine")

TROUBLE = (NatsError, OSError, TimeoutError)
PAUSE = 1  # seconds until NATS is tried again
LARGEST = 512 * 1024  # bytes of a live message; NATS refuses more than 1 MiB
OUTGOING = 10_000  # live messages that may wait to be sent
INBOX = 1_000  # live messages that a slow reader may leave unread
FLUSH = 60  # seconds; a connection that is silent for so long was given up before
LOOK = b""  # instead of entries: look at the database


def heed_cancellation() -> None:
    """Raises a CancelledError that Python 3.11's wait_for, which the NATS client uses, has kept to
    itself because a result came with it.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


@dataclass(frozen=True, slots=True)
class BusSettings:
    """`ack_wait` is how many seconds after a worker's last sign of life its wake-up goes to
    another. `replicas` is how many NATS servers keep wake-ups.
    """

    servers: tuple[str, ...] = ("nats://127.0.0.1:4222",)
    prefix: str = "holdfast"
    ack_wait: float = 5.0
    replicas: int = 1
    connect_within: float = 3.0


class Bus:
    """One connection, made in the background and made again whenever it breaks."""

    def __init__(self, settings: BusSettings) -> None:
        self.settings = settings
        self._client = Client()
        self._js: JetStreamContext | None = None
        self._wakes: JetStreamContext.PullSubscription | None = None
        self._outgoing: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(OUTGOING)
        self._up = asyncio.Event()
        self._flushing: set[asyncio.Task[None]] = set()
        self._accepting: list[tuple[str, asyncio.Event]] = []  # in this process
        self._on_stop: Callable[[Sequence[str]], object] = lambda turn_ids: None
        self._on_relief: Callable[[str], object] = lambda lane: None

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Waits a moment for NATS, then goes on without it until it is there."""
        tasks = [asyncio.create_task(self._connect()), asyncio.create_task(self._send())]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.connect_within):
                    await self._up.wait()
            yield
        finally:
            tasks += self._flushing
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if not self._client.is_closed:
                with suppress(*TROUBLE):
                    await self._client.close()

    async def jetstream(self) -> JetStreamContext:
        """Once NATS is there. Raises what TROUBLE names."""
        await self._up.wait()
        return self._client.jetstream(timeout=3)

    def on_stop(self, heard: Callable[[Sequence[str]], object]) -> None:
        """`heard` is called with the ids of turns that are to be stopped."""
        self._on_stop = heard

    def on_relief(self, heard: Callable[[str], object]) -> None:
        """`heard` is called with a lane whose turn is to run even where no other may."""
        self._on_relief = heard

    async def wake(self, lane: str, message_id: str) -> bool:
        """Whether JetStream keeps the wake-up now, or had one of this id already."""
        if not self.connected:
            return False
        for _ in range(2):
            try:
                js = await self._ready()
                await js.publish(
                    f"{self._prefix}.wake.{token(lane)}",
                    lane.encode(),
                    timeout=2.0,
                    headers={"Nats-Msg-Id": token(message_id)},
                )
            except TROUBLE as error:
                self._js = None  # the stream may be gone with the server's disk
                _LOG.warning("a wake-up was not published", error=type(error).__name__)
                heed_cancellation()
            else:
                heed_cancellation()
                return True
        return False

    async def next_wake(self, within: float) -> Wake | None:
        """The next wake-up for any worker; None if none comes within so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._up.wait()
            if self._wakes is None:
                js = await self._ready()
                self._wakes = await js.pull_subscribe_bind("workers", self._stream)
            wake = Wake((await self._wakes.fetch(1, timeout=within))[0])
        except TROUBLE as error:
            if not isinstance(error, TimeoutError):
                _LOG.warning("wake-ups cannot be fetched", error=type(error).__name__)
                self._js = self._wakes = None
                await asyncio.sleep(min(within, 0.5))
            heed_cancellation()
            return None
        try:
            heed_cancellation()
        except asyncio.CancelledError:
            await wake.give_back()
            raise
        return wake

    def tell(self, turn_id: str, entries: Sequence[Entry]) -> None:
        """To all who follow the turn anywhere. Without entries: look at the database."""
        data = LOOK
        if entries:
            data = dump([[entry.sequence, entry.event] for entry in entries]).encode()
        if len(data) > LARGEST:
            data = LOOK
        self._queue(f"{self._prefix}.live.{token(turn_id)}", data)

    def ask_stop(self, turn_ids: Sequence[str]) -> None:
        self._queue(f"{self._prefix}.stop", dump(turn_ids).encode())

    def ask_relief(self, lane: str) -> None:
        """Of whichever worker is the first: its wake-up waits for one that has room."""
        self._queue(f"{self._prefix}.relief", lane.encode())

    @contextmanager
    def follow(self, turn_id: str) -> Iterator[asyncio.Queue[Sequence[Entry]]]:
        """What is told of the turn, from soon on; an empty sequence is the hint to look."""
        heard: asyncio.Queue[Sequence[Entry]] = asyncio.Queue(INBOX)

        async def hear(message: Msg) -> None:
            if heard.full():  # a slow reader finds it all in the database
                while not heard.empty():
                    heard.get_nowait()
                heard.put_nowait(())
            pairs = json.loads(message.data) if message.data else ()
            heard.put_nowait([Entry(sequence, event) for sequence, event in pairs])

        def look() -> None:
            with suppress(asyncio.QueueFull):
                heard.put_nowait(())

        subject = f"{self._prefix}.live.{token(turn_id)}"
        following = asyncio.create_task(self._subscribe(subject, hear, look))
        try:
            yield heard
        finally:
            following.cancel()

    def accepted(self, lane: str) -> None:
        """To those who deliver what is answered in lanes of this first word."""
        word = lane.partition(":")[0]
        for mine, news in self._accepting:
            if mine == word:
                news.set()
        self._queue(f"{self._prefix}.new.{token(word)}", b"")

    @contextmanager
    def accepting(self, word: str) -> Iterator[asyncio.Event]:
        """Set whenever a turn was accepted in a lane of this first word, from soon on."""
        news = asyncio.Event()

        async def hear(_: Msg) -> None:
            news.set()

        subject = f"{self._prefix}.new.{token(word)}"
        following = asyncio.create_task(self._subscribe(subject, hear, news.set))
        here = (word, news)
        self._accepting.append(here)
        try:
            yield news
        finally:
            following.cancel()
            self._accepting.remove(here)

    async def _subscribe(
        self,
        subject: str,
        hear: Callable[[Msg], Awaitable[None]],
        look: Callable[[], None],
    ) -> None:
        """`look` is called once the subscription is there: something may have come before."""
        await self._up.wait()
        try:
            subscription = await self._client.subscribe(subject, cb=hear)
        except TROUBLE:
            return
        try:
            with suppress(*TROUBLE):
                await self._heard()
            look()
            await asyncio.Event().wait()
        finally:
            with suppress(*TROUBLE):
                await subscription.unsubscribe()

    async def _heard(self) -> None:
        """Returns once the server knows of all that was asked. The client takes its connection
        for broken when the answer to a flush comes after nobody waits for it any more; so whoever
        leaves lets the flush go on.
        """
        flushing = asyncio.create_task(self._client.flush(timeout=FLUSH))
        self._flushing.add(flushing)
        flushing.add_done_callback(self._flushed)
        await asyncio.shield(flushing)

    def _flushed(self, flushing: asyncio.Task[None]) -> None:
        self._flushing.discard(flushing)
        if not flushing.cancelled():
            flushing.exception()  # whoever still waits is told

    @property
    def _prefix(self) -> str:
        return self.settings.prefix

    @property
    def _stream(self) -> str:
        return f"{self._prefix.replace('.', '-')}-wake"

    def _queue(self, subject: str, data: bytes) -> None:
        with suppress(asyncio.QueueFull):
            self._outgoing.put_nowait((subject, data))

    async def _send(self) -> None:
        while True:
            subject, data = await self._outgoing.get()
            if self.connected:  # otherwise it would be told late, and out of place
                with suppress(*TROUBLE):
                    await self._client.publish(subject, data)

    async def _connect(self) -> None:
        while True:
            try:
                await self._client.connect(
                    list(self.settings.servers),
                    name="holdfast",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=PAUSE,
                    connect_timeout=2,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    error_cb=_ignore,
                )
                await self._client.subscribe(f"{self._prefix}.stop", cb=self._stop_asked)
                await self._client.subscribe(f"{self._prefix}.relief", cb=self._relief_asked)
            except TROUBLE as error:
                _LOG.warning("NATS cannot be reached", error=type(error).__name__)
                await asyncio.sleep(PAUSE)
            else:
                self._up.set()
                return

    async def _stop_asked(self, message: Msg) -> None:
        self._on_stop(json.loads(message.data))

    async def _relief_asked(self, message: Msg) -> None:
        self._on_relief(message.data.decode())

    async def _ready(self) -> JetStreamContext:
        """JetStream, with the stream and the consumer that everyone shares."""
        if self._js is not None:
            return self._js
        js = self._client.jetstream(timeout=3)
        try:
            await js.stream_info(self._stream)
        except NotFoundError:
            await js.add_stream(
                StreamConfig(
                    name=self._stream,
                    subjects=[f"{self._prefix}.wake.*"],
                    retention=RetentionPolicy.WORK_QUEUE,
                    storage=StorageType.FILE,
                    num_replicas=self.settings.replicas,
                    duplicate_window=60.0,
                    max_age=3600.0,
                )
            )
        await js.add_consumer(
            self._stream,
            ConsumerConfig(
                durable_name="workers",
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self.settings.ack_wait,
                max_ack_pending=100_000,
                max_deliver=-1,
            ),
        )
        self._js = js
        return js


@dataclass(frozen=True, slots=True)
class Wake:
    """A wake-up. What is not acknowledged, and shows no sign of life, goes to another worker."""

    message: Msg

    @property
    def lane(self) -> str:
        return self.message.data.decode()

    @property
    def again(self) -> bool:
        """Whether somebody was given it before."""
        return (self.message.metadata.num_delivered or 1) > 1

    async def ack(self) -> None:
        with suppress(*TROUBLE):
            await self.message.ack()

    async def alive(self) -> None:
        with suppress(*TROUBLE):
            await self.message.in_progress()

    async def give_back(self, after: float = 0.0) -> None:
        """To any worker, after so many seconds."""
        with suppress(*TROUBLE):
            await self.message.nak(delay=after or None)


async def _ignore(error: Exception) -> None:
    """The client tells of every reconnection; `Bus.connected` says what matters."""


def token(text: str) -> str:
    """Any text as a token of a subject."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
