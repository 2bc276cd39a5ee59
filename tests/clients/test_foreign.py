"""What clients that others wrote get through a real `holdfast serve` while its upstream fails."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.clients.foreign import CLIENTS, KEY, Client, Got
from tests.serving import serving, vendor

from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

WHOLE = TEXTS["demo"]["en"]
# The models that stand behind each route, in order. No two routes share a target, so that what
# the breakers learn from one says nothing about another.
ROUTES: Mapping[str, Sequence[str]] = {
    "healthy": ["ok"],
    "refused": ["sub2api_502", "ok;chunk=5"],
    "cut": ["reset@10", "ok;chunk=6"],
    "late-outage": ["reset@10,sub2api_502;chunk=7"],
    "outage": ["sub2api_502;chunk=8", "eof_before_headers;chunk=8"],
}


@dataclass(frozen=True, slots=True)
class Session:
    """One client's questions, one to each route, and what was kept of them."""

    client: Client
    mode: str
    got: Mapping[str, Got]
    incidents: Sequence[Mapping[str, Any]]

    @property
    def streams(self) -> bool:
        return self.mode.startswith("stream")

    def incident(self, route: str) -> Mapping[str, Any]:
        """The only one: a client that asks again leaves another."""
        name = named(self.mode, route)
        (found,) = [incident for incident in self.incidents if incident["route"] == name]
        return found


def named(mode: str, route: str) -> str:
    """The model that is asked for, of which each mode has its own."""
    return f"{route}-{mode}"


@pytest.fixture(
    scope="module",
    params=[(client, mode) for client in CLIENTS for mode in client.modes],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def session(request: pytest.FixtureRequest) -> Session:
    client, mode = request.param
    return sessions(client)[mode]


@cache
def sessions(client: Client) -> Mapping[str, Session]:
    """By mode, each before a vendor of its own."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sims = {mode: stack.enter_context(vendor()) for mode in client.modes}
        (folder / "holdfast.toml").write_text(_configuration(sims))
        with serving(folder) as served:
            models = {mode: [named(mode, route) for route in ROUTES] for mode in client.modes}
            got = iter(client.ask(f"{served.url}/v1", models))
            asked = urllib.request.Request(
                f"{served.url}/api/incidents", headers={"authorization": f"Bearer {KEY}"}
            )
            with urllib.request.urlopen(asked) as answer:
                kept = json.load(answer)["data"]
    return {
        mode: Session(client, mode, {route: next(got) for route in ROUTES}, kept)
        for mode in client.modes
    }


def _configuration(sims: Mapping[str, SimulatedUpstream]) -> str:
    lines = [f'[gateway]\napi_keys = ["{KEY}"]']
    for number, (mode, sim) in enumerate(sims.items()):
        lines += [f"[providers.p{number}]", f'base_url = "{sim.base_url}"']
        for route, models in ROUTES.items():
            targets = [f"p{number}/{model}" for model in models]
            lines += [f'[routes."{named(mode, route)}"]', f"targets = {json.dumps(targets)}"]
    return "\n".join(lines)


@pytest.mark.parametrize("route", ["healthy", "refused", "cut"])
def test_the_answer_is_whole_and_comes_from_one_model(session: Session, route: str) -> None:
    got = session.got[route]
    assert got["text"] == WHOLE
    assert got["finish"] == "stop"
    assert got["models"] == [named(session.mode, route)]
    assert len(got["ids"]) == 1


@pytest.mark.parametrize("route", ["refused", "cut"])
def test_a_saved_answer_leaves_one_incident(session: Session, route: str) -> None:
    incident = session.incident(route)
    assert incident["outcome"] == "recovered"
    assert f"chatcmpl-{incident['ref']}" in session.got[route]["ids"]


def test_a_healthy_answer_leaves_none(session: Session) -> None:
    healthy = named(session.mode, "healthy")
    assert healthy not in [incident["route"] for incident in session.incidents]


def test_an_outage_reaches_the_client_once_with_reference_and_cause(session: Session) -> None:
    got, incident = session.got["outage"], session.incident("outage")
    assert got["text"] == ""
    assert got["status"] == 502
    assert f"(ref {incident['ref']})" in got["message"]
    assert "Upstream request failed" in got["message"]
    if session.client.sees_body:
        told = got["body"]["holdfast"]
        assert told["ref"] == incident["ref"]
        assert told["kind"] == "bad_gateway"
        assert {a["kind"] for a in told["attempts"]} == {"bad_gateway", "connection_closed"}
        assert told["attempts"][0]["nested"]["message"] == "Upstream request failed"


def test_an_answer_that_cannot_go_on_is_not_taken_for_whole(session: Session) -> None:
    got, incident = session.got["late-outage"], session.incident("late-outage")
    assert got["finish"] in (None, "error")
    assert f"(ref {incident['ref']})" in got["message"]
    assert "ECONNRESET" in got["message"]
    assert WHOLE.startswith(got["text"])
    assert bool(got["text"]) is session.streams
    if session.client.sees_body:
        assert got["body"]["holdfast"]["kind"] == "connection_reset"
