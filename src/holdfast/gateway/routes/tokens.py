"""`POST /v1/messages/count_tokens`: how long a question is, as far as we can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ...core.tokens import estimate_tokens
from ...wire.messages.ask import decode_count
from ..limits import check_headers, read_body
from ..services import Services

IMAGE = 1600  # tokens of a picture: what one of the largest that is not scaled down takes
_ASKED = ("system", "messages", "tools")
_PICTURES = frozenset({"image", "document"})


def routes(services: Services) -> list[Route]:
    async def count(request: Request) -> Response:
        """Every vendor counts in its own way, so this is an estimate and says so."""
        check_headers(request.headers.raw)
        services.check_key(request.headers)
        body = await read_body(request.receive, services.settings.max_body, request.headers)
        asked = decode_count(body)
        if isinstance(asked, Failure):
            raise StreamFailed(asked)
        if services.routes.find(asked.model) is None:
            raise StreamFailed(Failure(Kind.NO_ROUTE, Phase.ADMIT, Hop.CLIENT, param="model"))
        tokens = sum(_tokens(asked.body.get(name)) for name in _ASKED)
        return JSONResponse({"input_tokens": tokens, "estimated": True})

    return [Route("/v1/messages/count_tokens", count, methods=["POST"])]


def _tokens(value: Any) -> int:
    pictures = sum(1 for _ in _found(value))
    return estimate_tokens(" ".join(_texts(value))) + pictures * IMAGE


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict) and value.get("type") not in _PICTURES:
        for name, item in value.items():
            if isinstance(item, dict | list) or name not in ("type", "role"):
                yield from _texts(item)


def _found(value: Any) -> Iterator[Any]:
    """The pictures and documents in it."""
    if isinstance(value, dict) and value.get("type") in _PICTURES:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _found(item)
