"""When an upstream wants to be asked again: every form of it that vendors use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from .hidden import ECHOES
from .lenient import plain

LONGEST = 7 * 86400.0  # seconds; whoever says more is not believed
_EPOCH = 1e9  # a larger number of seconds is a point in time
_EPOCH_MS = 1e11
_NODES = 200  # members of a body that are looked at
_WINDOW = 4096  # characters of a text that are looked at
_EXHAUSTED = frozenset({None, 429, 503, 529})

_UNITS = {
    "ms": 0.001,
    "millisecond": 0.001,
    "毫秒": 0.001,
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "秒": 1.0,
    "秒钟": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "分": 60.0,
    "分钟": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "小时": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "天": 86400.0,
}
_UNIT = (
    r"(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d"
    r"|毫秒|秒钟?|分钟?|小时|天)"
)
_AMOUNT = rf"\d+(?:\.\d+)?\s*{_UNIT}(?![a-z])"
_DURATION = rf"{_AMOUNT}(?:[\s,]*(?:and\s+)?{_AMOUNT})*"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)

_SENTENCES = (
    re.compile(
        rf"\b(?:try|retry|wait|available|resets?|reset)\b[^.\n]{{0,40}}?\b(?:in|after|for)?\s*"
        rf"(?P<wait>{_DURATION})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:again|retry) (?:in|after) (?P<wait>\d+(?:\.\d+)?)(?![\w.]*\w|[-/:]\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<wait>{_DURATION})\s*(?:之?后|以后)?\s*(?:再|重)[试新]"),
    re.compile(rf"(?:可用|恢复|重置|刷新|等待?)[^\d\n]{{0,12}}(?P<wait>{_DURATION})"),
    re.compile(
        r"\bretry[-_ ]?after\b\W{1,5}(?P<wait>\d+(?:\.\d+)?)(?![\w.]*\w|[-/:]\d)", re.IGNORECASE
    ),
    re.compile(r"\"?retryDelay\"?\s*:\s*\\?\"(?P<wait>\d+(?:\.\d+)?s)"),
)
_CLOCK = re.compile(
    r"\b(?:again|retry|wait|available|resets?|replenished)\b[^.\d]{0,30}"
    r"\b(?P<hours>\d{1,2}):(?P<minutes>\d\d):(?P<seconds>\d\d)\b",
    re.IGNORECASE,
)
_POINT = re.compile(
    r"\b(?:again|retry|available|resets?|until)\b[^.\d]{0,40}"
    r"(?P<at>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)|\b1\d{9}(?:\d{3})?\b)",
    re.IGNORECASE,
)
# Zhipu names the hour, in Chinese time.
_CHINESE_HOUR = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*(?:重置|恢复|刷新)")
_CHINA = timezone(timedelta(hours=8))

# Members of a body, as `lenient.plain` spells them: a length in seconds or as text, and a point
# in time.
_LENGTHS = frozenset(
    {
        "retrydelay",
        "retryafter",
        "retryafterseconds",
        "retryafterms",
        "retryin",
        "resetsinseconds",
        "resetafterseconds",
        "resetafter",
        "waitseconds",
        "cooldownseconds",
        "estimatedtime",  # Hugging Face: until the model is loaded
    }
)
_MOMENTS = frozenset({"resetsat", "resetat", "resettime", "xratelimitreset"})
_SAYING = re.compile(r"message|msg|detail|error|raw|reason|description")


def retry_after(
    headers: Mapping[str, str],
    body: object,
    received_at: float | None,
    status: int | None = None,
) -> float | None:
    """Seconds from the answer until the upstream wants to be asked again; None if it says none.

    `headers` have lower-case names; `body` is the parsed body, or its text. `received_at` is
    Unix seconds; without it points in time say nothing. Never negative, at most `LONGEST`.
    """
    now = _sent_at(headers, received_at)
    for wait in _said(headers, body, now, status):
        if wait is not None and not math.isnan(wait):
            return min(max(wait, 0.0), LONGEST)
    return None


def _said(
    headers: Mapping[str, str], body: object, now: float | None, status: int | None
) -> Iterator[float | None]:
    """Every statement, the most binding first."""
    for name, value in headers.items():
        milliseconds = _number(value) if name.endswith("retry-after-ms") else None
        yield None if milliseconds is None or milliseconds < 0 else milliseconds / 1000
    yield _length_or_moment(headers.get("retry-after", ""), now)
    for name, value in headers.items():
        yield _length_or_moment(value, now) if name.endswith("-retry-after") else None
    members = list(_members(body))
    yield _longest(_length(name, value) for name, value in members if name in _LENGTHS)
    yield _longest(_moment(value, now) for name, value in members if name in _MOMENTS)
    if status in _EXHAUSTED:
        yield _longest(_windows(headers, now))
        yield _bare_reset(headers, now)
    texts = [value for name, value in members if isinstance(value, str) and _SAYING.search(name)]
    for text in [body] if isinstance(body, str) else texts:
        yield _sentence(text[:_WINDOW], now)


def _sent_at(headers: Mapping[str, str], received_at: float | None) -> float | None:
    """The sender's own clock where it shows one, since its dates go by that clock."""
    if received_at is None:
        return None
    sent = _date(headers.get("date", ""))
    return received_at if sent is None else sent


