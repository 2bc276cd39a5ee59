"""What targets show, by refusing it, that they do not know. Owns this memory of the process."""

from __future__ import annotations

from dataclasses import replace

from ..core.attempt import Target

MOST = 1024  # targets; a client may name any model


class Quirks:
    def __init__(self) -> None:
        self._shown: dict[str, frozenset[str]] = {}

    def known(self, target: Target) -> Target:
        """`target` with what it has shown beside what was known of it."""
        shown = self._shown.get(target.name)
        return replace(target, quirks=target.quirks | shown) if shown else target

    def learn(self, target: Target, quirk: str) -> None:
        shown = self._shown.pop(target.name, frozenset())
        self._shown[target.name] = shown | {quirk}
        if len(self._shown) > MOST:
            del self._shown[next(iter(self._shown))]

    def forget(self, target: Target) -> None:
        """It refuses what it was asked so, too: what was learned may be why."""
        self._shown.pop(target.name, None)
