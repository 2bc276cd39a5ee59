"""Reasoning that a model writes into its answer, between <think> and </think> at the start."""

from __future__ import annotations

from enum import Enum

OPEN = "<think>"
CLOSE = "</think>"


class _Where(Enum):
    START = "start"  # nothing but white space or a part of the opening tag so far
    INSIDE = "inside"
    AFTER = "after"  # closed, and only white space since
    ANSWER = "answer"


class Thoughts:
    """Tells inline reasoning from the answer. Pieces are (is reasoning, text), none empty."""

    def __init__(self) -> None:
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
            if OPEN.startswith(begun[: len(OPEN)]) and len(begun) < len(OPEN):
                self._held = text
                return []
            if not begun.startswith(OPEN):
                return self._answer(text)
            self._where = _Where.INSIDE
            text = begun[len(OPEN) :]
        if self._where is _Where.INSIDE:
            return self._reason(text)
        return self._answer(text if self.over else text.lstrip())

    def end(self) -> list[tuple[bool, str]]:
        """What is still held when no more text comes."""
        held, self._held = self._held, ""
        return [(self._where is _Where.INSIDE, held)] if held else []

    def _reason(self, text: str) -> list[tuple[bool, str]]:
        reasoning, closed, rest = text.partition(CLOSE)
        if not closed:
            kept = len(text) - _open_end(text)
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


def _open_end(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    for length in range(min(len(CLOSE) - 1, len(text)), 0, -1):
        if CLOSE.startswith(text[-length:]):
            return length
    return 0
