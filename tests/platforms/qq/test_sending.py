"""Sending when the platform, or the way to it, fails: what is reported, and what people see."""

from __future__ import annotations

import asyncio

import pytest
from tests.platforms.qq.rig import Rig, play, rig
from tests.upstream.leaks import watched

from holdfast.bot.event import Frame, Place, Scene, Typing, Whole
from holdfast.bot.failing import may_have_arrived, passes
from holdfast.core.failure import Hop, Kind, Phase, Remedy
from holdfast.sim.qq.faults import Cut, Freeze, Garbage, Page, Pending, Refuse, Slow, What
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario

# A kept-alive connection that ends without an answer is tried once more on a new one.
TWICE = 2


@pytest.mark.parametrize(
    ("what", "kind", "phase"),
    [
        (Cut(), Kind.CLOSED, Phase.HEADERS),
        (Cut(reset=True), Kind.RESET, Phase.HEADERS),
        (Page(502), Kind.BAD_GATEWAY, Phase.FIRST),
        (Garbage(), Kind.PROTOCOL, Phase.FIRST),
    ],
)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_an_answer_that_was_lost_and_the_same_message_again(
    what: What, kind: Kind, phase: Phase, done: bool
) -> None:
    """Whether the platform had it or not, people see it once, and both times are told apart."""

    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(what, times=TWICE if isinstance(what, Cut) else 1, done=done)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.phase, failure.hop) == (kind, phase, Hop.PLATFORM)
        assert failure.remedy is Remedy.RETRY
        assert failure.code is None
        receipt = await it.says("hi")
        assert receipt.repeated == done
        assert anna.reads == ["hi"]
        assert it.qq.complaints == []

    play(scene)


def test_half_an_emoji_is_no_reason_to_say_nothing() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        await it.says("half of it: \ud83d")
        assert anna.reads == ["half of it: \ufffd"]

    play(scene)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_connection_that_was_closed_while_it_was_idle_is_no_failure(done: bool) -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(Cut(), done=done)
        assert (await it.says("hi")).repeated == done
        assert anna.reads == ["hi"]

    play(scene)


def test_but_in_guilds_nobody_would_know_a_repetition() -> None:
    async def scene(it: Rig) -> None:
        channel = it.qq.channel()
        channel.says(it.qq.person(), "hello")
        await it.hears(1)
        it.qq.fail(Cut(), done=True)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.phase, failure.code) == (Kind.CLOSED, Phase.HEADERS, None)
        assert channel.reads == ["hi"]

    play(scene)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_first_frame_whose_answer_was_lost(done: bool) -> None:
    """The stream's name is lost with it: the receipt says so, and another slot is free."""

    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(Cut(), "stream_messages", TWICE, done=done)
        await it.failure(Frame(0, "Once", False))
        receipt = await it.send(Frame(0, "Once", False))
        assert (receipt.repeated, bool(receipt.message_id)) == (done, not done)
        await it.streams("Once upon a time", "Once upon a time.", slot=2)
        assert anna.reads[-1] == "Once upon a time."

    play(scene)


def test_a_later_frame_whose_answer_was_lost_may_be_sent_again() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        first = await it.send(Frame(0, "Once", False))
        for index, text, final in ((1, "Once upon", False), (2, "Once upon a time.", True)):
            it.qq.fail(Cut(), "stream_messages", done=True)
            await it.failure(Frame(index, text, final, first.message_id))
            again = await it.send(Frame(index, text, final, first.message_id))
            assert again.repeated
        assert anna.reads == ["Once upon a time."]
        assert anna.generating == []
        assert it.qq.complaints == []

    play(scene)


def test_a_frozen_platform_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq, rig(qq) as it:
            anna = await it.greeted()
            qq.fail(Freeze(), done=True)
            with monkeypatch.context() as hasty:
                hasty.setattr(it.adapter._api._http, "_patience", 1.5)
                failure = await it.failure(Whole("hi"))
            assert (failure.kind, failure.phase) == (Kind.TIMEOUT, Phase.HEADERS)
            assert (await it.says("hi")).repeated
            assert anna.reads == ["hi"]

    asyncio.run(watched(main()))


def test_a_slow_platform_is_waited_for() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(Slow(0.05))
        await it.says("hi")
        assert anna.reads == ["hi"]

    play(scene)


@pytest.mark.parametrize(
    ("refusal", "kind", "about"),
    [
        (Refuse(50002, 429), Kind.RATE_LIMITED, None),
        (Refuse(50001, 500), Kind.SERVER_ERROR, None),
        (Refuse(40034006), Kind.POLICY, None),
        (Refuse(40034128), Kind.NOT_FOUND, "anchor"),
        (Refuse(40054002), Kind.FORBIDDEN, "chat"),
        (Refuse(11298, 401, 40023002), Kind.FORBIDDEN, "bot"),
        (Refuse(40054007), Kind.TOO_LONG, "length"),
        (Refuse(12345678), Kind.INVALID, None),
    ],
)
def test_refusals_are_told_as_they_are_and_asked_once(
    refusal: Refuse, kind: Kind, about: str | None
) -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        before = len(it.qq.asked)
        it.qq.fail(refusal)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.param, failure.hop) == (kind, about, Hop.PLATFORM)
        assert failure.by == "qq"
        assert [name for name, _ in failure.upstream_ids] == ["x-tps-trace-id"]
        assert len(it.qq.asked) == before
        assert anna.reads == []

    play(scene)


