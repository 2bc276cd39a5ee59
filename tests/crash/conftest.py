from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.crash.served import Launcher


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """One for all tests: to load everything takes longer than most of them."""
    with Launcher() as made:
        yield made
