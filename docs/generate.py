"""Writes into docs/ what only the code knows: `python docs/generate.py`.

What stands between `<!-- NAME -->` and `<!-- end -->` belongs to this program.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from holdfast.core.failure import RULES, Kind, Phase
from holdfast.core.reason import REASONS
from holdfast.sim.catalogue import FAULTS
from holdfast.sim.truth import Truth
from holdfast.wire.losses import ANSWER_LOSSES, LOSSES, OURS, TARGET_LOSSES

DOCS = Path(__file__).parent

_PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def remedies() -> str:
    """What each kind of failure means and calls for."""
    rows = [
        (f"`{kind.value}`", rule.remedy.value, rule.meaning, rule.meaning_zh)
        for kind, rule in RULES.items()
    ]
    return _table(("kind", "remedy", "it means", "意思"), rows)


def reasons() -> str:
    """Why an attempt was followed by what it was followed by."""
    marks = {"count": "N", "seconds": "N"}
    rows = [
        tuple(re.sub(r"\{(\w+)[^}]*\}", lambda found: marks[found[1]], text) for text in pair)
        for pair in REASONS.values()
    ]
    return _table(("why", "why_zh"), rows)


def catalogue() -> str:
    """How many faults strike in which phase, and what they are taken for."""
    rows = []
    for phase in Phase:
        faults = [truth for truth in _faults() if truth.phase is phase]
        kinds = Counter(kind.value for truth in faults if (kind := truth.kind))
        if faults:
            told = ", ".join(f"`{kind}` {count}" for kind, count in kinds.most_common())
            rows.append((phase.value, str(len(faults)), told))
    return _table(("phase", "faults", "kinds"), rows)


def faults() -> str:
    """Every fault by the name that a simulated model is asked by."""
    rows = [
        (
            f"`{truth.name}`{' *' if truth.address else ''}",
            truth.phase.value,
            f"`{_kind(truth).value}`",
            truth.cause,
            truth.meaning_en,
            truth.meaning_zh,
        )
        for truth in _faults()
    ]
    return _table(("name", "phase", "kind", "cause", "what happens", "发生的事"), rows)


def healthy() -> str:
    rows = [
        (f"`{truth.name}`", truth.meaning_en, truth.meaning_zh)
        for truth in FAULTS.values()
        if truth.healthy
    ]
    return _table(("name", "what happens", "发生的事"), rows)


def losses() -> str:
    rows = [
        (dialect, f"`{loss.field}`", loss.why, loss.why_zh)
        for dialect, found in LOSSES.items()
        for loss in found
    ]
    return _table(("client", "field", "why", "原因"), rows)


def targetlosses() -> str:
    rows = [(loss.dialect, loss.what, loss.why, loss.why_zh) for loss in TARGET_LOSSES]
    return _table(("target", "what", "why", "原因"), rows)


def answerlosses() -> str:
    rows = [(loss.dialect, loss.what, loss.why, loss.why_zh) for loss in ANSWER_LOSSES]
    return _table(("client", "what", "why", "原因"), rows)


def ours() -> str:
    rows = [(loss.dialect, loss.what, loss.why, loss.why_zh) for loss in OURS]
    return _table(("dialect", "what", "why", "原因"), rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "remedies": remedies,
    "reasons": reasons,
    "catalogue": catalogue,
    "faults": faults,
    "healthy": healthy,
    "losses": losses,
    "targetlosses": targetlosses,
    "answerlosses": answerlosses,
    "ours": ours,
}


def render(text: str) -> str:
    """`text` with every part brought up to date. Raises KeyError for a part that nobody knows."""
    return _PART.sub(lambda part: part[1] + PARTS[part[2]]() + part[3], text)


def pages() -> list[Path]:
    return sorted(DOCS.rglob("*.md"))


def _faults() -> list[Truth]:
    return [truth for truth in FAULTS.values() if not truth.healthy]


def _kind(truth: Truth) -> Kind:
    assert truth.kind is not None
    return truth.kind


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '·') for cell in row)} |\n" for row in lines)


if __name__ == "__main__":
    for page in pages():
        page.write_text(render(page.read_text(encoding="utf-8")), encoding="utf-8")
