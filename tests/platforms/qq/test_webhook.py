"""The callback address: what is verified, what is signed, and when an event is acknowledged."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.platforms.qq.rig import Rig, play
from tests.upstream.leaks import until

from holdfast.sim.qq.rules import Rules

pytestmark = pytest.mark.scenario

Json = dict[str, Any]


async def post(it: Rig, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(it.qq.webhook.url, content=body, headers=headers or {})


def event(text: str) -> Json:
    author = {"id": "A1", "user_openid": "A1"}
    data = {"id": f"ROBOT1.0_{text}", "author": author, "content": text}
    return {"op": 0, "s": 1, "t": "C2C_MESSAGE_CREATE", "id": "x", "d": data}


def validation(plain_token: str, event_ts: str) -> bytes:
    return json.dumps({"op": 13, "d": {"plain_token": plain_token, "event_ts": event_ts}}).encode()


def test_the_address_is_validated() -> None:
    async def scene(it: Rig) -> None:
        assert await it.qq.webhook.validate()

    play(scene, transport="webhook")


def test_the_documents_own_validation_without_a_signature() -> None:
    """Some consoles send it so. Vector A, as far as the secret differs."""

    async def scene(it: Rig) -> None:
        answer = await post(it, validation("Arq0D5A61EgUu4OxUvOp", "1725442341"))
        assert answer.status_code == 200
        assert answer.json() == {
            "plain_token": "Arq0D5A61EgUu4OxUvOp",
            "signature": it.qq.webhook.sign(b"1725442341Arq0D5A61EgUu4OxUvOp"),
        }

    play(scene, transport="webhook")


def test_the_validation_signs_nothing_that_could_be_an_event() -> None:
    """The attack that other adapters fall to: have an event signed as if it were a token."""

    async def scene(it: Rig) -> None:
        forged = json.dumps(event("forged"))
        now = str(int(it.qq.now()))
        for plain_token, event_ts in (
            (forged, now),  # timestamp and body as they are
            (forged[1:], now + forged[0]),  # cut elsewhere
            ("", now + forged),
            (f"{now}{forged}", ""),
            ("x" * 65, now),
            ("abc", "１２"),  # digits, but none of ASCII
            ("abc\n", now),
        ):
            answer = await post(it, validation(plain_token, event_ts))
            assert answer.status_code == 400
            assert "signature" not in answer.text
        # What the handshake did sign cannot be used for an event.
        got = (await post(it, validation("abc", now))).json()["signature"]
        for body in (forged.encode(), b"abc"):
            headers = {"X-Signature-Ed25519": got, "X-Signature-Timestamp": now}
            assert (await post(it, body, headers)).status_code in (400, 401)
        assert it.inbox.had == []

    play(scene, transport="webhook")


def test_a_validation_with_a_bad_signature_is_refused() -> None:
    async def scene(it: Rig) -> None:
        body = validation("abc", "1725442341")
        bad = {"X-Signature-Ed25519": "0" * 128, "X-Signature-Timestamp": "1725442341"}
        assert (await post(it, body, bad)).status_code == 401

    play(scene, transport="webhook")


def test_validations_are_few() -> None:
    async def scene(it: Rig) -> None:
        codes = [(await post(it, validation(f"t{n}", "1"))).status_code for n in range(12)]
        assert codes == [200] * 10 + [429] * 2

    play(scene, transport="webhook")


@pytest.mark.parametrize("signature", ["", "0" * 128, "zz", "ab" * 64])
def test_events_that_the_platform_did_not_sign_are_refused(signature: str) -> None:
    async def scene(it: Rig) -> None:
        pushed = await it.qq.webhook.push(event("forged"), signature=signature)
        assert pushed.status == 401
        assert it.inbox.had == []

    play(scene, transport="webhook")


def test_an_event_that_was_changed_on_the_way_is_refused() -> None:
    async def scene(it: Rig) -> None:
        now = str(int(it.qq.now()))
        body = json.dumps(event("hello")).encode()
        headers = {
            "X-Signature-Ed25519": it.qq.webhook.sign(now.encode() + body),
            "X-Signature-Timestamp": now,
        }
        assert (await post(it, body.replace(b"hello", b"hullo"), headers)).status_code == 401
        later = {**headers, "X-Signature-Timestamp": str(int(now) + 1)}
        assert (await post(it, body, later)).status_code == 401
        other = {**headers, "X-Bot-Appid": "999"}
        assert (await post(it, body, other)).status_code == 403
        assert (await post(it, body, headers)).json() == {"op": 12}
        assert it.inbox.texts == ["hello"]

    play(scene, transport="webhook")


@pytest.mark.parametrize("off", [-3600, 3600])
def test_a_clock_that_is_wrong_costs_no_message(off: int) -> None:
    async def scene(it: Rig) -> None:
        it.qq.advance(off)
        assert (await it.qq.webhook.push(event("late"))).status == 200

    play(scene, transport="webhook")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"op":0}\xff'])
def test_bodies_that_are_no_events(body: bytes) -> None:
    async def scene(it: Rig) -> None:
        assert (await post(it, body)).status_code == 400

    play(scene, transport="webhook")


def test_an_event_is_acknowledged_only_when_it_is_kept() -> None:
    """Not kept: the platform pushes it again. The same event twice is answered twice, kept once."""

    async def scene(it: Rig) -> None:
        it.inbox.failing = 2
        it.qq.person().says("hello")
        await it.hears(1)
        await until(lambda: len(it.qq.webhook.pushed) == 3)
        assert [pushed.status for pushed in it.qq.webhook.pushed] == [503, 503, 200]
        assert json.loads(it.qq.webhook.pushed[-1].body) == {"op": 12}

    play(scene, transport="webhook")


def test_an_event_that_comes_twice_is_kept_once() -> None:
    async def scene(it: Rig) -> None:
        it.qq.person().says("hello")
        await until(lambda: len(it.qq.webhook.pushed) == 3)
        assert {pushed.status for pushed in it.qq.webhook.pushed} == {200}
        assert it.inbox.texts == ["hello"]
        assert len(it.inbox.repeated) == 2

    play(scene, Rules(repeats=2), transport="webhook")


def test_an_event_that_names_no_opcode_is_an_event() -> None:
    async def scene(it: Rig) -> None:
        told = event("hello")
        del told["op"]
        assert (await it.qq.webhook.push(told)).status == 200
        await it.hears(1)

    play(scene, transport="webhook")


def test_the_address_may_end_with_a_slash() -> None:
    async def scene(it: Rig) -> None:
        it.qq.webhook.url += "/"
        assert await it.qq.webhook.validate()

    play(scene, transport="webhook")


def test_who_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene(it: Rig) -> None:
        where = urlsplit(it.qq.webhook.url)
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        head = f"POST {where.path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{"
        writer.write(head.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        it.qq.person().says("hello")
        await it.hears(1)

    play(scene, transport="webhook")
    assert "Exception in ASGI application" not in caplog.text


def test_other_opcodes_are_acknowledged() -> None:
    async def scene(it: Rig) -> None:
        assert (await it.qq.webhook.push({"op": 99})).status == 200

    play(scene, transport="webhook")


def test_a_bot_that_does_not_run_takes_nothing() -> None:
    async def scene(it: Rig) -> None:
        it.running.cancel()
        await until(it.running.done)
        assert (await it.qq.webhook.push(event("hello"))).status == 503

    play(scene, transport="webhook")
