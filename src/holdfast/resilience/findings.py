"""What is wrong with an answer that has come to an end, whatever its upstream says of it."""

from __future__ import annotations

from ..core.attempt import How
from ..core.events import StopReason
from ..core.failure import NOTHING_MORE, Failure, Hop, Kind, Phase
from .leg import Leg

UNFINISHED = Failure(
    Kind.TRUNCATED,
    Phase.END,
    detail="ended without a finish reason",
    detail_zh="没有给出结束原因就结束了",
)
LEFT = Failure(
    Kind.CANCELLED, Phase.STREAM, Hop.CLIENT, detail="the reader left", detail_zh="读者已离开"
)
OUTRUN = Failure(
    Kind.CANCELLED,
    Phase.FIRST,
    Hop.ENGINE,
    detail="another attempt answered first",
    detail_zh="另一次尝试先有了回答",
)
_UNCLEAR = Failure(
    Kind.DIVERGED,
    Phase.END,
    detail="the continuation was cut short before it was clear where it goes on",
    detail_zh="续写在看得出从哪里接上之前就被截断了",
)
_NO_CALL = Failure(
    Kind.DIVERGED,
    Phase.END,
    detail="the cut attempt was calling a tool and the continuation did not",
    detail_zh="中断的尝试正在调用工具，而续写没有调用",
)


def emptiness(leg: Leg, *, tool_cut: bool) -> Failure | None:
    """The failure of an answer that finished with nothing in it, unless that was meant.

    A continuation that says nothing is no proof that nothing was missing, and one asked for in
    words that only calls a tool is none either, unless a call is what was cut.
    """
    acted = leg.tools and (leg.how is not How.INSTRUCT or tool_cut)
    if leg.spoke or acted or leg.finished is None:
        return None
    if leg.finished.reason not in (StopReason.END, StopReason.TOOL_CALLS):
        return None
    if leg.how is not How.START:
        return _empty("finished without going on in words", "没有接着写就结束了", NOTHING_MORE)
    if leg.reasoned:
        return _empty("the model reasoned but gave no answer", "模型只有思考，没有回答")
    if leg.usage and leg.usage.output_tokens > 0:
        return None  # the model was run and chose to say nothing
    return _empty("finished without content", "没有内容就结束了")


def last_words(leg: Leg) -> str | Failure:
    """What a continuation still held back to find its joint, now that no more comes of it."""
    if leg.splicer is None or (leg.tools and not leg.spoke):
        return ""  # a call that comes back alone has no seam
    joined = leg.splicer.seam is not None
    text = leg.splicer.finish()
    if isinstance(text, Failure) or joined or not leg.was_cut:
        return text
    return text if leg.splicer.seam and leg.splicer.seam.verified else _UNCLEAR


def lost_tool(leg: Leg, *, tool_cut: bool) -> Failure | None:
    """A cut tool call must come back as a tool call, not as prose about one."""
    return _NO_CALL if tool_cut and not leg.tools and leg.how is not How.START else None


def _empty(en: str, zh: str, code: str | None = None) -> Failure:
    return Failure(Kind.EMPTY, Phase.END, detail=en, detail_zh=zh, code=code)
