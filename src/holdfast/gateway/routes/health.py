"""Is the process alive, could it answer now, and what can it be asked?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ... import __version__
from ..openapi import DOCUMENT
from ..services import Services


def routes(services: Services) -> list[Route]:
    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def readyz(request: Request) -> Response:
        """503 while draining, and while some route has no target that may be asked."""
        now = services.clock.monotonic()
        health = services.executor.health
        out = [
            name
            for name in services.routes.names()
            if (route := services.routes.find(name))
            and all(health.ready_at(target, now) > now for target in route.targets)
        ]
        status = "draining" if services.gate.draining else "degraded" if out else "ready"
        body = {"status": status, "routes_without_target": out, **services.standing()}
        return JSONResponse(body, 200 if status == "ready" else 503)

    async def openapi(request: Request) -> Response:
        return JSONResponse(DOCUMENT)

    paths = {"/healthz": healthz, "/readyz": readyz, "/openapi.json": openapi}
    return [Route(path, endpoint) for path, endpoint in paths.items()]
