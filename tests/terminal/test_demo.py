"""`holdfast demo`: four failures, at 80 columns, in colour, without, and in a pipe."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.serving import PATIENCE
from tests.terminal.screen import terminal

from holdfast.core.verdict import Language
from holdfast.sim.library import TEXTS
from holdfast.terminal.demo import SCENES, Stage, play


def played(language: Language) -> str:
    page = io.StringIO()
    asyncio.run(play(Console(file=page, width=80, color_system=None), language, pace=0))
    return page.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pipe_gets_four_scenes_whole_answers_and_the_last_incident(language: Language) -> None:
    out = played(language)
    for scene in SCENES:
        assert f"\n{scene.titles[language == 'zh']}\n" in out
    assert f"\n{TEXTS['short'][language]}\n" in out
    assert out.count(f"\n{TEXTS['demo'][language]}\n") == 2
    assert "\x1b" not in out
    assert out.count("ECONNRESET") == 1
    ref = out.rpartition("\n01")[2][:24]
    assert out.count(ref) == 2, "the person's sentence and the timeline name the same incident"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [80, 60])
def test_nothing_of_an_answer_is_cut_off(language: Language, width: int) -> None:
    page, whole = io.StringIO(), TEXTS["long"][language]
    stage = Stage(language, SCENES[1].titles[language == "zh"], text=whole)
    Console(file=page, width=width, color_system=None).print(stage)
    lines = page.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    shown = "".join(line.split("│")[1] for line in lines if line.startswith("│"))
    assert "".join(shown.split()) == "".join(whole.split())


@pytest.mark.slow
def test_in_a_terminal_it_is_live_and_fits_80_columns(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo", NO_COLOR="1") as screen:
        out = screen.read_to_end()
        assert screen.process.wait(PATIENCE) == 0
        assert max(cell_len(line) for line in out.splitlines()) <= 80
        assert not screen.coloured
        assert "─ answer ─" in out
        assert "─ attempts ─" in out
        assert "0 characters were given" in out
