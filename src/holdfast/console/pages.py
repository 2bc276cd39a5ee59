"""Serves the page that `web/` is built into."""

from __future__ import annotations

from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

STATIC = Path(__file__).parent / "static"

# A model's words end up in this page: nothing may run or load but what we built.
_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}  # names carry a hash
_FRESH = {"cache-control": "no-cache"}

_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Holdfast</title>
<p>Holdfast is running. The web page was not built: it needs Node.js and its packages at set-up.
The API is at <code>/v1</code>.</p>
<p lang="zh">Holdfast 正在运行，但网页没有构建：安装时需要 Node.js 及其依赖。
接口位于 <code>/v1</code>。</p>
"""


def routes(static: Path = STATIC) -> list[BaseRoute]:
    async def index(request: Request) -> Response:
        page = static / "index.html"
        if not page.is_file():
            return HTMLResponse(_NOT_BUILT, headers=_HEADERS)
        return FileResponse(page, headers={**_HEADERS, **_FRESH})

    async def asset(request: Request) -> Response:
        # A name, never a path: the route's convertor takes no slash.
        file = static / "assets" / request.path_params["name"]
        if not file.is_file():
            return Response("not found", 404, media_type="text/plain")
        return FileResponse(file, headers={**_HEADERS, **_FOREVER})

    async def icon(request: Request) -> Response:
        file = static / "icon.svg"
        return FileResponse(file, headers=_HEADERS) if file.is_file() else Response(status_code=404)

    packed = [Middleware(GZipMiddleware)]  # a phone waits for every one of these bytes
    return [
        Route("/", index),
        Route("/assets/{name}", asset, middleware=packed),
        Route("/icon.svg", icon),
    ]
