"""The joint of an answer that was asked for anew: where it has said again all that was released."""

from __future__ import annotations

from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .joint import Divergence, Joint, More, diverged, further


class Retold:
    """Only the very same words are gone on with: an answer in others is another one."""

    def __init__(self, released: str) -> None:
        self._text = released.strip()

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        begun = new.lstrip()
        whole = len(new) - len(begun) + len(self._text)
        if begun.startswith(self._text):
            return Joint(whole, Seam("restart", len(self._text), 0, confidence=Confidence.PROVED))
        if not self._text.startswith(begun):
            return diverged(Divergence.ANEW)
        return diverged(Divergence.EARLY_END) if final else further(new, whole)
