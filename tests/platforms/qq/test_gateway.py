"""Whatever happens to connections and sessions: every event once, none lost."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.platforms.qq.rig import AT_ONCE, Inbox, Notes, Rig, play, rig
from tests.upstream.leaks import HANG, until, watched

from holdfast.bot.event import Inbound
from holdfast.core.failure import Kind, StreamFailed
from holdfast.platforms.qq.session import LADDER
from holdfast.sim.qq.faults import Cut, Page, Refuse
from holdfast.sim.qq.rules import GRANTED, Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.store.ports import StoreFailed

pytestmark = pytest.mark.scenario

BREAKS: dict[str, Callable[[SimulatedQQ], None]] = {
    "socket dropped": lambda qq: qq.gateway.drop(),
    "op 7": lambda qq: qq.gateway.ask_to_reconnect(),
    "op 9, resumable": lambda qq: qq.gateway.invalidate(resumable=True),
    "close 1000": lambda qq: qq.gateway.kick(1000),
    "close 4000": lambda qq: qq.gateway.kick(4000),
    "close 4009": lambda qq: qq.gateway.kick(4009),
}


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("replay_more", [0, 3])
def test_what_is_said_while_the_connection_is_away_arrives_once(
    break_it: Callable[[SimulatedQQ], None], replay_more: int
) -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("one")
        await it.hears(1)
        break_it(it.qq)
        anna.says("two")
        await it.qq.until(lambda: len(it.qq.gateway.resumed) == 1)
        anna.says("three")
        await it.hears(3)
        assert it.inbox.texts == ["one", "two", "three"]
        assert len(it.qq.gateway.identified) == 1

    play(scene, Rules(replay_more=replay_more))


@pytest.mark.parametrize("lost", ["op9", "4006"])
def test_a_session_that_is_gone_is_begun_anew(lost: str) -> None:
    async def scene(it: Rig) -> None:
        it.qq.rules.lost_session = "op9" if lost == "op9" else "4006"
        it.qq.gateway.forget_sessions()
        it.qq.gateway.drop()
        await it.qq.until(lambda: len(it.qq.gateway.identified) == 2)
        await it.qq.connected()
        it.qq.person().says("hello")
        await it.hears(1)
        assert it.inbox.texts == ["hello"]

    play(scene)


@pytest.mark.parametrize("code", [4003, 4006, 4007, 4900, 4902, 4913])
def test_codes_after_which_a_session_is_begun_anew(code: int) -> None:
    async def scene(it: Rig) -> None:
        it.qq.gateway.kick(code)
        await it.qq.until(lambda: len(it.qq.gateway.identified) == 2)
        assert it.qq.gateway.resumed == []

    play(scene)


@pytest.mark.parametrize("code", [4013, 4914, 4915])
def test_codes_after_which_an_operator_is_told(code: int) -> None:
    async def scene(it: Rig) -> None:
        it.qq.gateway.kick(code)
        with pytest.raises(StreamFailed) as caught:
            await it.running
        assert caught.value.failure.code == str(code)

    play(scene)


@pytest.mark.parametrize(
    ("granted", "rung"), [(GRANTED, 0), (GRANTED & ~(1 << 12), 1), (1 << 25, 2)]
)
def test_as_many_events_as_are_permitted(granted: int, rung: int) -> None:
    async def scene(it: Rig) -> None:
        assert [told["intents"] for told in it.qq.gateway.identified] == list(LADDER[: rung + 1])
        it.qq.person().says("hello")
        await it.hears(1)

    play(scene, Rules(granted=granted))


@pytest.mark.parametrize(("given", "told"), [({"shard": (1, 2)}, [1, 2]), ({}, [0, 1])])
def test_a_bot_takes_the_part_of_its_guilds_that_it_is_given(
    given: dict[str, Any], told: list[int]
) -> None:
    async def scene(it: Rig) -> None:
        assert it.qq.gateway.identified[-1]["shard"] == told

    play(scene, **given)


def test_no_permission_at_all_is_told() -> None:
    async def scene(it: Rig) -> None:
        with pytest.raises(StreamFailed) as caught:
            await it.running
        assert caught.value.failure.kind is Kind.FORBIDDEN

    play(scene, Rules(granted=1))


def test_a_connection_on_which_nobody_answers_is_left() -> None:
    """The socket stays open; heartbeats are not acknowledged any more."""

    async def scene(it: Rig) -> None:
        await it.qq.until(lambda: len(it.qq.gateway.beats) >= 2)
        it.qq.gateway.acknowledging = False
        await it.qq.until(lambda: bool(it.qq.gateway.resumed))
        it.qq.gateway.acknowledging = True
        it.qq.person().says("hello")
        await it.hears(1)
        assert it.inbox.texts == ["hello"]

    play(scene, Rules(heartbeat_interval=0.1))


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_an_event_that_cannot_be_kept_comes_again_before_those_behind_it(failing: int) -> None:
    """The store refuses it: nothing is acknowledged, nothing lost, and nothing out of its place."""

    async def scene(it: Rig) -> None:
        anna = it.qq.person()
        it.inbox.failing = failing
        anna.says("one")
        anna.says("two")
        anna.says("three")
        await it.hears(3)
        assert it.inbox.texts == ["one", "two", "three"]
        await it.qq.until(lambda: len(it.qq.gateway.resumed) >= 1)

    play(scene)


@pytest.mark.parametrize("again", [(HANG,), AT_ONCE.again], ids=["one connection", "many"])
def test_while_nothing_can_be_kept_everybody_is_told_and_afterwards_answered(
    again: tuple[float, ...],
) -> None:
    """The bot tells whoever it was asked to take a message of. On the connection on which it
    happened first, and on those that bring the events again.
    """

    async def main() -> None:
        pace = replace(AT_ONCE, again=again)
        async with SimulatedQQ() as qq, rig(qq, pace=pace) as it:
            people = {name: qq.person(name) for name in ("Anna", "Bob", "Carol")}
            it.inbox.failing = math.inf
            for count, (name, person) in enumerate(people.items(), 1):
                person.says(f"{name} 1")
                person.says(f"{name} 2")
                await until(partial(has_tried, it.inbox, count))
            assert tried(it.inbox) == {f"{name} 1" for name in people}
            it.inbox.failing = 0
            if again == (HANG,):
                qq.gateway.drop()
            await it.hears(6)
            for name in people:
                heard = [text for text in it.inbox.texts if text.startswith(name)]
                assert heard == [f"{name} 1", f"{name} 2"]
            assert len(qq.gateway.identified) == 1

    asyncio.run(watched(main()))


def has_tried(inbox: Inbox, count: int) -> bool:
    return len(tried(inbox)) == count


def tried(inbox: Inbox) -> set[str]:
    """What could not be kept."""
    return {event.text for event in inbox.refused if isinstance(event, Inbound)}


def test_nothing_is_taken_of_a_session_that_another_process_could_not_find() -> None:
    """Whoever is killed then has answered some, and the rest of what came would be lost. Its
    heartbeats go on while it waits.
    """

    async def main() -> None:
        slow = Slow()
        try:
            async with SimulatedQQ(Rules(heartbeat_interval=0.1)) as qq, rig(qq, slow) as it:
                await qq.connected()
                anna = qq.person()
                for said in ("one", "two"):
                    anna.says(said)
                beats = len(qq.gateway.beats)
                await qq.until(lambda: qq.gateway.beats[beats:].count(3) >= 3)  # both have come
                assert (it.inbox.texts, slow.kept) == ([], {})
                slow.may.set()
                await it.hears(2)
                assert it.inbox.texts == ["one", "two"]
                assert slow.kept
        finally:
            slow.may.set()

    asyncio.run(watched(main()))


class Slow(Notes):
    """Writes nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()

    def put(self, key: str, value: Any) -> None:
        self.may.wait(HANG)
        super().put(key, value)


