"""What is wrong with an answer that has come to an end, whatever its upstream says of it."""

from __future__ import annotations

import unicodedata

from ..core.anchor import open_fence
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
STOPPED = Failure(Kind.STOPPING, Phase.STREAM, Hop.ENGINE)
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

FEW_TOKENS = 8  # no more are spent on saying nothing; of more than these the words were lost


def emptiness(leg: Leg, released: str, *, tool_cut: bool) -> Failure | None:
    """The failure of an answer that finished with nothing in it, unless that was meant.

    A continuation that says nothing is no proof that nothing was missing, and one asked for in
    words that only calls a tool is none either, unless a call is what was cut or may follow.
    """
    if leg.spoke or leg.finished is None or _acted(leg, released, tool_cut=tool_cut):
        return None
    if leg.finished.reason not in (StopReason.END, StopReason.TOOL_CALLS):
        return None
    if leg.how is not How.START:
        code = None if leg.tools or leg.how is How.ANEW else NOTHING_MORE
        return _empty("finished without going on in words", "没有接着写就结束了", code)
    if leg.finished.reason is StopReason.TOOL_CALLS and not leg.tools:
        return _empty("said that it calls a tool, and called none", "说要调用工具，却没有调用")
    if leg.reasoned:
        return _empty("the model reasoned but gave no answer", "模型只有思考，没有回答")
    spent = leg.usage.output_tokens if leg.usage else 0
    if 0 < spent <= FEW_TOKENS:
        return None  # the model was run and chose to say nothing
    return _empty("finished without content", "没有内容就结束了")


def last_words(leg: Leg, released: str, *, tool_cut: bool) -> str | Failure:
    """What a continuation still held back to find its joint, now that no more comes of it.

    Before a call that may follow, it need not have said anything new.
    """
    if leg.splicer is None or (leg.tools and not leg.spoke):
        return ""  # a call that comes back alone has no seam
    joined = leg.splicer.seam is not None
    text = leg.splicer.finish()
    if isinstance(text, Failure) and text.code == NOTHING_MORE:
        return "" if _acted(leg, released, tool_cut=tool_cut) else text
    if isinstance(text, Failure) or joined or not leg.was_cut:
        return text
    return text if leg.splicer.seam and leg.splicer.seam.verified else _UNCLEAR


def _acted(leg: Leg, released: str, *, tool_cut: bool) -> bool:
    """Whether it called a tool where a call may stand without a word before it."""
    return bool(leg.tools) and (tool_cut or _may_call(leg, released))


def _may_call(leg: Leg, released: str) -> bool:
    return leg.how not in (How.INSTRUCT, How.ANEW) or introduces(released)


def cut_call(leg: Leg, failure: Failure, released: str) -> bool:
    """Whether it was calling a tool behind its words when it failed: not if it did so in the middle
    of a sentence that it was asked to go on with.
    """
    calling = bool(leg.tools) or failure.kind is Kind.TOOL_ARGUMENTS
    return calling and bool(released) and (leg.released > 0 or _may_call(leg, released))


def lost_tool(leg: Leg, *, tool_cut: bool) -> Failure | None:
    """A cut tool call must come back as a tool call, not as prose about one."""
    return _NO_CALL if tool_cut and not leg.tools and leg.how is not How.START else None


def ends_well(text: str) -> bool:
    """Whether the text ends as texts do: at a full stop or the like, not within code or maths.

    A smiley may stand behind it, and anywhere else as well.
    """
    end = text.rstrip()
    while end and end[-1] != "`" and unicodedata.category(end[-1]) in _OF_SMILEYS:
        end = end[:-1].rstrip()
    if not end or open_fence(text) is not None or text.count("$$") % 2:
        return False
    line = end.rpartition("\n")[2].strip()
    if end[-1] == "`":  # it closes a block, or words of code
        return not line.strip("`") if line.startswith("```") else line.count("`") % 2 == 0
    closes = end[-1] not in _GOES_ON and unicodedata.category(end[-1]) in _CLOSING
    return closes or end.endswith("$$")


def introduces(text: str) -> bool:
    """Whether a tool call may follow: "Let me look." or "Let me look:", but not "Let me"."""
    return ends_well(text) or text.rstrip().endswith((":", "："))


_GOES_ON = ",:;\\/&@#%，、：；·"
_OF_SMILEYS = ("So", "Sk", "Cf", "Mn", "Me")
_CLOSING = ("Po", "Pe", "Pf")  # punctuation, brackets and quotes that close


def _empty(en: str, zh: str, code: str | None = None) -> Failure:
    return Failure(Kind.EMPTY, Phase.END, detail=en, detail_zh=zh, code=code)
