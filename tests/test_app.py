"""The composition root's own decisions."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holdfast.app import pepper


def test_nodes_that_start_at_once_name_keys_alike(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(8) as nodes:
            made = set(nodes.map(pepper, [folder] * 8))
        assert {len(secret) for secret in made} == {32}
        assert len(made) == 1
        assert [file.name for file in folder.iterdir()] == ["pepper"]
        assert stat.S_IMODE((folder / "pepper").stat().st_mode) & 0o077 == 0
