"""Every store, whichever database is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.databases import Place, emptied, postgres_schema

from holdfast.store.database import Database


@pytest.fixture(scope="session")
def schema() -> Iterator[str]:
    """A schema of PostgreSQL with the tables, shared by the tests."""
    with postgres_schema() as url:
        Database(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A database without rows, to be opened as often as a test likes."""
    if request.param == "sqlite":
        return tmp_path / "deep" / "holdfast.db"
    return emptied(request.getfixturevalue("schema"))


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    opened = Database(place)
    yield opened
    opened.close()
