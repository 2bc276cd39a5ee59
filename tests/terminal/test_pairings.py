"""`holdfast pairing`: the operator's side of letting strangers in."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from holdfast.app import DATABASE, SystemClock
from holdfast.cli import cli
from holdfast.store.conversations import SqlPairings
from holdfast.store.database import Database

run = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "holdfast.toml"
    file.write_text(
        """
[server]
data_dir = "."
language = "en"
[providers.proxy]
base_url = "https://proxy.example/v1"
[routes."gpt-5.5"]
targets = ["proxy/gpt-5.5"]
"""
    )
    return file


def offer(config: Path, code: str, age: float = 0.0) -> None:
    with closing(Database(config.parent / DATABASE)) as database:
        SqlPairings(database).offer("helper", "anna", code, SystemClock().wall() - age, 3600.0)


def test_a_code_is_listed_approved_and_taken_back(config: Path) -> None:
    offer(config, "ABCD2345")
    listed = run.invoke(cli, ["pairing", "list", "-c", str(config)])
    assert "ABCD2345" in listed.output
    assert "waits" in listed.output
    approved = run.invoke(cli, ["pairing", "approve", "abcd2345", "-c", str(config)])
    assert (approved.exit_code, approved.output) == (0, "anna may talk to helper now.\n")
    records = json.loads(run.invoke(cli, ["pairing", "list", "--json", "-c", str(config)]).output)
    assert [(one["person"], one["approved"]) for one in records] == [("anna", True)]
    removed = run.invoke(cli, ["pairing", "remove", "helper", "anna", "-c", str(config)])
    assert removed.output == "anna may no longer talk to helper.\n"
    again = run.invoke(cli, ["pairing", "remove", "helper", "anna", "-c", str(config)])
    assert again.exit_code == 1


@pytest.mark.parametrize(
    "typed", ["abcd2345", " ABCD 2345 ", "ＡＢＣＤ２３４５", "abcd-2345", "ABCD2345。"]
)
def test_a_code_is_known_however_it_is_typed(typed: str, config: Path) -> None:
    offer(config, "ABCD2345")
    approved = run.invoke(cli, ["pairing", "approve", "-c", str(config), "--", typed])
    assert (approved.exit_code, approved.output) == (0, "anna may talk to helper now.\n")


@pytest.mark.parametrize("typed", ["", " ", "%", "ABCD234"])
def test_what_is_no_code_approves_nobody(typed: str, config: Path) -> None:
    offer(config, "ABCD2345")
    assert run.invoke(cli, ["pairing", "approve", "-c", str(config), "--", typed]).exit_code == 1


def test_unknown_and_old_codes_are_refused_with_the_remedy(config: Path) -> None:
    assert "Nobody has asked" in run.invoke(cli, ["pairing", "list", "-c", str(config)]).output
    offer(config, "ABCD2345", age=4000.0)
    for code in ("ABCD2345", "NONSENSE"):
        refused = run.invoke(cli, ["pairing", "approve", code, "-c", str(config)])
        assert refused.exit_code == 1
        assert "gets a new one by writing again" in refused.output
