"""What only a cluster has: several nodes, and NATS that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.conformance.engines import Setup, WallClock, add, past, quick, run, running, turn, watch
from tests.upstream.leaks import HANG, settle, until

from holdfast.config import Settings
from holdfast.core.attempt import Credential, Target
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.engine.bus import Bus, BusSettings, heed_cancellation
from holdfast.engine.cluster import ClusterEngine
from holdfast.engine.local import Limits
from holdfast.engine.ports import Journal, Overloaded, Turn
from holdfast.engine.sharing import Rests, Spendings
from holdfast.engine.worker import WorkerSettings
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.health import Health
from holdfast.store.database import Database
from holdfast.store.ports import Fence, StoreFailed, TurnState
from holdfast.store.turns import SqlTurns

NOWHERE = "nats://127.0.0.1:1"


def test_a_wake_up_in_the_instant_of_the_end_is_given_back() -> None:
    class Message:
        data = b"lane"
        given_back = False

        async def nak(self, delay: float | None) -> None:
            self.given_back = True

    class Wakes:
        """As the client's `fetch` on Python 3.11: a message that is there hides a cancellation."""

        async def fetch(self, count: int, timeout: float) -> list[Message]:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return [message]

    message = Message()

    async def main() -> None:
        bus = Bus(BusSettings((NOWHERE,), "x"))
        bus._up.set()
        bus._wakes = Wakes()  # type: ignore[assignment]
        fetching = asyncio.create_task(bus.next_wake(60.0))
        await settle()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    asyncio.run(main())
    assert message.given_back


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_schema() as made:
        Database(made).close()
        yield made


@dataclass
class Cluster:
    """Nodes over one database; each test has lanes of its own."""

    database: Database
    prefix: str
    count: int = 0
    lives: list[tuple[str, str]] = field(default_factory=list)  # node and turn

    @property
    def turns(self) -> SqlTurns:
        return SqlTurns(self.database)

    @asynccontextmanager
    async def node(
        self, setup: Setup | None = None, servers: tuple[str, ...] = ()
    ) -> AsyncIterator[ClusterEngine]:
        """A worker if it is given something to run."""
        settings = quick(self.prefix, setup or Setup(_nothing))
        if servers:
            bus = replace(settings.bus, servers=servers, connect_within=0.01)
            settings = replace(settings, bus=bus)
        self.count += 1
        engine = ClusterEngine(
            f"{self.prefix} {self.count}",
            (setup or Setup(_nothing)).turns(self.database),
            WallClock(),
            {},
            settings=settings,
        )
        async with engine.open():
            if setup is None:
                yield engine
                return
            async with running(engine.run(setup.handler)):
                yield engine


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    with nats_prefix() as prefix:
        database = Database(url)
        yield Cluster(database, prefix)
        database.close()


async def _nothing(turn: Turn, journal: Journal) -> None:
    raise AssertionError(turn)


def mine(cluster: Cluster, name: str, lane: str = "a") -> Turn:
    return turn(f"{cluster.prefix} {name}", f"{cluster.prefix} {lane}")


def test_a_turn_is_followed_from_a_node_that_does_not_run_it(cluster: Cluster) -> None:
    async def main() -> None:
        on = asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            add(journal, "first")
            await on.wait()
            add(journal, *range(200), "x" * 2_000_000, "last")

        one = mine(cluster, "1")
        async with cluster.node(Setup(handler)), cluster.node() as connector:
            assert await connector.accept(one)
            reading = connector.watch(one.id)
            assert (await anext(reading)).event["n"] == "first"
            assert not connector.stopping(one.id)
            on.set()
            rest = [entry.event["n"] async for entry in reading]
            assert rest == [*range(200), "x" * 2_000_000, "last"]

    run(main())


