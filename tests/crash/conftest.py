from __future__ import annotations

import pytest
from tests import launching


@pytest.fixture
def launcher() -> launching.Launcher:
    return launching.launcher()
