"""`GET /v1/models`: what can be asked for here."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..services import Services


def routes(services: Services) -> list[Route]:
    def entry(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "holdfast"}

    async def models(request: Request) -> Response:
        services.check_key(request.headers)
        data = [entry(name) for name in services.routes.names()]
        return JSONResponse({"object": "list", "data": data})

    async def model(request: Request) -> Response:
        services.check_key(request.headers)
        name = request.path_params["name"]
        if services.routes.find(name) is None:
            raise StreamFailed(Failure(Kind.NO_ROUTE, Phase.ADMIT, Hop.CLIENT, param="model"))
        return JSONResponse(entry(name))

    return [Route("/v1/models", models), Route("/v1/models/{name:path}", model)]
