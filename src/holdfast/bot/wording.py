"""How a message is worded: its piece of a turn's text, nothing left open, and how it ends."""

from __future__ import annotations

from dataclasses import replace

from . import texts
from .markdown import closing_fence, open_fence, settled
from .parts import Part
from .script import Script, Spans, after, first


def text_of(script: Script, part: Part) -> str:
    return part.lead + script.read(part.spans) + part.tail


def finished(script: Script, part: Part, spans: Spans, tail: str) -> Part:
    """The message with `spans` and nothing left open, and `tail` as a paragraph of its own."""
    text = part.lead + script.read(spans)
    fence = open_fence(text)
    if fence:
        tail = paragraphs(f"\n{closing_fence(fence)}", tail)
    elif tail and text.strip():
        tail = f"\n{tail}" if text.endswith("\n") else f"\n\n{tail}"
    index = part.index + (part.form == "stream")
    return replace(part, spans=spans, tail=tail, final=True, index=index)


def for_good(script: Script, lead: str, spans: Spans) -> Spans:
    """What of `spans` may be shown behind `lead` although more is to come."""
    return first(spans, settled(lead + script.read(spans)) - len(lead))


def trimmed(script: Script, start: int, in_code: bool) -> Spans:
    """All from `start` on, without space before it; in a code block, without empty lines."""
    rest = script.rest(start)
    text = script.read(rest)
    bare = text.lstrip("\n") if in_code else text.lstrip()
    return after(rest, len(text) - len(bare))


def verdict(script: Script, more: bool) -> str:
    """How a turn that has ended is told to have; "" if its text needs no such word.

    `more`: text of it goes with this sentence.
    """
    ended, language = script.ended, script.language
    assert ended is not None
    told = bool(more or script.exhibits or script.read(script.rest(0)).strip())
    sentence = texts.ending(ended, language, told)
    if not (told or sentence) and ended.outcome == "finished":
        sentence = texts.say("empty", language)
    notes = [
        texts.say(note.key, language, **note.values)
        for note in script.notes
        if note.key in texts.TOLD
    ]
    return paragraphs(*notes, sentence)


def paragraphs(*given: str) -> str:
    return "\n\n".join(text for text in given if text)
