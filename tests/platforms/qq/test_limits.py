"""What each kind of place can do."""

from __future__ import annotations

import pytest

from holdfast.bot.event import Place, Scene
from holdfast.core.request import Surface
from holdfast.platforms.qq.limits import capabilities

MESSAGE, EVENT = {"msg_id": "ROBOT1.0_x"}, {"event_id": "INTERACTION_CREATE:x"}


@pytest.mark.parametrize(
    ("conversation", "scene", "surface", "replies", "window", "known_again"),
    [
        ("qq:c2c:A1", Scene.DIRECT, Surface.APPEND_ONLY, 4, 3600.0, True),
        ("qq:group:B2", Scene.GROUP, Surface.NONE, 5, 300.0, True),
        ("qq:channel:10", Scene.GROUP, Surface.NONE, None, 300.0, False),
        ("qq:dm:187", Scene.DIRECT, Surface.NONE, None, 300.0, False),
    ],
)
def test_every_place_has_its_own_limits(
    conversation: str,
    scene: Scene,
    surface: Surface,
    replies: int | None,
    window: float,
    known_again: bool,
) -> None:
    can = capabilities(Place(conversation, scene, MESSAGE), markdown=True)
    assert (can.surface, can.replies, can.window) == (surface, replies, window)
    assert can.recognises_repeats is known_again
    assert can.markdown is known_again  # guilds permit it by invitation only


def test_an_event_is_answered_within_half_an_hour() -> None:
    assert capabilities(Place("qq:c2c:A1", Scene.DIRECT, EVENT), markdown=True).window == 1800.0
    assert capabilities(Place("qq:group:B2", Scene.GROUP, EVENT), markdown=True).window == 300.0


def test_what_answers_nothing_has_no_budget_and_is_not_known_again() -> None:
    can = capabilities(Place("qq:c2c:A1", Scene.DIRECT), markdown=False)
    assert (can.replies, can.window, can.recognises_repeats) == (None, None, False)
    assert can.markdown is False


def test_what_answers_nothing_is_allowed_by_the_operator_and_never_grows() -> None:
    place = Place("qq:c2c:A1", Scene.DIRECT)
    assert not capabilities(place, markdown=True).proactive
    can = capabilities(place, markdown=True, proactive=True)
    assert (can.proactive, can.surface, can.typing) == (True, Surface.NONE, False)
