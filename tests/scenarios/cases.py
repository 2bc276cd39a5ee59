"""Every fault of the catalogue at every place where it can strike, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.scenarios.house import PATIENT

from holdfast.core.failure import REMEDIES, Kind, Phase, Remedy
from holdfast.sim.catalogue import FAULTS, Position, Truth
from holdfast.sim.dice import Dice
from holdfast.sim.script import expected, len_pieces, parse
from holdfast.sim.upstream import SimulatedUpstream

SOON = 0.25  # seconds in which a fault of silence is given up
LATER = 4.0  # the same where one limit holds for a phase before it, which must have time to pass
QUESTIONS = (
    "Tell me about text:demo please",
    "请讲一讲 text:demo 好吗",
    "Show me text:code please",
    "请给我看 text:emoji 好吗",
)
SHORT = "Tell me about text:short please"
WELL = "ok;chunk=10"  # pieces as large as many vendors send; all targets cut an answer alike

_LEAVES = "close_unannounced"  # it strikes whoever is next on its connection: no other case

# Which limit notices a silence that strikes in that phase.
_LIMITS: Mapping[Phase, tuple[str, ...]] = {
    Phase.CONNECT: ("connect",),
    Phase.TLS: ("connect",),
    Phase.HEADERS: ("headers",),
    Phase.FIRST: ("first_event",),
    Phase.STREAM: ("bytes_idle", "content_idle"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One fault after `sent` pieces of the answer to `question`."""

    truth: Truth
    sent: int
    question: str
    continuation: str  # as configured for the target that is asked second

    @property
    def name(self) -> str:
        return f"{self.truth.name}-{self.sent}-{self.continuation}"

    @property
    def body(self) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": self.question}]}

    @property
    def model(self) -> str:
        """The model name that plays it; a matter of the address is asked for a whole answer."""
        if self.truth.address:
            return WELL
        chunks = self.truth.position is Position.CHUNK
        how = f"@{self.sent}" if chunks else ";late=0.05"
        return WELL.replace("ok", f"{self.truth.name}{how}")

    @property
    def text(self) -> str:
        return expected(self.body, parse(WELL).habits)

    @property
    def phase(self) -> Phase:
        return self.truth.phase_after(self.sent)

    @property
    def is_survivable(self) -> bool:
        """Whether another target can make the answer whole, as text."""
        tool_cut = self.truth.kind is Kind.TOOL_ARGUMENTS and self.sent > 0
        return self.can_be_asked_again and not tool_cut

    @property
    def can_be_asked_again(self) -> bool:
        """Whether it is worth asking anybody else, as long as nothing was released."""
        return self.truth.kind is None or REMEDIES[self.truth.kind] is not Remedy.STOP

    def provider(self, sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> dict[str, Any]:
        """The failing target's provider: a fault of time meets a short limit, others a long one."""
        name = self.truth.name
        timed = self.truth.kind is Kind.TIMEOUT
        soon = LATER if self.phase is Phase.TLS else SOON
        short = dict.fromkeys(_LIMITS[self.phase], soon) if timed else {}
        upstream = sim_tls if name == "tls_untrusted" else sim
        address = upstream.address_for(name)
        if name == _LEAVES:
            address = address.replace("127.0.0.1", "localhost")  # connections of its own
        return {
            "base_url": address,
            "timeouts": {**PATIENT, **short},
            "continuation": "never",
        }


def cases(continuation: str) -> Iterator[Case]:
    for number, truth in enumerate(FAULTS.values()):
        chunks = truth.position is Position.CHUNK
        question = QUESTIONS[number % len(QUESTIONS)] if chunks else SHORT
        for sent in _places(truth, question):
            yield Case(truth, sent, question, continuation)


def _places(truth: Truth, question: str) -> list[int]:
    """Before anything, after one piece, in the middle, and one before the last."""
    if truth.position is not Position.CHUNK:
        return [0]
    body = {"messages": [{"role": "user", "content": question}], "stream": True}
    count = len_pieces(body, parse(WELL), Dice(0))
    return [0, 1, count // 2, count - 1]
