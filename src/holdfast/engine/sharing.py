"""What one node of a cluster finds out about targets and keys, told to the others.

Best effort, through a JetStream key-value bucket: a key that is rate-limited or refused, a target
whose breaker is open, and what retries were spent on. Every node judges by itself as well, and
without NATS only so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase
from ..resilience.budget import RetryBudget
from ..resilience.health import Health
from .bus import PAUSE, TROUBLE, Bus, heed_cancellation, token

EVERY = 0.5  # seconds between looks at what there is to tell
KEPT = 3600.0  # seconds: nothing rests longer
SLACK = 0.25  # seconds by which a rest must have grown to be told again

Fact = Mapping[str, Any]


@dataclass(slots=True)
class Rests:
    """What must rest, and until when."""

    health: Health
    clock: Clock
    _told: dict[str, float] = field(default_factory=dict)  # until when, by our clock

    def news(self) -> Iterator[tuple[str, Fact]]:
        now = self.clock.monotonic()
        for name, (until, failure) in self.health.resting(now).items():
            if failure is None or until <= self._told.get(name, now) + SLACK:
                continue
            fact = {
                "name": name,
                "until": self.clock.wall() + until - now,
                "kind": failure.kind.value,
                "phase": failure.phase.value,
                "hop": failure.hop.value,
            }
            yield token(name), fact
            self._told[name] = until  # it was

    def hear(self, fact: Fact, known: bool) -> None:
        now = self.clock.monotonic()
        rest = min(fact["until"] - self.clock.wall(), KEPT)
        if rest <= 0:
            return
        failure = Failure(
            Kind(fact["kind"]),
            Phase(fact["phase"]),
            Hop(fact["hop"]),
            "another node of the cluster met this failure",
        )
        self._told[fact["name"]] = max(now + rest, self._told.get(fact["name"], now))
        self.health.heard(fact["name"], now + rest, failure)


@dataclass(slots=True)
class Spendings:
    """What each node has spent on retries since it began. Only what is added counts: what was
    spent before this node came is not told to it as if it were now.
    """

    budget: RetryBudget
    node: str
    _told: dict[str, float] = field(default_factory=dict)
    _heard: dict[tuple[str, str], float] = field(default_factory=dict)  # by node and target

    def news(self) -> Iterator[tuple[str, Fact]]:
        for name, balance in tuple(self.budget.balance.items()):  # more is spent meanwhile
            if balance != self._told.get(name, 0.0):
                yield token(f"{self.node} {name}"), {"name": name, "spent": balance}
                self._told[name] = balance  # it was

    def hear(self, fact: Fact, known: bool) -> None:
        source = (fact["node"], fact["name"])
        spent = fact["spent"] - self._heard.get(source, fact["spent"] if known else 0.0)
        self._heard[source] = fact["spent"]
        if spent:
            self.budget.heard(fact["name"], spent)


@dataclass(slots=True)
class Sharing:
    """`node` is unique to this process."""

    bus: Bus
    health: Health
    budget: RetryBudget
    clock: Clock
    node: str

    async def run(self) -> None:
        """Until cancelled; begins anew whenever NATS comes back."""
        topics: dict[str, Rests | Spendings] = {
            "rest": Rests(self.health, self.clock),
            "spent": Spendings(self.budget, self.node),
        }
        while True:
            try:
                bucket = await self._bucket()
                await self._exchange(bucket, topics)
            except TROUBLE:
                await asyncio.sleep(PAUSE)

    async def _exchange(self, bucket: KeyValue, topics: Mapping[str, Rests | Spendings]) -> None:
        """As long as it is the same bucket: of another of its name this watcher hears nothing."""
        made = await _made(bucket)
        watcher = await bucket.watchall()
        known = True  # what comes first was known before we came
        try:
            while True:
                heed_cancellation()
                for name, topic in topics.items():
                    for key, fact in topic.news():
                        data = json.dumps({"topic": name, "node": self.node, **fact})
                        await bucket.put(key, data.encode())
                try:
                    update = await watcher.updates(timeout=EVERY)  # type: ignore[no-untyped-call]
                except TimeoutError:
                    if await _made(bucket) != made:
                        return
                    continue
                if update is None:
                    known = False
                elif update.value:
                    fact = json.loads(update.value)
                    hearing = topics.get(fact.get("topic", ""))
                    if hearing is not None and fact["node"] != self.node:
                        hearing.hear(fact, known)
        finally:
            await watcher.stop()  # type: ignore[no-untyped-call]

    async def _bucket(self) -> KeyValue:
        js = await self.bus.jetstream()
        name = f"{self.bus.settings.prefix.replace('.', '-')}-health"
        try:
            return await js.key_value(name)
        except NotFoundError:
            return await js.create_key_value(
                KeyValueConfig(
                    bucket=name,
                    ttl=KEPT,
                    storage=StorageType.MEMORY,
                    replicas=self.bus.settings.replicas,
                )
            )


async def _made(bucket: KeyValue) -> datetime | None:
    """When it was made. Raises what TROUBLE names."""
    return (await bucket.status()).stream_info.created
