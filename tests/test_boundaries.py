"""Every exception is caught in a few places only, and a record says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "holdfast"
RECORD = ROOT / "docs" / "adr" / "0017-where-every-exception-is-caught.md"
BROAD = {"Exception", "BaseException"}


def broad_handlers(tree: ast.AST, function: str = "") -> Iterator[str]:
    """The functions, innermost, of all handlers that catch everything."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = (
                {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                if node.type
                else BROAD
            )
            if caught & BROAD:
                yield function
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield from broad_handlers(node, inside)


def test_the_record_names_every_place() -> None:
    found = sorted(
        (".".join(path.relative_to(SOURCE).with_suffix("").parts), function)
        for path in SOURCE.rglob("*.py")
        for function in broad_handlers(ast.parse(path.read_text(encoding="utf-8")))
    )
    named = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \|", RECORD.read_text(encoding="utf-8"), re.M)
    assert found == sorted(named)
