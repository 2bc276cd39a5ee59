"""The platform's REST interface: authorised, and asked again where that is safe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...core.failure import Kind, StreamFailed
from ...wire.jsontext import dumps
from .codec.errors import Meaning, meaning_of, parsed
from .codec.reading import Json, number, table, text
from .codec.requests import Request
from .http import Call, Http
from .tokens import Tokens

AGENT = "holdfast"


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """`remaining` sessions may be begun until `reset_after` seconds have passed."""

    url: str
    remaining: int | None
    reset_after: float


class Api:
    def __init__(self, http: Http, tokens: Tokens, base_url: str, app_id: str) -> None:
        self._http = http
        self._tokens = tokens
        self._base_url = base_url.rstrip("/")
        self._app_id = app_id

    async def call(self, request: Request, patience: float | None = None) -> Json:
        """The answer's JSON, {} for none. Raises StreamFailed (hop PLATFORM).

        A refused token is renewed once; the platform's own trouble is given one more try. That a
        new token is refused as well is such trouble too, which passes.
        """
        body = dumps(request.body) if request.body else b""
        return await self._send(request, body, "application/json", patience)

    async def submit(self, request: Request, body: bytes, content_type: str) -> Json:
        """The same with a body that is no JSON."""
        return await self._send(request, body, content_type, None)

    async def _send(
        self, request: Request, body: bytes, content_type: str, patience: float | None
    ) -> Json:
        token = await self._tokens.get()
        try:
            return await self._once(request, body, content_type, patience, token)
        except StreamFailed as failed:
            match meaning_of(failed.failure):
                case Meaning.TOKEN:
                    self._tokens.drop(token)
                    token = await self._tokens.get()
                case Meaning.ONCE:
                    pass
                case _:
                    raise
        try:
            return await self._once(request, body, content_type, patience, token)
        except StreamFailed as failed:
            if meaning_of(failed.failure) is not Meaning.TOKEN:
                raise
            raise StreamFailed(replace(failed.failure, kind=Kind.SERVER_ERROR)) from failed

    async def _once(
        self, request: Request, body: bytes, content_type: str, patience: float | None, token: str
    ) -> Json:
        answer = parsed(
            await self._http.ask(
                Call(
                    request.method,
                    f"{self._base_url}{request.path}",
                    [
                        ("Authorization", f"QQBot {token}"),
                        ("X-Union-Appid", self._app_id),
                        ("User-Agent", AGENT),
                        *([("Content-Type", content_type)] if body else []),
                    ],
                    body,
                    repeatable=request.repeatable or request.method in ("GET", "PUT"),
                    patience=patience,
                    secrets=(token,),
                )
            )
        )
        return answer if isinstance(answer, dict) else {}

    async def gateway(self) -> GatewayAddress:
        """Where the WebSocket gateway is. Raises StreamFailed."""
        answer = await self.call(Request("GET", "/gateway/bot"))
        limit = table(answer, "session_start_limit")
        reset_after = (number(limit, "reset_after") or 0) / 1000
        return GatewayAddress(text(answer, "url"), number(limit, "remaining"), reset_after)

    async def me(self) -> Json:
        """The bot itself: proves that the credentials are good. Raises StreamFailed."""
        return await self.call(Request("GET", "/users/@me"))

    async def acknowledge(self, interaction_id: str) -> None:
        """Within 3 s of a pressed button; otherwise people see it fail. Raises StreamFailed."""
        await self.call(Request("PUT", f"/interactions/{interaction_id}", {"code": 0}))
