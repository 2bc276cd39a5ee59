"""Messages in and out over real sockets: every scene, both ways of receiving."""

from __future__ import annotations

import pytest
from tests.platforms.qq.rig import Rig, Transport, play

from holdfast.bot.event import Scene

pytestmark = pytest.mark.scenario

BOTH: list[Transport] = ["websocket", "webhook"]


@pytest.mark.parametrize("transport", BOTH)
def test_a_private_message_is_answered_by_a_stream(transport: Transport) -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        message_id = anna.says("hello")
        await it.hears(1)
        message = it.inbox.messages[0]
        assert (message.id, message.text) == (message_id, "hello")
        assert message.place.conversation == f"qq:c2c:{anna.id}"
        assert (message.place.scene, message.addressed) == (Scene.DIRECT, True)
        await it.streams("Once", "Once upon a time", "Once upon a time.")
        assert anna.reads == ["Once upon a time."]
        assert not anna.generating
        assert it.qq.complaints == []

    play(scene, transport=transport)
