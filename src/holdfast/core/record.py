"""Attempts and failures as plain data: what is stored, shown and told to clients.

Allow-listed fields only. `disclose` decides how much of a record a client sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from .attempt import Attempt, Outcome
from .failure import Cause, Failure, Kind
from .redact import ID_HEADERS
from .verdict import Language, explain

SCHEMA = "holdfast.incident/1"

Level = Literal["public", "tenant", "full"]
Record = dict[str, Any]

_TENANT = ("number", "target", "phase", "kind", "status", "ms", "decision")


def failure_record(failure: Failure) -> Record:
    """Everything that is known of a failure; absent facts are left out."""
    record = {
        "kind": failure.kind.value,
        "phase": failure.phase.value,
        "hop": failure.hop.value,
        "by": failure.by,
        "status": failure.status,
        "code": failure.code,
        "param": failure.param,
        "message": failure.detail,
        "message_zh": failure.detail_zh,
        "cause": failure.cause,
        "retry_after_ms": milliseconds(failure.retry_after),
        "causes": [_cause_record(cause) for cause in failure.cause_chain],
        "upstream_ids": dict(failure.upstream_ids),
        "nested": failure.nested and failure_record(failure.nested),
    }
    return _present(record)


def attempt_record(attempt: Attempt, began: float) -> Record:
    """One attempt; times in milliseconds, `at_ms` counted from `began` (monotonic seconds)."""
    failure = attempt.failure
    ids = dict(attempt.upstream_ids)
    record: Record = {
        "number": attempt.number,
        "target": attempt.target.name,
        "key": attempt.target.credential.id,
        "how": attempt.how.value,
        "phase": attempt.phase.value,
        "kind": failure.kind.value if failure else None,
        "hop": failure.hop.value if failure else None,
        "cause": failure.cause if failure else None,
        "cause_zh": failure.cause_zh if failure and failure.root.detail_zh else None,
        "message": failure.detail if failure else None,
        "message_zh": failure.detail_zh if failure else None,
        "by": failure.by if failure else None,
        "status": attempt.status,
        "code": failure.code if failure else None,
        "upstream_request_id": next((ids[name] for name in ID_HEADERS if name in ids), None),
        "upstream_ids": ids,
        "at_ms": milliseconds(attempt.started_at - began),
        "ms": milliseconds(attempt.ended_at - attempt.started_at),
        "first_event_ms": (
            None
            if attempt.first_event_at is None
            else milliseconds(attempt.first_event_at - attempt.started_at)
        ),
        "phases": {
            phase.value: milliseconds(at - attempt.started_at)
            for phase, at in attempt.marks.items()
        },
        "released_chars": attempt.released,
        "retry_after_ms": milliseconds(failure.retry_after) if failure else None,
        "causes": [_cause_record(cause) for cause in failure.cause_chain] if failure else [],
        "nested": failure_record(failure.nested) if failure and failure.nested else None,
        "seam": _seam_record(attempt),
        "decision": attempt.decision,
        "why": attempt.why and attempt.why.say("en"),
        "why_zh": attempt.why and attempt.why.say("zh"),
    }
    kept = _present(record)
    if failure is None:
        return kept
    kept["explained"] = {
        "en": explain(failure, "en", attempt.target.name),
        "zh": explain(failure, "zh", attempt.target.name),
    }
    return kept


def incident_record(
    ref: str,
    at: float,
    began: float,
    ended: float,
    route: str,
    outcome: Outcome,
    client: Mapping[str, Any],
) -> Record:
    """The whole story of a call that met failure. `at` is Unix seconds, the others monotonic."""
    usage = outcome.usage
    return _present(
        {
            "schema": SCHEMA,
            "ref": ref,
            "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
            "route": route,
            "outcome": verdict_word(outcome),
            "ms": milliseconds(ended - began),
            "released_chars": outcome.released,
            "failure": failure_record(outcome.failure) if outcome.failure else None,
            "attempts": [attempt_record(attempt, began) for attempt in outcome.attempts],
            "usage": usage
            and {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "estimated": usage.estimated,
            },
            "client": dict(client),
        }
    )


def verdict_word(outcome: Outcome) -> str:
    """answered | recovered | failed | cancelled"""
    if outcome.failure is None:
        return "recovered" if outcome.recovered else "answered"
    return "cancelled" if outcome.failure.kind is Kind.CANCELLED else "failed"


def why(attempt: Mapping[str, Any], language: Language) -> str:
    """The reason in a stored attempt; those that were stored before this had it in English."""
    told: str = (language == "zh" and attempt.get("why_zh")) or attempt.get("why", "")
    return told


def disclose(attempts: Sequence[Record], level: Level) -> list[Record]:
    """What a client may see of attempt records: nothing, the outline, or all."""
    match level:
        case "public":
            return []
        case "tenant":
            return [{name: a[name] for name in _TENANT if name in a} for a in attempts]
        case "full":
            return list(attempts)


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _cause_record(cause: Cause) -> Record:
    return _present(
        {
            "type": cause.type,
            "message": cause.message,
            "errno": cause.errno,
            "reason": cause.label,
        }
    )


def _seam_record(attempt: Attempt) -> Record | None:
    seam = attempt.seam
    if seam is None:
        return None
    return {
        "rule": seam.rule,
        "overlap_chars": seam.overlap,
        "dropped_chars": seam.dropped,
        "confidence": seam.confidence.value,
    }


def _present(record: Record) -> Record:
    return {name: value for name, value in record.items() if value not in (None, "", [], {})}
