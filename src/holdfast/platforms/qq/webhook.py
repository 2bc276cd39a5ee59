"""Events by HTTP: verified, kept, and only then acknowledged.

The validation of the address (op 13) asks us to sign what the caller chose. Unguarded that is
an oracle: whoever can reach the address has it sign an event of his own. So only what can be no
event is signed (digits, then a word of letters), a signature that is there must be good, and
not often.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...core.clock import Clock
from ...store.ports import StoreFailed
from ..body import read_body
from .codec.reading import Json, number, table, text
from .signature import Signer

BODY_LIMIT = 4 * 1024 * 1024  # bytes
_ACKNOWLEDGE, _VALIDATE = 12, 13
_VALIDATIONS = 10  # within ...
_MINUTE = 60.0

_EVENT_TS = re.compile(r"[0-9]{1,20}")
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

_LOG = structlog.get_logger("holdfast.qq")

Take = Callable[[Json], Awaitable[None]]


class Webhook:
    """The endpoint of one bot. `take` returns once an event is durable, or raises StoreFailed.

    A signature is good for ever: an event that is pushed again is known by its id, and a clock
    that is wrong must not cost a message.
    """

    def __init__(self, name: str, app_id: str, secret: str, clock: Clock) -> None:
        self.take: Take | None = None  # nothing is taken as long as the bot does not run
        self._name = name
        self._app_id = app_id
        self._signer = Signer(secret)
        self._clock = clock
        self._validated: deque[float] = deque(maxlen=_VALIDATIONS)

    async def receive(self, request: Request) -> Response:
        """The endpoint for Starlette. 401: not signed; 503: not kept, push it again."""
        body = await read_body(request, BODY_LIMIT)
        frame = None if body is None else _frame(body)
        if body is None or frame is None:
            return _refused(400, "the body is no JSON object of an event")
        claimed = request.headers.get("x-bot-appid")
        if claimed not in (None, self._app_id):
            return _refused(403, "the event is for another bot")
        signature = request.headers.get("x-signature-ed25519")
        timestamp = request.headers.get("x-signature-timestamp", "")
        op = number(frame, "op")
        if signature is None and op == _VALIDATE:
            return self._validate(frame)
        why = self._unsigned(signature or "", timestamp, body)
        if why:
            _LOG.warning("qq_webhook_refused", bot=self._name, why=why)
            return _refused(401, why)
        match op:
            case 13:
                return self._validate(frame)
            case 0 | None:
                return await self._event(frame)
            case _:
                return _acknowledged()

    def _unsigned(self, signature: str, timestamp: str, body: bytes) -> str:
        """Why the request is not the platform's; "" if it is."""
        if not _EVENT_TS.fullmatch(timestamp):
            return "the timestamp of the signature is missing"
        if not self._signer.is_good(signature, timestamp.encode() + body):
            return "the signature is not good"
        return ""

    def _validate(self, frame: Json) -> Response:
        data = table(frame, "d")
        plain_token, event_ts = text(data, "plain_token"), text(data, "event_ts")
        if not (_PLAIN_TOKEN.fullmatch(plain_token) and _EVENT_TS.fullmatch(event_ts)):
            _LOG.warning("qq_webhook_refused", bot=self._name, why="an odd validation")
            return _refused(400, "plain_token or event_ts is not what a validation holds")
        now = self._clock.monotonic()
        full = len(self._validated) == _VALIDATIONS
        if full and now - self._validated[0] < _MINUTE:
            return _refused(429, "too many validations")
        self._validated.append(now)
        _LOG.info("qq_webhook_validated", bot=self._name)
        signature = self._signer.sign(f"{event_ts}{plain_token}".encode())
        return JSONResponse({"plain_token": plain_token, "signature": signature})

    async def _event(self, frame: Json) -> Response:
        if self.take is None:
            return _refused(503, "the bot does not run")
        try:
            await self.take(frame)
        except StoreFailed as failed:
            _LOG.error("qq_event_not_kept", bot=self._name, why=str(failed))
            return _refused(503, "the event could not be kept")
        return _acknowledged()


def _frame(body: bytes) -> Json | None:
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def _acknowledged() -> Response:
    return JSONResponse({"op": _ACKNOWLEDGE})


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"message": why}, status)