def test_two_workers_share_lanes_and_keep_their_order(cluster: Cluster) -> None:
    """Neither goes on before the other has begun, and neither can take all lanes."""
    ended: list[str] = []

    async def main() -> None:
        both: dict[str, asyncio.Event] = {"w1": asyncio.Event(), "w2": asyncio.Event()}

        def worker(name: str) -> Setup:
            async def handler(turn: Turn, journal: Journal) -> None:
                both[name].set()
                for begun in both.values():
                    await begun.wait()
                add(journal, name)
                await journal.settle()
                cluster.lives.append((name, turn.id))
                ended.append(turn.id)

            return Setup(handler, limits=Limits(running=4))

        turns = [mine(cluster, f"{lane}{n}", lane) for n in range(5) for lane in "abcdefgh"]
        async with (
            cluster.node(worker("w1")),
            cluster.node(worker("w2")),
            cluster.node() as connector,
        ):
            for one in turns:
                assert await connector.accept(one)
            for one in turns:
                await watch(connector, one.id)
        for lane in "abcdefgh":
            expected = [one.id for one in turns if one.lane.endswith(f" {lane}")]
            assert [name for name in ended if name in expected] == expected
        assert {name for name, _ in cluster.lives} == {"w1", "w2"}

    run(main())


def test_a_stop_reaches_the_worker(cluster: Cluster) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                add(journal, "stopped" if worker.stopping(turn.id) else "shut down")

        one = mine(cluster, "1")
        async with cluster.node(Setup(handler)) as worker, cluster.node() as connector:
            assert not await connector.stop(one.lane)
            await connector.accept(one)
            await begun.wait()
            assert await connector.stop(one.lane)
            assert await watch(connector, one.id) == ["stopped"]

    run(main())


def test_a_full_worker_runs_what_ends_others(cluster: Cluster) -> None:
    async def main() -> None:
        begun = asyncio.Event()
        one, stop = mine(cluster, "1"), mine(cluster, "stop", "a!")

        async def handler(turn: Turn, journal: Journal) -> None:
            if turn.id == stop.id:
                add(journal, await worker.stop(one.lane))
                return
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                add(journal, "stopped")

        limits = Limits(running=1)
        async with (
            cluster.node(Setup(handler, limits=limits)) as worker,
            cluster.node() as connector,
        ):
            await connector.accept(one)
            await begun.wait()
            await connector.accept(stop, relieves=True)
            assert await watch(connector, stop.id) == [True]
            assert await watch(connector, one.id) == ["stopped"]

    run(main())


@pytest.mark.parametrize("stop", [False, True])
def test_without_nats_everything_works_a_moment_later(cluster: Cluster, stop: bool) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            add(journal, "begun")
            begun.set()
            if stop:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    add(journal, "stopped")
            add(journal, "ended")

        one = mine(cluster, "1")
        async with (
            cluster.node(Setup(handler), servers=(NOWHERE,)) as worker,
            cluster.node(servers=(NOWHERE,)) as connector,
        ):
            assert worker.alone
            assert await connector.accept(one)
            await begun.wait()
            if stop:
                assert await connector.stop(one.lane)
            assert await watch(connector, one.id) == [
                "begun",
                *(["stopped"] if stop else []),
                "ended",
            ]

    run(main())


def test_a_wake_up_that_was_lost_is_made_up_for(cluster: Cluster) -> None:
    """The process died between the commit and the publication."""

    async def handler(turn: Turn, journal: Journal) -> None:
        add(journal, "well")

    async def main() -> None:
        one = mine(cluster, "1")
        await asyncio.wrap_future(cluster.turns.accept(one, 10))
        async with cluster.node(Setup(handler)) as worker:
            await until(lambda: not worker.alone)
            assert await watch(worker, one.id) == ["well"]

    run(main())


def test_what_a_vanished_worker_held_goes_on_elsewhere(cluster: Cluster) -> None:
    async def handler(turn: Turn, journal: Journal) -> None:
        add(journal, *past(journal), "whole")

    async def main() -> None:
        one, two = mine(cluster, "1"), mine(cluster, "2")
        for accepted in (one, two):
            await asyncio.wrap_future(cluster.turns.accept(accepted, 10))
        lease = 0.5
        fence = await asyncio.wrap_future(cluster.turns.claim(one.lane, "ghost", lease))
        assert fence
        assert await asyncio.wrap_future(cluster.turns.begin(fence))
        async with cluster.node(Setup(handler)) as worker:
            assert await watch(worker, one.id) == ["whole"]
            assert await watch(worker, two.id) == ["whole"]

    run(main())


