"""Every store, whichever database is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.databases import Place, postgres_schema

from holdfast.store.database import Database


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty database, to be opened as often as a test likes."""
    if request.param == "sqlite":
        yield tmp_path / "deep" / "holdfast.db"
        return
    with postgres_schema() as url:
        yield url


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    opened = Database(place)
    yield opened
    opened.close()
