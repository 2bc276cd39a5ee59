"""What one node of a cluster finds out about targets and keys, told to the others.

Best effort, through a JetStream key-value bucket: a key that is rate-limited or refused, a target
whose breaker is open. Every node judges by itself as well, and without NATS only so.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase
from ..resilience.health import Health
from .bus import TROUBLE, Bus, token

EVERY = 0.5  # seconds between looks at what rests here
KEPT = 3600.0  # seconds: nothing rests longer
SLACK = 0.25  # seconds by which a rest must have grown to be told again


@dataclass(slots=True)
class Sharing:
    """`node` is unique to this process."""

    bus: Bus
    health: Health
    clock: Clock
    node: str
    _told: dict[str, float] = field(default_factory=dict)  # until when, by our clock

    async def run(self) -> None:
        """Until cancelled; begins anew whenever NATS comes back."""
        while True:
            try:
                bucket = await self._bucket()
                await self._exchange(bucket)
            except TROUBLE:
                await asyncio.sleep(1.0)

    async def _exchange(self, bucket: KeyValue) -> None:
        watcher = await bucket.watchall()
        try:
            while True:
                await self._tell(bucket)
                try:
                    update = await watcher.updates(timeout=EVERY)  # type: ignore[no-untyped-call]
                except TimeoutError:
                    if not self.bus.connected:
                        return
                    continue
                if update is not None and update.value:
                    self._hear(json.loads(update.value))
        finally:
            await watcher.stop()  # type: ignore[no-untyped-call]

    async def _tell(self, bucket: KeyValue) -> None:
        now = self.clock.monotonic()
        for name, (until, failure) in self.health.resting(now).items():
            if failure is None or until <= self._told.get(name, now) + SLACK:
                continue
            self._told[name] = until
            fact = {
                "node": self.node,
                "name": name,
                "until": self.clock.wall() + until - now,
                "kind": failure.kind.value,
                "phase": failure.phase.value,
                "hop": failure.hop.value,
            }
            await bucket.put(token(name), json.dumps(fact).encode())

    def _hear(self, fact: dict[str, Any]) -> None:
        now = self.clock.monotonic()
        rest = min(fact["until"] - self.clock.wall(), KEPT)
        if fact["node"] == self.node or rest <= 0:
            return
        failure = Failure(
            Kind(fact["kind"]),
            Phase(fact["phase"]),
            Hop(fact["hop"]),
            "another node of the cluster met this failure",
        )
        self._told[fact["name"]] = max(now + rest, self._told.get(fact["name"], now))
        self.health.heard(fact["name"], now + rest, failure)

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
