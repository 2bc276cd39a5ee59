"""The commands as a stranger meets them: what they print, what they refuse, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.serving import environment, logging_put_back, vendor
from tests.terminal.stories import FAILED, SAVED
from typer.testing import CliRunner

from holdfast import __version__
from holdfast.app import DATABASE, DEMO_ROUTES
from holdfast.cli import cli
from holdfast.store.database import Database
from holdfast.store.incidents import SqlIncidents

WRONG = """
[server]
port = "many"
[providers.proxy]
base_url = "proxy.example"
api_keys = ["env:MISSING"]
[routes."gpt-5.5"]
targets = ["porxy/gpt-5.5"]
[gatway]
"""
RIGHT = """
[providers.proxy]
base_url = "https://proxy.example/v1"
[routes."gpt-5.5"]
targets = ["proxy/gpt-5.5"]
"""

run = CliRunner()


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and nothing of the machine's own in the environment."""
    monkeypatch.chdir(tmp_path)
    kept = environment()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LANG", "COLUMNS"):
        monkeypatch.setenv(name, kept[name])
    with logging_put_back():
        yield


def ask(*args: str, **env: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    result = run.invoke(cli, list(args), env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def kept(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "holdfast-data" / DATABASE)) as database:
        SqlIncidents(database).put([FAILED, SAVED])


def test_check_tells_every_problem_at_once_where_it_is_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text(WRONG)
    code, out, err = ask("check")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "holdfast.toml: providers.proxy.api_keys[0]: the environment variable MISSING is not set."
        " Remedy: set MISSING before starting, or remove this entry",
        "holdfast.toml: server.port: wrong value. Remedy: write a whole number",
        "holdfast.toml: providers.proxy.base_url: wrong value."
        " Remedy: write a URL that begins with http:// or https://",
        'holdfast.toml: gatway: unknown key "gatway". Remedy: did you mean "gateway"?',
        'holdfast.toml: routes."gpt-5.5".targets[0]: unknown provider "porxy".'
        ' Remedy: did you mean "proxy"?',
    ]


@pytest.mark.parametrize(("lang", "setting"), [("zh_CN.UTF-8", "auto"), ("C.UTF-8", "zh")])
def test_problems_are_told_in_the_language_of_the_file_else_of_the_terminal(
    tmp_path: Path, lang: str, setting: str
) -> None:
    (tmp_path / "x.toml").write_text(WRONG.replace("[server]", f'[server]\nlanguage = "{setting}"'))
    code, _, err = ask("check", "--config", "x.toml", LANG=lang)
    assert code == 2
    assert len(err.splitlines()) == 5
    assert all("处理办法" in line for line in err.splitlines())


def test_serve_and_incidents_refuse_a_wrong_file_in_the_same_words(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text(WRONG)
    told = ask("check")
    assert ask("serve") == ask("chat") == ask("incidents") == told


def test_check_names_what_would_be_served(tmp_path: Path) -> None:
    assert ask("check") == (
        0,
        "No holdfast.toml here and no OPENAI_API_KEY: the simulated model would be served.\n"
        f"Routes: {', '.join(DEMO_ROUTES)}\n",
        "",
    )
    code, out, _ = ask("check", OPENAI_API_KEY="sk-canary-0123456789")
    assert (code, out) == (
        0,
        "OPENAI_API_KEY, OPENAI_BASE_URL: nothing is wrong. Routes: any model\n",
    )
    (tmp_path / "holdfast.toml").write_text(RIGHT)
    assert ask("check") == (0, "holdfast.toml: nothing is wrong. Routes: gpt-5.5\n", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "holdfast.toml"], "checking leaves nothing"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("serve", "--port", "99999"), "65535"),
        (("serve", "--host", "0.0.0.0"), "gateway.api_keys"),
        (("check", "-c", "none.toml"), "none.toml: the file cannot be read"),
        (("chat", "nosuch"), "No route is called nosuch. There are: demo, demo-502"),
        (("sevre",), "serve"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(args: tuple[str, ...], word: str) -> None:
    code, out, err = ask(*args)
    assert (code, out) == (2, "")
    assert word in err


@pytest.mark.parametrize("args", [("serve", "--port", "0"), ("chat",)])
def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "holdfast-data").write_text("a file in the way")
    code, _, err = ask(*args)
    assert code == 2
    assert err.startswith("holdfast-data: server.data_dir: the folder cannot be used: ")


