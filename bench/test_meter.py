"""The meter itself: it must know a whole answer, and nothing less, however the bytes arrive."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.answers import Plan, document, events, flaw_of_document, flaw_of_stream, text
from bench.cells import SHORT, Cell, Conditions, Figures, Showing, Spread, Used, cells, figures
from bench.dialects import CELLS, PAIRS, Rate
from bench.dialects import report as dialects_report
from bench.forms import FORMS, Form
from bench.load import Door, Load, Tally, apply, ask_once
from bench.procs import complaint
from bench.report import ratios, report
from bench.upstream import Upstream

plans = st.builds(Plan, st.integers(1, 40), st.none() | st.integers(0, 50))


@given(plans)
def test_a_models_name_carries_its_plan(plan: Plan) -> None:
    assert Plan.of(plan.model) == plan


@given(plans, st.sampled_from(list(FORMS.values())), st.data())
def test_a_stream_of_any_dialect_is_whole_with_all_its_text_and_its_end_only(
    plan: Plan, form: Form, data: st.DataObject
) -> None:
    said = form.events(plan)
    assert form.flaw_of_stream(b"".join(said), plan) == ""
    token = next(place for place, event in enumerate(said) if b"Listen:" in event)
    dropped = data.draw(st.sampled_from([*range(token, token + plan.chunks), len(said) - 1]))
    rest = b"".join([*said[:dropped], *said[dropped + 1 :]])
    assert form.flaw_of_stream(rest, plan) != ""


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("responses", '{"status":"completed","output":[{"content":[{"text":"%s"}]}]}'),
        ("messages", '{"stop_reason":"end_turn","content":[{"type":"text","text":"%s"}]}'),
    ],
)
def test_a_document_of_any_dialect_is_whole_with_its_text_and_its_end(
    dialect: str, body: str
) -> None:
    form, plan = FORMS[dialect], Plan(2)
    whole = (body % text(plan)).encode()
    assert form.flaw_of_document(whole, plan) == ""
    assert form.flaw_of_document(whole, Plan(3)) == "another text"
    assert form.flaw_of_document(whole[:-1], plan) == "not the JSON of an answer"


def test_the_report_of_dialects_tells_what_is_kept() -> None:
    rates = {
        CELLS[0].name: {pair: [Rate(100.0, 1.0 if pair[0] == pair[1] else 2.0)] for pair in PAIRS}
    }
    told = dialects_report(rates, 1.0)
    assert "| chat → chat | 100 | 1.00 | 100% |" in told
    assert "| messages → chat | 100 | 2.00 | 50% |" in told
    assert "Least is kept of json, chat → messages: 50%" in told


@given(plans, st.booleans())
def test_what_the_upstream_says_is_whole(plan: Plan, usage: bool) -> None:
    assert flaw_of_stream(b"".join(events(plan, usage=usage)), plan) == ""
    assert flaw_of_document(document(plan), plan) == ""


@given(plans, st.data())
def test_a_stream_without_any_one_of_its_events_is_not_whole(
    plan: Plan, data: st.DataObject
) -> None:
    said = b"".join(events(plan, usage=False)).split(b"\n\n")[1:-1]  # the role may be missing
    dropped = data.draw(st.integers(0, len(said) - 1))
    rest = b"\n\n".join([*said[:dropped], *said[dropped + 1 :], b""])
    assert flaw_of_stream(rest, plan) != ""


@given(plans, st.data())
def test_a_document_cut_anywhere_is_not_whole(plan: Plan, data: st.DataObject) -> None:
    body = document(plan)
    assert flaw_of_document(body[: data.draw(st.integers(0, len(body) - 1))], plan) != ""


def test_the_words_of_another_answer_are_an_error() -> None:
    assert flaw_of_document(document(Plan(21)), SHORT) == "another text"
    assert flaw_of_stream(b"".join(events(Plan(21), usage=False)), SHORT) == "another text"


def test_an_error_event_is_an_error_even_beside_the_whole_text() -> None:
    said = b"".join(events(SHORT, usage=False))
    told = b'data: {"error": {"message": "late"}}\n\n' + said
    assert flaw_of_stream(told, SHORT) == "an error event"


def test_comments_blank_lines_and_crlf_change_nothing() -> None:
    said = b": ping\n\n" + b"".join(events(SHORT, usage=True))
    assert flaw_of_stream(said.replace(b"\n", b"\r\n"), SHORT) == ""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("plan", [Plan(7), Plan(7, 0), Plan(3, 1)])
def test_over_a_real_socket_every_answer_is_whole(plan: Plan, stream: bool) -> None:
    tally = asyncio.run(_load(Load(plan, stream, connections=3), "/v1/chat/completions"))
    assert not tally.flaws
    assert len(tally.waits) >= 6
    assert all(0 < first <= wait for first, wait in zip(tally.firsts, tally.waits, strict=True))


@pytest.mark.parametrize("stream", [False, True])
def test_over_a_real_socket_no_cut_answer_is_whole(stream: bool) -> None:
    tally = asyncio.run(_load(Load(SHORT, stream, connections=3), "/cut/v1/chat/completions"))
    assert set(tally.flaws) == {"cut off"}
    assert not tally.waits


def test_the_first_token_of_a_paced_stream_comes_long_before_its_end() -> None:
    load = Load(Plan(3, 20), stream=True, connections=1)
    tally = asyncio.run(_load(load, "/v1/chat/completions"))
    after = [wait - first for first, wait in zip(tally.firsts, tally.waits, strict=True)]
    assert max(after) > 0.04  # of 0.06: the end has a write of its own, after the third chunk


async def _load(load: Load, path: str) -> Tally:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(loop), "127.0.0.1", 0)
    async with server:
        door = Door(server.sockets[0].getsockname()[1], path)
        return await apply(door, load, 0.01, lambda: ())


def test_a_closed_door_is_named() -> None:
    load = Load(SHORT, stream=False, connections=1)
    assert asyncio.run(ask_once(Door(1), load, 1.0)).startswith("connect: ")


def test_a_complaint_names_no_place_of_this_machine() -> None:
    said = "starting\nError: cannot read /opt/some/file of http://registry.example/x (gone)\nbye"
    assert complaint(said) == "Error: cannot read … of … (gone)"


def test_the_report_divides_like_by_like() -> None:
    direct, slow, fast = (_showing(*each) for each in (("direct", 1), ("litellm", 13), ("us", 2)))
    found = ratios(fast, slow, direct.figures)
    assert found["answers/s, json c1"] == pytest.approx(6.5)
    assert found["added first token p50, paced c1"] == pytest.approx(12.0)
    assert found["RSS idle"] == pytest.approx(6.5)


def test_what_others_took_of_a_core_marks_the_figure() -> None:
    shown = _showing("direct", 1)
    assert shown.figures["json c1"].disturbed == pytest.approx(0.2)
    assert "| direct | 100~ |" in report(_CONDITIONS, [shown])


def test_the_report_tells_skips_and_errors() -> None:
    flawed = _showing("litellm", 3, {"no [DONE]": 2})
    told = report(_CONDITIONS, [_showing("direct", 1), flawed, Showing("x", skipped="no npm")])
    assert "- x: skipped: no npm" in told
    assert "- litellm, json c1: 2 (2 × no [DONE]) beside" in told


_CONDITIONS = Conditions("now", "cpu", 2, 8.0, "6", "3.11", "none", 0.0, 1.0, 1.0, "all")


def _showing(name: str, slowness: int, flaws: dict[str, int] | None = None) -> Showing:
    """A gateway that takes `slowness` milliseconds for everything and as many megabytes."""
    wait = Spread(float(slowness), 2.0 * slowness)

    def shown(cell: Cell) -> Figures:
        used = Used(gateway=0.5, load=0.1, gateway_core=0.7, load_core=0.1)
        tally = Tally([slowness / 1000] * 9, [slowness / 1000] * 9, seconds=1.0, computed=used)
        one = replace(figures(cell, tally), first=wait, per_second=100 / slowness)
        return replace(one, flaws=flaws or {}) if cell.kind == "json" else one

    size = slowness * 2**20
    return Showing(name, "1", "", size, size, {each.name: shown(each) for each in cells([1])})
