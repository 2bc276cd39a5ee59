"""The documents are true: generated parts are current, commands work, both languages agree."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from tests.serving import PATIENCE, Served, environment, serving
from tests.settings import tables

from holdfast.app import DEMO_ROUTES
from holdfast.config import Settings, parse
from holdfast.sim.library import TEXTS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
PAIRS = [
    (ROOT / "README.md", ROOT / "README.zh.md"),
    (DOCS / "bots.md", DOCS / "bots.zh.md"),
    (DOCS / "configuration.md", DOCS / "configuration.zh.md"),
    (DOCS / "scale.md", DOCS / "scale.zh.md"),
]
# Words in code blocks that are translated.
WORDS = {"你好！": "Hello!", "编号": "REF"}

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"\s+#.*$", re.MULTILINE)
_CODE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_SECTION = re.compile(r"^## `\[(\S+)\]`\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in _FENCE.findall(read(page)) if name == language]


def prose(page: Path) -> list[str]:
    return _FENCE.sub("", read(page)).splitlines()


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [n for n, row in enumerate(cells) if set("".join(row)) == {"-"}]
    return [row for n, row in enumerate(cells) if n not in rules and n + 1 not in rules]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=named)
def test_generated_parts_are_current(page: Path) -> None:
    render: Callable[[str], str] = runpy.run_path(str(DOCS / "generate.py"))["render"]
    assert render(read(page)) == read(page), "run: python docs/generate.py"


def test_what_a_cluster_was_measured_to_do_is_told_as_it_was_measured() -> None:
    report = read(ROOT / "bench" / "RESULTS.md").partition("<!-- begin cluster -->")[2]
    turns = sorted(int(row[1]) for row in rows(report) if row[0].isdecimal())
    assert f"{turns[0]} to {turns[-1]} short turns" in read(DOCS / "scale.md")
    assert f"{turns[0]} 到 {turns[-1]} 个短回合" in read(DOCS / "scale.zh.md")


def test_the_map_of_the_rooms_has_every_room_in_its_place() -> None:
    settings = tomllib.loads(read(ROOT / "pyproject.toml"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [re.findall(r"holdfast\.(\w+)", layer) for layer in layers]
    table = rows(read(DOCS / "architecture.md").partition("## The rooms")[2].partition("\n## ")[0])
    assert [re.findall(r"`(\w+)`", row[0]) for row in table] == rooms


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(read(page)):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


# Both languages.


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda page: page.name)
def test_both_languages_have_the_same_parts(one: Path, other: Path) -> None:
    def levels(page: Path) -> list[int]:
        return [len(line) - len(line.lstrip("#")) for line in prose(page) if line.startswith("#")]

    def lists(page: Path) -> list[str]:
        return re.findall(r"^(?:-|\d\.) ", "\n".join(prose(page)), re.MULTILINE)

    assert levels(one) == levels(other)
    assert lists(one) == lists(other)
    assert {_plain(link) for link in _LINK.findall(read(one))} == {
        _plain(link) for link in _LINK.findall(read(other))
    }


def _plain(link: str) -> str:
    return link.replace(".zh.md", ".md")


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda page: page.name)
def test_both_languages_show_the_same_code(one: Path, other: Path) -> None:
    def code(page: Path) -> list[tuple[str, str]]:
        found = [(name, _COMMENT.sub("", text)) for name, text in _FENCE.findall(read(page))]
        for word, meant in WORDS.items():
            found = [(name, text.replace(word, meant)) for name, text in found]
        return found

    assert code(one) == code(other)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda page: page.name)
def test_both_languages_have_the_same_tables(one: Path, other: Path) -> None:
    def terms(page: Path) -> list[list[str]]:
        return [sorted(_CODE.findall(" ".join(row))) for row in rows("\n".join(prose(page)))]

    assert terms(one) == terms(other)


# The configuration.


TABLES = dict(tables(Settings))


def choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in choices(part)]


def default(field: FieldInfo, language: str) -> str:
    """As the table shows it."""
    value = field.default
    if field.is_required():
        return {"en": "required", "zh": "必填"}[language]
    match value:
        case None:
            return {"en": "none", "zh": "无"}[language]
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{value:g}`"
        case SecretStr():
            return f'`"{value.get_secret_value()}"`'
        case str() | Path():
            return f'`"{value}"`'
        case tuple():
            return f"`{list(value)}`"
        case dict() | BaseModel():
            return "`{}`"
        case _:
            return f"`{value}`"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_key_is_documented_with_its_default_and_its_choices(language: str) -> None:
    page = DOCS / ("configuration.md" if language == "en" else "configuration.zh.md")
    sections = {name: rows(text) for name, text in _SECTION.findall(read(page))}
    assert list(sections) == list(TABLES)
    for name, model in TABLES.items():
        told = [(key.strip("`"), shown) for key, shown, _ in sections[name]]
        known = [(key, default(field, language)) for key, field in model.model_fields.items()]
        assert told == known, name
        for (key, field), (_, _, meaning) in zip(
            model.model_fields.items(), sections[name], strict=True
        ):
            for choice in choices(field.annotation):
                assert f'"{choice}"' in meaning, (name, key, choice)


@pytest.mark.parametrize("page", [page for pair in PAIRS for page in pair], ids=named)
def test_files_that_are_shown_are_valid(page: Path) -> None:
    for text in blocks(page, "toml"):
        env = dict.fromkeys(re.findall(r'"env:(\w+)"', text), "x")
        assert parse(tomllib.loads(text), env, page.name).routes


# What the README tells people to do.


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("readme")) as running:
        yield running


def curl(command: str, served: Served) -> str:
    assert "http://127.0.0.1:8700" in command
    typed = command.strip().replace("http://127.0.0.1:8700", served.url)
    done = subprocess.run(
        ["sh", "-c", f"{typed} -sS"],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(("page", "language"), [(PAIRS[0][0], "en"), (PAIRS[0][1], "zh")])
def test_the_first_command_gets_an_answer(page: Path, language: str, served: Served) -> None:
    (command,) = [block for block in blocks(page, "sh") if block.startswith("curl")]
    out = curl(command, served)
    events = [json.loads(line[6:]) for line in out.splitlines() if line.startswith("data: {")]
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert text == TEXTS["demo"][language]
    assert out.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("page", PAIRS[0], ids=named)
def test_the_program_that_is_shown_runs(page: Path, served: Served) -> None:
    (program,) = blocks(page, "python")
    program = program.replace("http://127.0.0.1:8700", served.url).replace("gpt-5.5", "demo-502")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(PYTHONIOENCODING="utf-8"),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout in TEXTS["demo"].values()


@pytest.mark.parametrize("page", PAIRS[0], ids=named)
def test_the_demo_routes_and_the_endpoints_are_those_there_are(page: Path, served: Served) -> None:
    told = [row[0].strip("`") for row in rows(read(page)) if row[0].startswith("`demo")]
    assert told == list(DEMO_ROUTES)
    paths = re.findall(r"`(?:GET )?(/[\w/]*)`", "".join(r[0] for r in rows(read(page))))
    assert {"/", "/api/incidents"} <= set(paths)
    for path in paths:
        with urllib.request.urlopen(f"{served.url}{path}") as answer:
            assert answer.status == 200, path


def test_the_error_that_is_shown_has_the_fields_of_a_real_one(served: Served) -> None:
    body = {"model": "demo-outage", "messages": [{"role": "user", "content": "Hello!"}]}
    asked = urllib.request.Request(
        f"{served.url}/v1/chat/completions", json.dumps(body).encode(), method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(asked):
        pass
    with caught.value as answer:
        real = json.load(answer)["error"]
    (text,) = blocks(ROOT / "README.md", "json")
    shown: Mapping[str, Any] = json.loads(text)["error"]
    assert shown.keys() == real.keys()
    assert shown["holdfast"].keys() == real["holdfast"].keys()
    known = {name for attempt in real["holdfast"]["attempts"] for name in attempt}
    assert set(shown["holdfast"]["attempts"][0]) <= known
