"""The gateway's process is killed in mid-answer; the client comes back to the next one."""

from __future__ import annotations

import http.client
import json
import random
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.serving import PATIENCE, Served, configuration, serving, vendor

from holdfast.sim.habits import Habits
from holdfast.sim.script import expected

BODY = {"model": "slow", "messages": [{"role": "user", "content": "text:demo"}], "stream": True}
TEXT = expected(BODY, Habits())
_DELTA = re.compile(rb"^data: (\{.*\})$", re.MULTILINE)


def connect(served: Served) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)


def text_of(stream: bytes) -> str:
    chunks = [json.loads(data) for data in _DELTA.findall(stream)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_client_gets_the_rest_from_the_next_process(tmp_path: Path, seed: int) -> None:
    lines = random.Random(seed).randrange(1, 60)
    with vendor() as upstream:
        (tmp_path / "holdfast.toml").write_text(
            configuration(upstream.base_url, {"slow": ["ok;pace=0.01"]})
        )
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            headers = {"x-holdfast-resume": "1", "content-type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(BODY), headers)
            answer = connection.getresponse()
            call = answer.headers["x-holdfast-call"]
            read = b"".join(answer.readline() for _ in range(lines))
            served.process.kill()
            served.process.wait(PATIENCE)
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            connection.request("GET", f"/v1/calls/{call}/events")
            whole = connection.getresponse().read()
    assert whole.startswith(read), "what was read once is read again"
    assert text_of(whole) == TEXT
    assert whole.endswith(b"data: [DONE]\n\n")
