"""The probe against the simulator on real sockets: every habit is told for what it is."""

from __future__ import annotations

import pytest

from holdfast.app import calling
from holdfast.core.attempt import Continuation, Target
from holdfast.core.failure import Kind
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.upstream.capabilities import PARTIAL, PLAIN, PREFIX, VLLM
from holdfast.upstream.probe import Finding, Prefill, probe

pytestmark = [pytest.mark.anyio, pytest.mark.scenario]

YES, NO, REFUSED, ECHOED = (
    Prefill.HONOURED,
    Prefill.IGNORED,
    Prefill.REFUSED,
    Prefill.ECHOED,
)


async def found(model: str, language: str = "en") -> Finding:
    async with SimulatedUpstream() as upstream, calling("test", []) as executor:
        target = Target(f"sim/{model}", base_url=upstream.base_url, model=model)
        return await probe(executor.connector, target, language)


MODES = [
    # the simulator's mode; what it does with prefix, partial, vllm and plain; what suits it
    ("any", (YES, YES, YES, YES), Continuation.PREFILL),
    ("prefix", (YES, REFUSED, REFUSED, REFUSED), Continuation.PREFILL),
    ("partial", (NO, YES, NO, NO), Continuation.PREFILL),
    ("vllm", (NO, NO, YES, NO), Continuation.PREFILL),
    ("plain", (YES, YES, YES, YES), Continuation.PREFILL),
    ("refuse", (REFUSED, REFUSED, REFUSED, REFUSED), Continuation.INSTRUCT),
    ("ignore", (NO, NO, NO, NO), Continuation.INSTRUCT),
]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("mode", "did", "suggested"), MODES)
async def test_what_a_target_does_with_a_prefill(
    mode: str, did: tuple[Prefill, ...], suggested: Continuation, language: str
) -> None:
    finding = await found(f"ok;text=long;mode={mode}", language)
    assert finding.failure is None
    assert finding.streams
    assert finding.prefill == dict(zip((PREFIX, PARTIAL, VLLM, PLAIN), did, strict=True))
    assert finding.suggestion is suggested
    assert finding.seam is not None


async def test_a_target_that_repeats_the_prefill() -> None:
    finding = await found("ok;text=long;mode=prefix;echo")
    assert finding.prefill is not None
    assert finding.prefill[PREFIX] is ECHOED
    assert finding.suggestion is Continuation.PREFILL


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("noise", "joined", "verified"),
    [
        ("anchor", True, True),
        ("preamble+anchor", True, True),
        ("restart", True, True),
        ("exact", True, False),
        ("reword", False, False),
    ],
)
async def test_how_it_follows_an_instruction(
    noise: str, joined: bool, verified: bool, language: str
) -> None:
    finding = await found(f"ok;text=long;mode=refuse;noise={noise}", language)
    assert bool(finding.seam) is joined
    assert bool(finding.seam and finding.seam.verified) is verified
    assert bool(finding.objection) is not joined
    wanted = Continuation.INSTRUCT if joined else Continuation.NEVER
    assert finding.suggestion is wanted


@pytest.mark.parametrize(
    ("model", "kind"), [("openai_401", Kind.AUTH), ("openai_404", Kind.NOT_FOUND)]
)
async def test_a_target_that_gives_no_answer_is_asked_once(model: str, kind: Kind) -> None:
    async with SimulatedUpstream() as upstream, calling("test", []) as executor:
        target = Target(f"sim/{model}", base_url=upstream.base_url, model=model)
        finding = await probe(executor.connector, target, "en")
    assert finding.failure is not None
    assert finding.failure.kind is kind
    assert finding.suggestion is None
    assert finding.as_json()["works"] is False
