"""`GET /api/incidents`: what went wrong, for the operator."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..services import Services

MAX_PAGE = 500


def routes(services: Services) -> list[Route]:
    def admit(request: Request) -> None:
        services.check_key(request.headers)
        if services.level != "full":
            detail = (
                f'gateway.disclose is "{services.level}": run `holdfast incidents` on the server'
            )
            raise StreamFailed(_refusal("not_disclosed", detail))

    async def incidents(request: Request) -> Response:
        """Newest first; `limit`, and `before` (Unix seconds) for the next page."""
        admit(request)
        limit = _number(request, "limit", 50)
        before = _number(request, "before", None)
        await asyncio.to_thread(services.keeper.settle)
        count = max(1, min(int(limit or 0), MAX_PAGE))
        found = await asyncio.to_thread(services.incidents.recent, count, before)
        data = [
            {"ref": i.ref, "at": i.at, "route": i.route, "outcome": i.outcome, "kind": i.kind}
            for i in found
        ]
        return JSONResponse({"object": "list", "data": data})

    async def incident(request: Request) -> Response:
        admit(request)
        await asyncio.to_thread(services.keeper.settle)
        found = await asyncio.to_thread(services.incidents.find, request.path_params["ref"])
        if found is None:
            raise StreamFailed(_refusal("not_found", "no incident has that reference id"))
        return JSONResponse(found.record)

    return [Route("/api/incidents", incidents), Route("/api/incidents/{ref}", incident)]


def _number(request: Request, name: str, default: float | None) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise StreamFailed(_refusal("out_of_range", f"{name} must be a number, 0 or more", name))
    return number


def _refusal(code: str, detail: str, param: str | None = None) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail, code=code, param=param)
