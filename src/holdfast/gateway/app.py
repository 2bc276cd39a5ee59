"""The ASGI application: which path goes where, and the edge where nothing escapes."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..store.ports import StoreFailed
from ..wire import SERVED
from ..wire.body import invalid
from . import calls, responses
from .errors import Refusal, told_of
from .exchange import Exchange
from .routes import health, incidents, metrics, models, tokens
from .services import Services

# The hot routes: which dialect is served where. All other paths speak chat.
ANSWERS = {
    "/v1/chat/completions": SERVED["chat"],
    "/v1/responses": SERVED["responses"],
    "/v1/messages": SERVED["messages"],
    "/v1/embeddings": SERVED["embeddings"],
}

# What a page needs to read of an answer beside its body.
TOLD = (
    "x-request-id",
    "x-should-retry",
    "retry-after",
    "retry-after-ms",
    "proxy-status",
    "x-holdfast-call",
    "x-holdfast-recovered",
    "x-holdfast-attempts",
)

_LOG = structlog.get_logger("holdfast.gateway")


def build(services: Services, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The hot routes are plain ASGI; Starlette serves the others, and `more` of other rooms."""

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, StreamFailed | StoreFailed)
        failure = told_of(error)
        services.turned_away(failure)
        return _response(services, request.url.path, request.headers, failure)

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        failure = _nothing_there(request.method, path, error.status_code)
        response = _response(services, path, request.headers, failure)
        response.headers.update(error.headers or {})
        return response

    others = Starlette(
        routes=[
            *models.routes(services),
            *tokens.routes(services),
            *health.routes(services),
            *metrics.routes(services),
            *incidents.routes(services),
            *more,
        ],
        exception_handlers={StreamFailed: told, StoreFailed: told, HTTPException: unknown},
    )

    kept = {
        resource.path: calls.KeptCalls(services, resource)
        for resource in (calls.CALLS, responses.RESPONSES)
    }

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        dialect = ANSWERS.get(scope["path"]) if scope["type"] == "http" else None
        if dialect and scope["method"] == "POST":
            await Exchange(services, dialect, scope, receive, send).run()
        elif dialect:
            failure = _nothing_there(scope["method"], scope["path"], 405)
            response = _response(services, scope["path"], Headers(scope=scope), failure)
            response.headers["allow"] = "POST"  # RFC 9110, 15.5.6
            await response(scope, receive, send)
        else:
            path = scope.get("path", "")
            app = next((app for at, app in kept.items() if path.startswith(at)), others)
            await app(scope, receive, send)

    return _shared(_edge(services, dispatch), services.settings.origins)


def build_silent(services: Services) -> ASGIApp:
    """For a process that answers nobody: whether it lives, and how it does."""
    return Starlette(routes=[*health.routes(services), *metrics.routes(services)])


def _shared(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """What pages of these origins may ask and read (Fetch standard, CORS protocol)."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=TOLD,
    )


def _edge(services: Services, inner: ASGIApp) -> ASGIApp:
    """Where a fault of our own becomes an honest answer instead of a bare 500."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await inner(scope, receive, watched)
        except Exception:  # the ASGI edge
            if scope["type"] != "http":
                raise
            _LOG.exception("internal error", path=scope["path"])
            if not begun:
                failure = Failure(Kind.INTERNAL, Phase.ADMIT, Hop.ENGINE)
                answer = _response(services, scope["path"], Headers(scope=scope), failure)
                await answer(scope, receive, send)

    return app


def _nothing_there(method: str, path: str, status: int) -> Failure:
    code = "method_not_allowed" if status == 405 else "not_found"
    # A base URL without /v1, with two of it, or with a slash too many.
    meant = (known for known in ANSWERS if path.rstrip("/").endswith(known.removeprefix("/v1")))
    near = next(meant, "") if status == 404 else ""
    hint, hint_zh = "see GET /v1/models and the README", "请看 GET /v1/models 和 README"
    if near:
        hint, hint_zh = f"the address is {near}", f"地址是 {near}"
    asked = f"{method} {path}"
    return invalid(code, None, f"{asked}: {hint}", f"{asked}：{hint_zh}")


def _response(services: Services, path: str, headers: Headers, failure: Failure) -> Response:
    """Told in the dialect that is served at or above `path`."""
    refusal = Refusal(failure, services.new_ref(), services.speak(headers), services.level)
    dialect = next((d for at, d in ANSWERS.items() if path.startswith(at)), SERVED["chat"])
    kind, body = refusal.body(headers.get("accept", ""), dialect)
    response = Response(body, refusal.status, {"content-type": kind})
    response.raw_headers.extend(refusal.headers())
    return response