def test_what_a_dead_worker_held_waits_for_ten_seconds_at_most() -> None:
    """By the settings: on a machine that has other things to do it is its matter too."""
    worker = WorkerSettings()
    latest = 1.5 * worker.sweep  # of the looks of those that live
    assert worker.lease + latest <= 10.0
    assert worker.lease == Settings.model_validate({}).cluster.lease


class Looks(SqlTurns):
    """A store of which some looks for lanes, and signs of life, fail."""

    failing = 0

    def open_lanes(self, unheld: float | None = None, limit: int | None = None) -> Sequence[str]:
        self._fail()
        return super().open_lanes(unheld, limit)

    def renew(self, fence: Fence, lease: float) -> Future[bool]:
        try:
            self._fail()
        except StoreFailed as failed:
            refused = Future[bool]()
            refused.set_exception(failed)
            return refused
        return super().renew(fence, lease)

    def _fail(self) -> None:
        if self.failing:
            self.failing -= 1
            raise StoreFailed("no connection")


def test_a_worker_that_could_not_look_does_not_say_for_ever_that_nothing_is_durable(
    cluster: Cluster,
) -> None:
    stores: list[Looks] = []

    def looks(database: Database) -> Looks:
        stores.append(Looks(database))
        return stores[-1]

    async def main() -> None:
        begun, on = asyncio.Event(), asyncio.Event()

        async def handler(turn: Turn, journal: Journal) -> None:
            begun.set()
            await on.wait()

        one = mine(cluster, "1")
        async with cluster.node(Setup(handler, turns=looks)) as worker:
            stores[0].failing = 2
            await until(lambda: stores[0].failing == 0)
            assert worker.trouble == ""
            await worker.accept(one)
            await begun.wait()
            stores[0].failing = 100
            await until(lambda: worker.trouble != "")  # by a sign of life that was not taken
            stores[0].failing = 0
            await until(lambda: worker.trouble == "")
            on.set()
            await watch(worker, one.id)

    run(main())


def test_a_worker_that_lost_its_lane_learns_so_by_its_next_beat(cluster: Cluster) -> None:
    """It writes nothing, so only the lease can tell it."""

    async def main() -> None:
        begun = asyncio.Event()
        ends: list[str] = []

        async def handler(turn: Turn, journal: Journal) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ends.append(turn.id)
                add(journal, "late")
                raise

        one = mine(cluster, "1")
        async with cluster.node(Setup(handler)) as worker:
            await worker.accept(one)
            await begun.wait()
            fence = await asyncio.wrap_future(
                cluster.turns.claim(one.lane, "thief", 60.0, force=True)
            )
            assert fence
            assert await asyncio.wrap_future(cluster.turns.begin(fence))
            await until(lambda: ends == [one.id])
        assert cluster.turns.events(one.id) == []
        await asyncio.wrap_future(cluster.turns.end(fence, one.id, TurnState.DONE))

    run(main())


def test_draining_leaves_the_rest_to_others(cluster: Cluster) -> None:
    async def main() -> None:
        begun, on = asyncio.Event(), asyncio.Event()
        lives: list[Any] = []

        async def first(turn: Turn, journal: Journal) -> None:
            lives.append(("first", turn.id))
            begun.set()
            await on.wait()

        async def second(turn: Turn, journal: Journal) -> None:
            lives.append(("second", turn.id))

        one, two = mine(cluster, "1"), mine(cluster, "2")
        async with cluster.node(Setup(first)) as old:
            await old.accept(one)
            await begun.wait()
            await old.accept(two)
            assert not await old.drain(0.001)
            async with cluster.node(Setup(second)) as new:
                on.set()
                assert await old.drain(HANG)
                await watch(new, two.id)
        assert lives == [("first", one.id), ("second", two.id)]

    run(main())


