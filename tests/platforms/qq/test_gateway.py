"""Whatever happens to connections and sessions: every event once, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from tests.platforms.qq.rig import AT_ONCE, Inbox, Notes, Rig, play, rig
from tests.upstream.leaks import until, watched

from holdfast.core.failure import Kind, StreamFailed
from holdfast.platforms.qq.session import LADDER
from holdfast.sim.qq.faults import Cut, Page, Refuse
from holdfast.sim.qq.rules import GRANTED, Rules
from holdfast.sim.qq.simulator import SimulatedQQ

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
        assert it.inbox.repeated == []
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


def test_another_process_resumes_where_the_first_one_was() -> None:
    async def main() -> None:
        notes, inbox = Notes(), Inbox()
        async with SimulatedQQ() as qq:
            anna = qq.person()
            async with rig(qq, notes, inbox=inbox) as it:
                anna.says("one")
                await it.hears(1)
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
        assert it.inbox.repeated == []

    play(scene)


def test_hello_that_never_comes_is_not_waited_for_for_ever() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq:
            qq.gateway.frozen = True
            async with rig(qq, pace=replace(AT_ONCE, patience=0.05), connected=False) as it:
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