def test_who_is_called_back_goes_on_with_the_session_that_could_not_be_kept() -> None:
    """As one that loses its post while the database is away, and is given it again: what could not
    be kept comes again.
    """

    async def main() -> None:
        away, inbox = Away(), Inbox(failing=math.inf)
        async with SimulatedQQ() as qq, rig(qq, away, inbox=inbox) as it:
            qq.person().says("one")
            await until(lambda: has_tried(inbox, 1))
            it.running.cancel()
            await asyncio.gather(it.running, return_exceptions=True)
            away.here, inbox.failing = True, 0
            again = asyncio.ensure_future(it.adapter.run(inbox.take))
            await until(lambda: inbox.texts == ["one"] or len(qq.gateway.identified) > 1)
            assert len(qq.gateway.identified) == 1
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)

    asyncio.run(watched(main()))


class Away(Notes):
    """Keeps nothing before it is here."""

    here = False

    def put(self, key: str, value: Any) -> None:
        if not self.here:
            raise StoreFailed("no connection")
        super().put(key, value)


def test_another_process_resumes_where_the_first_one_was() -> None:
    async def main() -> None:
        notes, inbox = Notes(), Inbox()
        async with SimulatedQQ(Rules(heartbeat_interval=0.5)) as qq:
            anna = qq.person()
            async with rig(qq, notes, inbox=inbox) as it:
                anna.says("one")
                await it.hears(1)
                await qq.until(lambda: qq.gateway.beats[-1:] == [2])  # so far it has come
            await qq.until(lambda: not qq.gateway.live)
            anna.says("two")
            async with rig(qq, notes, inbox=inbox) as it:
                await it.hears(2)
            assert inbox.texts == ["one", "two"]
            assert len(qq.gateway.identified) == 1
            assert [told["seq"] for told in qq.gateway.resumed] == [2]

    asyncio.run(watched(main()))