def _length_or_moment(text: str, now: float | None) -> float | None:
    number = _number(text)
    if number is not None and number < 0:
        return None
    if number is not None and number < _EPOCH:
        return number
    return _duration(text) or _moment(text, now)


def _length(name: str, value: object) -> float | None:
    """A member that is a length of time: seconds, or "37s", or Google's {seconds, nanos}."""
    if isinstance(value, dict):
        value = value.get("seconds")
    number = _number(value)
    if number is None:
        return _duration(value) if isinstance(value, str) else None
    if number < 0:
        return None
    return number / 1000 if name.endswith("ms") else number


def _moment(value: object, now: float | None) -> float | None:
    """A point in time (Unix seconds or milliseconds, RFC 3339, HTTP date) as a wait from now."""
    if now is None:
        return None
    number = _number(value)
    if number is not None:
        if number < _EPOCH:
            return None
        return (number / 1000 if number > _EPOCH_MS else number) - now
    at = _date(value) if isinstance(value, str) else None
    return None if at is None else at - now


def _windows(headers: Mapping[str, str], now: float | None) -> Iterator[float | None]:
    """The resets of the windows that are exhausted: all of them must pass."""
    for name, value in headers.items():
        if "ratelimit" not in name and "rate-limit" not in name:
            continue
        if "remaining" in name and _number(value) == 0:
            yield _reset(headers.get(name.replace("remaining", "reset"), ""), now)
        elif name.endswith("-unified-status") and value.lower() == "rejected":
            yield _reset(headers.get(name.removesuffix("status") + "reset", ""), now)
        elif name == "ratelimit":
            yield _draft_window(value)
    for name in ("primary", "secondary"):
        if (_number(headers.get(f"x-codex-{name}-used-percent", "")) or 0) >= 100:
            yield _number(headers.get(f"x-codex-{name}-reset-after-seconds", ""))


def _bare_reset(headers: Mapping[str, str], now: float | None) -> float | None:
    """The nearest reset, where nothing says which window is exhausted."""
    limits = {name: value for name, value in headers.items() if "ratelimit" in name}
    if any("remaining" in name for name in limits):
        return None
    waits = (_reset(value, now) for name, value in limits.items() if "reset" in name)
    return min((wait for wait in waits if wait is not None), default=None)


def _draft_window(value: str) -> float | None:
    """The IETF draft's single field: `remaining=0, reset=30` or `"policy";r=0;t=30`."""
    found = dict(re.findall(r"\b(remaining|reset|r|t)=(\d{1,9})\b", value))
    remaining, reset = found.get("remaining", found.get("r")), found.get("reset", found.get("t"))
    return float(reset) if remaining == "0" and reset else None


def _reset(text: str, now: float | None) -> float | None:
    """A reset header: "6m0s", "120ms", seconds, Unix time or RFC 3339."""
    return _length_or_moment(text, now)


def _sentence(text: str, now: float | None) -> float | None:
    for pattern in _SENTENCES:
        if match := pattern.search(text):
            number = _number(match["wait"])
            return _duration(match["wait"]) if number is None else number
    if match := _CLOCK.search(text):
        hours, minutes, seconds = map(int, match.groups())
        return 3600.0 * hours + 60.0 * minutes + seconds
    if match := _POINT.search(text):
        return _moment(match["at"], now)
    match = _CHINESE_HOUR.search(text)
    if match is None or now is None:
        return None
    at = _iso(match[1])
    return None if at is None else at.replace(tzinfo=_CHINA).timestamp() - now


def _members(body: object) -> Iterator[tuple[str, object]]:
    """Names and values in a body, outermost first, a bounded number of them."""
    queue: list[object] = [body]
    seen = 0
    while queue and seen < _NODES:
        node = queue.pop(0)
        if isinstance(node, list):
            queue += node[:_NODES]
        if not isinstance(node, dict):
            seen += 1
            continue
        for key, value in list(node.items())[:_NODES]:
            seen += 1
            name = plain(key) if isinstance(key, str) else ""
            if name in ECHOES:
                continue
            yield name, value
            if isinstance(value, dict | list):
                queue.append(value)


def _number(value: object) -> float | None:
    """A finite number, or None. No word counts, so "nan" and "infinity" do not."""
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        value = float(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _duration(text: str) -> float | None:
    """ "6m0s" -> 360.0; None if `text` is not made of amounts with units."""
    text = text.strip()[:64]
    if not re.fullmatch(_DURATION.replace("(?![a-z])", ""), text, re.IGNORECASE):
        return None
    total = 0.0
    for amount, unit in _PART.findall(text):
        word = unit.lower()
        total += float(amount) * _UNITS.get(word, _UNITS.get(word.removesuffix("s"), 1.0))
    return total


def _date(text: str) -> float | None:
    """An HTTP date or RFC 3339 time as Unix seconds."""
    text = text.strip()[:64]
    at = _iso(text) or _http_date(text)
    if at is None:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _longest(waits: Iterator[float | None]) -> float | None:
    return max((wait for wait in waits if wait is not None), default=None)
