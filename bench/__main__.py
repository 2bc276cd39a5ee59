"""`python -m bench`: measure, and keep the report."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec
import uvloop

from .peers import BASELINE, PEERS
from .report import report
from .results import RESULTS, keep
from .run import Order, run

_HERE = Path(__file__).parent


def _names(given: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(","))
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        known = ", ".join(PEERS)
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {known}")
    return names


def _numbers(given: str) -> tuple[int, ...]:
    numbers = tuple(dict.fromkeys(int(each) for each in given.split(",")))
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("a number of connections is at least 1")
    return numbers


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 < seconds <= 600:
        raise argparse.ArgumentTypeError("between 0 and 600")
    return seconds


def _order(argv: list[str]) -> Order:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=_seconds, default=5.0, help="counted per cell (5)")
    only = f"these gateways only, with commas; {BASELINE} always runs ({','.join(PEERS)})"
    parser.add_argument("--only", type=_names, default=(), help=only)
    connections = "of the closed loops, with commas (1,32,256)"
    parser.add_argument("--connections", type=_numbers, default=(1, 32, 256), help=connections)
    given = parser.parse_args(argv)
    return Order(given.seconds, given.only, given.connections, _HERE / ".work")


def main(argv: list[str]) -> int:
    """The whole run. A machine that cannot do it is told so, with exit 2."""
    order = _order(argv)
    try:
        conditions, showings = uvloop.run(run(order, lambda line: print(line, flush=True)))
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("bench: stopped; nothing was kept", file=sys.stderr)
        return 130
    results = {"conditions": conditions, "gateways": showings}
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=1)
    (order.work / "results.json").write_bytes(encoded)
    text = report(conditions, showings)
    kept = order.work / "RESULTS.md" if order.only else RESULTS  # a part never replaces the whole
    keep(kept, "speed", text)
    print(f"{text}\nkept as {kept.relative_to(_HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
