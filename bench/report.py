"""The report: tables that a person can read and a diff can compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .cells import NOISY, Conditions, Figures, Showing
from .peers import BASELINE, OURS, YARDSTICK

_SATURATED = 0.95  # a load core busier than this may itself have been the limit
_FEW = 200  # answers; with fewer than this the p99 is among the two slowest
_MIB = 2**20
_BAR = 4.0

_INTRO = """\
# Benchmark results

Written by `python -m bench`; what each number means and how it is taken is in `README.md`.
One run, one after the other, on the same two cores: the gateway alone on one, load generator and
fake model on the other. An answer that is not whole is an error and counts for no speed.
"""

Row = tuple[str, ...]


def report(conditions: Conditions, showings: Sequence[Showing]) -> str:
    """The whole report as Markdown."""
    shown = [showing for showing in showings if not showing.skipped]
    sections = [
        _INTRO,
        _conditions(conditions, showings),
        "## Speed\n\nAnswers per second in a closed loop: every connection asks again at once.\n",
        _speed(shown),
        "\n## First token\n\nMilliseconds to the first token, p50 / p99.\n",
        _first_token(shown),
        "\n## Long streams and memory\n",
        _long(shown),
        "\n## Use of the cores\n\nGateway on its core / load on its core / others on either.\n",
        _busy(shown),
        _against(shown),
        _errors(shown),
    ]
    return "\n".join(section for section in sections if section).rstrip() + "\n"


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _conditions(conditions: Conditions, showings: Sequence[Showing]) -> str:
    told = (
        ("date", conditions.date),
        ("machine", f"{conditions.cpu}, {conditions.cores} cores, {conditions.memory_gib} GiB"),
        ("kernel", conditions.kernel),
        ("harness", f"Python {conditions.python}, {conditions.libraries}"),
        ("load average before", f"{conditions.load_average}"),
        ("seconds per cell", f"at least {conditions.seconds:g}; {conditions.minutes} min in all"),
        ("control", conditions.control),
        *((each.name, each.version or f"skipped: {each.skipped}") for each in showings),
    )
    return "\n".join(["## Conditions\n", *(f"- {name}: {value}" for name, value in told), ""])


def _names(showings: Sequence[Showing], *kinds: str) -> list[str]:
    """The cells of these kinds that were run, in their order."""
    return [name for name in (showings[0].figures if showings else ()) if name.split()[0] in kinds]


def _grid(
    showings: Sequence[Showing], cells: Sequence[str], entry: Callable[[Showing, Figures], str]
) -> str:
    rows = [(each.name, *(entry(each, each.figures[cell]) for cell in cells)) for each in showings]
    return _table(("", *cells), rows)


def _number(value: float) -> str:
    """Three figures that mean something, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _marked(text: str, it: Figures) -> str:
    return f"{text}~" if it.disturbed > NOISY else text


def _speed_of(value: float, it: Figures) -> str:
    """A speed, marked where the harness may have been what limited it."""
    return _marked(("≥ " if it.load_busy > _SATURATED else "") + _number(value), it)


def _speed(showings: Sequence[Showing]) -> str:
    cells = _names(showings, "json", "stream")
    note = (
        "\n≥: the load core was full; the gateway may be faster than this.  \n"
        f"~, everywhere: others took more than {NOISY:.0%} of a core; distrust this figure."
    )
    return _grid(showings, cells, lambda _, it: _speed_of(it.per_second, it)) + "\n" + note


def _first_token(showings: Sequence[Showing]) -> str:
    """Paced: as added to direct. Closed loop: as it was."""
    paced, closed = _names(showings, "paced"), _names(showings, "stream")
    base = _figures(showings, BASELINE)

    def entry(showing: Showing, it: Figures) -> str:
        if it.first is None:
            return "none"
        mark = "*" if it.whole < _FEW else ""
        if showing.name == BASELINE or it.cell not in paced:
            return _marked(f"{_number(it.first.p50)} / {_number(it.first.p99)}{mark}", it)
        return _marked(" / ".join(_signed(added(it, base, of)) for of in ("p50", "p99")) + mark, it)

    notes = (
        "\nPaced columns: what is added to direct under a low, even load; in the row of direct the"
        f"\ntime itself. stream columns: the time itself, under full load. *: fewer than {_FEW}"
        " answers,\nso the p99 is close to the slowest."
    )
    return _grid(showings, [*paced, *closed], entry) + "\n" + notes


