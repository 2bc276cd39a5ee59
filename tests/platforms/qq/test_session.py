"""Transcripts of the gateway's sessions: what came, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.failure import Failure, Hop, Kind, Phase
from holdfast.platforms.qq.session import (
    LADDER,
    Close,
    Command,
    Deliver,
    Entered,
    Locate,
    Memory,
    Open,
    Pace,
    Send,
    Session,
    Stop,
)

URL = "wss://gateway.invalid/websocket/"
HELLO = {"op": 10, "d": {"heartbeat_interval": 45000}}
ACK = {"op": 11}
READY = {
    "op": 0,
    "s": 1,
    "t": "READY",
    "d": {"version": 1, "session_id": "one", "user": {"id": "615"}, "shard": [0, 1]},
}
RESUMED = {"op": 0, "s": 9, "t": "RESUMED", "d": ""}
NO_JITTER = 0.0


def event(seq: int) -> dict[str, Any]:
    return {"op": 0, "s": seq, "t": "C2C_MESSAGE_CREATE", "id": f"e{seq}", "d": {}}


def beat(seq: int | None) -> Send:
    return Send({"op": 1, "d": seq})


def identify(rung: int = 0) -> Send:
    properties = {"$os": "linux", "$browser": "holdfast", "$device": "holdfast"}
    d = {"token": "QQBot T", "intents": LADDER[rung], "shard": [0, 1], "properties": properties}
    return Send({"op": 2, "d": d})


def resume(seq: int, session: str = "one") -> Send:
    return Send({"op": 6, "d": {"token": "QQBot T", "session_id": session, "seq": seq}})


class Talk:
    """A session and its clock. `>>` gives an input; what came of it is the last of `said`."""

    def __init__(self, memory: Memory | None = None, pace: Pace | None = None) -> None:
        self.session = Session(memory or Memory(), lambda: NO_JITTER, pace or Pace(), (0, 1))
        self.now = 100.0

    def _did(self, commands: Iterable[Command]) -> list[Command]:
        return list(commands)

    def start(self) -> list[Command]:
        return self._did(self.session.tick(self.now))

    def located(self, remaining: int | None = 1000) -> list[Command]:
        return self._did(self.session.located(URL, remaining, 3600.0, self.now))

    def opened(self) -> list[Command]:
        return self._did(self.session.opened("T", self.now))

    def hears(self, frame: dict[str, Any]) -> list[Command]:
        return self._did(self.session.receive(frame, self.now))

    def closed(self, code: int | None) -> list[Command]:
        return self._did(self.session.closed(code, self.now))

    def pause(self) -> float:
        """How long it waits now."""
        assert self.session.due is not None
        return round(self.session.due - self.now, 6)

    def later(self) -> list[Command]:
        """At the time for which it waits."""
        assert self.session.due is not None
        self.now = self.session.due
        return self._did(self.session.tick(self.now))

    def go_live(self, lived: float = 100.0) -> Talk:
        assert self.start() == [Locate()]
        assert self.located() == [Open(URL)]
        assert self.opened() == []
        assert self.hears(HELLO) == [identify()]
        assert self.hears(READY) == [Entered(False, "615"), beat(1)]
        self.now += lived
        return self


def test_the_way_in() -> None:
    talk = Talk().go_live(0.0)
    assert talk.session.live
    assert talk.session.memory == Memory("one", 1)
    assert talk.hears(event(2)) == [Deliver("one", 2, event(2))]
    talk.session.settled("one", 2)
    assert talk.session.memory == Memory("one", 2)


def test_a_heartbeat_tells_what_was_received_and_comes_in_time() -> None:
    talk = Talk().go_live(0.0)
    assert talk.pause() == 36.0  # 0.8 of the interval
    talk.hears(ACK)
    talk.hears(event(2))
    assert talk.later() == [beat(2)]
    assert talk.hears({"op": 1}) == [beat(2)]


def test_a_heartbeat_that_is_not_acknowledged_is_the_end_of_the_connection() -> None:
    """The socket is open and nobody is there; the session goes on elsewhere."""
    talk = Talk().go_live(0.0)
    talk.hears(ACK)
    assert talk.later() == [beat(1)]
    assert talk.later() == [Close()]
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


def test_a_session_in_which_nothing_ever_came_is_not_resumed() -> None:
    """Reported from the field: RESUMED was said, and then nothing, not even an acknowledgement."""
    talk = Talk().go_live()
    talk.closed(4009)
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]
    assert talk.hears(RESUMED) == [Entered(True), beat(9)]
    assert talk.later() == [Close()]
    assert talk.later() == [Locate()]
    talk.located()
    talk.opened()
    assert talk.hears(HELLO) == [identify()]


def test_what_is_not_safe_is_asked_for_again() -> None:
    talk = Talk().go_live()
    for seq in (2, 3, 4):
        talk.hears(event(seq))
    talk.session.settled("one", 2)
    talk.session.settled("one", 4)
    talk.closed(None)
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(2)]
    # Whether one of them is a repetition is for the inbox to say: it knows their ids.
    for seq in (3, 4, 5):
        assert talk.hears(event(seq)) == [Deliver("one", seq, event(seq))]
    assert talk.hears(RESUMED) == [Entered(True), beat(9)]
    assert talk.session.memory == Memory("one", 2)


@pytest.mark.parametrize("numbers", [(1, 1, 1), (50, 3, 4), (2, 0, 1), (7, 7, 2)])
def test_a_gateway_may_count_as_it_likes(numbers: tuple[int, ...]) -> None:
    talk = Talk().go_live()
    for seq in numbers:
        assert talk.hears(event(seq)) == [Deliver("one", seq, event(seq))]
        talk.session.settled("one", seq)
    assert talk.session.memory == Memory("one", max(1, *numbers))


def test_an_event_that_could_not_be_kept_comes_again() -> None:
    talk = Talk().go_live()
    talk.hears(event(2))
    talk.session.refused("one", 2, talk.now)
    assert talk.later() == [Close()]
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]
    assert talk.hears(event(2)) == [Deliver("one", 2, event(2))]


def test_news_of_an_older_session_says_nothing_of_this_one() -> None:
    talk = Talk().go_live()
    talk.hears(ACK)
    talk.hears(event(2))
    talk.session.settled("zero", 2)
    talk.session.refused("zero", 2, talk.now)
    assert talk.later() == [beat(2)]
    assert talk.session.memory == Memory("one", 1)


def outage(talk: Talk) -> float:
    """Event 2 cannot be kept, however often it comes: how long the connection goes on for those
    whose events come meanwhile. The next one stands when it returns.
    """
    assert talk.hears(event(2)) == [Deliver("one", 2, event(2))]
    talk.session.refused("one", 2, talk.now)
    going_on = talk.pause()
    assert talk.hears(event(3)) == [Deliver("one", 3, event(3))]
    talk.session.refused("one", 3, talk.now)
    assert talk.later() == [Close()]
    assert talk.pause() == 0.0
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]
    return going_on


def test_however_long_our_store_fails_the_events_come_again_soon_after_it_is_mended() -> None:
    """Whoever writes meanwhile is heard at once: they are told that it cannot be taken."""
    talk = Talk().go_live(0.0)
    pauses = []
    for _ in range(20):
        pauses.append(outage(talk))
        assert talk.hears(RESUMED) == [Entered(True), beat(9)]
        talk.hears(ACK)
    assert pauses[:4] == [0.0, 1.0, 2.0, 5.0]
    assert set(pauses[4:]) == {5.0}


def test_what_our_store_failed_at_is_not_held_against_the_platform() -> None:
    """Connections that we leave because of it are no sign that something is wrong there."""
    talk = Talk().go_live(0.0)
    for _ in range(20):
        outage(talk)
        talk.hears(RESUMED)
        talk.hears(ACK)
    talk.closed(4009)
    assert talk.pause() == 0.0


def test_a_store_that_was_mended_is_trusted_again() -> None:
    talk = Talk().go_live(0.0)
    for _ in range(5):
        outage(talk)
        talk.hears(RESUMED)
        talk.hears(ACK)
    for seq in (2, 3):
        talk.hears(event(seq))
        talk.session.settled("one", seq)
    assert talk.session.memory == Memory("one", 9)
    talk.hears(event(10))
    talk.session.refused("one", 10, talk.now)
    assert talk.pause() == 0.0


def test_an_event_that_is_never_kept_among_others_that_are_asks_for_no_haste() -> None:
    talk = Talk().go_live(0.0)
    pauses = []
    for _ in range(5):
        for seq in (2, 3):
            talk.hears(event(seq))
        talk.session.settled("one", 3)
        talk.session.refused("one", 2, talk.now)
        pauses.append(talk.pause())
        assert talk.later() == [Close()]
        talk.later()
        talk.opened()
        assert talk.hears(HELLO) == [resume(1)]
        talk.hears(RESUMED)
        talk.hears(ACK)
    assert pauses == [0.0, 1.0, 2.0, 5.0, 5.0]


def test_what_comes_again_is_heard_to_its_end_before_the_connection_is_left() -> None:
    """Else those at its end would never be tried as long as the store fails."""
    talk = Talk().go_live()
    talk.closed(4009)
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]
    talk.hears(event(2))
    talk.session.refused("one", 2, talk.now)
    assert talk.pause() > 0.0
    assert talk.hears(event(3)) == [Deliver("one", 3, event(3))]
    assert talk.hears(RESUMED) == [Entered(True), beat(9)]
    assert talk.later() == [Close()]


def test_heartbeats_go_on_while_our_store_fails() -> None:
    talk = Talk(pace=Pace(again=(600.0,))).go_live(0.0)
    talk.hears(ACK)
    talk.hears(event(2))
    talk.session.refused("one", 2, talk.now)
    assert talk.later() == [beat(2)]


def test_whatever_ends_a_connection_nothing_is_left_of_what_it_was_to_be_left_for() -> None:
    talk = Talk(pace=Pace(again=(7.0,))).go_live()
    talk.hears(event(2))
    talk.session.refused("one", 2, talk.now)
    talk.closed(4006)
    talk.later()
    talk.located()
    talk.opened()
    talk.hears(HELLO)
    talk.hears(READY)
    assert talk.pause() == 36.0


def test_another_process_goes_on() -> None:
    talk = Talk(Memory("one", 41))
    assert talk.start() == [Locate()]
    assert talk.located(remaining=0) == [Open(URL)]  # resuming begins no session
    talk.opened()
    assert talk.hears(HELLO) == [resume(41)]
    assert talk.hears(event(42)) == [Deliver("one", 42, event(42))]


# The table of close codes: what follows each of them.

RESUMES = [None, 1000, 1001, 1006, 4000, 4009, 4321]
IDENTIFIES = [4003, 4005, 4006, 4007, *range(4900, 4914)]
STOPS = [4001, 4002, 4010, 4011, 4012, 4013, 4914, 4915]


@pytest.mark.parametrize("code", RESUMES)
def test_the_session_goes_on_after(code: int | None) -> None:
    talk = Talk().go_live()
    assert talk.closed(code) == []
    assert talk.pause() == 0.0
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


@pytest.mark.parametrize("code", IDENTIFIES)
def test_a_new_session_begins_after(code: int) -> None:
    talk = Talk().go_live()
    assert talk.closed(code) == []
    assert talk.later() == [Locate()]
    assert talk.located() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [identify()]
    assert talk.session.memory == Memory()


@pytest.mark.parametrize("code", STOPS)
def test_only_an_operator_can_help_after(code: int) -> None:
    talk = Talk().go_live()
    (stop,) = talk.closed(code)
    assert isinstance(stop, Stop)
    assert (stop.failure.hop, stop.failure.code) == (Hop.PLATFORM, str(code))
    assert stop.failure.detail
    assert talk.session.due is None


def test_a_token_that_was_refused_is_renewed() -> None:
    talk = Talk().go_live()
    talk.closed(4004)
    talk.later()
    assert talk.located() == [Open(URL, fresh_token=True)]
    talk.opened()
    assert talk.hears(HELLO) == [identify()]
    talk.hears(READY)
    talk.closed(4009)
    assert talk.later() == [Open(URL)]


def test_who_sends_too_fast_waits_a_minute() -> None:
    talk = Talk().go_live()
    talk.closed(4008)
    assert talk.pause() == 60.0
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


def test_fewer_events_are_asked_for_until_they_are_permitted() -> None:
    talk = Talk()
    talk.start()
    for rung in range(len(LADDER)):
        talk.located()
        talk.opened()
        assert talk.hears(HELLO) == [identify(rung)]
        said = talk.closed(4014)
        if rung + 1 < len(LADDER):
            assert said == []
            assert talk.later() == [Locate()]
    (stop,) = said
    assert isinstance(stop, Stop)
    assert stop.failure.kind is Kind.FORBIDDEN


# What the gateway says.


def test_asked_to_reconnect_it_does_so_at_once() -> None:
    talk = Talk().go_live()
    assert talk.hears({"op": 7}) == [Close()]
    assert talk.pause() == 0.0
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


def test_an_invalid_session_is_forgotten_and_the_token_too() -> None:
    talk = Talk().go_live()
    assert talk.hears({"op": 9, "d": False}) == [Close()]
    assert 1.0 <= talk.pause() <= 5.0
    assert talk.later() == [Locate()]
    assert talk.located() == [Open(URL, fresh_token=True)]


def test_an_invalid_session_may_be_said_to_be_resumable() -> None:
    talk = Talk().go_live()
    assert talk.hears({"op": 9, "d": True}) == [Close()]
    assert talk.later() == [Open(URL)]
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


def test_resuming_in_vain_ends_after_three_times() -> None:
    talk = Talk().go_live()
    talk.closed(4009)
    for _ in range(3):
        talk.later()
        talk.opened()
        assert talk.hears(HELLO) == [resume(1)]
        talk.closed(None)
    assert talk.later() == [Locate()]
    talk.located()
    talk.opened()
    assert talk.hears(HELLO) == [identify()]


def test_a_session_that_is_resumed_without_a_word_is_not_resumed_again() -> None:
    talk = Talk().go_live()
    talk.closed(4009)
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]
    assert talk.later() == [Close()]
    assert talk.later() == [Locate()]
    talk.located()
    talk.opened()
    assert talk.hears(HELLO) == [identify()]


def test_a_replay_that_takes_long_is_gone_on_with() -> None:
    talk = Talk().go_live()
    talk.closed(4009)
    talk.later()
    talk.opened()
    talk.hears(HELLO)
    talk.hears(event(2))
    assert talk.later() == [Close()]
    talk.later()
    talk.opened()
    assert talk.hears(HELLO) == [resume(1)]


def test_a_gateway_that_says_nothing_is_left() -> None:
    talk = Talk()
    talk.start()
    talk.located()
    talk.opened()
    assert talk.later() == [Close()]
    talk.later()
    talk.located()
    talk.opened()
    talk.hears(HELLO)
    assert talk.later() == [Close()]


@pytest.mark.parametrize(
    "frame",
    [{}, {"op": "x"}, {"op": 99}, {"op": 10, "d": None}, {"op": 0, "t": None}, {"op": True}],
)
def test_frames_that_make_no_sense_do_no_harm(frame: dict[str, Any]) -> None:
    talk = Talk().go_live()
    assert not any(isinstance(command, Close | Stop) for command in talk.hears(frame))
    assert talk.session.live


ODD: st.SearchStrategy[Any] = st.sampled_from([None, True, -1, 0, 3, 10**30, "", "x", "4", [], {}])
FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from([0, 1, 7, 9, 10, 11, 13, "0", None]),
        "s": ODD,
        "t": st.sampled_from(["READY", "RESUMED", "C2C_MESSAGE_CREATE", None, 3]),
        "d": ODD | st.fixed_dictionaries({"session_id": ODD, "user": ODD}),
    },
)


@given(st.lists(FRAMES | st.sampled_from([None, 4009, 4006, 1006]), max_size=20))
def test_whatever_is_said_it_goes_on(said: list[dict[str, Any] | int | None]) -> None:
    """It always waits for something, never for longer than an hour, and never gives up."""
    talk = Talk().go_live(0.0)
    for thing in said:
        ended = not isinstance(thing, dict)
        commands = talk.hears(thing) if isinstance(thing, dict) else talk.closed(thing)
        if ended or Close() in commands:
            commands = talk.later()
            if commands == [Locate()]:
                commands = talk.located()
            assert isinstance(commands[0], Open)
            talk.opened()
        assert not any(isinstance(command, Stop) for command in commands)
        assert 0.0 <= talk.pause() <= 3600.0
        assert talk.session.memory.seq >= 0


# Pauses and limits.


def test_pauses_grow_until_a_connection_is_stable() -> None:
    talk = Talk(pace=Pace(quick_pause=0.0)).go_live()
    pauses = []
    for _ in range(8):
        talk.closed(None)
        pauses.append(talk.pause())
        if talk.later() == [Locate()]:
            talk.located()
        talk.opened()
    assert pauses == [0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0]
    talk.hears(HELLO)
    talk.hears(READY)
    talk.now += 61.0
    talk.closed(None)
    assert talk.pause() == 0.0


def test_three_connections_that_hardly_lived_are_a_sign() -> None:
    talk = Talk().go_live(1.0)
    talk.closed(4009)
    assert talk.pause() == 0.0
    for pause in (1.0, 60.0):
        talk.later()
        talk.opened()
        talk.hears(HELLO)
        talk.hears(RESUMED)
        talk.now += 1.0
        talk.closed(4009)
        assert talk.pause() == pause


def test_no_session_is_begun_where_none_is_left() -> None:
    talk = Talk()
    talk.start()
    assert talk.located(remaining=0) == []
    assert talk.pause() == 600.0  # an hour, it is said; but it can be asked again before
    assert talk.later() == [Locate()]
    assert talk.located(remaining=None) == [Open(URL)]


def test_a_gateway_that_is_not_found_is_looked_for_again() -> None:
    talk = Talk()
    talk.start()
    lost = Failure(Kind.REFUSED, Phase.CONNECT, Hop.PLATFORM, retry_after=7.0)
    assert list(talk.session.unlocated(lost, talk.now)) == []
    assert talk.pause() == 7.0
    assert talk.later() == [Locate()]
    much = Failure(Kind.RATE_LIMITED, Phase.FIRST, Hop.PLATFORM, retry_after=86_400.0)
    assert list(talk.session.unlocated(much, talk.now)) == []
    assert talk.pause() == 600.0
    wrong = Failure(Kind.AUTH, Phase.ADMIT, Hop.PLATFORM, param="bot")
    assert list(talk.session.unlocated(wrong, talk.now)) == [Stop(wrong)]


def test_an_address_where_nobody_is_is_asked_for_again() -> None:
    talk = Talk().go_live()
    talk.closed(None)
    assert talk.later() == [Open(URL)]
    assert talk.closed(None) == []
    assert talk.later() == [Locate()]
