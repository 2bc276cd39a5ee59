"""The composition root's own decisions."""

from __future__ import annotations

import asyncio
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.upstream.leaks import HANG

from holdfast.app import pepper, serve
from holdfast.config import Settings


def test_nodes_that_start_at_once_name_keys_alike(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(8) as nodes:
            made = set(nodes.map(pepper, [folder] * 8))
        assert {len(secret) for secret in made} == {32}
        assert len(made) == 1
        assert [file.name for file in folder.iterdir()] == ["pepper"]
        assert stat.S_IMODE((folder / "pepper").stat().st_mode) & 0o077 == 0


def test_a_server_a_part_of_which_has_failed_ends_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would listen on, and answer nobody."""

    async def part() -> None:
        await listens.wait()
        raise ZeroDivisionError

    async def main() -> None:
        settings = Settings.model_validate({"server": {"port": 0, "data_dir": tmp_path}})
        async with asyncio.timeout(HANG):
            await serve(settings, lambda url: listens.set())

    listens = asyncio.Event()
    monkeypatch.setattr("holdfast.app.works", lambda *_: [part()])
    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
