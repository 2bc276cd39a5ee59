"""Calls that outlive their connection, and this process: the client may come back for the rest.

Such a call is a turn of the engine. Its journal holds what was said in words of no dialect; the
bytes for a client are made of it anew each time, so that whoever reads it, whenever, reads the
same. A killed call goes on from the text that was journalled, like an answer that was cut.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from ..core.attempt import Attempt
from ..core.events import Finished, ReasoningDelta, RefusalDelta, StreamEvent, TextDelta
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.request import Request
from ..core.verdict import Language
from ..engine.journal import Park
from ..engine.ports import Engine, Entry, Journal, Turn
from ..store.ports import StoreFailed, Turns
from ..wire import SERVED
from ..wire.dialect import Head, ServedDialect, StreamWriter
from ..wire.fields import table, without
from ..wire.jsontext import dumps, loads
from ..wire.responses import history
from . import record
from .errors import Headers, Refusal
from .reply import Reply
from .services import Services, extension

KIND = "call"  # of a turn's body
LANE = "call:"
BACKGROUND = "background"

# No words: it begins an answer and says nothing.
_BEGINNING = (TextDelta(""),)

Json = Mapping[str, Any]

_LOG = structlog.get_logger("holdfast.gateway")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a durable call is made of, as it is kept in its turn.

    `head.ref` is the call's own id, which the ids in its answer are made of; `ref` the reference
    id of what happens to it. `ids`: whoever asked first was given events with ids.
    """

    dialect: str
    body: Json
    head: Head
    ref: str
    tenant: str
    fingerprint: str
    via: str = ""
    client: Json = field(default_factory=dict)
    ids: bool = False
    headers: tuple[tuple[str, str], ...] = ()  # as in core.request
    decoded: Request | None = field(default=None, repr=False, compare=False)  # if it is known

    def to_json(self) -> Json:
        return {
            "kind": KIND,
            "dialect": self.dialect,
            "body": self.body,
            "id": self.head.ref,
            "ref": self.ref,
            "created": self.head.created,
            "model": self.head.model,
            "tenant": self.tenant,
            "fingerprint": self.fingerprint,
            "via": self.via,
            "client": self.client,
            "ids": self.ids,
            "headers": [list(pair) for pair in self.headers],
        }

    @classmethod
    def of(cls, turn: Turn) -> Asked | None:
        """None if the turn is no call."""
        if isinstance(turn.known, Asked):
            return turn.known
        body = turn.body
        if body.get("kind") != KIND:
            return None
        ref = body["ref"]
        head = Head(body.get("id", ref), body["created"], body["model"])
        told = (body["tenant"], body["fingerprint"], body.get("via", ""), body.get("client", {}))
        headers = tuple((name, value) for name, value in body.get("headers", ()))
        known = (body["dialect"], body["body"], head, ref, *told)
        return cls(*known, body.get("ids", False), headers)

    @property
    def served(self) -> ServedDialect:
        return SERVED[self.dialect]

    @property
    def background(self) -> bool:
        return in_background(self.dialect, self.body)

    def request(self) -> Request:
        """Raises StreamFailed where a newer version no longer takes the body."""
        if self.decoded is not None:
            return self.decoded
        request = self.served.decode_request(dumps(self.body))
        if isinstance(request, Failure):
            raise StreamFailed(request)
        return replace(request, via=self.via, headers=self.headers)

    def question(self) -> Request:
        """What targets are asked: running in the background is done here, not asked of them."""
        request = self.request()
        if BACKGROUND not in request.body:
            return request
        return replace(request, body=without(request.body, BACKGROUND))


def in_background(dialect: str, body: Json) -> bool:
    return dialect == "responses" and body.get(BACKGROUND) is True


def fingerprint(path: str, body: bytes) -> str:
    return hashlib.sha256(path.encode() + b"\0" + body).hexdigest()


def call_id(whose: str, key: str) -> str:
    """For an idempotency key: the same key of the same client is the same call."""
    return hashlib.sha256(f"{whose}\0{key}".encode()).hexdigest()[:32]


