"""Asks one target what it really does: a handful of small questions, each read for a moment.

First a plain one. Then the answer's own beginning is given back, as a prefill with each mark
that vendors use, and with the instruction that continues a cut answer. A sign that no model
would write stands before that beginning, so that going on, repeating and starting anew differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ..core.attempt import Continuation, How, Seam, Target
from ..core.events import TextDelta
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.request import Request
from ..resilience.letters import shared_start
from ..resilience.objection import SENTENCE
from ..resilience.splice import Splicer
from .capabilities import ECHOES, FLAGS
from .connector import Connecting

ENOUGH = 480  # characters of an answer that tell how it goes on
BEGINNING = 80  # characters of the first answer that are given back
PATIENCE = 60.0  # seconds for one question

_SIGN = "⟦7Q⟧ "
_QUESTIONS: Mapping[str, str] = {
    "en": "Describe in four sentences what a lighthouse keeper does at night.",
    "zh": "请用四句话描述灯塔看守人夜里做些什么。",
}
_REFUSED = frozenset({Kind.INVALID, Kind.UNSUPPORTED})


class Prefill(Enum):
    """What a target does with an answer that was begun for it."""

    HONOURED = "honoured"  # goes on
    ECHOED = "echoed"  # goes on, and repeats the beginning first
    IGNORED = "ignored"  # answers anew
    REFUSED = "refused"  # HTTP 400 or the like
    FAILED = "failed"  # something else went wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """What one target did. `failure` says why it gave no answer at all."""

    target: Target
    failure: Failure | None = None
    streams: bool = False
    prefill: Mapping[str, Prefill] | None = None  # by mark, see `capabilities.FLAGS`
    seam: Seam | None = None  # how an instructed continuation was joined
    objection: str = ""  # or why it was not

    @property
    def suggestion(self) -> Continuation | None:
        """The `continuation` that suits it best; None if nothing was found out."""
        if self.failure:
            return None
        marks = (self.prefill or {}).values()
        if any(found in (Prefill.HONOURED, Prefill.ECHOED) for found in marks):
            return Continuation.PREFILL
        return Continuation.INSTRUCT if self.seam else Continuation.NEVER

    def as_json(self) -> dict[str, Any]:
        """For machines. Holds no secret: keys go by their ids."""
        failure, seam = self.failure, self.seam
        return {
            "target": self.target.name,
            "key": self.target.credential.id,
            "works": failure is None,
            "failure": failure and {
                "kind": failure.kind.value,
                "phase": failure.phase.value,
                "status": failure.status,
                "detail": failure.detail,
            },
            "streams": self.streams,
            "prefill": {m: found.value for m, found in (self.prefill or {}).items()},
            "instruct": {
                "joined": seam is not None,
                "rule": seam.rule if seam else "",
                "verified": bool(seam and seam.verified),
                "objection": self.objection,
            },
            "configured": self.target.continuation.value,
            "suggested": self.suggestion.value if self.suggestion else None,
        }  # fmt: skip


async def probe(connector: Connecting, target: Target, language: str) -> Finding:
    """Asks at most six small questions, one after the other."""
    answer = await _ask(connector, target, How.START, "", language)
    if answer.failure and not answer.text:
        return Finding(target, answer.failure)
    begun = answer.text[:BEGINNING].rstrip()
    marks = {mark: await _prefill(connector, target, mark, begun, language) for mark in FLAGS}
    seam, objection = await _instruct(connector, target, begun, language)
    return Finding(target, None, answer.pieces > 1, marks, seam, objection)


@dataclass(slots=True)
class _Answer:
    text: str = ""
    pieces: int = 0
    failure: Failure | None = None
    ended: bool = False


async def _ask(
    connector: Connecting, target: Target, how: How, released: str, language: str
) -> _Answer:
    question = {"role": "user", "content": _QUESTIONS[language]}
    body = {"model": target.model, "messages": [question], "stream": True}
    request = Request("chat", target.model, body, language="zh" if language == "zh" else "en")
    answer = _Answer()
    try:
        async with (
            asyncio.timeout(PATIENCE),
            connector.open(request, target, how, released, lambda *_: None) as batches,
        ):
            async for batch in batches:
                _read(batch, answer)
                if len(answer.text) >= ENOUGH:
                    return answer
            answer.ended = True
    except StreamFailed as failed:
        answer.failure = failed.failure
    except TimeoutError:
        detail = f"no whole answer within {PATIENCE:g} s"
        answer.failure = Failure(Kind.TIMEOUT, Phase.FIRST, Hop.UPSTREAM, detail=detail)
    return answer


def _read(batch: Sequence[object], answer: _Answer) -> None:
    for event in batch:
        if isinstance(event, TextDelta) and event.text:
            answer.text += event.text
            answer.pieces += 1
        elif isinstance(event, Failure):
            answer.failure = event


async def _prefill(
    connector: Connecting, target: Target, mark: str, begun: str, language: str
) -> Prefill:
    marked = replace(target, quirks=(target.quirks - {*FLAGS, ECHOES}) | {mark})
    answer = await _ask(connector, marked, How.PREFILL, _SIGN + begun, language)
    if answer.failure and not answer.text:
        return Prefill.REFUSED if answer.failure.kind in _REFUSED else Prefill.FAILED
    said = answer.text.lstrip()
    if said.startswith(_SIGN.strip()):
        return Prefill.ECHOED
    if not said or shared_start(begun, said) >= SENTENCE:
        return Prefill.IGNORED
    return Prefill.HONOURED


async def _instruct(
    connector: Connecting, target: Target, begun: str, language: str
) -> tuple[Seam | None, str]:
    answer = await _ask(connector, target, How.INSTRUCT, begun, language)
    if answer.failure and not answer.text:
        return None, answer.failure.detail or answer.failure.kind.value
    splicer = Splicer(begun, How.INSTRUCT)
    joined = splicer.feed(answer.text)
    if not isinstance(joined, Failure) and answer.ended:
        joined = splicer.finish()
    if isinstance(joined, Failure):
        return None, joined.detail
    return splicer.seam, "" if splicer.seam else "the joint was not found in what was read"
