"""One attempt under way, as the machine sees it: phase, timers, and what is held back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..core.attempt import Attempt, How, Target
from ..core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ..core.failure import Failure, Kind, Phase
from ..core.reason import Reason
from .replay import Replay
from .splice import Splicer

_ORDER = tuple(Phase)


@dataclass(slots=True)
class Leg:
    """Mutable state of one attempt. All times are monotonic seconds."""

    number: int
    target: Target
    how: How
    started_at: float
    patience: float | None = None  # seconds of silence until another may be asked beside it
    splicer: Splicer | Replay | None = None
    phase: Phase = Phase.RESOLVE
    marks: dict[Phase, float] = field(default_factory=dict)
    first_event_at: float | None = None
    last_bytes_at: float = 0.0
    last_content_at: float = 0.0
    finished: Finished | None = None
    finished_at: float = 0.0
    usage: UsageReport | None = None
    tools: dict[tuple[int, int], ToolCallDelta] = field(default_factory=dict)
    withheld: list[StreamEvent] = field(default_factory=list)  # for a reader of whole messages
    foreign: list[StreamEvent] = field(default_factory=list)  # waits for what it goes with
    spoke: bool = False  # text or refusal came, released or held
    reasoned: bool = False
    released: int = 0
    status: int | None = None
    upstream_ids: tuple[tuple[str, str], ...] = ()

    def reach(self, phase: Phase, now: float) -> None:
        if phase not in self.marks:
            self.marks[phase] = now
        if _ORDER.index(phase) > _ORDER.index(self.phase):
            self.phase = phase
        self.last_bytes_at = now

    def content(self, now: float) -> None:
        """Something of the answer itself has come, released or held."""
        if self.first_event_at is None:
            self.first_event_at = now
            self.reach(Phase.STREAM, now)
        self.last_content_at = now

    def hold_tool(self, delta: ToolCallDelta) -> None:
        """Fragments are kept until the call is whole: half a call is of use to nobody."""
        key = (delta.choice, delta.index)
        held = self.tools.get(key)
        if held is None:
            self.tools[key] = delta
            return
        self.tools[key] = replace(
            held,
            id=held.id or delta.id,
            name=held.name or delta.name,
            arguments=held.arguments + delta.arguments,
            extra={**(held.extra or {}), **(delta.extra or {})} or None,
        )

    def hold_foreign(self, event: Foreign) -> None:
        """It must not be told twice, so it waits until this attempt is the one that tells.

        Part of a continuation it can be none: what is continued is text.
        """
        if self.how is How.START:
            self.foreign.append(event)

    def release_foreign(self) -> list[StreamEvent]:
        released, self.foreign = self.foreign, []
        return released

    @property
    def was_cut(self) -> bool:
        """It finished, but not where it wanted to: at a limit or by a filter."""
        cut = (StopReason.LENGTH, StopReason.CONTENT_FILTER)
        return self.finished is not None and self.finished.reason in cut

    def expiry(self) -> float:
        """When the current phase has taken too long."""
        limits = self.target.timeouts
        match self.phase:
            case Phase.ADMIT | Phase.RESOLVE | Phase.CONNECT:
                return self.started_at + limits.connect
            case Phase.TLS:
                return self.marks[Phase.TLS] + limits.connect
            case Phase.WRITE:
                return self.marks[Phase.WRITE] + limits.write
            case Phase.HEADERS:
                return self.marks[Phase.HEADERS] + limits.headers
            case Phase.FIRST:
                return self.marks[Phase.FIRST] + limits.first_event
            case Phase.STREAM | Phase.END:
                return min(
                    self.last_bytes_at + limits.bytes_idle,
                    self.last_content_at + limits.content_idle,
                )

    def timeout(self, now: float) -> Failure:
        """The failure of an expired phase, telling silence from keep-alive without content."""
        limits = self.target.timeouts
        if self.phase is Phase.STREAM:
            silent = now >= self.last_bytes_at + limits.bytes_idle
            code = "bytes_idle" if silent else "content_idle"
            seconds = limits.bytes_idle if silent else limits.content_idle
        elif self.phase is Phase.FIRST:
            silent = self.last_bytes_at <= self.marks[Phase.FIRST]
            code = "first_event" if silent else "keep_alive_only"
            seconds = limits.first_event
        else:
            code = "connect" if self.phase in _CONNECTING else self.phase.value
            seconds = {"write": limits.write, "headers": limits.headers}.get(code, limits.connect)
        en, zh = _SILENCE[code]
        return Failure(
            Kind.TIMEOUT,
            self.phase,
            detail=f"{en} for {seconds:g} s",
            detail_zh=f"{seconds:g} 秒内{zh}",
            code=code,
        )

    def outlasted(self, now: float) -> Failure | None:
        """The failure of one in doubt that stayed silent while another answered, if it had time."""
        seconds = now - self.started_at
        if self.patience is None or seconds < self.patience or self.first_event_at is not None:
            return None
        return Failure(
            Kind.TIMEOUT,
            self.phase,
            detail=f"no content for {seconds:.1f} s, in which another target answered",
            detail_zh=f"{seconds:.1f} 秒内没有内容，而另一个目标已经回答",
            code="outlasted",
        )

    def emptiness(self, *, tool_cut: bool) -> Failure | None:
        """The failure of an answer that finished with nothing in it, unless that was meant.

        A continuation that says nothing is no proof that nothing was missing, and one asked
        for in words that only calls a tool is none either, unless a call is what was cut.
        """
        acted = self.tools and (self.how is not How.INSTRUCT or tool_cut)
        if self.spoke or acted or self.finished is None:
            return None
        if self.finished.reason not in (StopReason.END, StopReason.TOOL_CALLS):
            return None
        if self.how is not How.START:
            return _empty("finished without going on in words", "没有接着写就结束了")
        if self.reasoned:
            return _empty("the model reasoned but gave no answer", "模型只有思考，没有回答")
        if self.usage and self.usage.output_tokens > 0:
            return None  # the model was run and chose to say nothing
        return _empty("finished without content", "没有内容就结束了")

    def record(
        self, now: float, failure: Failure | None, decision: str = "", why: Reason | None = None
    ) -> Attempt:
        return Attempt(
            number=self.number,
            target=self.target,
            how=self.how,
            started_at=self.started_at,
            ended_at=now,
            phase=failure.phase if failure else Phase.END,
            marks=dict(self.marks),
            first_event_at=self.first_event_at,
            released=self.released,
            failure=failure,
            decision=decision,
            why=why,
            status=self.status or (failure.status if failure else None),
            upstream_ids=(failure.upstream_ids if failure else ()) or self.upstream_ids,
            seam=self.splicer.seam if self.splicer else None,
        )


_CONNECTING = frozenset({Phase.ADMIT, Phase.RESOLVE, Phase.CONNECT, Phase.TLS})

_SILENCE = {
    "connect": ("no connection", "没有建立连接"),
    "write": ("the request could not be written", "请求没能发出去"),
    "headers": ("no response headers", "没有收到响应头"),
    "first_event": ("no content", "没有收到内容"),
    "keep_alive_only": ("keep-alive but no content", "只有保活信号，没有内容"),
    "bytes_idle": ("silence in mid-stream", "中途没有任何数据"),
    "content_idle": ("keep-alive but no new content", "只有保活信号，没有新内容"),
}


def _empty(en: str, zh: str) -> Failure:
    return Failure(Kind.EMPTY, Phase.END, detail=en, detail_zh=zh)


def says_nothing(event: TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta) -> bool:
    """Vendors send empty deltas with the role, or to keep the line alive: that is no content."""
    match event:
        case ToolCallDelta():
            return False
        case RefusalDelta(text=text):
            return not text
        case _:
            return not (event.text or event.extra)
