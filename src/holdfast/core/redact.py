"""Keeps secrets and people out of everything that is kept, logged or shown.

Only typed fields are ever kept (an allow-list); the free text among them passes through
`scrub`. What a target was given to authenticate with is removed by value as well, whatever
it looks like (`conceal`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .failure import Cause, Failure

LIMIT = 2048  # characters of one text that are kept
MASK = "[redacted]"
_SHORTEST_SECRET = 4  # shorter values occur in honest text by chance

# Header names whose values identify a request to its vendor's support.
ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-oai-request-id",
    "openai-request-id",
    "x-generation-id",
    "x-goog-request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ms-request-id",
    "x-ds-trace-id",
    "x-trace-id",
    "x-oneapi-request-id",
    "x-litellm-call-id",
    "cf-ray",
    "eagleid",
    "x-tps-trace-id",
)

_NAMES = (
    r"(?:proxy-)?authorization|x-(?:goog-)?api-key|api[ _-]?key|apikey|access[_-]?token"
    r"|refresh[_-]?token|auth[_-]?token|token|secret(?:[ _-]?key)?|client[_-]?secret|password"
    r"|passwd|chatgpt-account-id|sig|signature"
)

# Order matters: what names its secret comes before what only looks like one.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"://[^/\s@\"']+@"), f"://{MASK}@"),
    (re.compile(r"(?i)\b((?:set-)?cookie)\b[\"']?\s*[:=]\s*[^\r\n]+"), rf"\1: {MASK}"),
    (
        re.compile(rf"(?i)([?&;](?:{_NAMES}|key|code)=)[^&\s\"'<>]+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=*-]{4,}"), rf"\1 {MASK}"),
    (
        re.compile(
            rf"(?i)(?<![\w-])({_NAMES})\b([\"']?(?:\s+provided)?\s*[:=]\s*[\"']?)(?!\[redacted)"
            r"(?:(?:bearer|basic)\s+)?[^\s\"',;&<>}]+"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), MASK),
    (
        re.compile(
            r"(?i)\b(?:sk|rk|pk|ak|sess|xai|gsk|pplx|nvapi|glpat|hf|r8|fw|csk|tvly)[-_][\w*.…-]{6,}"
        ),
        MASK,
    ),
    (re.compile(r"\b(?:AIza|AKIA|ASIA|LTAI|AKID)[\w-]{10,}"), MASK),
    (re.compile(r"\b(?:xox[a-z]-|xapp-|gh[pousr]_|github_pat_)[\w-]{6,}"), MASK),
    (re.compile(r"\b\d{6,12}:[\w-]{30,}"), MASK),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])"), MASK),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), MASK),
    (re.compile(r"(?<![\w+])\+\d[\d -]{8,16}\d(?!\d)"), MASK),
    (re.compile(r"(?<![\w/+-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+-]{40,}={0,2}"), MASK),
    (re.compile(r"(?<![\w/+.-])(?=\S*\d)(?=\S*[a-z])(?=\S*[A-Z])[\w+/]{60,}={0,2}"), MASK),
)

# Control signs, line separators and the marks that reverse the direction of a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"\s+")
_ID = re.compile(r"[^\w.:/+=-]")


def scrub(text: str, limit: int = LIMIT) -> str:
    """`text` on one line without secrets, personal numbers and control signs, cut to `limit`."""
    # A window twice as wide is searched, so that no secret is cut into an unknown half.
    text = text[: 2 * limit].encode("utf-8", "replace").decode()
    text = _SPACE.sub(" ", text).strip()
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    text = _CONTROL.sub(lambda sign: f"\\x{ord(sign.group()):02x}", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def header_text(text: str, limit: int = 256) -> str:
    """`text` as the content of a structured-field string (RFC 8941, 3.3.3): printable ASCII."""
    plain = scrub(text, limit).encode("ascii", "replace").decode()
    return plain.replace("\\", "\\\\").replace('"', '\\"')


def key_id(secret: str, pepper: bytes) -> str:
    """A name for a key that says nothing about it: "k_" and 4 hexadecimal digits of an HMAC."""
    return f"k_{hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()[:4]}"


def upstream_ids(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The request ids among `headers` (lower-case names), for support tickets."""
    return tuple(
        (name, _ID.sub("", headers[name])[:128]) for name in ID_HEADERS if headers.get(name)
    )


def conceal(failure: Failure, secrets: Iterable[str]) -> Failure:
    """`failure` with every one of `secrets` removed by value from every text in it."""
    known = sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)
    return _conceal(failure, known) if known else failure


def _conceal(failure: Failure, secrets: list[str]) -> Failure:
    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text

    def hide_cause(cause: Cause) -> Cause:
        return replace(cause, message=hide(cause.message), reason=hide(cause.reason))

    return replace(
        failure,
        detail=hide(failure.detail),
        detail_zh=hide(failure.detail_zh),
        code=failure.code and hide(failure.code),
        param=failure.param and hide(failure.param),
        by=hide(failure.by),
        cause_chain=tuple(map(hide_cause, failure.cause_chain)),
        upstream_ids=tuple((name, hide(value)) for name, value in failure.upstream_ids),
        nested=failure.nested and _conceal(failure.nested, secrets),
    )
