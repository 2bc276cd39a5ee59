"""Incidents as people read them: a list, and the timeline of one, hop by hop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ..core.failure import RULES, Kind
from ..core.record import why
from ..core.verdict import Language
from ..store.ports import Incident
from .prose import Prose
from .words import say

_STYLES = {"recovered": "green", "failed": "red", "open": "yellow", "cancelled": "dim"}

# Why they were taken has been said: they follow from the failure.
_PLAIN = frozenset({"continue", "retry", "failover", "replace"})

Record = Mapping[str, Any]


def table(incidents: Sequence[Incident], language: Language) -> Table:
    """Newest first, one line each; times in UTC. Where it is narrow, the route gives way."""
    drawn = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", expand=True)
    for word in ("ref", "when", "outcome", "cause"):
        drawn.add_column(say(word, language), no_wrap=True)
    drawn.add_column(say("route", language), overflow="ellipsis", no_wrap=True, ratio=1)
    for incident in incidents:
        when = datetime.fromtimestamp(incident.at, UTC)
        drawn.add_row(
            incident.ref,
            f"{when:%m-%d %H:%M}",
            Text(say(incident.outcome, language), _STYLES.get(incident.outcome, "")),
            incident.kind,
            incident.route,
        )
    return drawn


def timeline(record: Record, language: Language) -> RenderableType:
    """One incident: who was asked when, how far each came, why it failed, what was decided."""
    outcome = record["outcome"]
    head = Text.assemble(
        (record["ref"], "bold"),
        "  ",
        (say(outcome, language), _STYLES.get(outcome, "")),
        f"  {record.get('route', '')}  {record.get('at', '')[:19]}Z  {_span(record.get('ms', 0))}",
    )
    root = Tree(Prose(head), guide_style="dim")
    for attempt in record.get("attempts", []):
        _draw(root, attempt, language)
    end = [Text(say("released", language, n=record.get("released_chars", 0)), "dim")]
    return Group(root, *end)


def attempt_line(attempt: Record, language: Language) -> Text:
    """An attempt in one line, for a narrow column."""
    kind = attempt.get("kind")
    mark, style = ("✗", "red") if kind else ("✓", "green")
    what = _meaning(kind, language) if kind else say("whole", language)
    cause = (language == "zh" and attempt.get("cause_zh")) or attempt.get("cause", "")
    told = kind and cause and cause != RULES[Kind(kind)].meaning
    shown = say("because", language, cause=cause) if told else ""
    return Text.assemble(
        (f"{mark} ", style),
        (attempt["target"], "bold"),
        say("told", language, what=f"{what}{shown}", time=_span(attempt["ms"])),
    )


def _draw(root: Tree, attempt: Record, language: Language) -> None:
    how = "" if attempt["how"] == "start" else f" ({attempt['how']})"
    asked = Text.assemble(
        (f"+{_span(attempt.get('at_ms', 0))} ", "dim"),
        f"#{attempt['number']} ",
        (attempt["target"], "bold"),
        (f" {attempt['key']}" if "key" in attempt else "", "dim"),
        (how, "dim"),
    )
    branch = root.add(Prose(asked))
    phases = [f"{phase} {_span(ms)}" for phase, ms in attempt.get("phases", {}).items()]
    if phases:
        branch.add(Prose(Text(" → ".join(phases), "dim")))
    for line in _ending(attempt, language):
        branch.add(Prose(line))


def _ending(attempt: Record, language: Language) -> Iterator[Text]:
    kind = attempt.get("kind")
    word = kind or say("whole", language)
    yield Text.assemble(
        ("✗ " if kind else "✓ ", "red" if kind else "green"),
        (word, "red" if kind else ""),
        say("after", language, time=_span(attempt["ms"])),
    )
    if "explained" in attempt:
        yield Text(attempt["explained"][language])
    if "causes" in attempt:
        yield Text(" ← ".join(_link(cause) for cause in attempt["causes"]), "dim")
    if "upstream_request_id" in attempt:
        yield Text(
            f"{next(iter(attempt['upstream_ids']))}: {attempt['upstream_request_id']}", "dim"
        )
    if "seam" in attempt:
        seam = attempt["seam"]
        sure = say(seam["confidence"], language)
        yield Text(say("seam", language, rule=seam["rule"], sure=sure, n=seam["overlap_chars"]))
    decision = attempt.get("decision", "")
    if decision and decision != "finish":
        reason = (
            "" if decision in _PLAIN else say("because", language, cause=why(attempt, language))
        )
        yield Text.assemble(("→ ", "cyan"), say(decision, language), reason)


def _link(cause: Record) -> str:
    name = cause["type"].rpartition(".")[2]
    return f"{name}[{cause['reason']}]" if "reason" in cause else name


def _meaning(kind: str, language: Language) -> str:
    rule = RULES[Kind(kind)]
    return rule.meaning_zh if language == "zh" else rule.meaning


def _span(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"
