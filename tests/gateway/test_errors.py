"""What a client is told of every kind of failure: one shape, two languages, true headers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from holdfast.core.failure import Failure, Hop, Kind, Phase
from holdfast.core.verdict import Language, plain
from holdfast.gateway.errors import Refusal
from holdfast.wire import SERVED

CHAT = SERVED["chat"]
_HAN = re.compile(r"[\u4e00-\u9fff]")


def refusal(failure: Failure, language: Language = "en", released: int = 0) -> Refusal:
    return Refusal(failure, "REF", language, "full", released=released)


def told(failure: Failure) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in refusal(failure).headers()}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("released", [0, 7])
def test_every_kind_is_told(kind: Kind, language: Language, released: int) -> None:
    for phase in Phase:
        found = refusal(Failure(kind, phase), language, released)
        content_type, body = found.body("", CHAT)
        error = json.loads(body)["error"]
        assert content_type == "application/json"
        assert 400 <= found.status < 600
        assert "REF" in error["message"]
        assert bool(_HAN.search(error["message"])) == (language == "zh")
        assert (error["holdfast"]["kind"], error["holdfast"]["phase"]) == (kind.value, phase.value)
        assert error["holdfast"]["released_chars"] == released
        assert error["code"]
        assert error["type"]


def test_half_a_surrogate_that_a_client_sent_is_told_back_as_far_as_it_can_be() -> None:
    failure = Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail="no response '\ud800'")
    assert (
        "no response '\ufffd'" in json.loads(refusal(failure).body("", CHAT)[1])["error"]["message"]
    )


def test_the_retry_family_says_one_thing() -> None:
    limited = Failure(Kind.RATE_LIMITED, Phase.HEADERS, status=429, retry_after=1.2)
    headers = told(limited)
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1200")
    assert headers["x-should-retry"] == "false"  # we have retried already
    full = Failure(Kind.CAPACITY, Phase.ADMIT, Hop.ENGINE, retry_after=1.0)
    assert told(full)["x-should-retry"] == "true"
    assert "retry-after" not in told(Failure(Kind.RESET, Phase.HEADERS))


@pytest.mark.parametrize(
    ("failure", "value"),
    [
        (
            Failure(Kind.BAD_GATEWAY, Phase.HEADERS, status=502),
            "holdfast; received-status=502; error=destination_unavailable",
        ),
        (Failure(Kind.TIMEOUT, Phase.CONNECT), "holdfast; error=connection_timeout"),
        (Failure(Kind.TIMEOUT, Phase.HEADERS), "holdfast; error=http_response_timeout"),
        # A status that was only written inside a 200 was not received as one.
        (
            Failure(Kind.BAD_GATEWAY, Phase.FIRST, status=502),
            "holdfast; error=destination_unavailable",
        ),
    ],
)
def test_proxy_status(failure: Failure, value: str) -> None:
    assert told(failure)["proxy-status"] == f'{value}; details="attempts=0; ref=REF"'


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Failure(Kind.INVALID, Phase.HEADERS, status=422), 422),
        (Failure(Kind.POLICY, Phase.STREAM), 400),
        (Failure(Kind.AUTH, Phase.HEADERS, status=401), 502),  # it is our key, not the client's
        (Failure(Kind.QUOTA, Phase.HEADERS, status=429), 502),
        (Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, code="body_too_large"), 413),
    ],
)
def test_whose_fault_it_is_decides_the_status(failure: Failure, status: int) -> None:
    assert refusal(failure).status == status


# Both languages.


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        *(
            (dialect, body)
            for dialect in SERVED
            for body in (b"", b"{", b"\xff", b"[" * 100000, b"[]", b"null", b"{}", b'{"model": 1}')
        ),
        *(("chat", {"messages": messages}) for messages in (None, "x", [], [1])),
        ("chat", {"messages": [{}], "n": 0}),
        ("chat", {"messages": [{}], "n": "x"}),
        ("chat", {"messages": [{}], "stream": "x"}),
        ("chat", {"messages": [{}], "tools": {}}),
        *(("messages", {"messages": [{}], "max_tokens": limit}) for limit in (None, 0, "x")),
        *(("responses", {"input": given}) for given in (None, 1, [1])),
        ("responses", {"input": "x", "previous_response_id": 1}),
        ("messages", {"messages": [{}], "max_tokens": 1, "system": 1}),
    ],
)
def test_what_is_wrong_with_a_body_is_told_in_both_languages(dialect: str, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps({"model": "m", **body}).encode()
    failure = SERVED[dialect].decode_request(data)
    assert isinstance(failure, Failure)
    english, chinese = plain(failure, "en"), plain(failure, "zh")
    assert english.isascii()
    assert re.search(r"[\u4e00-\u9fff]{2}", chinese)
    assert failure.param is None or failure.param in english
    assert failure.param is None or failure.param in chinese