def test_a_broken_database_is_told_not_thrown(tmp_path: Path) -> None:
    (tmp_path / "holdfast-data").mkdir()
    (tmp_path / "holdfast-data" / DATABASE).write_text("no database at all, but text " * 50)
    code, _, err = ask("incidents")
    assert code == 2
    assert "server.data_dir: the folder cannot be used: file is not a database" in err


def test_incidents_are_listed_and_shown_by_the_beginning_of_their_reference(
    tmp_path: Path,
) -> None:
    kept(tmp_path)
    code, out, _ = ask("incidents")
    assert code == 0
    assert ask("incidents", "list")[1] == out
    assert [line.split()[0] for line in out.splitlines()[1:]] == [SAVED.ref, FAILED.ref]
    code, out, _ = ask("incidents", "show", FAILED.ref[:20].lower())
    assert code == 0
    assert FAILED.ref in out
    assert ask("incidents", "show", "01")[0] == 1, "several begin so"
    assert ask("incidents", "show", "nothing")[::2] == (
        1,
        "No incident has that reference id, or several begin with it.\n",
    )


def test_json_is_the_stored_record_wherever_the_option_stands(tmp_path: Path) -> None:
    kept(tmp_path)
    assert json.loads(ask("incidents", "--json")[1]) == [SAVED.record, FAILED.record]
    assert json.loads(ask("incidents", "list", "--json", "--limit", "1")[1]) == [SAVED.record]
    shown = ask("incidents", "show", FAILED.ref, "--json")
    assert json.loads(shown[1]) == FAILED.record
    assert ask("incidents", "--json", "show", FAILED.ref) == shown


def test_looking_for_incidents_creates_nothing(tmp_path: Path) -> None:
    assert ask("incidents") == (0, "No incident is stored in holdfast-data.\n", "")
    assert ask("incidents", "--json") == (0, "[]\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [(), *((name,) for name in ("serve", "check", "demo", "chat", "incidents"))],
)
def test_help_fits_a_terminal_of_80_columns_and_speaks_both_languages(
    args: tuple[str, ...],
) -> None:
    code, out, _ = ask(*args, "--help")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert any("\u4e00" <= sign <= "\u9fff" for sign in out)


def test_the_version_is_told() -> None:
    assert ask("--version") == (0, f"holdfast {__version__}\n", "")


PROBED = """
[providers.one]
base_url = "{url}"
[providers.two]
base_url = "{url}"
continuation = "prefill"
[routes.a]
targets = ["one/ok;text=long;mode=partial", "two/ok;text=long;mode=refuse"]
[routes."*"]
targets = ["one/*"]
"""


@pytest.fixture
def simulator() -> Iterator[str]:
    with vendor() as upstream:
        yield upstream.base_url


@pytest.mark.scenario
def test_the_probe_tells_what_suits_each_target(simulator: str) -> None:
    Path("holdfast.toml").write_text(PROBED.format(url=simulator))
    told = run.invoke(cli, ["check", "--probe"])
    assert told.exit_code == 0, told.output
    assert "prefill, mark partial: goes on from it" in told.output
    assert 'better: continuation = "prefill" under [providers.one]' in told.output
    assert 'better: continuation = "instruct" under [providers.two]' in told.output
    listed = json.loads(run.invoke(cli, ["check", "--probe", "--json"]).output)
    assert [one["suggested"] for one in listed] == ["prefill", "instruct"]
    assert listed[0]["prefill"]["prefill:prefix"] == "ignored"


@pytest.mark.scenario
def test_the_probe_ends_with_1_if_a_target_gives_no_answer(
    simulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    text = PROBED.format(url=simulator).replace("two/ok;text=long;mode=refuse", "two/openai_401")
    Path("holdfast.toml").write_text(text)
    told = run.invoke(cli, ["check", "--probe"])
    assert told.exit_code == 1
    assert "没有回答：" in told.output
    assert "预填（标记 partial）：接着写" in told.output