def test_how_old_a_session_is_the_platform_says() -> None:
    async def main() -> None:
        notes = Notes()
        async with SimulatedQQ() as qq:
            async with rig(qq, notes) as it:
                await until(lambda: any(one["session_id"] for one in notes.kept.values()))
                assert it.qq is qq
            await qq.until(lambda: not qq.gateway.live)
            (key,) = notes.kept
            notes.kept[key] = {**notes.kept[key], "at": 1}  # as earlier versions wrote it
            async with rig(qq, notes):
                await qq.connected()
                assert [len(qq.gateway.resumed), len(qq.gateway.identified)] == [1, 1]
            await qq.until(lambda: not qq.gateway.live)
            qq.advance(86_400)
            async with rig(qq, notes):
                await qq.connected()
                assert len(qq.gateway.identified) == 2
            assert "TOKEN" not in str(notes.kept)
            assert qq.app_secret not in str(notes.kept)

    asyncio.run(watched(main()))


def test_every_event_twice_is_every_event_once() -> None:
    async def scene(it: Rig) -> None:
        it.qq.person().says("hello")
        await until(lambda: len(it.inbox.repeated) == 2)
        assert it.inbox.texts == ["hello"]

    play(scene, Rules(repeats=2))


@pytest.mark.parametrize("counted_from", [1, 2, 1000])
def test_a_session_may_be_counted_anew(counted_from: int) -> None:
    """Events are known by their ids: a number that was there before is no repetition."""

    async def scene(it: Rig) -> None:
        anna = it.qq.person()
        for count, said in enumerate(("one", "two", "three"), 1):
            anna.says(said)
            await it.hears(count)
        it.qq.gateway.count_from(counted_from)
        for count, said in enumerate(("four", "five"), 4):
            anna.says(said)
            await it.hears(count)
        assert it.inbox.texts == ["one", "two", "three", "four", "five"]

    play(scene)


def test_the_gateway_may_be_unreachable_for_a_while() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq:
            qq.fail(Cut(), "gateway")
            qq.fail(Page(502), "gateway")
            qq.fail(Refuse(50001, 500), "getAppAccessToken")
            async with rig(qq) as it:
                qq.person().says("hello")
                await it.hears(1)

    asyncio.run(watched(main()))


def test_a_wrong_secret_ends_it_and_is_not_shown() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq, rig(qq, app_secret="wr0ng-s3cret-value") as it:
            with pytest.raises(StreamFailed) as caught:
                await it.running
            failure = caught.value.failure
            assert (failure.kind, failure.param, failure.code) == (Kind.AUTH, "bot", "100016")
            assert "wr0ng" not in repr(failure)

    asyncio.run(watched(main()))


def test_a_token_that_was_revoked_is_renewed_on_the_gateway_too() -> None:
    async def scene(it: Rig) -> None:
        it.qq.tokens.revoke()
        it.qq.gateway.kick(4009)
        await it.qq.until(lambda: len(it.qq.gateway.identified) == 2)
        await it.qq.connected()
        it.qq.person().says("hello")
        await it.hears(1)

    play(scene)


def resumed(qq: SimulatedQQ, count: int) -> bool:
    return len(qq.gateway.resumed) == count


def test_only_one_connection_lives_after_many_breaks() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person()
        for count in range(1, 6):
            anna.says(f"{count}")
            await it.hears(count)
            it.qq.gateway.drop()
            await it.qq.until(partial(resumed, it.qq, count))
            await it.qq.connected()
        assert len(it.qq.gateway.connections) == 1
        assert it.inbox.texts == ["1", "2", "3", "4", "5"]

    play(scene)


def test_hello_that_never_comes_is_not_waited_for_for_ever() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq:
            qq.gateway.frozen = True
            async with rig(qq, pace=replace(AT_ONCE, patience=0.5), connected=False) as it:
                await qq.until(lambda: len(qq.gateway.connections) >= 1)
                first = next(iter(qq.gateway.connections))
                await qq.until(lambda: first not in qq.gateway.connections)
                qq.gateway.frozen = False
                await qq.connected()
                qq.person().says("hello")
                await it.hears(1)

    asyncio.run(watched(main()))


def test_no_log_of_frames_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """However much is logged. The simulator's own side of the socket may say what it hears."""

    async def scene(it: Rig) -> None:
        it.qq.person().says("hello")
        await it.hears(1)
        ours = [r.getMessage() for r in caplog.records if r.name != "websockets.server"]
        assert ours
        assert not any("SIM-TOKEN" in said or it.qq.app_secret in said for said in ours)

    with caplog.at_level("DEBUG"):
        play(scene)