def test_a_wake_up_is_not_doubled_and_comes_again_until_acknowledged(cluster: Cluster) -> None:
    async def main() -> None:
        bus = Bus(BusSettings((NATS,), cluster.prefix, ack_wait=0.2))
        async with bus.open():
            for _ in range(3):
                assert await bus.wake("a lane, 线", "id")
            wake = await bus.next_wake(HANG)
            assert wake
            assert (wake.lane, wake.again) == ("a lane, 线", False)
            again = await bus.next_wake(HANG)
            assert again
            assert (again.lane, again.again) == ("a lane, 线", True)
            await again.ack()
            js = await bus.jetstream()
            while (await js.consumer_info(bus._stream, "workers")).num_ack_pending:
                continue  # the server has not read it yet, and might give it once more
            assert await bus.wake("b", "other")
            other = await bus.next_wake(HANG)
            assert other
            assert other.lane == "b"
            await other.ack()

    run(main())


def test_what_must_rest_rests_on_all_nodes(cluster: Cluster) -> None:
    target = Target("vendor/model", "chat", "https://vendor.test", "model", Credential("key-1"))
    limited = Failure(Kind.RATE_LIMITED, Phase.HEADERS, retry_after=30.0)

    async def main() -> None:
        here, there = Health(), Health()
        clock = WallClock()
        async with (
            cluster.node() as one,
            cluster.node() as two,
            running(one.share(here, RetryBudget()), two.share(there, RetryBudget())),
        ):
            now = clock.monotonic()
            here.failed(target, limited, now, 0.5)
            await until(lambda: there.ready_at(target, now) > now)
            assert there.ready_at(target, now) == pytest.approx(now + 30.0, abs=1.0)
            reason = there.reason(target, now)
            assert reason
            assert reason.kind is Kind.RATE_LIMITED
            async with cluster.node() as late:
                heard = Health()
                async with running(late.share(heard, RetryBudget())):
                    await until(lambda: heard.ready_at(target, now) > now)

    run(main())


def test_what_must_rest_is_told_on_when_nats_has_forgotten_all(cluster: Cluster) -> None:
    """As one does that was started again between two looks: what is shared is in its memory."""
    limited = Failure(Kind.RATE_LIMITED, Phase.HEADERS, retry_after=300.0)

    def target(name: str) -> Target:
        return Target(name, "chat", "https://vendor.test", "model", Credential(name))

    async def main() -> None:
        here, there = Health(), Health()
        now = WallClock().monotonic()

        async def tells(name: str) -> None:
            here.failed(target(name), limited, now, 0.5)
            await until(lambda: there.ready_at(target(name), now) > now)

        async with (
            cluster.node() as one,
            cluster.node() as two,
            running(one.share(here, RetryBudget()), two.share(there, RetryBudget())),
        ):
            await tells("first")
            js = await one._bus.jetstream()
            await js.delete_key_value(f"{cluster.prefix}-health")
            await tells("second")

    run(main())


def test_what_could_not_be_told_is_told_later() -> None:
    health, clock = Health(), WallClock()
    target = Target("a", "chat", "https://vendor.test", "model", Credential("key"))
    limited = Failure(Kind.RATE_LIMITED, Phase.HEADERS, retry_after=300.0)
    health.failed(target, limited, clock.monotonic(), 0.5)
    budget = RetryBudget()
    budget.spend("a", 5.0, clock.monotonic())
    for topic in (Rests(health, clock), Spendings(budget, "me")):
        key, _ = next(topic.news())  # and nobody comes for more: it was not told
        assert [again for again, _ in topic.news()] == [key]
        assert list(topic.news()) == []


def test_a_cancellation_that_came_with_a_result_is_heeded() -> None:
    async def forgetful() -> None:
        with suppress(asyncio.CancelledError):  # as wait_for does when both come at once
            await asyncio.Event().wait()
        heed_cancellation()

    async def main() -> None:
        task = asyncio.create_task(forgetful())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        heed_cancellation()  # nobody has cancelled this one

    asyncio.run(main())


