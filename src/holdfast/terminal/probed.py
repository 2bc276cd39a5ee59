"""What `holdfast check --probe` found out, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from ..core.attempt import Continuation
from ..core.verdict import Language, explain
from ..upstream.capabilities import FLAGS
from ..upstream.probe import Finding, Prefill
from .words import say

_PREFIX = len("prefill:")
_DID: Mapping[Prefill, str] = {
    Prefill.HONOURED: "probe_honoured",
    Prefill.ECHOED: "probe_echoed",
    Prefill.IGNORED: "probe_ignored",
    Prefill.REFUSED: "probe_refused",
    Prefill.FAILED: "probe_failed_otherwise",
}


def tell(console: Console, findings: Sequence[Finding], language: Language) -> None:
    for finding in findings:
        console.print(finding.target.key, style="bold", highlight=False)
        for line in _lines(finding, language):
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _lines(finding: Finding, language: Language) -> Iterator[str]:
    if finding.failure:
        why = explain(finding.failure, language, finding.target.name)
        yield say("probe_failed", language, why=why)
        return
    yield say("probe_streams" if finding.streams else "probe_whole", language)
    for mark in FLAGS:
        found = (finding.prefill or {})[mark]
        did = say(_DID[found], language)
        yield say("probe_prefill", language, mark=mark[_PREFIX:], did=did)
    if finding.seam:
        proved = say("probe_proved" if finding.seam.verified else "probe_unproved", language)
        yield say("probe_joined", language, rule=finding.seam.rule, proved=proved)
    else:
        yield say("probe_refused_joint", language, why=finding.objection)
    yield _advice(finding, finding.suggestion or Continuation.NEVER, language)


def _advice(finding: Finding, best: Continuation, language: Language) -> str:
    if best is finding.target.continuation:
        return say("probe_as_set", language, way=best.value)
    provider = finding.target.name.partition("/")[0]
    return say("probe_suggest", language, provider=provider, way=best.value)
