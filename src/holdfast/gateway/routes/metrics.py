"""`GET /metrics` for Prometheus. Guarded by the same keys: labels name targets."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..metrics import CONTENT_TYPE
from ..services import Services


def routes(services: Services) -> list[Route]:
    async def metrics(request: Request) -> Response:
        services.check_key(request.headers)
        services.metrics.inside.set(services.gate.inside)
        return Response(services.metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    return [Route("/metrics", metrics)]
