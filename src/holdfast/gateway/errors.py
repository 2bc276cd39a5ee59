"""What a client is told when a call fails: status, headers and body, one table for all.

The body has the shape that OpenAI clients expect; everything that is ours hangs under
`error.holdfast`, which the official SDK hands over as `exc.body`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.attempt import Attempt
from ..core.failure import Failure, Hop, Kind, Phase, Remedy, StreamFailed
from ..core.record import Level, attempt_record, disclose, milliseconds
from ..core.redact import header_text
from ..core.verdict import Language, explain, plain
from ..store.ports import StoreFailed
from ..wire.dialect import ServedDialect
from ..wire.jsontext import dumps

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a kind is told: HTTP status, `error.type`, and Proxy-Status error (RFC 9209, 2.3)."""

    status: int
    type: str
    proxy_status: str


_REQUEST = "invalid_request_error"
_UPSTREAM = "upstream_error"

ANSWERS: Mapping[Kind, Answer] = {
    Kind.DNS: Answer(502, _UPSTREAM, "dns_error"),
    Kind.REFUSED: Answer(502, _UPSTREAM, "connection_refused"),
    Kind.UNREACHABLE: Answer(502, _UPSTREAM, "destination_ip_unroutable"),
    Kind.TIMEOUT: Answer(504, _UPSTREAM, "http_response_timeout"),
    Kind.TLS_CERTIFICATE: Answer(502, _UPSTREAM, "tls_certificate_error"),
    Kind.TLS: Answer(502, _UPSTREAM, "tls_protocol_error"),
    Kind.PROXY: Answer(502, _UPSTREAM, "destination_unavailable"),
    Kind.POOL: Answer(503, _UPSTREAM, "connection_limit_reached"),
    Kind.RESET: Answer(502, _UPSTREAM, "connection_terminated"),
    Kind.CLOSED: Answer(502, _UPSTREAM, "connection_terminated"),
    Kind.PROTOCOL: Answer(502, _UPSTREAM, "http_protocol_error"),
    Kind.CODING: Answer(502, _UPSTREAM, "http_response_content_coding"),
    Kind.TRUNCATED: Answer(502, _UPSTREAM, "http_response_incomplete"),
    Kind.EMPTY: Answer(502, _UPSTREAM, "http_response_incomplete"),
    Kind.TOOL_ARGUMENTS: Answer(502, _UPSTREAM, "http_response_incomplete"),
    Kind.SERVER_ERROR: Answer(502, _UPSTREAM, "destination_unavailable"),
    Kind.BAD_GATEWAY: Answer(502, _UPSTREAM, "destination_unavailable"),
    Kind.OVERLOADED: Answer(503, _UPSTREAM, "destination_unavailable"),
    Kind.RATE_LIMITED: Answer(429, "rate_limit_error", "destination_unavailable"),
    Kind.QUOTA: Answer(502, _UPSTREAM, "destination_unavailable"),
    Kind.AUTH: Answer(502, _UPSTREAM, "proxy_configuration_error"),
    Kind.FORBIDDEN: Answer(502, _UPSTREAM, "destination_unavailable"),
    Kind.NOT_FOUND: Answer(502, _UPSTREAM, "destination_not_found"),
    Kind.UNSUPPORTED: Answer(400, _REQUEST, "http_request_error"),
    Kind.TOO_LONG: Answer(400, _REQUEST, "http_request_error"),
    Kind.INVALID: Answer(400, _REQUEST, "http_request_error"),
    Kind.POLICY: Answer(400, _REQUEST, "http_request_denied"),
    Kind.DIVERGED: Answer(502, _UPSTREAM, "http_response_incomplete"),
    Kind.DENIED: Answer(401, "authentication_error", "http_request_denied"),
    Kind.NO_ROUTE: Answer(404, _REQUEST, "destination_not_found"),
    Kind.UNAVAILABLE: Answer(503, _UPSTREAM, "destination_unavailable"),
    Kind.CAPACITY: Answer(503, "overloaded_error", "connection_limit_reached"),
    Kind.STOPPING: Answer(503, "overloaded_error", "proxy_internal_response"),
    Kind.STORE: Answer(503, "server_error", "proxy_internal_error"),
    Kind.LOOP: Answer(508, _UPSTREAM, "proxy_loop_detected"),
    Kind.CONFIG: Answer(500, "server_error", "proxy_configuration_error"),
    Kind.DEADLINE: Answer(504, _UPSTREAM, "http_response_timeout"),
    Kind.CANCELLED: Answer(499, "server_error", "proxy_internal_response"),
    Kind.INTERNAL: Answer(500, "server_error", "proxy_internal_error"),
}

_TIMEOUTS: Mapping[Phase, str] = {
    Phase.RESOLVE: "dns_timeout",
    Phase.CONNECT: "connection_timeout",
    Phase.TLS: "connection_timeout",
    Phase.WRITE: "connection_write_timeout",
    Phase.STREAM: "connection_read_timeout",
}

# Where clients act on a well-known code, they are given it.
_CODES: Mapping[Kind, str] = {
    Kind.TOO_LONG: "context_length_exceeded",
    Kind.NO_ROUTE: "model_not_found",
    Kind.DENIED: "invalid_api_key",
    Kind.RATE_LIMITED: "rate_limit_exceeded",
    Kind.POLICY: "content_filter",
}

