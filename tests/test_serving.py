"""Who is let in, and when."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

import pytest
import uvloop

from holdfast.serving import Server


def test_all_who_wait_are_let_in_within_a_few_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a turn of the loop is: those that are in already must not go first for ever."""
    monkeypatch.setattr(Server, "_heed_hangup", lambda server: None)
    many = 128

    async def serve(listener: socket.socket) -> int:
        nothing: Any = None
        server = Server(nothing, nothing, lambda address: None, nothing)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([listener])
        turns = 0
        while len(server.server_state.connections) < many:
            await asyncio.sleep(0)
            turns += 1
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        for handle in server._handles:
            handle.close()
        await asyncio.sleep(0)
        return turns

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=many))
        for _ in range(many):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        assert uvloop.run(serve(listener)) < many / 4
