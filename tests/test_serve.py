"""`holdfast serve` as a process: its ready line, its first answer, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import openai
import pytest
from tests.serving import PATIENCE, Served, command, configuration, environment, serving, vendor
from tests.upstream.leaks import LOOK

from holdfast.serving import DRAIN, KEEP_ALIVE, STOP
from holdfast.sim.library import TEXTS

KEY = "sk-canary-0123456789abcdef"
ROOT = Path(__file__).parent.parent
SERVE = command("serve")  # itself, and no fork


@contextmanager
def post(served: Served, model: str, **more: Any) -> Iterator[http.client.HTTPResponse]:
    """A chat completion; the answer's head is here, its body is still to be read."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)
    body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **more}
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        with connection.getresponse() as response:
            yield response


def answer(served: Served, model: str) -> str:
    with post(served, model) as response:
        text = json.load(response)["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def last_words(body: bytes) -> dict[str, Any]:
    """What a stream that was broken off says of it."""
    told: dict[str, Any] = json.loads(body.decode().strip().rpartition("data: ")[2])
    return dict(told["error"]["holdfast"])


def until_idle(served: Served) -> None:
    """The last byte of an answer is here before its call is over there."""
    while "holdfast_calls_in_progress 0.0" not in metrics(served):
        time.sleep(LOOK)


def metrics(served: Served) -> str:
    with urlopen(f"{served.url}/metrics", timeout=PATIENCE) as response:
        return str(response.read(), "utf-8")


def said(folder: Path) -> str:
    return (folder / "stderr.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_without_a_key_it_says_that_it_simulates_and_answers(
    tmp_path: Path, end: signal.Signals
) -> None:
    if signal.getsignal(end) is signal.SIG_IGN:
        pytest.skip(f"whoever started the tests ignores {end.name}, and so does what they start")
    with serving(tmp_path, argv=SERVE) as served:
        assert served.line == (
            f"Holdfast is ready: {served.url} (SIMULATED MODEL, no key; route: demo)"
        )
        assert len(served.line.replace(served.url, "http://127.0.0.1:8700")) <= 80
        assert answer(served, "demo") == TEXTS["demo"]["en"]
        until_idle(served)
        served.process.send_signal(end)
        assert served.process.stdout is not None
        assert served.process.stdout.read() == "", "the ready line is all there is"
        assert served.process.wait(PATIENCE) == 0
    assert {"event": "draining", "answers_under_way": 0}.items() <= json.loads(
        said(tmp_path)
    ).items()


def test_with_openai_variables_it_serves_every_model_of_that_provider(tmp_path: Path) -> None:
    with vendor() as upstream:
        env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": upstream.base_url, "LANG": "zh_CN.UTF-8"}
        with serving(tmp_path, env=env, argv=SERVE) as served:
            assert served.line == f"Holdfast 已就绪：{served.url}"
            assert answer(served, "ok") == TEXTS["demo"]["en"]
            assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
            with post(served, "openai_401") as response:
                told = response.read().decode()
                assert response.status >= 400
    assert "openai/openai_401" in told
    assert KEY not in told + said(tmp_path) + served.line


@pytest.mark.slow
def test_sigterm_lets_answers_end_for_a_while_and_then_tells_the_truth(tmp_path: Path) -> None:
    assert DRAIN < STOP < 10, "what containers and service managers give it"
    with slow_answer(tmp_path) as (served, response):
        served.process.terminate()
        with pytest.raises(http.client.IncompleteRead) as cut:
            response.read()
        assert served.process.wait(PATIENCE) == 0
    told = last_words(cut.value.partial)
    assert told["kind"] == told["attempts"][-1]["kind"] == "stopping"


def test_a_second_ctrl_c_waits_for_nobody(tmp_path: Path) -> None:
    with slow_answer(tmp_path) as (served, response):
        served.process.send_signal(signal.SIGINT)
        while "draining" not in said(tmp_path):
            assert served.process.poll() is None
            time.sleep(LOOK)
        served.process.send_signal(signal.SIGINT)
        with pytest.raises(http.client.IncompleteRead) as cut:
            response.read()
        served.process.wait(PATIENCE)
    told = last_words(cut.value.partial)
    assert told["kind"] == "stopping"
    assert told["attempts"][-1]["ms"] < DRAIN * 1000, "it waited for the answer to end"


@contextmanager
def slow_answer(folder: Path) -> Iterator[tuple[Served, http.client.HTTPResponse]]:
    """One that lasts far longer than anybody waits for it, begun."""
    with vendor() as upstream:
        slow = configuration(upstream.base_url, {"slow": ["ok;text=long;pace=1"]})
        (folder / "holdfast.toml").write_text(slow)
        with serving(folder, argv=SERVE) as served, post(served, "slow", stream=True) as response:
            assert response.readline().startswith(b"data: ")
            yield served, response


@pytest.mark.parametrize(
    ("language", "told"),
    [("en_US", "another holdfast serve works there"), ("zh_CN", "另一个 holdfast serve 正在使用")],
)
def test_a_second_server_on_the_same_data_is_refused_in_words(
    language: str, told: str, tmp_path: Path
) -> None:
    with serving(tmp_path) as served:
        done = subprocess.run(
            command("serve", "--port", "0"),
            cwd=tmp_path,
            env=environment(LANG=f"{language}.UTF-8"),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert served.process.poll() is None
    assert done.returncode == 2
    assert told in done.stderr
    assert "writable" not in done.stderr
    assert "可写" not in done.stderr


def test_an_address_that_is_taken_is_told_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("serve", "--port", str(port)),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"127.0.0.1:{port}: cannot listen there: Address already in use."
        " Remedy: choose another --port or --host, or stop what uses it\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("CI"), reason="makes a second virtual environment")
def test_scripts_serve_sets_up_and_serves_where_one_stands(tmp_path: Path) -> None:
    script = str(ROOT / "scripts" / "serve")
    with serving(tmp_path, argv=[script], patience=900) as served:
        assert "SIMULATED MODEL" in served.line
        assert answer(served, "demo-502") == TEXTS["demo"]["en"]
    assert (tmp_path / "holdfast-data").is_dir()


def test_the_official_clients_close_an_idle_connection_first() -> None:
    theirs = openai.DEFAULT_CONNECTION_LIMITS.keepalive_expiry
    assert theirs
    assert theirs < KEEP_ALIVE