class CallRunner:
    """Runs a durable call: an `engine.ports.Handler`. `question` is what targets are asked."""

    def __init__(self, services: Services, question: Callable[[Asked], Awaitable[Request]]) -> None:
        self._services = services
        self._question = question

    async def __call__(self, turn: Turn, journal: Journal) -> None:
        asked = Asked.of(turn)
        assert asked is not None, "only calls come here"
        past = Past(journal.past)
        if past.finished and not past.ended:
            journal.last(finished(None))
        elif not past.ended:
            await self._run(turn, asked, past, journal)

    async def _run(self, turn: Turn, asked: Asked, past: Past, journal: Journal) -> None:
        services = self._services
        attempts: Sequence[Attempt] = ()
        began, released = services.clock.monotonic(), len(past.text)
        words = Words()
        language: Language | None = None
        services.keeper.clients[asked.ref] = asked.client
        try:
            if turn.stop:
                raise StreamFailed(_GIVEN_UP)
            request = await self._question(asked)
            language = request.language
            route = services.route(request)
            call = services.executor.call(request, route, asked.ref, past.text)
            began = call.began
            try:
                async with call:
                    async for batch in call:
                        words.hear(past.news(batch))
                        if not isinstance(batch[-1], Finished):  # else it comes with the end
                            journal.gather(words.take)
            finally:
                attempts, released = call.attempts, call.released
            await name_items(services.turns, turn.id, asked.tenant, words.items)
            journal.last(finished(extension(call, asked.ref), words.rest()))
        except (StreamFailed, asyncio.CancelledError) as end:
            failure = end.failure if isinstance(end, StreamFailed) else self._stopped(turn)
            if failure is None:
                raise
            spoken = services.speak({}, language)
            told = (services.level, attempts, began, released)
            journal.last(_failed(Refusal(failure, asked.ref, spoken, *told)))
            if isinstance(end, asyncio.CancelledError):
                raise

    def _stopped(self, turn: Turn) -> Failure | None:
        """Why a cancelled call ends; None if it goes on in another process."""
        engine = self._services.engine
        if engine is None or not engine.stopping(turn.id):
            return None
        return _GIVEN_UP


_GIVEN_UP = Failure(Kind.CANCELLED, Phase.STREAM, Hop.CLIENT, detail="the call was given up")


