"""Planted secrets: whatever an upstream echoes, they are nowhere but in the request itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openai
import pytest
from tests.scenarios.house import House, house, run
from tests.serving import logging_put_back
from tests.upstream.peers import Visit, peer

from holdfast import log
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

KEY = "correct-horse-battery-staple"  # nothing in its looks gives it away
HEADER = "Tr0ub4dor&3"
TOKEN = "shibboleth-of-gilead"
PASSWORD = "hunter two"
GATEWAY_KEY = "open-sesame-open"
PROMPT = "the treasure lies under the third oak"
CANARIES = (
    KEY,
    HEADER,
    TOKEN,
    PASSWORD,
    quote(PASSWORD),
    GATEWAY_KEY,
    PROMPT,
    base64.b64encode(f"me:{PASSWORD}".encode()).decode(),
)

_SENT = ("authorization", "x-team", "x-auth", "proxy-authorization")

Echo = Callable[[Visit, Mapping[str, str], bytes], Awaitable[None]]


def _answer(status: int, body: bytes, *fields: str) -> bytes:
    head = [f"HTTP/1.1 {status} No", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def _said(headers: Mapping[str, str]) -> str:
    """Everything that the request was authenticated with, in a vendor's words."""
    told = [headers.get(name, "") for name in _SENT]
    bare = [value.partition(" ")[2] or value for value in told]
    return f"Incorrect credentials {told[0]} / {'; '.join(bare)}: see your account page"


def _error(message: str, **more: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "x", **more}}).encode()


ECHOES: Mapping[str, Callable[[Mapping[str, str], bytes], bytes]] = {
    "message": lambda h, b: _answer(401, _error(_said(h)), "Content-Type: application/json"),
    "code": lambda h, b: _answer(
        400, _error("no", code=_said(h), param=_said(h)), "Content-Type: application/json"
    ),
    "text": lambda h, b: _answer(500, _said(h).encode(), "Content-Type: text/plain"),
    "page": lambda h, b: _answer(
        502, f"<html><title>{_said(h)}</title></html>".encode(), "Content-Type: text/html"
    ),
    "ids": lambda h, b: _answer(
        500,
        b"",
        f"X-Request-Id: {h.get('authorization', '')}",
        f"Server: {h.get('x-team', '')}",
        f'Proxy-Status: {KEY}; error=connection_refused; details="{_said(h)}"',
        f"Retry-After: {KEY}",
    ),
    "nested": lambda h, b: _answer(
        502,
        _error("Provider returned error", metadata="").replace(
            b'"metadata": ""',
            json.dumps({"metadata": {"raw": _said(h), "provider_name": KEY}}).encode()[1:-1],
        ),
        "Content-Type: application/json",
    ),
    "validator": lambda h, b: _answer(
        422,
        json.dumps(
            {
                "detail": [
                    {
                        "type": "missing",
                        "loc": ["body", "messages", 0, "role"],
                        "msg": "Field required",
                        "input": json.loads(b)["messages"],
                    }
                ]
            }
        ).encode(),
        "Content-Type: application/json",
    ),
    "broken": lambda h, b: _answer(400, b'{"error": {"input": ' + b, "Content-Type: text/plain"),
    "not http": lambda h, b: f"WHAT {_said(h)}\r\n\r\n".encode(),
    "event": lambda h, b: _answer(
        200,
        b"data: " + _error(_said(h)) + b"\n\n",
        "Content-Type: text/event-stream",
    ),
    "bad event": lambda h, b: _answer(
        200, f"data: {_said(h)}\n\n".encode(), "Content-Type: text/event-stream"
    ),
    "stray": lambda h, b: _answer(
        200,
        b'data: {"choices":[{"index":0,"delta":{"content":"par"}}]}\n\n' + _said(h).encode(),
        "Content-Type: text/event-stream",
    ),
    "other body": lambda h, b: _answer(200, b"[" + b, "Content-Type: application/json"),
}


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_a_planted_secret_shows_nowhere(
    capsys: pytest.CaptureFixture[str], behind_proxy: bool
) -> None:
    told: dict[str, str] = {}

    async def main() -> None:
        async def echo(visit: Visit) -> None:
            request = await visit.request()
            if not request:
                return
            head, _, body = request.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
            headers = {name.lower(): value for name, _, value in lines}
            assert headers["x-team"] == HEADER
            assert KEY in headers["authorization"]
            await visit.send(ECHOES[json.loads(body)["model"]](headers, body))

        async with peer(echo) as upstream:
            proxy = upstream.url.replace("//", f"//me:{quote(PASSWORD)}@") if behind_proxy else ""
            base = "http://model.invalid/v1" if behind_proxy else f"{upstream.url}/v1"
            async with house(_layout(base, proxy), key=GATEWAY_KEY) as there:
                log.configure({})
                for name in ECHOES:
                    told[name] = await _asked(there, name)
                told["metrics"] = await there.metrics()
                told["readyz"] = (await there.http.get("/readyz")).text
                told["services"] = repr(there.running.services)
                told["data"] = _stored(there)
        told["log"] = "".join(capsys.readouterr())

    with logging_put_back():
        run(main())
    assert "attempt failed" in told["log"]
    leaks = [(where, c) for where, text in told.items() for c in CANARIES if c in text]
    assert leaks == []


def _layout(base_url: str, proxy: str) -> Callable[..., Mapping[str, Any]]:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        provider = {
            "base_url": base_url,
            "api_keys": [KEY],
            "headers": {"X-Team": HEADER, "X-Auth": f"Token {TOKEN}"},
            "proxy": proxy,
            "continuation": "never",
        }
        return {
            "providers": {"p": provider},
            "routes": {n: {"targets": [f"p/{n}"], "max_attempts": 1} for n in ECHOES},
            "gateway": {"api_keys": [GATEWAY_KEY], "disclose": "full"},
        }

    return layout


async def _asked(there: House, name: str) -> str:
    """All that a client can see of one failed call."""
    seen: list[str] = []
    body: dict[str, Any] = {"messages": [{"role": "user", "content": PROMPT}]}
    for stream in (True, False):
        try:
            raw: Any = await there.openai.chat.completions.create(model=name, stream=stream, **body)
            async for _ in raw:
                continue
        except openai.APIError as caught:
            error = caught
        else:
            pytest.fail(f"{name} was answered")
        seen += [str(error), repr(error), json.dumps(error.body, ensure_ascii=False)]
        if isinstance(error, openai.APIStatusError):
            seen += [repr(error.response.headers), error.response.text]
        assert isinstance(error.body, dict)
        seen.append(json.dumps(await there.record(error.body["holdfast"]["ref"])))
    return "\n".join(seen)


def _stored(there: House) -> str:
    """Every byte of every file that the gateway keeps."""
    folder = Path(there.data_dir)
    return "".join(f.read_bytes().decode("latin-1") for f in folder.rglob("*") if f.is_file())
