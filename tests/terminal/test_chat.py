"""`holdfast chat` in a real terminal, and in a pipe."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.pulse import Pulse
from tests.serving import PATIENCE, command, configuration, environment, vendor
from tests.terminal.screen import terminal

SOME = 20  # pieces of an answer, which has many more


def test_ctrl_c_stops_an_answer_and_then_the_conversation(tmp_path: Path) -> None:
    pulse = Pulse()
    with vendor(pulse) as upstream:
        slow = configuration(upstream.base_url, {"slow": ["ok;pace=0.01"]})
        (tmp_path / "holdfast.toml").write_text(slow)
        with terminal(tmp_path, "chat", "slow") as screen:
            stopped = screen.read_until("you > ")
            for question in ("hi\n", "again\n"):
                with pulse.held(after=SOME):
                    screen.press(question)
                    screen.read_until("This is a simulated model", stopped)
                    screen.press("\x03")
                    stopped = screen.read_until("(stopped)\nyou > ", stopped)
            screen.press("\x03")
            screen.read_to_end()
            assert screen.process.wait(PATIENCE) == 0


def test_no_color_is_honoured(tmp_path: Path) -> None:
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with terminal(tmp_path, "chat", "demo", **env) as screen:
            screen.read_until("you > ")
            screen.press("/quit\n")
            screen.read_to_end()
            assert screen.coloured is coloured
            assert "no real model is asked" in screen.text


def piped(tmp_path: Path, route: str) -> str:
    done = subprocess.run(
        command("chat", route),
        cwd=tmp_path,
        env=environment(),
        input="Hello!\n",
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    return done.stdout


def test_a_pipe_gets_the_answer_and_nothing_of_the_conversation(tmp_path: Path) -> None:
    out = piped(tmp_path, "demo-502")
    assert out.startswith("This is a simulated model speaking")
    assert "(saved: 2 attempts; reference 01" in out


def test_an_outage_is_explained_with_its_reference(tmp_path: Path) -> None:
    out = piped(tmp_path, "demo-outage")
    assert "answered 502: its own upstream" in out
    assert "Please try again later. (ref 01" in out
