"""`GET /api/incidents`: what went wrong, for the operator."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...core.failure import StreamFailed
from ...wire.body import invalid
from ..services import Services

MAX_PAGE = 500


def routes(services: Services) -> list[Route]:
    def admit(request: Request) -> None:
        services.check_key(request.headers)
        if services.level != "full":
            level = f'gateway.disclose is "{services.level}"'
            en = f"{level}: run `holdfast incidents` on the server"
            zh = f"{level}：请在服务器上运行 `holdfast incidents`"
            raise StreamFailed(invalid("not_disclosed", None, en, zh))

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
            en, zh = "no incident has that reference id", "没有这个编号的事件"
            raise StreamFailed(invalid("not_found", None, en, zh))
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
        en, zh = f"{name} must be a number, 0 or more", f"{name} 必须是不小于 0 的数"
        raise StreamFailed(invalid("out_of_range", name, en, zh))
    return number
