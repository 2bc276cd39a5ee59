"""The joint of an answer that a target was given the beginning of."""

from __future__ import annotations

import re

from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .cut import Cut
from .joint import Divergence, Joint, More, diverged, further
from .letters import weight
from .overlap import Proof, exact_overlap, is_distinct
from .talk import declines, opens_anew

_GOES_ON = re.compile(r"[a-z\d]|[^\w\s]")
_ENDS = re.compile(r"\w[.!?。！？\n]")
OPENING = 80  # weight of what tells a refusal from text


class Prefilled:
    """An exact continuation, unless the whole prefix is echoed first, or the target says in the
    middle of a sentence that it will not go on.
    """

    def __init__(self, released: str, *, echoes: bool) -> None:
        self._prefix = released.strip()
        self._cut = Cut(released)
        self._echoes = echoes
        self._may_echo = echoes or is_distinct(self._prefix)

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        begun = new.lstrip()
        so_far = bool(self._prefix) and self._prefix.startswith(begun)
        if so_far and not final:
            return further(new, len(new) - len(begun) + len(self._prefix))
        if self._prefix and begun.startswith(self._prefix):
            return self._repeated(begun, len(new) - len(begun))
        if so_far and (is_distinct(begun) or (self._echoes and begun)):
            return diverged(Divergence.EARLY_END)
        if self._prefix and self._cut.unfinished and not _GOES_ON.match(begun):
            if self._opens_anew(new):
                return diverged(Divergence.OTHER_ANSWER)
            if not final and not _ENDS.search(new) and weight(new) < OPENING:
                return More(len(new) + 1)
        return Joint(0, Seam("prefill", confidence=Confidence.PROVED))

    def _opens_anew(self, new: str) -> bool:
        """Whether it begins as messages do, glued to a word, or as a refusal."""
        glued = not self._cut.gap and self._prefix[-1].isalnum()
        return declines(new.lstrip()) or (glued and opens_anew(new))

    def _repeated(self, begun: str, space: int) -> Joint | Failure:
        """All that was released comes again: an echo, unless a short text may go on like that."""
        if self._may_echo:
            skip = space + len(self._prefix)
            echo = Seam("echo", len(self._prefix), space, confidence=Confidence.PROVED)
            return Joint(skip, echo)
        if exact_overlap(self._prefix, begun).proof is Proof.CHANCE:
            return Joint(0, Seam("prefill", confidence=Confidence.PROVED))
        return diverged(Divergence.DOUBT_ANEW)
