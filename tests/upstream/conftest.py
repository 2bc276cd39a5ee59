"""Both event loops that Holdfast runs on must tell the same."""

from __future__ import annotations

import asyncio

import pytest
from tests.upstream import peers

try:
    import uvloop
except ImportError:  # Windows
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def every_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "new_loop", LOOPS[request.param])
