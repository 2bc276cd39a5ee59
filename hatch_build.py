"""Builds the web page into the package, with whatever Node there is.

A wheel always carries the page. An editable install goes on without it where Node or its
packages cannot be had: the server then says so in its place.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = ("package.json", "package-lock.json", "index.html", "vite.config.ts", "tsconfig.json")


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root) / "web"
        static = Path(self.root) / "src" / "holdfast" / "console" / "static"
        stamp = static / ".sources"
        if not web.is_dir():
            return  # a source distribution carries the built page
        wanted = _digest(web)
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        try:
            _build(web)
        except (OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"the web page was not built: {error}")
            return
        stamp.write_text(wanted)


def _digest(web: Path) -> str:
    files = [web / name for name in _SOURCES]
    files += sorted(p for folder in ("src", "public") for p in (web / folder).rglob("*"))
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.relative_to(web).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _build(web: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("there is no npm; install Node.js 20.19 or later")
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=web, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
