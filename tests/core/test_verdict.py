"""What people and operators are told of a failure, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.failure import STALE, Cause, Failure, Hop, Kind, Phase
from holdfast.core.verdict import Language, explain, plain

EOF = Failure(Kind.CLOSED, Phase.HEADERS, detail="unexpected EOF")
SEED = Failure(Kind.BAD_GATEWAY, Phase.HEADERS, status=502, by="sub2api", nested=EOF)
CUT = Failure(
    Kind.RESET, Phase.STREAM, cause_chain=(Cause("ConnectionResetError", errno=104),), status=200
)


def test_who_answered_and_whose_upstream_failed() -> None:
    assert explain(SEED, "en", "proxy/gpt-5.5") == (
        "proxy/gpt-5.5 (sub2api) answered 502: its own upstream failed: the peer closed the"
        " connection without an answer (EOF). The request was not at fault."
    )
    assert explain(SEED, "zh", "proxy/gpt-5.5") == (
        "proxy/gpt-5.5 (sub2api) 回答了 502：是它自己的上游失败了："
        "对方没有回答就关闭了连接（EOF）。请求本身没有问题。"
    )


def test_an_upstream_behind_that_is_known_by_name_is_named() -> None:
    behind = Failure(Kind.OVERLOADED, Phase.HEADERS, by="anthropic")
    text = explain(Failure(Kind.BAD_GATEWAY, Phase.HEADERS, status=502, nested=behind), "en", "p/m")
    assert text.startswith("p/m answered 502: its own upstream at anthropic failed: ")


def test_cause_status_and_phase_are_told() -> None:
    assert explain(CUT, "en", "proxy/gpt-5.5") == (
        "proxy/gpt-5.5: the peer reset the connection (ECONNRESET) with status 200,"
        " in the middle of the answer. The request was not at fault."
    )


def test_a_connection_that_was_kept_and_had_died_is_told_from_one_that_was_made() -> None:
    stale = replace(CUT, phase=Phase.HEADERS, status=None, code=STALE)
    assert explain(stale, "en", "proxy/gpt-5.5") == (
        "proxy/gpt-5.5: the peer reset the connection (ECONNRESET), before its answer began,"
        " on a connection kept from an earlier request. The request was not at fault."
    )
    assert explain(stale, "zh", "proxy/gpt-5.5") == (
        "proxy/gpt-5.5：在之前请求留下的连接上，在回答开始之前，对方重置了连接（ECONNRESET）。"
        "请求本身没有问题。"
    )


def test_where_nobody_was_asked_the_last_failure_is_no_proxy_s_word() -> None:
    resting = Failure(Kind.UNAVAILABLE, Phase.ADMIT, nested=CUT)
    assert explain(resting, "en") == (
        "every target is taken out for now; the last failure: the peer reset the connection"
        " (ECONNRESET)."
    )
    assert (
        explain(resting, "zh") == "所有目标都暂时停用；最近一次失败：对方重置了连接（ECONNRESET）。"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_sentence_for_people_without_anything_internal(
    kind: Kind, language: Language
) -> None:
    failure = Failure(kind, Phase.HEADERS, detail="sk-internal", status=502, by="sub2api")
    text = plain(failure, language, ref="01REF")
    assert "01REF" in text
    assert not any(word in text for word in ("sk-internal", "502", "sub2api", kind.value + "_"))
    assert any("\u4e00" <= sign <= "\u9fff" for sign in text) is (language == "zh")


@pytest.mark.parametrize(
    "kind", [Kind.EMPTY, Kind.SERVER_ERROR, Kind.BAD_GATEWAY, Kind.PROTOCOL, Kind.TOOL_ARGUMENTS]
)
def test_who_has_answered_is_not_said_to_be_out_of_reach(kind: Kind) -> None:
    assert "reached" not in plain(Failure(kind, Phase.FIRST), "en")
    assert "连接不上" not in plain(Failure(kind, Phase.FIRST), "zh")


def test_an_answer_that_was_cut_is_said_to_be_incomplete() -> None:
    assert "not complete" in plain(CUT, "en", released=5)
    assert "不完整" in plain(CUT, "zh", released=5)


def test_what_is_wrong_with_the_client_s_own_request_is_told_in_full() -> None:
    failure = Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail="messages must be a list")
    assert plain(failure, "en", ref="01REF") == "messages must be a list (ref 01REF)"