# Refusals of ours for which HTTP has a status of its own.
_STATUS: Mapping[str | None, int] = {
    "foreign_origin": 403,
    "not_disclosed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "body_too_large": 413,
    "unsupported_coding": 415,
    "headers_too_large": 431,
    "call_not_found": 404,
    "idempotency_in_progress": 409,
    "idempotency_key_reused": 422,
    "not_durable": 501,
}

_STOPPED_BY_REQUEST = frozenset({Kind.INVALID, Kind.UNSUPPORTED, Kind.TOO_LONG, Kind.POLICY})
_OURS = frozenset({Kind.CAPACITY, Kind.STOPPING, Kind.STORE})
_PASSES = _OURS | {Kind.UNAVAILABLE, Kind.DEADLINE, Kind.QUOTA}


def store_failed(failed: StoreFailed, phase: Phase = Phase.ADMIT) -> Failure:
    return Failure(Kind.STORE, phase, Hop.STORE, detail=str(failed))


def told_of(failed: StreamFailed | StoreFailed) -> Failure:
    """The failure that ends a request."""
    return store_failed(failed) if isinstance(failed, StoreFailed) else failed.failure


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failure with all that its telling needs. `began` is in monotonic seconds."""

    failure: Failure
    ref: str
    language: Language
    level: Level
    attempts: Sequence[Attempt] = ()
    began: float = 0.0
    released: int = 0  # characters the client already has

    @property
    def status(self) -> int:
        upstream = self.failure.status
        if self.failure.kind in _STOPPED_BY_REQUEST and upstream and 400 <= upstream < 500:
            return upstream
        if self.failure.hop is Hop.CLIENT and self.failure.code in _STATUS:
            return _STATUS[self.failure.code]
        return ANSWERS[self.failure.kind].status

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.failure.remedy is Remedy.RETRY or self.failure.kind in _PASSES

    def error(self) -> dict[str, Any]:
        """The `error` member of the body."""
        failure = self.failure
        records = [attempt_record(attempt, self.began) for attempt in self.attempts]
        return {
            "message": self.message(),
            "type": ANSWERS[failure.kind].type,
            "code": self.code(),
            "param": failure.param,
            "holdfast": {
                "ref": self.ref,
                "kind": failure.kind.value,
                "phase": failure.phase.value,
                "hop": failure.hop.value,
                "retryable": self.retryable,
                "retry_after_ms": milliseconds(failure.retry_after),
                "released_chars": self.released,
                "attempts": disclose(records, self.level),
            },
        }

    def message(self) -> str:
        """A plain sentence; where the client may know the cause, the cause as well."""
        sentence = plain(self.failure, self.language, ref=self.ref, released=self.released)
        if self.level != "full" or self.failure.hop is Hop.CLIENT:
            return sentence
        cause = explain(self.failure, self.language, self._blamed())
        return f"{cause} {sentence}"

    def code(self) -> str:
        failure = self.failure
        named = failure.kind in _STOPPED_BY_REQUEST or failure.hop is Hop.CLIENT
        if named and failure.code:
            return failure.code
        return _CODES.get(failure.kind) or self.proxy_status()

    def proxy_status(self) -> str:
        kind, phase = self.failure.kind, self.failure.phase
        if kind is Kind.TIMEOUT and phase in _TIMEOUTS:
            return _TIMEOUTS[phase]
        return ANSWERS[kind].proxy_status

    def headers(self) -> Headers:
        failure = self.failure
        details = f"attempts={len(self.attempts)}; ref={self.ref}"
        parts = ["holdfast", f"error={self.proxy_status()}", f'details="{header_text(details)}"']
        if failure.status and failure.phase is Phase.HEADERS:
            parts.insert(1, f"received-status={failure.status}")
        made = [
            (b"proxy-status", "; ".join(parts).encode()),
            (b"x-request-id", self.ref.encode()),
            (b"x-should-retry", b"true" if self.may_ask_again else b"false"),
        ]
        if failure.retry_after is not None:
            made += [
                (b"retry-after", str(math.ceil(failure.retry_after)).encode()),
                (b"retry-after-ms", str(milliseconds(failure.retry_after)).encode()),
            ]
        if failure.kind is Kind.DENIED:
            made.append((b"www-authenticate", b'Bearer realm="holdfast"'))
        return made

    @property
    def may_ask_again(self) -> bool:
        """Whether the client's own retry is welcome: not after ours, that would multiply them."""
        return self.failure.kind in _OURS

    def body(self, accept: str, dialect: ServedDialect) -> tuple[str, bytes]:
        """Content type and body: problem details (RFC 9457) where they are asked for."""
        error = self.error()
        if "application/problem+json" not in accept:
            return "application/json", dumps(dialect.refusal(error))
        problem = {
            "type": f"urn:holdfast:error:{self.failure.kind.value}",
            "title": ANSWERS[self.failure.kind].type,
            "status": self.status,
            "detail": error["message"],
            "instance": f"urn:holdfast:ref:{self.ref}",
            **error["holdfast"],
        }
        return "application/problem+json", dumps(problem)

    def _blamed(self) -> str:
        """The target whose failure this is."""
        same = [a for a in self.attempts if a.failure and a.failure.kind is self.failure.kind]
        return same[0].target.name if same else ""
