"""What intermediaries say of the next hop (RFC 9209)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.failure import Kind, Phase
from holdfast.gateway.errors import ANSWERS
from holdfast.wire.proxy_status import ERROR_TYPES, members, told


def test_names_and_parameters_are_read() -> None:
    field = (
        'origin; error=dns_error; details="a \\"b\\", c", "edge 1";received-status=502;next-hop=x'
    )
    first, second = members(field)
    assert (first.name, first.params) == ("origin", {"error": "dns_error", "details": 'a "b", c'})
    assert second.name == "edge 1"
    assert second.params == {"received-status": "502", "next-hop": "x"}


def test_the_fault_is_that_of_the_hop_behind() -> None:
    report = told("edge; error=connection_refused", 502)
    assert (report.by, report.proxied) == ("edge", True)
    assert report.nested
    assert (report.nested.kind, report.nested.phase) == (Kind.REFUSED, Phase.CONNECT)


def test_some_words_speak_of_the_intermediary_itself() -> None:
    report = told("edge; error=proxy_internal_error", 500)
    assert (report.by, report.proxied, report.kind) == ("edge", False, Kind.SERVER_ERROR)


@pytest.mark.parametrize("field", ["", "edge", "edge; received-status=502", ";;;", "edge; error"])
def test_who_only_passes_on_says_nothing(field: str) -> None:
    report = told(field, 502)
    assert not report.by or report.nested


def test_every_word_of_ours_is_one_that_we_read() -> None:
    assert {answer.proxy_status for answer in ANSWERS.values()} <= ERROR_TYPES.keys()


@given(st.text(max_size=200))
def test_no_field_makes_it_raise(field: str) -> None:
    told(field, 502)
