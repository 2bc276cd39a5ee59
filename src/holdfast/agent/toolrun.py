"""Runs one call of a tool to its one answer, whatever the tool does.

Time limit, cancellation, errors of any sort, output of any length. This is the one place where
the code of others runs, and so one of three where every exception is caught.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any

import structlog
from pydantic import Field

from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.message import ToolCall
from ..core.record import failure_record
from ..core.redact import scrub
from ..upstream.progress import Progress
from ..upstream.translate import failure_from
from ..wire.jsontext import loads
from .compaction import shorten
from .events import ToolAnswered, ToolOutcome
from .judging import answered
from .media import Media, Spent, bytes_of, kept, named
from .tools import LIMIT, AgentTool, OutcomeUnknown, Output, ToolContext, ToolFailed, tool
from .words import Language, tell

LEAVE = 3.0  # seconds for a tool to leave when its time is up
KEPT = 100_000  # characters of one output that can be read page by page

_LOG = structlog.get_logger("holdfast.agent")


@dataclass(frozen=True, slots=True)
class _Result:
    outcome: ToolOutcome
    text: str
    failure: Failure | None = None
    media: tuple[Media, ...] = ()


async def run_tool(
    made: AgentTool,
    call: ToolCall,
    context: ToolContext,
    clock: Clock,
    spent: Spent | None = None,
) -> ToolAnswered:
    """The answer to `call`; its media are added to what is `spent` in the turn. Raises nothing but
    CancelledError, if its own task is cancelled.
    """
    began = clock.monotonic()
    result = await _run(made, call, context)
    ms = round((clock.monotonic() - began) * 1000)
    if result.failure:
        _LOG.warning("tool_failed", tool=made.name, ms=ms, **failure_record(result.failure))
    text, rest = page(result.text, made.limit, call.id, context.language)
    spent = spent or Spent()
    brought = kept(result.media, spent.bytes, context.language)
    text = "\n".join(part for part in (text, *brought.words) if part)
    event = answered(call, result.outcome, text or tell("nothing", context.language), ms, rest)
    message = replace(event.message, parts=(*event.message.parts, *brought.parts))
    spent.bytes += bytes_of(message)
    record = failure_record(result.failure) if result.failure else None
    return replace(event, message=message, failure=record, left_out=brought.left_out)


async def _run(made: AgentTool, call: ToolCall, context: ToolContext) -> _Result:
    """In a task of its own: a tool that does not leave when it is told to is left behind."""
    running = asyncio.create_task(_ran(made, call, context))
    try:
        await asyncio.wait({running}, timeout=made.timeout)
        if running.done():
            return running.result()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running}, timeout=LEAVE)
    return _late(made, context.language, stopped=running.done())


async def _ran(made: AgentTool, call: ToolCall, context: ToolContext) -> _Result:
    language = context.language
    try:
        output = await made.run(_object(call.arguments), context)
    except ToolFailed as failed:
        return _Result("error", scrub(str(failed)))
    except OutcomeUnknown as lost:
        failure = _failure(lost, Kind.CLOSED)
        if made.safe:
            return _Result("error", _told(failure, language), failure)
        reason = tell("server_gone", language)
        return _Result("unknown", tell("unknown_outcome", language, reason=reason), failure)
    except StreamFailed as failed:
        return _Result("error", _told(failed.failure, language), failed.failure)
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
        return _broken(error, language)  # something inside the tool was cancelled, not the call
    except (Exception, SystemExit, BaseExceptionGroup) as error:  # noqa: BLE001 - anybody's code
        return _broken(error, language)
    return _ready(output, language)


def _object(arguments: str) -> dict[str, Any]:
    value = loads(arguments)
    if not isinstance(value, dict):
        raise ToolFailed("the arguments are not a JSON object")
    return value


def _ready(output: Output, language: Language) -> _Result:
    kinds = named([*dict.fromkeys(output.broken)])
    broken = tell("media_broken", language, type=kinds) if kinds else ""
    text = "\n".join(part for part in (output.text, broken) if part.strip())
    return _Result("error" if output.failed else "ok", text, media=output.media)


def _broken(error: BaseException, language: Language) -> _Result:
    failure = _failure(error, Kind.INTERNAL)
    return _Result("error", _told(failure, language), failure)


def _late(made: AgentTool, language: Language, *, stopped: bool) -> _Result:
    seconds = f"{made.timeout:g}"
    detail = f"{made.name} did not finish within {seconds} s"
    detail += "" if stopped else " and does not stop"
    failure = Failure(Kind.TIMEOUT, Phase.STREAM, Hop.TOOL, detail=detail)
    if made.safe:
        return _Result("timeout", tell("timed_out", language, seconds=seconds), failure)
    reason = tell("out_of_time", language, seconds=seconds)
    return _Result("timeout", tell("unknown_outcome", language, reason=reason), failure)


def _failure(error: BaseException, kind: Kind) -> Failure:
    """What a tool's exception means: by type and errno, as for any other hop."""
    try:
        found = failure_from(error, Progress(lambda _: None, Phase.STREAM))
    except Exception:  # noqa: BLE001 - its `__str__` is anybody's code too
        found = Failure(kind, Phase.STREAM, Hop.TOOL, detail=type(error).__name__)
    if found.kind is Kind.INTERNAL:
        found = replace(found, kind=kind)
    return replace(found, hop=Hop.TOOL)


def _told(failure: Failure, language: Language) -> str:
    words = failure.detail or ("" if failure.kind is Kind.INTERNAL else failure.cause)
    name = failure.cause_chain[0].type.rpartition(".")[2] if failure.cause_chain else ""
    reason = ": ".join(part for part in (name, words) if part)
    return tell("failed", language, reason=reason)


def page(
    text: str, limit: int, call_id: str, language: Language, offset: int = 0
) -> tuple[str, str]:
    """What may be shown of `text` from `offset`, and what is kept of it if that is not all."""
    end = offset + limit
    if end >= len(text):
        return text[offset:], ""
    kept = shorten(text, KEPT, language)
    more = tell("more", language, left=len(kept) - end, tool=READ.name, call_id=call_id, offset=end)
    return text[offset:end] + more, kept


@tool(name="read_more", pure=True, limit=2 * LIMIT)
async def READ(  # noqa: N802 - a tool is a constant, not a function
    call_id: Annotated[str, "of the call whose output goes on"],
    offset: Annotated[int, Field(ge=0, description="the character to begin at")],
    context: ToolContext,
) -> str:
    """Reads on in an output that was too long to be shown at once."""
    text = context.pages.get(call_id)
    if text is None:
        raise ToolFailed(f"no output of a call {call_id!r} is kept in this turn")
    if offset >= len(text):
        raise ToolFailed(f"the output has only {len(text)} characters")
    return page(text, LIMIT, call_id, context.language, offset)[0]
