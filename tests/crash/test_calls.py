"""The gateway's process is killed in mid-answer; the client comes back to the next one."""

from __future__ import annotations

import http.client
import json
import random
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.scenarios.dialogue import dialogues, events, last_event, text_of
from tests.serving import PATIENCE, Served, configuration, serving, vendor

ASK = "text:demo"
TEXT = text_of(ASK)
DIALOGUES = dialogues(ASK)


def connect(served: Served) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALOGUES)
@pytest.mark.parametrize("seed", range(2))
def test_the_client_gets_the_rest_from_the_next_process(
    tmp_path: Path, dialect: str, seed: int
) -> None:
    dialogue, lines = DIALOGUES[dialect], random.Random(seed).randrange(1, 60)
    body = {**dialogue.body, "model": "slow"}
    with vendor() as upstream:
        (tmp_path / "holdfast.toml").write_text(
            configuration(upstream.base_url, {"slow": ["ok;pace=0.01"]})
        )
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            headers = {"x-holdfast-resume": "1", "content-type": "application/json"}
            connection.request("POST", dialogue.path, json.dumps(body), headers)
            answer = connection.getresponse()
            call = answer.headers["x-holdfast-call"]
            read = b"".join(answer.readline() for _ in range(lines))
            served.process.kill()
            served.process.wait(PATIENCE)
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            connection.request("GET", f"/v1/calls/{call}/events")
            whole = connection.getresponse().read()
    assert events(whole).startswith(events(read)), "what was read once is read again"
    assert dialogue.spoken(whole) == TEXT
    assert dialogue.end in last_event(whole)


@pytest.mark.slow
def test_a_response_in_the_background_needs_no_reader_in_either_process(tmp_path: Path) -> None:
    body = {"model": "slow", "input": ASK, "background": True, "stream": True}
    with vendor() as upstream:
        (tmp_path / "holdfast.toml").write_text(
            configuration(upstream.base_url, {"slow": ["ok;pace=0.01"]})
        )
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            headers = {"content-type": "application/json"}
            connection.request("POST", "/v1/responses", json.dumps(body), headers)
            answer = connection.getresponse()
            read = b"".join(answer.readline() for _ in range(40))
            response = json.loads(read.partition(b"data: ")[2].partition(b"\n")[0])["response"]
            served.process.kill()
            served.process.wait(PATIENCE)
        with serving(tmp_path) as served, closing(connect(served)) as connection:
            path = f"/v1/responses/{response['id']}"
            connection.request("GET", f"{path}?stream=true")
            whole = connection.getresponse().read()
            connection.request("GET", path)
            found = json.loads(connection.getresponse().read())
    assert events(whole).startswith(events(read))
    assert found["status"] == "completed"
    assert [part["text"] for item in found["output"] for part in item["content"]] == [TEXT]
