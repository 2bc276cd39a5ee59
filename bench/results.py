"""The file of results: one section for each benchmark, each rewritten alone."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def with_section(document: str, name: str, text: str) -> str:
    """`document` with the section `name` replaced by `text`; a new one goes to the end."""
    section = f"<!-- begin {name} -->\n{text.strip()}\n<!-- end {name} -->\n"
    mark = re.escape(name)
    found = re.compile(rf"<!-- begin {mark} -->\n.*?<!-- end {mark} -->\n", re.DOTALL)
    if found.search(document):
        return found.sub(lambda _: section, document, count=1)
    return f"{document.rstrip()}\n\n{section}" if document.strip() else section


def keep(path: Path, name: str, text: str) -> None:
    """Writes one section of the file at `path`; the others stay as they are."""
    document = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(with_section(document, name, text), encoding="utf-8")


def section(path: Path, name: str) -> str:
    """What the file at `path` holds under that name; "" if nothing."""
    document = path.read_text(encoding="utf-8") if path.exists() else ""
    mark = re.escape(name)
    found = re.search(rf"<!-- begin {mark} -->\n(.*?)<!-- end {mark} -->\n", document, re.DOTALL)
    return found[1] if found else ""
