"""Two incidents as the executor would have kept them: one saved in mid-answer, one lost."""

from __future__ import annotations

from holdfast.core.attempt import Attempt, Confidence, Credential, How, Outcome, Seam, Target
from holdfast.core.failure import Cause, Failure, Kind, Phase
from holdfast.core.reason import Reason, Why
from holdfast.core.record import incident_record
from holdfast.store.ports import Incident

PROXY = Target("proxy/gpt-5.5", credential=Credential("k_3f9a", "sk-canary-0123456789"))
BACKUP = Target("backup/gpt-5.4")

_CUT = Attempt(
    1,
    PROXY,
    How.START,
    started_at=100.0,
    ended_at=100.812,
    phase=Phase.STREAM,
    marks={Phase.CONNECT: 100.001, Phase.HEADERS: 100.02, Phase.STREAM: 100.1},
    first_event_at=100.1,
    released=211,
    failure=Failure(
        Kind.RESET,
        Phase.STREAM,
        cause_chain=(Cause("httpx2.ReadError"), Cause("ConnectionResetError", errno=104)),
    ),
    decision="continue",
    why=Reason(Why.INSTRUCT, Kind.RESET),
    status=200,
    upstream_ids=(("x-request-id", "req_1"),),
)
_WHOLE = Attempt(
    2,
    BACKUP,
    How.INSTRUCT,
    started_at=100.812,
    ended_at=102.5,
    phase=Phase.END,
    released=342,
    decision="finish",
    status=200,
    seam=Seam("anchor", overlap=24, confidence=Confidence.PROVED),
)
_REFUSED = Attempt(
    1,
    PROXY,
    How.START,
    started_at=100.0,
    ended_at=100.005,
    phase=Phase.HEADERS,
    failure=Failure(
        Kind.BAD_GATEWAY,
        Phase.HEADERS,
        status=502,
        by="sub2api",
        nested=Failure(Kind.CLOSED, Phase.HEADERS, detail="unexpected EOF"),
    ),
    decision="stop",
    why=Reason(Why.FRUITLESS, count=5),
    status=502,
)


def _incident(ref: str, at: float, route: str, outcome: Outcome) -> Incident:
    record = incident_record(ref, at, 100.0, 102.5, route, outcome, {})
    first = next(a.failure for a in outcome.attempts if a.failure)
    return Incident(ref, at, route, record["outcome"], first.kind.value, record)


SAVED = _incident(
    "01K0000000SAVED00000000000",
    1_795_633_560.0,
    "a-route-with-a-name-that-no-column-has-room-for",
    Outcome(None, (_CUT, _WHOLE), released=553),
)
FAILED = _incident(
    "01K0000000FA1LED0000000000",
    1_795_633_500.0,
    "gpt-5.5",
    Outcome(_REFUSED.failure, (_REFUSED,)),
)
