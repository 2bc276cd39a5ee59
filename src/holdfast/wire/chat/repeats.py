"""Text that comes again: senders that repeat all they have said, with every delta or at the end.

A delta that begins with the whole text before it is not new text but the text so far, if enough
says so: by chance "1" is followed by "10", but no answer goes on like that. Nothing is held
back but a delta that may be such a repetition.
"""

from __future__ import annotations

LONG = 16  # characters; a beginning of this length is not repeated by chance
WHOLE = 16  # bytes of UTF-8; nor is a whole answer of this length, as the last thing said
FEW = 4  # bytes; nor is what was said before the last delta, if that delta begins with it
OFTEN = 3  # deltas, each of which begins with the one before it


class Repeats:
    """What is new in each delta of one channel of a choice."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._length = 0
        self._held: list[str] = []  # given out when the next delta shows that it is new
        self._open = True  # how this sender speaks is not known yet
        self._cumulative = False

    def feed(self, delta: str) -> str:
        """What of `delta` is to be given out now, with what was held back before it."""
        if self._open:
            return self._weigh(delta)
        if self._cumulative:
            return self._rest(delta)
        if self._held:
            return self._say(self._released() + delta)
        if self._length == len(delta) and len(self._said) > 1 and _is_whole(delta, self._whole):
            self._held = [delta]
            return ""
        return self._say(delta)

    def end(self) -> str:
        """What of that which is held back is new after all. The choice has finished."""
        if self._open and self._held:
            if len(self._held) >= OFTEN - 1 or _tells(self._whole):
                return self._rest(self._held[-1])
            return self._say(self._released())
        self._held = []
        return ""

    @property
    def _whole(self) -> str:
        return "".join(self._said)

    def _weigh(self, delta: str) -> str:
        """The first deltas show whether each begins with the one before it."""
        before = self._held[-1] if self._held else self._whole
        if not before:
            return self._say(delta)
        if len(delta) > len(before) and delta.startswith(before):
            if len(before) < LONG and len(self._held) < OFTEN:
                self._held.append(delta)
                return ""
            self._open, self._cumulative, self._held = False, True, []
            return self._rest(delta)
        self._open = False
        return self._say(self._released() + delta) if self._held else self.feed(delta)

    def _rest(self, delta: str) -> str:
        said = self._whole
        self._said = [said]
        if delta.startswith(said):
            return self._say(delta[len(said) :])
        return "" if said.startswith(delta) else self._say(delta)

    def _released(self) -> str:
        held, self._held = "".join(self._held), []
        return held

    def _say(self, text: str) -> str:
        if text:
            self._said.append(text)
            self._length += len(text)
        return text


def _is_whole(delta: str, said: str) -> bool:
    return delta == said and len(delta.encode(errors="replace")) >= WHOLE


def _tells(said: str) -> bool:
    """Whether it is no "haha" or "1" that may well be said again at once."""
    period = (said + said).find(said, 1)
    return len(said.encode("utf-8", "replace")) >= FEW and 1 < period == len(said)
