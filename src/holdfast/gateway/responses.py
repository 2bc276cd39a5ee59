"""Responses that are kept, as their dialect reads, follows, cancels and forgets them.

GET    /v1/responses/{id}                                how it stands, with its output at the end
GET    /v1/responses/{id}?stream=true&starting_after=N   its events, from the one after number N
GET    /v1/responses/{id}/input_items                    all that it was asked
POST   /v1/responses/{id}/cancel
DELETE /v1/responses/{id}

Source: OpenAI's reference of the Responses API, November 2026.
"""

from __future__ import annotations

from starlette.datastructures import QueryParams

from ..core.failure import StreamFailed
from ..engine.ports import Turn
from ..store.ports import TurnState
from ..wire import SERVED
from ..wire.body import invalid
from .calls import DurableExchange, Resource
from .durable import Asked
from .kept import DIALECT, PREFIX, gone
from .limits import number_in

PATH = "/v1/responses/"
PAGE = 20  # items, unless `limit` says otherwise
MAX_PAGE = 100


async def retrieve(exchange: DurableExchange, response: str, query: QueryParams) -> None:
    turn, asked, state = await _find(exchange, response)
    if query.get("stream", "false").lower() == "true":
        await exchange.stream(turn, asked, _after(query), ids=asked.ids)
    else:
        await exchange.tell_response(turn, asked, state)


async def cancel(exchange: DurableExchange, response: str, _: QueryParams) -> None:
    """Of one that has ended, nothing is changed; it may be told any number of times."""
    turn, _asked, state = await _find(exchange, response)
    await exchange.give_up(turn, state)
    await exchange.tell_response(*await _find(exchange, response))


async def delete(exchange: DurableExchange, response: str, _: QueryParams) -> None:
    turn, _asked, state = await _find(exchange, response)
    await exchange.give_up(turn, state)
    await exchange.forget(turn)
    told = {"id": response, "object": "response", "deleted": True}
    await exchange.tell(told)


async def input_items(exchange: DurableExchange, response: str, query: QueryParams) -> None:
    """The newest first, or `order=asc`; `limit` of them, from the one after `after` on."""
    _turn, asked, _state = await _find(exchange, response)
    items = list(await exchange.kept.items(asked))
    if query.get("order", "desc") == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    after = query.get("after")
    if after is not None and after not in ids:
        en, zh = "there is no such item", "没有这一项"
        raise StreamFailed(invalid("item_not_found", "after", en, zh))
    start = ids.index(after) + 1 if after is not None else 0
    page = items[start : start + _limit(query)]
    told = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(items),
    }
    await exchange.tell(told)


def _limit(query: QueryParams) -> int:
    limit = number_in(query.get("limit", str(PAGE)))
    if limit is None or not 1 <= limit <= MAX_PAGE:
        en = f"limit is a whole number from 1 to {MAX_PAGE}"
        zh = f"limit 是 1 到 {MAX_PAGE} 之间的整数"
        raise StreamFailed(invalid("out_of_range", "limit", en, zh))
    return limit


async def _find(exchange: DurableExchange, response: str) -> tuple[Turn, Asked, TurnState]:
    if response.startswith(PREFIX):
        found = await exchange.find(response.removeprefix(PREFIX))
        if found[1].dialect == DIALECT:
            return found
    raise gone()


def _after(query: QueryParams) -> int:
    """Events are counted from 1, and their sequence numbers from 0."""
    given = query.get("starting_after")
    if given is None:
        return 0
    number = number_in(given)
    if number is None:
        en = "starting_after is the sequence_number of the last event that came"
        zh = "starting_after 是最后收到的事件的 sequence_number"
        raise StreamFailed(invalid("invalid_event_id", "starting_after", en, zh))
    return number + 1


RESPONSES = Resource(
    PATH,
    SERVED[DIALECT],
    {
        ("GET", ""): retrieve,
        ("GET", "input_items"): input_items,
        ("POST", "cancel"): cancel,
        ("DELETE", ""): delete,
    },
)
