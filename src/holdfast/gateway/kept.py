"""Responses that are kept, so that the next request may go on from them.

This dialect keeps every response unless the client says `store: false`: such a response is a
call that has ended, and is read again like any other. A request that names a previous one is
asked with what was asked and answered before, taken from our record: no vendor need know it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from ..core.attempt import Returned
from ..core.events import StreamEvent
from ..core.failure import StreamFailed
from ..core.request import Request
from ..engine.ports import Entry, Turn
from ..resilience.policy import Route
from ..store.ports import ENDED, StoreFailed, Turns, TurnState
from ..wire.body import invalid
from ..wire.fields import text, without
from ..wire.responses import history
from ..wire.responses.codex import QUIRK
from .durable import LANE, Asked, finished, item_name, name_items, response_object
from .services import Services

DIALECT = "responses"
PREFIX = "resp_"
MAX_BODY = 4 * 1024 * 1024  # bytes of a request that is kept

NOT_KEPT = (
    "there is no such call, or it is not kept any more; what is asked with X-Holdfast-Resume: 1,"
    " with an Idempotency-Key or in the background is kept, and responses without store: false",
    "没有这个调用，或者它已不再保留；会保留的是用 X-Holdfast-Resume: 1、Idempotency-Key"
    " 或 background 发出的调用，以及没有写 store: false 的 responses",
)

_LOG = structlog.get_logger("holdfast.gateway")

_THOUGHTS = Returned("item", "encrypted_content")

Item = Mapping[str, Any]
Found = tuple[Turn, Asked, TurnState]


def gone() -> StreamFailed:
    return StreamFailed(invalid("call_not_found", None, *NOT_KEPT))


async def find(turns: Turns | None, call: str, tenant: str) -> Found | None:
    """A call of this client's. Raises StoreFailed."""
    named = turns is not None and call.isascii() and call.isalnum()
    found = await asyncio.to_thread(turns.find, LANE + call) if turns and named else None
    asked = Asked.of(found[0]) if found else None
    if found is None or asked is None or asked.tenant != tenant:
        return None
    return found[0], asked, found[1]


