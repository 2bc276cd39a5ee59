"""The files that a browser loads, and what they are served with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast.console.pages import routes

SCRIPT = "let answer = 42;\n" * 1000


def asked(static: Path, path: str) -> httpx2.Response:
    async def main() -> httpx2.Response:
        transport = httpx2.ASGITransport(Starlette(routes=routes(static)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(main())


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "secret.txt").write_text("not for anybody")
    return tmp_path


def test_assets_are_kept_for_ever_and_come_packed(static: Path) -> None:
    answer = asked(static, "/assets/index-1a2b.js")
    assert answer.text == SCRIPT
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"


def test_the_page_is_asked_for_anew_and_may_load_nothing_of_others(static: Path) -> None:
    answer = asked(static, "/")
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/..%2fsecret.txt", "/secret.txt"])
def test_nothing_else_is_served(static: Path, path: str) -> None:
    assert asked(static, path).status_code == 404


def test_a_page_that_was_not_built_says_so_in_both_languages(tmp_path: Path) -> None:
    answer = asked(tmp_path, "/")
    assert "was not built" in answer.text
    assert "没有构建" in answer.text