def test_retries_are_paid_from_one_budget_on_all_nodes(cluster: Cluster) -> None:
    async def main() -> None:
        here, there, late = RetryBudget(100.0), RetryBudget(100.0), RetryBudget(100.0)

        def left(budget: RetryBudget) -> int:
            """Tens that could be spent, without the free one."""
            return sum(budget.allows("a", price, -1e9) for price in range(10, 110, 10))

        async def hears(listener: RetryBudget, speaker: RetryBudget, word: str) -> None:
            """What is spent before a node listens is not told to it as if it were now: they meet
            first, over a target of no account.
            """

            def heard() -> bool:
                speaker.spend(word, 0.01, -1e9)
                return not listener.allows(word, 100.0, -1e9)

            listener.spend(word, 101.0, -1e9)
            await until(heard)

        for budget in (here, there, late):  # the one free retry is used up
            budget.spend("a", 101.0, -1e9)
        async with (
            cluster.node() as one,
            cluster.node() as two,
            running(one.share(Health(), here), two.share(Health(), there)),
        ):
            await hears(there, here, "first")
            await hears(here, there, "second")
            for _ in range(6):
                here.spend("a", 10.0, -1e9)
            await until(lambda: left(there) == 4)
            there.spend("a", 10.0, -1e9)
            await until(lambda: left(here) == 3)
            for _ in range(20):
                there.refund("a")
            await until(lambda: left(here) == 5)
            assert left(there) == 5
            async with cluster.node() as three, running(three.share(Health(), late)):
                await hears(late, here, "third")
                here.spend("a", 10.0, -1e9)
                await until(lambda: left(late) == 9)  # and no more
                assert left(late) == 9

    run(main())


def test_whoever_delivers_is_told_of_what_was_accepted(cluster: Cluster) -> None:
    async def handler(turn: Turn, journal: Journal) -> None:
        add(journal, "well")

    async def main() -> None:
        one, other = mine(cluster, "1", "bot:1"), mine(cluster, "2", "bot:2")
        word = one.lane.partition(":")[0]
        async with cluster.node() as gateway, cluster.node() as connector:
            with connector.accepting(word) as news, connector.accepting("another") as none:
                for event in (news, none):
                    await event.wait()  # the subscription is there
                    event.clear()
                assert await gateway.accept(one)
                await news.wait()
                assert not none.is_set()
                news.clear()
                assert not await gateway.accept(one)
                assert await gateway.accept(other)
                await news.wait()
            async with cluster.node(Setup(handler)) as worker:
                for accepted in (one, other):
                    assert await watch(worker, accepted.id) == ["well"]

    run(main())


def test_a_node_that_delivers_what_it_accepts_needs_no_nats_to_know(cluster: Cluster) -> None:
    async def main() -> None:
        one = mine(cluster, "1", "bot:1")
        word = one.lane.partition(":")[0]
        async with cluster.node(servers=(NOWHERE,)) as node:
            with node.accepting(word) as news, node.accepting("another") as none:
                assert await node.accept(one)
                assert news.is_set()
                assert not none.is_set()
            fence = await asyncio.wrap_future(cluster.turns.claim(one.lane, "me", 60.0))
            assert fence
            await asyncio.wrap_future(cluster.turns.end(fence, one.id, TurnState.DONE))

    run(main())


def test_a_full_cluster_says_so(cluster: Cluster) -> None:
    async def main() -> None:
        settings = replace(quick(cluster.prefix, Setup(_nothing)), waiting=1, count_every=0.0)
        engine = ClusterEngine("n", cluster.turns, WallClock(), {}, settings=settings)
        async with engine.open():
            one = mine(cluster, "1")
            assert await engine.accept(one)
            with pytest.raises(Overloaded):
                await engine.accept(mine(cluster, "2"))
            assert not await engine.accept(one)
            fence = await asyncio.wrap_future(cluster.turns.claim(one.lane, "me", 60.0))
            assert fence
            assert await asyncio.wrap_future(cluster.turns.begin(fence))
            assert await engine.accept(mine(cluster, "2"))
            await asyncio.wrap_future(cluster.turns.end(fence, one.id, TurnState.DONE))
            assert await asyncio.wrap_future(cluster.turns.begin(fence))
            await asyncio.wrap_future(
                cluster.turns.end(fence, mine(cluster, "2").id, TurnState.DONE)
            )

    run(main())
