"""Calls that outlive their connection on two gateways and a worker, of which any may die."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.pulse import Pulse
from tests.scenarios.dialogue import dialogues, events, last_event, text_of
from tests.serving import PATIENCE, Served, configuration, serving, vendor

from holdfast.sim.upstream import SimulatedUpstream

ASK = "text:demo"
TEXT = text_of(ASK)
CHAT = dialogues(ASK)["chat"]
SLOW = {**CHAT.body, "model": "slow"}
RESUME = {"x-holdfast-resume": "1"}
SOME = 20  # pieces of an answer, which has many more

pytestmark = pytest.mark.slow


@dataclass
class Nodes:
    """Processes of one cluster over one folder, which the tests share as long as they live."""

    folder: Path
    upstream: SimulatedUpstream
    pulse: Pulse
    stack: ExitStack = field(default_factory=ExitStack)
    alive: dict[str, list[Node]] = field(default_factory=dict)

    @property
    def gateways(self) -> tuple[Node, Node]:
        one, other = self.have("gateway", 2)
        return one, other

    def have(self, role: str, count: int) -> list[Node]:
        """So many of them, started or killed."""
        nodes = [node for node in self.alive.get(role, []) if node.runs]
        for node in nodes[count:]:
            node.kill()
        nodes[count:] = [self.start(role) for _ in range(count - len(nodes))]
        self.alive[role] = nodes
        return nodes

    def start(self, role: str) -> Node:
        folder = self.folder / uuid4().hex
        folder.mkdir()
        config = ("--config", str(self.folder / "holdfast.toml"), "--role", role)
        running: AbstractContextManager[Served] = serving(folder, *config)
        return Node(self.stack.enter_context(running))


@dataclass(frozen=True, slots=True)
class Node:
    served: Served

    @property
    def runs(self) -> bool:
        return self.served.process.poll() is None

    def kill(self) -> None:
        self.served.process.kill()
        self.served.process.wait(PATIENCE)

    def ask(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A POST if there is a body."""
        connection = http.client.HTTPConnection(urlsplit(self.served.url).netloc, timeout=PATIENCE)
        data = None if body is None else json.dumps(body)
        told = {"content-type": "application/json", **(headers or {})}
        connection.request("GET" if data is None else "POST", path, data, told)
        return connection, connection.getresponse()

    def read(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection, answer = self.ask(path, body, headers)
        with closing(connection):
            return answer.status, answer.read()

    def json(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        status, data = self.read(path, body, headers)
        assert status == 200, data
        return json.loads(data)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with nodes_in(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@contextmanager
def nodes_in(folder: Path) -> Iterator[Nodes]:
    pulse = Pulse()
    with postgres_schema() as url, nats_prefix() as prefix, vendor(pulse) as upstream:
        more = f"""
[server]
database_url = "{url}"
data_dir = "{folder}"
[cluster]
nats = "{NATS}"
name = "{prefix[:32]}"
lease = 2.0
"""
        routes = {"slow": ["ok;pace=0.01"]}
        text = configuration(upstream.base_url, routes, more)
        (folder / "holdfast.toml").write_text(text, encoding="utf-8")
        with ExitStack() as stack:
            yield Nodes(folder, upstream, pulse, stack)


def begun(node: Node) -> tuple[str, bytes]:
    """A call whose client read some of the answer and left."""
    connection, answer = node.ask(CHAT.path, SLOW, RESUME)
    with closing(connection):
        assert answer.status == 200
        read = b""
        while not CHAT.spoken(read):
            read += answer.readline()
        return answer.headers["x-holdfast-call"], read


def judge(read: bytes, whole: bytes) -> None:
    assert events(whole).startswith(events(read)), "what was read once is read again"
    assert CHAT.spoken(whole) == TEXT
    assert CHAT.end in last_event(whole)


def in_background(node: Node, model: str) -> str:
    """The path of a response whose client has left."""
    body = {"model": model, "input": ASK, "background": True, "stream": True}
    connection, answer = node.ask("/v1/responses", body)
    with closing(connection):
        while not (line := answer.readline()).startswith(b"data: "):
            continue
    return f"/v1/responses/{json.loads(line[6:])['response']['id']}"


def test_what_one_gateway_began_another_reads_on(nodes: Nodes) -> None:
    one, other = nodes.gateways
    nodes.have("worker", 1)
    call, read = begun(one)
    one.kill()
    judge(read, other.read(f"/v1/calls/{call}/events")[1])
    assert other.json(f"/v1/calls/{call}")["state"] == "ended"


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSTOP])
def test_a_call_goes_on_although_its_worker_does_not(nodes: Nodes, by: signal.Signals) -> None:
    one, other = nodes.gateways
    [owner] = nodes.have("worker", 1)
    with nodes.pulse.held(after=SOME):
        call, read = begun(one)
        connection, answer = other.ask(f"/v1/calls/{call}/events")
        begin = answer.readline()
        owner.served.process.send_signal(by)
        successor = nodes.start("worker")
    with closing(connection):
        judge(read, begin + answer.read())
    if by is signal.SIGSTOP:
        owner.served.process.send_signal(signal.SIGCONT)
    judge(read, one.read(f"/v1/calls/{call}/events")[1])
    nodes.alive["worker"] = [successor]
    owner.kill()


def test_a_key_is_one_call_on_every_gateway(nodes: Nodes) -> None:
    one, other = nodes.gateways
    nodes.have("worker", 1)
    key = {"idempotency-key": "the same", **RESUME}
    with nodes.pulse.held(after=SOME):
        connection, answer = one.ask(CHAT.path, SLOW, key)
        status, refused = other.read(CHAT.path, SLOW, key)
        assert (status, json.loads(refused)["error"]["code"]) == (409, "idempotency_in_progress")
    with closing(connection):
        call = answer.headers["x-holdfast-call"]
        attached = other.read(CHAT.path, SLOW, {**key, "prefer": "holdfast-attach"})[1]
        whole = answer.read()
    assert events(attached) == events(whole)
    judge(whole, other.read(f"/v1/calls/{call}/events")[1])
    assert events(other.read(CHAT.path, SLOW, key)[1]) == events(whole)
    status, refused = other.read(CHAT.path, {**SLOW, "temperature": 0}, key)
    assert (status, json.loads(refused)["error"]["code"]) == (422, "idempotency_key_reused")


def test_what_runs_is_cancelled_from_the_other_gateway(nodes: Nodes) -> None:
    one, other = nodes.gateways
    nodes.have("worker", 1)
    with nodes.pulse.held(after=SOME):
        path = in_background(one, "slow")
        reading, answer = other.ask(f"{path}?stream=true")
        with closing(reading):
            while b"output_text.delta" not in answer.readline():
                continue
            assert other.json(path)["status"] == "in_progress"
            assert other.json(f"{path}/cancel", {})["status"] == "cancelled"
            answer.read()  # it has an end
    assert one.json(path)["status"] == "cancelled"
    assert one.json(f"{path}/cancel", {})["status"] == "cancelled"


def test_what_waits_is_cancelled_from_the_other_gateway_and_never_begins(nodes: Nodes) -> None:
    one, other = nodes.gateways
    nodes.have("worker", 0)
    asked = len(nodes.upstream.requests)
    path = in_background(one, "slow")
    assert other.json(path)["status"] == "queued"
    assert other.json(f"{path}/cancel", {})["status"] == "cancelled"
    assert one.json(path)["status"] == "cancelled"
    nodes.have("worker", 1)
    told = one.read(f"{path}?stream=true")[1]
    assert b'"kind":"cancelled"' in last_event(told)
    assert one.json(path)["status"] == "cancelled"
    assert len(nodes.upstream.requests) == asked


def test_a_response_in_the_background_needs_neither_its_gateway_nor_its_worker(
    nodes: Nodes,
) -> None:
    one, other = nodes.gateways
    [owner] = nodes.have("worker", 1)
    with nodes.pulse.held(after=SOME):
        path = in_background(one, "slow")
        reading, answer = other.ask(f"{path}?stream=true")
        while b"output_text.delta" not in answer.readline():
            continue
        one.kill()
        owner.kill()
    with closing(reading):
        nodes.have("worker", 1)
        answer.read()
    found = other.json(path)
    assert found["status"] == "completed"
    assert [part["text"] for item in found["output"] for part in item["content"]] == [TEXT]
