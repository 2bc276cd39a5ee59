"""What can be said of a joint: where it is, that more must come first, or that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.attempt import Seam
from ..core.failure import Failure, Kind, Phase


@dataclass(frozen=True, slots=True)
class Joint:
    """Where in the new text the unseen part begins: `skip` characters are not for the reader,
    and `space` is missing before the others.
    """

    skip: int
    seam: Seam
    space: str = ""


@dataclass(frozen=True, slots=True)
class More:
    """The joint cannot be told before so many characters of new text are there."""

    length: int


def diverged(detail: str) -> Failure:
    return Failure(Kind.DIVERGED, Phase.STREAM, detail=f"the continuation {detail}")
