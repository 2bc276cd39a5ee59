"""429 with every way to say when to come back. Dates refer to the answer's own Date header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.failure import Kind
from .error_answers import error_answer, openai
from .http1 import Headers
from .truth import Row

_NOW = ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
_NOW_MS = 1767225600000
_ERROR = openai("Rate limit reached for requests", "requests", "rate_limit_exceeded")
_PAST = "Please wait a while."


def _limit(
    name: str, seconds: float, where: tuple[str, str], headers: Headers = (), body: Any = _ERROR
) -> Row:
    meaning = (
        f"Too many requests; when to come back is in {where[0]}.",
        f"请求过多；何时再来写在{where[1]}里。",
    )
    return error_answer(
        name, 429, Kind.RATE_LIMITED, meaning, body, headers=headers, retry_after=seconds
    )


RATE_LIMITS: Sequence[Row] = (
    _limit(
        "limit_seconds",
        2.0,
        ("Retry-After, in seconds", " Retry-After（秒）"),
        (("Retry-After", "2"),),
    ),
    _limit(
        "limit_ms",
        1.5,
        ("retry-after-ms", " retry-after-ms "),
        (("retry-after-ms", "1500"),),
    ),
    _limit(
        "limit_date",
        30.0,
        ("Retry-After, as a date", " Retry-After（日期）"),
        (_NOW, ("Retry-After", "Thu, 01 Jan 2026 00:00:30 GMT")),
    ),
    _limit(
        "limit_requests",
        360.0,
        ("x-ratelimit-reset-requests", " x-ratelimit-reset-requests "),
        (
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-remaining-tokens", "149000"),
            ("x-ratelimit-reset-tokens", "4ms"),
        ),
    ),
    _limit(
        "limit_tokens",
        1.2,
        ("x-ratelimit-reset-tokens", " x-ratelimit-reset-tokens "),
        (
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1.2s"),
        ),
    ),
    _limit(
        "limit_rfc3339",
        45.0,
        ("anthropic-ratelimit-requests-reset", " anthropic-ratelimit-requests-reset "),
        (
            _NOW,
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:45Z"),
        ),
        {"type": "error", "error": {"type": "rate_limit_error", "message": _PAST}},
    ),
    _limit(
        "limit_epoch",
        20.0,
        ("X-RateLimit-Reset, in milliseconds since 1970", " X-RateLimit-Reset（毫秒时间戳）"),
        (
            _NOW,
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(_NOW_MS + 20_000)),
        ),
        {"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-min"}},
    ),
    _limit(
        "limit_retry_delay",
        37.0,
        ("the body, as Google's retryDelay", "正文的 retryDelay（Google）"),
        (),
        {
            "error": {
                "code": 429,
                "message": "Resource has been exhausted.",
                "status": "RESOURCE_EXHAUSTED",
                "details": [
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
                ],
            }
        },
    ),
    _limit(
        "limit_resets_in",
        90.0,
        ("the body, as resets_in_seconds", "正文的 resets_in_seconds "),
        (),
        {
            "error": {
                "type": "rate_limit_exceeded",
                "message": "Too many requests",
                "resets_in_seconds": 90,
            }
        },
    ),
    _limit(
        "limit_text",
        1.2,
        ("the words of the message", "消息的文字"),
        (),
        openai("Rate limit reached. Please try again in 1.2s.", "requests", "rate_limit_exceeded"),
    ),
    _limit(
        "limit_text_zh",
        20.0,
        ("the Chinese words of the message", "消息的中文文字"),
        (),
        openai("当前请求过多，请在 20 秒后重试。", "requests", "rate_limit_exceeded"),
    ),
)