def _figures(showings: Sequence[Showing], name: str) -> Mapping[str, Figures]:
    return next((each.figures for each in showings if each.name == name), {})


def added(it: Figures, base: Mapping[str, Figures], of: str) -> float | None:
    """Milliseconds to the first token beyond those of the baseline's same cell."""
    direct = base.get(it.cell)
    if it.first is None or direct is None or direct.first is None:
        return None
    ours: float = getattr(it.first, of)
    theirs: float = getattr(direct.first, of)
    return ours - theirs


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.2f}"


def _long(showings: Sequence[Showing]) -> str:
    cells = _names(showings, "burst", "tick")
    head = ("", *(f"chunks/s, {cell}" for cell in cells), "RSS idle, MB", "RSS after load, MB")
    rows = [
        (
            each.name,
            *(_speed_of(it.chunks_per_second, it) for it in (each.figures[cell] for cell in cells)),
            *(_megabytes(size) for size in (each.idle_bytes, each.loaded_bytes)),
        )
        for each in showings
    ]
    note = (
        "\nStreams of 200 chunks: burst in one write, tick in a write for each chunk. Tick is bound"
        "\nby the fake model's own writes: see direct."
    )
    return _table(head, rows) + "\n" + note


def _megabytes(size: int) -> str:
    return f"{size / _MIB:.0f}" if size else "–"


def _busy(showings: Sequence[Showing]) -> str:
    def entry(_: Showing, it: Figures) -> str:
        return f"{it.gateway_busy:.0%} / {it.load_busy:.0%} / {it.disturbed:.0%}"

    kinds = ("paced", "burst", "tick", "json", "stream")
    return _grid(showings, _names(showings, *kinds), entry)


def ratios(showing: Showing, than: Showing, base: Mapping[str, Figures]) -> dict[str, float]:
    """How many times better than another, by measure; left out where nothing can be divided."""
    found: dict[str, float] = {}
    for cell, it in showing.figures.items():
        other = than.figures[cell]
        if cell.startswith("paced"):
            for of in ("p50", "p99"):
                ours, theirs = added(it, base, of), added(other, base, of)
                if ours is not None and theirs is not None and ours > 0 and theirs > 0:
                    found[f"added first token {of}, {cell}"] = theirs / ours
        elif other.per_second:
            found[f"answers/s, {cell}"] = it.per_second / other.per_second
    for what, ours_bytes, their_bytes in (
        ("RSS idle", showing.idle_bytes, than.idle_bytes),
        ("RSS after load", showing.loaded_bytes, than.loaded_bytes),
    ):
        if ours_bytes:
            found[what] = their_bytes / ours_bytes
    return found


def _against(showings: Sequence[Showing]) -> str:
    than = next((each for each in showings if each.name == YARDSTICK), None)
    if than is None:
        return ""
    base = _figures(showings, BASELINE)
    others = [each for each in showings if each.name not in (BASELINE, YARDSTICK)]
    columns = {each.name: ratios(each, than, base) for each in others}
    measures = list(dict.fromkeys(measure for found in columns.values() for measure in found))
    if not measures:
        return ""
    rows = [
        (measure, *(_times(found.get(measure)) for found in columns.values()))
        for measure in measures
    ]
    title = f"\n## Against {YARDSTICK}, in this run\n\nTimes better; below 1 is worse.\n"
    return title + "\n" + _table(("", *columns), rows) + _verdict(columns.get(OURS, {}))


def _times(value: float | None) -> str:
    return "?" if value is None else f"{_number(value)}×"


def _verdict(found: Mapping[str, float]) -> str:
    if not found:
        return ""
    measure, least = min(found.items(), key=lambda pair: pair[1])
    below = sum(value < _BAR for value in found.values())
    bar = f"{below} of {len(found)} measures are" if below else "no measure is"
    return f"\n\n{OURS}: least where it counts {measure}, {_times(least)}; {bar} below {_BAR:g}×."


def _errors(showings: Sequence[Showing]) -> str:
    lines = [
        f"- {each.name}, {it.cell}: {it.errors} ({_listed(it.flaws)}) beside {it.whole} whole"
        for each in showings
        for it in each.figures.values()
        if it.errors
    ]
    return "\n".join(["\n## Errors\n", *(lines or ["None: every answer was whole."])])


def _listed(flaws: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {flaw}" for flaw, count in flaws.items())
