"""Access tokens: `POST /app/getAppAccessToken`. Its failures come with HTTP 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .refusal import Refused
from .rules import Rules

_OVERLAP = 60.0  # seconds for which an old token stays good beside the new one


class TokenDesk:
    def __init__(self, app_id: str, secret: str, rules: Rules, now: Callable[[], float]) -> None:
        self._app_id = app_id
        self._secret = secret
        self._rules = rules
        self._now = now
        self._serial = 0
        self.issued: dict[str, float] = {}  # token -> until when it is good
        self.asked = 0

    def issue(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if str(body.get("appId")) != self._app_id:
            return {"code": 100007, "message": "appid invalid"}
        if body.get("clientSecret") != self._secret:
            return {"code": 100016, "message": "invalid appid or secret"}
        now = self._now()
        left = {t: until - now for t, until in self.issued.items() if until - now >= _OVERLAP}
        if left:
            token, remaining = next(iter(left.items()))
        else:
            self._serial += 1
            token, remaining = f"SIM-TOKEN-{self._serial:04d}-{'x' * 24}", self._rules.token_life
            self.issued[token] = now + remaining
        return {"access_token": token, **self._life(remaining)}

    def _life(self, seconds: float) -> dict[str, Any]:
        match self._rules.expires_in:
            case "text":
                return {"expires_in": str(int(seconds))}
            case "number":
                return {"expires_in": int(seconds)}
            case "fraction":
                return {"expires_in": seconds + 0.5}
            case "zero":
                return {"expires_in": 0}
            case "absent":
                return {}

    def good(self, token: str) -> bool:
        return self.issued.get(token, 0.0) > self._now()

    def revoke(self) -> None:
        """No token that was given out is good any more."""
        self.issued.clear()

    def check(self, authorization: str | None) -> None:
        """Raises Refused (HTTP 401)."""
        if not authorization:
            raise Refused(11241, 401)
        scheme, _, token = authorization.partition(" ")
        if scheme == "Bot":
            raise Refused(11245, 401)
        if scheme != "QQBot":
            raise Refused(11243, 401)
        if not self._rules.allowed_address:
            raise Refused(11298, 401, err_code=40023002)
        if not self.good(token):
            raise Refused(11244, 401)
