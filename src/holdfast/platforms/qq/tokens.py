"""The access token: asked for once for everybody, renewed before it ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

from ...core.clock import Clock
from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from .codec.errors import REPORTER, parsed
from .codec.reading import amount, text
from .http import Call, Http

_LIFE = 7200.0  # seconds, where none is told: the platform tells if that is too long
_MARGIN = 300.0  # seconds before its end in which a token is renewed, ...
_SHARE = 3  # ... but no more than this part of its life
_PAUSE = 10.0  # seconds after a renewal that failed, as long as the old token is good


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    ends_at: float  # monotonic seconds
    renew_at: float


class Tokens:
    """`get` never asks twice at once. The platform says the same token until its last minute."""

    def __init__(self, http: Http, url: str, app_id: str, app_secret: str, clock: Clock) -> None:
        self._http = http
        self._url = url
        self._app_id = app_id
        self._app_secret = app_secret
        self._clock = clock
        self._token: _Token | None = None
        self._asking = asyncio.Lock()

    async def get(self) -> str:
        """A good token. Raises StreamFailed (hop PLATFORM, phase ADMIT: nothing else was sent)."""
        if token := self._good(self._clock.monotonic()):
            return token
        async with self._asking:
            now = self._clock.monotonic()
            if token := self._good(now):
                return token
            try:
                self._token = await self._ask()
            except StreamFailed:
                if self._token is None or self._token.ends_at <= now:
                    raise
                self._token = replace(self._token, renew_at=now + _PAUSE)
            return self._token.value

    def drop(self, token: str) -> None:
        """The platform does not take this one: the next `get` asks again."""
        if self._token and self._token.value == token:
            self._token = None

    def _good(self, now: float) -> str:
        return self._token.value if self._token and now < self._token.renew_at else ""

    async def _ask(self) -> _Token:
        asked = {"appId": self._app_id, "clientSecret": self._app_secret}
        call = Call(
            "POST",
            self._url,
            [("Content-Type", "application/json")],
            json.dumps(asked).encode(),
            repeatable=True,
            secrets=(self._app_secret,),
        )
        try:
            body = parsed(await self._http.ask(call))
        except StreamFailed as failed:
            raise StreamFailed(_unsent(failed.failure)) from failed
        answer = body if isinstance(body, dict) else {}
        value, told = text(answer, "access_token"), amount(answer, "expires_in")
        if not value:
            detail = "the answer of the token address holds no access_token"
            raise StreamFailed(
                Failure(Kind.PROTOCOL, Phase.ADMIT, Hop.PLATFORM, detail=detail, by=REPORTER)
            )
        now, life = self._clock.monotonic(), _LIFE if told is None else max(0.0, told)
        return _Token(value, now + life, now + life - min(_MARGIN, life / _SHARE))


def _unsent(failure: Failure) -> Failure:
    """Whatever happened to the token, the message it was for has not been sent."""
    return replace(failure, phase=Phase.ADMIT, detail=f"no access token: {failure.detail}")
