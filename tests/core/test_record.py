"""What is kept of a call, and how much of it a client is told."""

import json

from holdfast.core.attempt import Attempt, Confidence, Credential, How, Outcome, Seam, Target
from holdfast.core.events import UsageReport
from holdfast.core.failure import Cause, Failure, Hop, Kind, Phase
from holdfast.core.reason import Reason, Why
from holdfast.core.record import attempt_record, disclose, failure_record, incident_record
from holdfast.core.verdict import explain, plain

SEED = Failure(
    Kind.BAD_GATEWAY,
    Phase.HEADERS,
    detail="Upstream request failed",
    status=502,
    upstream_ids=(("x-request-id", "req_1"),),
    by="sub2api",
    nested=Failure(Kind.CLOSED, Phase.HEADERS, detail="EOF", by="chatgpt.com"),
)
PROXY = Target("proxy/gpt-5.5", credential=Credential("k_3f9a", "sk-very-secret-indeed"))


def attempt(failure: Failure | None, number: int = 1, *, released: int = 0) -> Attempt:
    return Attempt(
        number,
        PROXY,
        How.START if number == 1 else How.PREFILL,
        started_at=100.0,
        ended_at=100.812,
        phase=Phase.HEADERS,
        marks={Phase.CONNECT: 100.001, Phase.HEADERS: 100.02},
        released=released,
        failure=failure,
        decision="failover" if failure else "finish",
        why=Reason(Why.OTHER_TARGET, Kind.BAD_GATEWAY),
        status=502,
        upstream_ids=(("x-request-id", "req_1"),),
        seam=Seam("prefill", confidence=Confidence.PROVED) if number > 1 else None,
    )


def test_an_attempt_names_target_phase_kind_cause_and_decision() -> None:
    record = attempt_record(attempt(SEED), began=99.0)
    assert record | {"explained": None, "nested": None, "phases": None} == {
        "number": 1,
        "target": "proxy/gpt-5.5",
        "key": "k_3f9a",
        "how": "start",
        "phase": "headers",
        "kind": "bad_gateway",
        "hop": "upstream",
        "cause": "EOF",
        "message": "Upstream request failed",
        "by": "sub2api",
        "status": 502,
        "upstream_request_id": "req_1",
        "upstream_ids": {"x-request-id": "req_1"},
        "at_ms": 1000,
        "ms": 812,
        "released_chars": 0,
        "decision": "failover",
        "why": "a proxy on the way reports that its upstream failed; another target may work",
        "why_zh": "途中的代理报告它的上游失败；换一个目标可能成功",
        "explained": None,
        "nested": None,
        "phases": None,
    }
    assert record["nested"]["kind"] == "connection_closed"
    assert record["phases"] == {"connect": 1, "headers": 20}


def test_no_record_holds_a_key() -> None:
    record = json.dumps(attempt_record(attempt(SEED), began=0.0))
    assert "sk-very-secret-indeed" not in record
    assert "sk-very-secret-indeed" not in repr(PROXY)


def test_errno_and_tls_reason_stay_in_the_record() -> None:
    failure = Failure(
        Kind.RESET,
        Phase.STREAM,
        cause_chain=(Cause("httpcore2.ReadError"), Cause("ConnectionResetError", "gone", 104)),
    )
    record = failure_record(failure)
    assert record["cause"] == "ECONNRESET"
    assert record["causes"][1] == {
        "type": "ConnectionResetError",
        "message": "gone",
        "errno": 104,
        "reason": "ECONNRESET",
    }


def test_an_incident_tells_the_whole_story_in_order() -> None:
    outcome = Outcome(
        None, (attempt(SEED, 1, released=7), attempt(None, 2)), UsageReport(3, 4, True), 20
    )
    record = incident_record(
        "01J", 1_700_000_000.5, 99.0, 101.0, "gpt-5.5", outcome, {"agent": "curl"}
    )
    assert record["schema"] == "holdfast.incident/1"
    assert record["at"] == "2023-11-14T22:13:20.500+00:00"
    assert record["outcome"] == "recovered"
    assert [a["decision"] for a in record["attempts"]] == ["failover", "finish"]
    assert record["attempts"][1]["seam"]["rule"] == "prefill"
    assert record["usage"] == {"input_tokens": 3, "output_tokens": 4, "estimated": True}


def test_disclosure_levels_hide_causes_from_strangers() -> None:
    records = [attempt_record(attempt(SEED), began=0.0)]
    assert disclose(records, "public") == []
    (outline,) = disclose(records, "tenant")
    assert set(outline) == {"number", "target", "phase", "kind", "status", "ms", "decision"}
    assert disclose(records, "full") == records


def test_the_seeds_502_blames_the_proxys_upstream_and_not_the_request() -> None:
    english = explain(SEED, "en", "proxy/gpt-5.5")
    assert "proxy/gpt-5.5 (sub2api) answered 502" in english
    assert "its own upstream at chatgpt.com failed" in english
    assert "(EOF)" in english
    assert "not at fault" in english
    chinese = explain(SEED, "zh")
    assert "sub2api 回答了 502" in chinese
    assert "请求本身没有问题" in chinese


def test_every_kind_has_a_sentence_for_people_in_both_languages() -> None:
    for kind in Kind:
        failure = Failure(kind, Phase.HEADERS, Hop.UPSTREAM, detail="vendor words")
        for language in ("en", "zh"):
            text = plain(failure, language, ref="01J")
            assert "01J" in text
            assert "vendor words" not in text
            assert explain(failure, language, "a/b")


def test_a_cut_answer_is_called_incomplete() -> None:
    failure = Failure(Kind.RESET, Phase.STREAM)
    assert "not complete" in plain(failure, "en", ref="r", released=5)
    assert "不完整" in plain(failure, "zh", ref="r", released=5)


def test_what_holdfast_itself_finds_wrong_is_said_in_full() -> None:
    failure = Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail="messages: must not be empty")
    assert plain(failure, "en", ref="r") == "messages: must not be empty (ref r)"
