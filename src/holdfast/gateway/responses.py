"""Responses that are kept, as their dialect reads, follows, cancels and forgets them.

GET    /v1/responses/{id}                                how it stands, with its output at the end
GET    /v1/responses/{id}?stream=true&starting_after=N   its events, from the one after number N
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
from .calls import NOT_KEPT, DurableExchange, Resource, invalid
from .durable import Asked

PATH = "/v1/responses/"
PREFIX = "resp_"
_DIALECT = "responses"


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


async def _find(exchange: DurableExchange, response: str) -> tuple[Turn, Asked, TurnState]:
    if response.startswith(PREFIX):
        found = await exchange.find(response.removeprefix(PREFIX))
        if found[1].dialect == _DIALECT:
            return found
    raise StreamFailed(invalid("call_not_found", NOT_KEPT))


def _after(query: QueryParams) -> int:
    """Events are counted from 1, and their sequence numbers from 0."""
    given = query.get("starting_after")
    if given is None:
        return 0
    if not (given.isascii() and given.isdigit()):
        detail = "starting_after is the sequence_number of the last event that came"
        raise StreamFailed(invalid("invalid_event_id", detail, "starting_after"))
    return int(given) + 1


RESPONSES = Resource(
    PATH,
    SERVED[_DIALECT],
    {
        ("GET", ""): retrieve,
        ("POST", "cancel"): cancel,
        ("DELETE", ""): delete,
    },
)
