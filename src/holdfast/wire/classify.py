"""What an upstream's error answer means: one report, or a chain of them, to one `Failure`.

Judged in this order: a kind that the reporter's vocabulary fixes; a telling typed word; what a
proxy says of its upstream; a published sentence; a word or a status that names a class only.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..core.failure import Failure, Kind, Phase
from ..core.redact import scrub, upstream_ids
from .dialect import ErrorAnswer
from .phrases import phrased
from .report import DEPTH, Report, as_status
from .retry_after import retry_after
from .stops import parts_of
from .unwrap import read_error, unwrap
from .vendors import ORIGIN_FAULTS, Row, by_status, lookup

_DETAIL = 512  # characters
_WORD = 128
_SOON = 120.0  # seconds; no spent account is filled again so soon

# What an upstream says of the request, of time or of money holds for us as well when a proxy
# passes it on. All else is the proxy's business, and another request may fare better.
_CARRIES = frozenset(
    {
        Kind.TOO_LONG,
        Kind.UNSUPPORTED,
        Kind.NOT_FOUND,
        Kind.QUOTA,
        Kind.RATE_LIMITED,
        Kind.OVERLOADED,
    }
)
_FINAL = frozenset({Kind.INVALID, Kind.POLICY})
# What an answer's own word or status still says when nothing is known of the upstream.
_WAITS = frozenset({Kind.RATE_LIMITED, Kind.QUOTA, Kind.TOO_LONG})
_VAGUE_STATUSES = frozenset({400, 422})
_BEGUN = frozenset({Phase.STREAM, Phase.END})

# How a line begins that says no more than that something went wrong.
_COMPLAINT = re.compile(
    r"\W{0,4}(?:\w{0,40}(?:error|exception)\b|fatal\b|failed\b|internal server error|bad gateway"
    r"|service unavailable|<!doctype html|<html)",
    re.IGNORECASE,
)

# A proxy has asked once more behind our back: what comes now was told before.
BEGUN_AGAIN = Failure(
    Kind.PROTOCOL,
    Phase.STREAM,
    detail="the answer begins again in the middle of itself",
    detail_zh="回答说到一半又从头开始",
)

# Words that end an answer which failed. Those that end a whole one have no row.
_FINISH: dict[str, Kind] = {
    "error": Kind.SERVER_ERROR,
    "networkerror": Kind.SERVER_ERROR,
    "insufficientsystemresource": Kind.OVERLOADED,
    "overloaded": Kind.OVERLOADED,
    "abort": Kind.TRUNCATED,
    "aborted": Kind.TRUNCATED,
    "cancelled": Kind.TRUNCATED,
    "canceled": Kind.TRUNCATED,
    "interrupted": Kind.TRUNCATED,
    "failed": Kind.SERVER_ERROR,
    "failure": Kind.SERVER_ERROR,
    "timeout": Kind.TIMEOUT,
    "deadlineexceeded": Kind.TIMEOUT,
    "ratelimited": Kind.RATE_LIMITED,
    "ratelimit": Kind.RATE_LIMITED,
    "malformedfunctioncall": Kind.TOOL_ARGUMENTS,
    "malformedtoolcall": Kind.TOOL_ARGUMENTS,
    "malformedtooluse": Kind.TOOL_ARGUMENTS,
    "unexpectedtoolcall": Kind.TOOL_ARGUMENTS,
}


def classify_answer(answer: ErrorAnswer) -> Failure:
    """The failure that `answer` reports, with what its sender says of its own upstream."""
    reading = unwrap(answer)
    wait = retry_after(answer.headers, reading.value, answer.received_at, answer.status)
    failure = _failure(
        reading.report,
        answer.phase,
        wait=wait,
        ids=upstream_ids(answer.headers),
        kind=Kind.EMPTY if reading.empty and 200 <= (answer.status or 200) < 300 else None,
    )
    failure = replace(failure, status=answer.status or failure.status)
    location = answer.headers.get("location", "").partition("?")[0]
    if not location or not 300 <= (answer.status or 0) < 400:
        return failure
    there = scrub(location, _DETAIL)
    return replace(failure, detail=f"it redirects to {there}", detail_zh=f"它重定向到 {there}")


def classify_event(error: object, phase: Phase, vendor: str = "") -> Failure:
    """The failure that an error inside a 200 answer reports, which came from `vendor`, if known.

    `error` is the `error` member of an event or a whole body around one; anything is accepted.
    Waits that are given as points in time are left out: no clock is at hand.
    """
    report = read_error(error)
    named = replace(report, by=report.by or vendor)
    return _failure(named, phase, wait=retry_after({}, error, None))


def telling(text: str, phase: Phase, vendor: str = "") -> Failure | None:
    """The failure that a line or a page among the events reports; None if it may be anything."""
    failure = classify_event(text, phase, vendor)
    known = failure.kind is not Kind.SERVER_ERROR or failure.nested or failure.by != vendor
    return failure if known or _COMPLAINT.match(text) else None


def finish_failure(word: str, phase: Phase) -> Failure | None:
    """The failure that the finish reason `word` stands for; None if the answer is whole."""
    plain = ["".join(filter(str.isalnum, part.casefold())) for part in parts_of(word[:_WORD])]
    kind = next(filter(None, map(_FINISH.get, plain)), None)
    if kind is None and plain[0].endswith("error"):
        kind = Kind.SERVER_ERROR
    if kind is None:
        return None
    return Failure(
        kind, phase, detail=f"finish_reason {scrub(word, _WORD)}", code=scrub(word, _WORD)
    )


def _failure(
    report: Report,
    phase: Phase,
    *,
    wait: float | None = None,
    ids: tuple[tuple[str, str], ...] = (),
    kind: Kind | None = None,
) -> Failure:
    kind = kind or _judge(report, phase)
    if kind is Kind.QUOTA and wait is not None and wait <= _SOON and not _named_so(report, kind):
        kind = Kind.RATE_LIMITED  # prose calls an allowance of a minute a quota, too
    nested = _behind(report, phase, 1)
    if nested is None and kind is Kind.BAD_GATEWAY:
        nested = _unnamed(report, phase)
    return replace(_plain(report, kind, phase), retry_after=wait, upstream_ids=ids, nested=nested)


def _behind(report: Report, phase: Phase, depth: int) -> Failure | None:
    """What the reporter says of its upstream, as far as it is worth following."""
    said = report.nested
    if said is None or depth > DEPTH:
        return None
    said = replace(said, by=said.by or report.by)
    at = Phase.HEADERS if said.status else phase
    failure = _plain(said, _judge(said, phase), at)
    return replace(failure, nested=_behind(said, phase, depth + 1))


def _unnamed(report: Report, phase: Phase) -> Failure:
    """A gateway answers so when its upstream fails; sometimes the status alone says how."""
    kind = ORIGIN_FAULTS.get(report.status or 0, Kind.SERVER_ERROR)
    return _plain(replace(report, status=None, code="", type=""), kind, phase)


def _plain(report: Report, kind: Kind, phase: Phase) -> Failure:
    return Failure(
        kind,
        report.phase or phase,
        detail=scrub(report.message, _DETAIL),
        status=report.status,
        code=scrub(_code(report), _WORD) or None,
        param=scrub(report.param, _WORD) or None,
        by=scrub(report.by, _WORD),
    )


def _code(report: Report) -> str:
    """The most telling word of the code, type and reasons: a repeated status tells nothing."""
    words = (report.code, report.type, *report.reasons)
    return next((word for word in words if word and not as_status(word)), report.code)


def _judge(report: Report, phase: Phase) -> Kind:
    if report.kind:
        return report.kind
    rows = _rows(report)
    firm = next((row.kind for row in rows if row.firm), None)
    if report.nested or report.proxied:
        return _relayed(report, firm, rows, phase)
    if firm:
        return firm
    return phrased(report.message, report.status) or _coarse(report, rows, phase)


def _named_so(report: Report, kind: Kind) -> bool:
    """Whether a typed word of it, or of one behind it, says `kind` itself."""
    said = any(row.kind is kind for row in _rows(report)) or report.status == 402
    return said or (report.nested is not None and _named_so(report.nested, kind))


def _rows(report: Report) -> list[Row]:
    found = (lookup(word, report.status, report.by) for word in report.words)
    return [row for row in found if row]


def _relayed(report: Report, firm: Kind | None, rows: list[Row], phase: Phase) -> Kind:
    """The kind of an answer whose sender speaks of its own upstream."""
    said = _judge(report.nested, phase) if report.nested else None
    waiting = {row.kind for row in rows} & _WAITS or {by_status(report.status)} & _WAITS
    for kind in (firm, said, *waiting):
        if kind in _CARRIES or (kind in _FINAL and _blames_request(report)):
            return kind
    return Kind.BAD_GATEWAY


def _blames_request(report: Report) -> bool:
    return report.status is None or report.status < 500


def _coarse(report: Report, rows: list[Row], phase: Phase) -> Kind:
    """The class of fault that a word or else the status names.

    A status that tells more than "wrong request" comes before a word that tells no more, and
    a request that has begun to be answered was not invalid.
    """
    open_status = report.status is None or report.status < 300 or report.status in _VAGUE_STATUSES
    for row in rows:
        if row.kind in _WAITS:
            return row.kind
        if open_status:
            begun = row.kind is Kind.INVALID and phase in _BEGUN
            return Kind.SERVER_ERROR if begun else row.kind
    return by_status(report.status)
