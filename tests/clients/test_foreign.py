"""What clients that others wrote get through a real `holdfast serve` while its upstream fails."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from tests.clients.foreign import CLIENTS, KEY, Client, Got
from tests.serving import configuration, serving, vendor

from holdfast.sim.library import TEXTS

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
    streams: bool
    got: Mapping[str, Got]
    incidents: Sequence[Mapping[str, Any]]

    def incident(self, route: str) -> Mapping[str, Any]:
        """The only one: a client that asks again leaves another."""
        (found,) = [incident for incident in self.incidents if incident["route"] == route]
        return found


@pytest.fixture(
    scope="module",
    params=[(client, mode) for client in CLIENTS for mode in client.modes],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    client, mode = request.param
    folder = tmp_path_factory.mktemp(str(client))
    with vendor() as upstream:
        guarded = f'[gateway]\napi_keys = ["{KEY}"]'
        (folder / "holdfast.toml").write_text(configuration(upstream.base_url, ROUTES, guarded))
        with serving(folder) as served:
            got = client.ask(f"{served.url}/v1", mode, list(ROUTES))
            asked = urllib.request.Request(
                f"{served.url}/api/incidents", headers={"authorization": f"Bearer {KEY}"}
            )
            with urllib.request.urlopen(asked) as answer:
                kept = json.load(answer)["data"]
    told = dict(zip(ROUTES, got, strict=True))
    return Session(client, mode.startswith("stream"), told, kept)


@pytest.mark.parametrize("route", ["healthy", "refused", "cut"])
def test_the_answer_is_whole_and_comes_from_one_model(session: Session, route: str) -> None:
    got = session.got[route]
    assert got["text"] == WHOLE
    assert got["finish"] == "stop"
    assert got["models"] == [route]
    assert len(got["ids"]) == 1


@pytest.mark.parametrize("route", ["refused", "cut"])
def test_a_saved_answer_leaves_one_incident(session: Session, route: str) -> None:
    incident = session.incident(route)
    assert incident["outcome"] == "recovered"
    assert f"chatcmpl-{incident['ref']}" in session.got[route]["ids"]


def test_a_healthy_answer_leaves_none(session: Session) -> None:
    assert "healthy" not in [incident["route"] for incident in session.incidents]


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