@pytest.mark.parametrize("code", [11242, 11252, 11263, 11281])
def test_the_platform_s_own_trouble_is_given_one_more_try(code: int) -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(Refuse(code, 500))
        await it.says("hi")
        it.qq.fail(Refuse(code, 500), times=2)
        failure = await it.failure(Whole("more"), slot=2)
        assert failure.code == str(code)
        assert anna.reads == ["hi"]

    play(scene)


def test_a_message_that_is_audited_first_is_taken() -> None:
    async def scene(it: Rig) -> None:
        await it.greeted()
        it.qq.fail(Pending("audit-7"))
        receipt = await it.says("hi")
        assert dict(receipt.extra) == {"audit_id": "audit-7"}

    play(scene)


# Tokens.


def test_a_token_that_is_refused_is_renewed_once() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.tokens.revoke()
        before = it.qq.tokens.asked
        await it.says("hi")
        assert it.qq.tokens.asked == before + 1
        it.qq.fail(Page(401))
        await it.says("more", slot=2)
        assert it.qq.tokens.asked == before + 2
        assert anna.reads == ["hi", "more"]

    play(scene)


def test_a_new_token_that_is_refused_as_well_is_the_platform_s_own_trouble() -> None:
    """The servers of tokens and of messages may disagree for a while: it is worth another try."""

    async def scene(it: Rig) -> None:
        await it.greeted()
        it.qq.fail(Refuse(11244, 401), times=2)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.code) == (Kind.SERVER_ERROR, "11244")
        assert passes(failure)
        assert not may_have_arrived(failure)

    play(scene)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(expires_in="absent"),
        Rules(expires_in="fraction"),
        Rules(expires_in="zero"),
        Rules(token_life=1),
    ],
)
def test_a_token_may_say_anything_of_its_life(rules: Rules) -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        await it.says("hi")
        await it.says("more", slot=2)
        assert anna.reads == ["hi", "more"]

    play(scene, rules)


def test_an_address_that_is_not_permitted_is_no_token_problem() -> None:
    async def scene(it: Rig) -> None:
        await it.greeted()
        before = it.qq.tokens.asked
        it.qq.rules.allowed_address = False
        failure = await it.failure(Whole("hi"))
        assert (failure.code, failure.param, failure.status) == ("40023002", "bot", 401)
        assert it.qq.tokens.asked == before

    play(scene)


def test_many_at_once_ask_for_one_token() -> None:
    async def main() -> None:
        rules = Rules(c2c_replies=None, expires_in="number")
        async with SimulatedQQ(rules) as qq, rig(qq) as it:
            anna = await it.greeted()
            qq.tokens.revoke()
            before = qq.tokens.asked
            await asyncio.gather(*(it.says(f"{n}", slot=n) for n in range(1, 21)))
            assert qq.tokens.asked - before <= 2
            assert sorted(anna.reads, key=int) == [f"{n}" for n in range(1, 21)]

    asyncio.run(watched(main()))


def test_a_token_that_cannot_be_had_means_that_nothing_was_sent() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.tokens.revoke()
        it.qq.fail(Cut(), "getAppAccessToken", TWICE)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.phase) == (Kind.CLOSED, Phase.ADMIT)
        assert it.qq.app_secret not in repr(failure)
        await it.says("hi")
        assert anna.reads == ["hi"]

    play(scene)


def test_nothing_that_fails_shows_a_token() -> None:
    async def scene(it: Rig) -> None:
        await it.greeted()
        token = next(iter(it.qq.tokens.issued))
        it.qq.fail(Refuse(99, words=f"bad header QQBot {token} of {it.qq.app_secret}"))
        failure = await it.failure(Whole("hi"))
        assert token not in repr(failure)

    play(scene)


# Places.


def test_where_nobody_listens_is_told_as_it_is() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq:
            pass
        async with rig(qq, connected=False) as it:
            place = Place("qq:c2c:X", Scene.DIRECT, {"msg_id": "x"})
            failure = await it.failure(Whole("hi"), place=place)
            assert (failure.kind, failure.phase) == (Kind.REFUSED, Phase.ADMIT)

    asyncio.run(watched(main()))


def test_the_budget_of_one_message_is_the_platform_s() -> None:
    async def scene(it: Rig) -> None:
        await it.greeted()
        await it.send(Typing(), slot=1)
        for slot in (2, 3, 4):
            await it.says(f"{slot}", slot=slot)
        failure = await it.failure(Whole("5"), slot=5)
        assert (failure.kind, failure.param) == (Kind.NOT_FOUND, "anchor")
        capabilities = it.adapter.capabilities(it.inbox.messages[0].place)
        assert (capabilities.replies, capabilities.typing_takes_reply) == (4, True)

    play(scene)


def test_a_window_that_has_passed() -> None:
    async def scene(it: Rig) -> None:
        group = it.qq.group()
        group.says(it.qq.person(), "hello")
        await it.hears(1)
        it.qq.advance(301)
        failure = await it.failure(Whole("hi"))
        assert (failure.kind, failure.param, failure.code) == (
            Kind.NOT_FOUND,
            "anchor",
            "40034005",
        )

    play(scene)


def test_text_that_was_delivered_cannot_be_changed() -> None:
    async def scene(it: Rig) -> None:
        await it.greeted()
        first = await it.send(Frame(0, "Once", False))
        failure = await it.failure(Frame(1, "Twice", True, first.message_id))
        assert (failure.kind, failure.param) == (Kind.DIVERGED, "prefix")

    play(scene)