class Kept:
    """The responses of one client."""

    def __init__(self, services: Services, tenant: str) -> None:
        self._routes = services.routes
        self._turns = services.turns if services.settings.keep_responses else None
        self._tenant = tenant

    async def question(self, request: Request) -> Request:
        """`request` with all that it refers to in it. Raises StreamFailed, StoreFailed."""
        previous = request.body.get(history.PREVIOUS)
        if request.dialect != DIALECT:
            return request
        given = history.items(request.body)
        referred = any(item.get("type") == history.REFERENCE for item in given)
        if not (previous or referred):
            return request
        before = await self._before(previous) if previous else []
        knows = _keeps_items(self._routes.find(request.model))
        asked = [found for item in given for found in await self._resolved(item, knows)]
        body = without(request.body, history.PREVIOUS) | {"input": [*before, *asked]}
        return replace(request, body=body)

    async def items(self, asked: Asked) -> Sequence[Item]:
        """All that the response was asked, what was said before it first."""
        previous = asked.body.get(history.PREVIOUS)
        before = await self._items_before(previous) if previous else []
        return [*before, *_named(asked)]

    async def _before(self, response: str) -> list[Item]:
        return history.again(await self._items_before(response))

    async def _items_before(self, response: str) -> list[Item]:
        """What was asked and answered up to and with this response, the first first."""
        items: list[Item] = []
        previous: str | None = response
        while previous:
            asked, output = await self._said(previous)
            items = [*_named(asked), *output, *items]
            previous = asked.body.get(history.PREVIOUS)
        return items

    async def _said(self, response: str) -> tuple[Asked, Sequence[Item]]:
        call = response.removeprefix(PREFIX) if response.startswith(PREFIX) else ""
        found = await find(self._turns, call, self._tenant)
        if found is None or found[1].dialect != DIALECT:
            name, (en, zh) = response[:80], NOT_KEPT
            en = f"Previous response with id '{name}' not found. {en}"
            zh = f"找不到 id 为 “{name}” 的上一个 response。{zh}"
            raise StreamFailed(invalid("previous_response_not_found", history.PREVIOUS, en, zh))
        turn, asked, state = found
        if state not in ENDED:
            en, zh = "the previous response has not ended yet", "上一个 response 还没有结束"
            raise StreamFailed(invalid("previous_response_not_ended", history.PREVIOUS, en, zh))
        return asked, await self._output(turn, asked)

    async def _output(self, turn: Turn, asked: Asked) -> Sequence[Item]:
        assert self._turns is not None
        entries = await asyncio.to_thread(self._turns.events, turn.id)
        output: Sequence[Item] = response_object(asked, entries)["output"]
        return output

    async def _resolved(self, item: Item, vendor_knows: bool) -> Sequence[Item]:
        """The item that is referred to; what was never kept here a vendor may know."""
        reference = text(item, "id")
        if item.get("type") != history.REFERENCE:
            return [item]
        response = history.response_of(reference)
        if not response:
            response = "" if vendor_knows else await self._named(reference)
            if not response:
                return [item]
        found = await find(self._turns, response, self._tenant)
        known = [*_named(found[1]), *await self._output(*found[:2])] if found else []
        same = [known_item for known_item in known if known_item.get("id") == reference]
        if not same:
            en, zh = f"Item with id '{reference}' not found.", f"找不到 id 为 “{reference}” 的项。"
            raise StreamFailed(invalid("item_not_found", "input", en, zh))
        return history.again(same)

    async def _named(self, item: str) -> str:
        """The call in whose answer an upstream gave this id to an item; "" if none was kept."""
        if self._turns is None:
            return ""
        turn = await asyncio.to_thread(self._turns.named, item_name(self._tenant, item))
        return (turn or "").removeprefix(LANE)


def _keeps_items(route: Route | None) -> bool:
    """Whether all who may be asked are one vendor that keeps items, and knows what it thought."""
    if route is None or len({target.base_url for target in route.targets}) != 1:
        return False
    return all(
        target.dialect == DIALECT and _THOUGHTS in target.returned and QUIRK not in target.quirks
        for target in route.targets
    )


def questions(services: Services) -> Callable[[Asked], Awaitable[Request]]:
    """What the targets of a durable call are asked."""

    async def question(asked: Asked) -> Request:
        return await Kept(services, asked.tenant).question(asked.question())

    return question


def _named(asked: Asked) -> list[Item]:
    return history.named(history.items(asked.body), asked.head.ref)


def keeps(services: Services, request: Request, size: int) -> bool:
    """Whether the answer is to be kept beyond its connection. `size` is that of the body."""
    able = services.turns is not None and services.settings.keep_responses and size <= MAX_BODY
    return able and request.dialect == DIALECT and request.body.get("store") is not False


class Keeping:
    """Writes one response down once it is whole."""

    def __init__(self, turns: Turns, asked: Asked, at: float) -> None:
        self._turns = turns
        self._turn = Turn(LANE + asked.head.ref, LANE + asked.head.ref, asked.to_json(), at)
        self._said: list[StreamEvent] = []
        self._tenant = asked.tenant
        self._items: list[str] = []

    def add(self, events: Sequence[StreamEvent]) -> None:
        self._said += events
        self._items += history.ids(events)

    async def keep(self, extension: Mapping[str, Any] | None) -> None:
        """The answer is not held up by a store that fails: it is whole without it."""
        entries = [Entry(1, finished(extension, self._said))]
        try:
            named = name_items(self._turns, self._turn.id, self._tenant, self._items)
            await asyncio.gather(asyncio.wrap_future(self._turns.keep(self._turn, entries)), named)
        except StoreFailed as failed:
            _LOG.error("a response was not kept", id=self._turn.id, reason=str(failed))
