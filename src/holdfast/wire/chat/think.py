"""Reasoning that a model writes into its answer, between <think> and </think> at the start.

Gemini writes <thought>. Elsewhere that is no sign: it may as well be XML that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

_TAGS: Mapping[str, str] = {"google": "thought"}  # by vendor


class _Where(Enum):
    START = "start"  # nothing but white space or a part of the opening tag so far
    INSIDE = "inside"
    AFTER = "after"  # closed, and only white space since
    ANSWER = "answer"


class Thoughts:
    """Tells inline reasoning from the answer. Pieces are (is reasoning, text), none empty."""

    def __init__(self, vendor: str = "") -> None:
        tag = _TAGS.get(vendor, "think")
        self._open, self._close = f"<{tag}>", f"</{tag}>"
        self._where = _Where.START
        self._held = ""

    @property
    def over(self) -> bool:
        """All that follows is answer: there is no more need to ask."""
        return self._where is _Where.ANSWER

    def feed(self, text: str) -> list[tuple[bool, str]]:
        text, self._held = self._held + text, ""
        if self._where is _Where.START:
            begun = text.lstrip()
            if len(begun) < len(self._open) and self._open.startswith(begun):
                self._held = text
                return []
            if not begun.startswith(self._open):
                return self._answer(text)
            self._where = _Where.INSIDE
            text = begun[len(self._open) :]
        if self._where is _Where.INSIDE:
            return self._reason(text)
        return self._answer(text if self.over else text.lstrip())

    def end(self) -> list[tuple[bool, str]]:
        """What is still held when no more text comes."""
        held, self._held = self._held, ""
        return [(self._where is _Where.INSIDE, held)] if held else []

    def _reason(self, text: str) -> list[tuple[bool, str]]:
        reasoning, closed, rest = text.partition(self._close)
        if not closed:
            kept = len(text) - self._open_end(text)
            reasoning, self._held = text[:kept], text[kept:]
        pieces = [(True, reasoning)] if reasoning else []
        if closed:
            self._where = _Where.AFTER
            pieces += self._answer(rest.lstrip())
        return pieces

    def _answer(self, text: str) -> list[tuple[bool, str]]:
        if not text:
            return []
        self._where = _Where.ANSWER
        return [(False, text)]

    def _open_end(self, text: str) -> int:
        """How many characters at the end may be the beginning of the closing tag."""
        for length in range(min(len(self._close) - 1, len(text)), 0, -1):
            if self._close.startswith(text[-length:]):
                return length
        return 0
