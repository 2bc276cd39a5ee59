"""The text that a turn has for the person, folded from its events: what there is to deliver.

The text only grows, and what a rewrite made void stays in it, marked, because it may have been
shown already. So a place in the text means the same whenever the journal is read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from ..agent.events import (
    Asked,
    Ended,
    MediaAdded,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)
from ..agent.media import shown
from ..core.message import File, Role
from ..core.verdict import Language

Spans = tuple[tuple[int, int], ...]
"""Pieces of the text, in order; they do not touch the void ones."""

LANGUAGE = "language"  # the note in which a turn says what language its conversation is in
_BREAK = "\n\n"


class Exhibit(NamedTuple):
    """What a tool brought for the person, and the place in the text at which it came."""

    at: int
    file: File


@dataclass(slots=True)
class Script:
    """`reasoning`: whether the person is shown what the model thinks, as a quotation."""

    language: Language = "en"
    reasoning: bool = False
    text: str = ""
    voids: list[tuple[int, int]] = field(default_factory=list)
    notes: list[Noted] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    ended: Ended | None = None
    growing: bool = False  # a model writes: more is to come soon
    _step: int = -1
    _step_at: int = 0  # where the text of this step begins
    _step_parted: bool = False
    _parted: bool = False  # what comes next begins a paragraph
    _thinking: bool = False

    def hear(self, event: TurnEvent) -> None:
        """Takes the next event of the turn. After the end there is none."""
        match event:
            case Asked() | StepEnded():
                pass
            case StepBegan(step):
                self._begin(step)
            case TextAdded(text):
                self._close_thought()
                self.growing = True
                self._add(text)
            case ReasoningAdded(text):
                self._think(text)
            case Replaced():
                self._void()
            case ToolAsked() | ToolAnswered():
                self._close_thought()
                self._parted = True
            case MediaAdded(message=message):
                if message.role is Role.TOOL:  # not what the person attached
                    self._close_thought()
                    self._parted = True
                    self._show(shown(message))
            case Noted(key, values):
                self._note(event, key, str(values.get(LANGUAGE, "")))
            case Said(text):
                self._close_thought()
                self._parted = True
                self._add(text)
                self._parted = True
            case Ended():
                self.ended = event
            case _:
                assert_never(event)

    def rest(self, at: int) -> Spans:
        """All from the place `at` to the end, without what is void."""
        spans = []
        for start, end in self.voids:
            if at < start:
                spans.append((at, start))
            at = max(at, end)
        if at < len(self.text):
            spans.append((at, len(self.text)))
        return tuple(spans)

    def read(self, spans: Spans) -> str:
        return "".join(self.text[start:end] for start, end in spans)

    def stale(self, spans: Spans) -> bool:
        """Whether any of it has become void."""
        return any(a < end and start < b for a, b in spans for start, end in self.voids)

    def _show(self, files: tuple[File, ...]) -> None:
        """The same again is nothing new to see."""
        known = {exhibit.file.data for exhibit in self.exhibits}
        for file in files:
            if file.data not in known:
                known.add(file.data)
                self.exhibits.append(Exhibit(len(self.text), file))

    def _begin(self, step: int) -> None:
        """A step is a paragraph. One that is begun again, by a later life of the turn or because
        the answer met its length limit, goes on where it was.
        """
        self._close_thought()
        if step != self._step:
            self._parted = self._parted or bool(self.text)
            self._step, self._step_at, self._step_parted = step, len(self.text), self._parted

    def _add(self, text: str) -> None:
        if self._parted:
            text = text.lstrip("\n")  # whoever tells the steps may part them too
            if text:
                before = self.read(self.rest(0)).rstrip("\n")
                self.text += _BREAK if before else ""
                self._parted = False
        self.text += text

    def _think(self, text: str) -> None:
        if not (self.reasoning and text):
            return
        if not self._thinking:
            self._parted = True
            self._add("> ")
            self._thinking = True
        self.growing = True
        self.text += text.replace("\n", "\n> ")

    def _close_thought(self) -> None:
        if self._thinking:
            self._thinking, self._parted = False, True

    def _void(self) -> None:
        self._thinking = False
        start = max([self._step_at, *(end for _, end in self.voids)])
        if start < len(self.text):
            self.voids.append((start, len(self.text)))
            self._parted = self._step_parted

    def _note(self, event: Noted, key: str, language: str) -> None:
        if key != LANGUAGE:
            self.notes.append(event)
        elif language == "zh":
            self.language = "zh"
        elif language == "en":
            self.language = "en"


def length(spans: Spans) -> int:
    return sum(end - start for start, end in spans)


def first(spans: Spans, signs: int) -> Spans:
    """The beginning of `spans`, `signs` long."""
    taken = []
    for start, end in spans:
        if signs <= 0:
            break
        taken.append((start, min(end, start + signs)))
        signs -= end - start
    return tuple(taken)


def until(spans: Spans, place: int) -> Spans:
    """What of `spans` lies before `place`."""
    return tuple((start, min(end, place)) for start, end in spans if start < place)


def after(spans: Spans, signs: int) -> Spans:
    """`spans` without its first `signs`."""
    left = []
    for start, end in spans:
        kept = min(end, start + max(signs, 0))
        signs -= end - start
        if kept < end:
            left.append((kept, end))
    return tuple(left)


def join(one: Spans, other: Spans) -> Spans:
    """Both in order; adjoining pieces become one."""
    if one and other and one[-1][1] == other[0][0]:
        return (*one[:-1], (one[-1][0], other[0][1]), *other[1:])
    return (*one, *other)