async def give_up(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
    """The end of a call that no life of it could bring to an end, or that comes too late."""
    asked = Asked.of(turn)
    assert asked is not None, "only calls come here"
    past = Past(journal.past)
    if past.ended:
        return
    failure = Failure(Kind.DEADLINE if park.late else Kind.INTERNAL, Phase.ADMIT, Hop.ENGINE)
    refusal = Refusal(failure, ref or asked.ref, "en", "public", released=len(past.text))
    journal.last(_failed(refusal))


def _failed(refusal: Refusal) -> Json:
    headers = [(name.decode(), value.decode()) for name, value in refusal.headers()]
    failure = {"status": refusal.status, "headers": headers, "error": refusal.error()}
    return {"type": "call_failed", **failure}


class Past:
    """What earlier lives of a call have said."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.ended = any(e.event["type"] in ("call_finished", "call_failed") for e in entries)
        events = [event for entry in entries for event in said(entry)]
        self.finished = any(isinstance(event, Finished) for event in events)
        self.text = "".join(e.text for e in events if isinstance(e, TextDelta | RefusalDelta))
        self._reasoned = any(isinstance(event, ReasoningDelta) for event in events)

    def news(self, batch: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
        """Reasoning that was begun in an earlier life cannot be gone on with, nor told again."""
        if not self._reasoned:
            return batch
        return [event for event in batch if not isinstance(event, ReasoningDelta)]


def item_name(tenant: str, item: str) -> str:
    """By which the turn is found whose upstream gave this id to an item of its answer."""
    return f"{tenant} {item}"


async def name_items(turns: Turns | None, turn: str, tenant: str, items: Iterable[str]) -> None:
    """The answer is not held up by a store that fails: a vendor may know its items itself."""
    names = sorted({item_name(tenant, item) for item in items})
    try:
        if turns and names:
            await asyncio.wrap_future(turns.name(turn, names))
    except StoreFailed as failed:
        _LOG.error("items are not found by their ids", id=turn, reason=str(failed))


class Words:
    """What was said since it was last written down; `items` are the ids of an upstream's items."""

    def __init__(self) -> None:
        self._heard: list[StreamEvent] = []
        self.items: list[str] = []

    def hear(self, events: Sequence[StreamEvent]) -> None:
        self._heard += events
        self.items += history.ids(events)

    def take(self) -> Json | None:
        """An event of the journal for all of it, if it is anything."""
        heard = self.rest()
        return {"type": "call_said", **_words(heard)} if heard else None

    def rest(self) -> Sequence[StreamEvent]:
        """All of it, for whoever writes it down."""
        heard, self._heard = self._heard, []
        return heard


def finished(extension: Json | None, heard: Sequence[StreamEvent] = ()) -> Json:
    """The last event of a whole answer, with the last that was said."""
    return {"type": "call_finished", "extension": extension, **_words(heard)}


def _words(heard: Sequence[StreamEvent]) -> Json:
    return {"events": record.write(record.joined(heard))}


def said(entry: Entry) -> Sequence[StreamEvent]:
    """What is said by an entry, whatever it is of."""
    return record.read(entry.event.get("events", ()))


class Refused(Exception):
    """The call failed before anything was said: an HTTP error."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of the answer. `last`: what follows is the end; `whole`: it is an end in order."""

    data: bytes
    last: bool = False
    whole: bool = True


async def stream_parts(
    engine: Engine,
    turn: Turn,
    asked: Asked,
    writer: StreamWriter,
    after: int,
    *,
    ids: bool,
    reply: Reply,
) -> AsyncIterator[Part]:
    """The answer as server-sent events from the one numbered `after` + 1 on, as they come, for
    `reply`, which may have begun with a heartbeat.

    Raises Refused. Events are counted from 1; the count is the same in every replay.
    """
    count = 0
    async for part in _parts(engine.watch(turn.id), asked, writer, reply):
        events = split(part.data)
        skipped = max(0, min(len(events), after - count))
        lines = [_numbered(each, turn.id, count + n) for n, each in enumerate(events, 1)]
        count += len(events)
        told = b"".join((lines if ids else events)[skipped:])
        if told or part.last:
            yield Part(told, part.last, part.whole)


async def _parts(
    entries: AsyncIterator[Entry], asked: Asked, writer: StreamWriter, reply: Reply
) -> AsyncIterator[Part]:
    """Raises Refused. In the background nobody waits for the first word: it begins at once, and
    its failure is a part of it like any other.
    """
    begun = asked.background
    if begun:
        yield Part(writer.encode(_BEGINNING))
    async for entry in entries:
        event = entry.event
        match event["type"]:
            case "call_said":
                data = writer.encode(said(entry))
                begun = begun or bool(data)
                yield Part(data)
            case "call_finished":
                data = writer.encode(said(entry))
                yield Part(data + writer.finish(event["extension"]), last=True)
            case _:
                if not (begun or reply.begun):
                    raise refused(asked, event)
                yield Part(writer.fail(event["error"]), last=True, whole=writer.ends_failed)


def response_object(asked: Asked, entries: Sequence[Entry]) -> Json:
    """A response in the words of its own events, as the `entries` of its turn tell it."""
    writer = asked.served.stream(asked.head, asked.request())
    told = writer.encode(_BEGINNING)
    error: Json = {}
    for entry in entries:
        event = entry.event
        match event["type"]:
            case "call_said":
                writer.encode(said(entry))
            case "call_finished":
                told = writer.encode(said(entry)) + writer.finish(event["extension"])
            case _:
                error = event["error"]
                told = writer.fail(error)
    data = split(told)[-1].partition(b"data: ")[2]
    response: Json = loads(data)["response"]
    if table(error, "holdfast").get("kind") == Kind.CANCELLED.value:
        return {**response, "status": "cancelled", "error": None}
    return response


async def whole_answer(engine: Engine, turn: Turn, asked: Asked) -> bytes:
    """The answer as one JSON body. Raises Refused, and StreamFailed where its end was not kept."""
    assembler = asked.served.assembler(asked.head, asked.request())
    async for entry in engine.watch(turn.id):
        match entry.event["type"]:
            case "call_said":
                assembler.add(said(entry))
            case "call_finished":
                assembler.add(said(entry))
                return assembler.answer(entry.event["extension"])
            case _:
                raise refused(asked, entry.event)
    raise StreamFailed(Failure(Kind.TRUNCATED, Phase.END, Hop.STORE))


def refused(asked: Asked, event: Json) -> Refused:
    headers = [(name.encode(), value.encode()) for name, value in event["headers"]]
    body = dumps(asked.served.refusal(event["error"]))
    return Refused(event["status"], [(b"content-type", b"application/json"), *headers], body)


def broken_off(asked: Asked, refusal: Refusal) -> bytes:
    """What a reader is told who is left before the end. It is no event of the answer and has no
    number, so that whoever comes back misses none.
    """
    return b"event: error\ndata: " + dumps(asked.served.refusal(refusal.error())) + b"\n\n"


def split(data: bytes) -> list[bytes]:
    """Server-sent events one by one; JSON has no line ends, so a blank line is always theirs."""
    return [part + b"\n\n" for part in data.split(b"\n\n") if part]


def _numbered(event: bytes, turn_id: str, number: int) -> bytes:
    return f"id: {turn_id.removeprefix(LANE)}:{number}\n".encode() + event
