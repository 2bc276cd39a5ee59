"""What becomes of a turn after what happened to its lives. Pure: facts in, decisions out.

A life is one run of a turn's handler, from `begin` until it ends, fails, is put back or vanishes
with its process. Most turns have one. Those that kill their process, or fail alike again and
again, must not have so many that the lane, or everybody, waits for them for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from ..store.ports import Begun, Entry


@dataclass(frozen=True, slots=True)
class Policy:
    """How much patience turns find. `backoff` and `longest` are seconds between lives;
    after `oldest` seconds since its acceptance a turn begins no more: nobody waits for ever.
    """

    alike: int = 3  # failures alike, in a row
    killed: int = 10  # lives that vanished and left nothing, in a row
    lives: int = 50  # of any kind, in all
    backoff: float = 0.2
    longest: float = 5.0
    oldest: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Again:
    """Another life, `after` so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Park:
    """No more lives. `why` is for the operator. `late`: it is only that nobody had the time."""

    why: str
    late: bool = False


def on_begin(begun: Begun, policy: Policy, now: float) -> Park | None:
    """Whether a turn may live again; asked before its handler is. `now` is in Unix seconds."""
    if begun.killed >= policy.killed:
        return Park(f"its last {begun.killed} lives vanished and left nothing")
    if begun.turn.begun >= policy.lives:
        return Park(f"it was begun {begun.turn.begun} times and never ended")
    waited = now - begun.turn.accepted_at
    if waited >= policy.oldest:
        return Park(f"it was accepted {waited / 3600:.0f} hours ago and has not ended", late=True)
    return None


def on_past(past: Sequence[Entry]) -> Park | None:
    """A turn of whose journal a part is gone, or cannot be read, is not gone on with as if nothing
    were missing.
    """
    whole = all(entry.event and entry.sequence == n for n, entry in enumerate(past, 1))
    return None if whole else Park("a part of its journal is gone or cannot be read")


def on_failure(how: str, times: int, policy: Policy) -> Again | Park:
    """`times` is how often in a row it failed as `how` tells (see `fingerprint`)."""
    if times >= policy.alike:
        return Park(f"it failed {times} times alike: {how}")
    return Again(min(policy.longest, policy.backoff * 2 ** (times - 1)))


def fingerprint(error: BaseException) -> str:
    """By what two failures are alike: the type, and the line that raised. Never the text, in
    which there may be anything.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    trace: TracebackType | None = error.__traceback__
    if trace is None:
        return name
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    file = code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{name} in {code.co_qualname} ({file}:{trace.tb_lineno})"
