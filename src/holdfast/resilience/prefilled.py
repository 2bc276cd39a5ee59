"""The joint of an answer that a target was given the beginning of."""

from __future__ import annotations

from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .joint import Divergence, Joint, More, diverged, further
from .overlap import Proof, exact_overlap, is_distinct


class Prefilled:
    """An exact continuation, unless the whole prefix is echoed first."""

    def __init__(self, released: str, *, echoes: bool) -> None:
        self._prefix = released.strip()
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
        return Joint(0, Seam("prefill", confidence=Confidence.PROVED))

    def _repeated(self, begun: str, space: int) -> Joint | Failure:
        """All that was released comes again: an echo, unless a short text may go on like that."""
        if self._may_echo:
            skip = space + len(self._prefix)
            echo = Seam("echo", len(self._prefix), space, confidence=Confidence.PROVED)
            return Joint(skip, echo)
        if exact_overlap(self._prefix, begun).proof is Proof.CHANCE:
            return Joint(0, Seam("prefill", confidence=Confidence.PROVED))
        return diverged(Divergence.DOUBT_ANEW)
