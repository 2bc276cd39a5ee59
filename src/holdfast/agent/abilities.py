"""What the models of a route can do, as far as an agent must know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    """`context_tokens` is the room for question and answer together."""

    vision: bool = False
    context_tokens: int = 32_768


AbilitiesOf = Callable[[str], Abilities]  # by the name of a route
