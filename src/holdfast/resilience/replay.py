"""The same stream once more, from its beginning: the joint that needs no guessing.

A vendor that keeps a stream gives it again. It is read from the start and not from where it
broke, because what was held back then (half a tool call) has to come again, and because every
released character is compared on the way.
"""

from __future__ import annotations

from ..core.attempt import Confidence, Seam
from ..core.failure import Failure, Kind, Phase


class Replay:
    """As `splice.Splicer` is used: feeds on the text of the attempt, gives what is new in it."""

    def __init__(self, released: str) -> None:
        self.seam: Seam | None = None
        self._released = released
        self._seen = 0

    def feed(self, text: str) -> str | Failure:
        if self.seam:
            return text
        known = self._released[self._seen : self._seen + len(text)]
        if not text.startswith(known):
            detail = "the stream that was kept is not the one that was read"
            return Failure(Kind.DIVERGED, Phase.STREAM, detail=detail)
        self._seen += len(known)
        if self._seen == len(self._released):
            self.seam = Seam("replay", overlap=self._seen, confidence=Confidence.PROVED)
        return text[len(known) :]

    def finish(self) -> str | Failure:
        if self.seam is None:
            detail = "the stream that was kept ends before what was read of it"
            return Failure(Kind.DIVERGED, Phase.END, detail=detail)
        return ""
