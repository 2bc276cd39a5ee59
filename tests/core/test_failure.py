"""The vocabulary of failures: every kind has its row, in both languages."""

from __future__ import annotations

import errno
import re

import pytest

from holdfast.core.failure import REMEDIES, RULES, Cause, Failure, Hop, Kind, Phase, StreamFailed
from holdfast.gateway.errors import ANSWERS

_HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_remedy_and_is_explained_twice(kind: Kind) -> None:
    rule = RULES[kind]
    assert REMEDIES[kind] is rule.remedy
    assert rule.meaning
    assert not _HAN.search(rule.meaning)
    assert _HAN.search(rule.meaning_zh)
    assert kind in ANSWERS


@pytest.mark.parametrize(
    ("cause", "label"),
    [
        (Cause("OSError", errno=errno.ECONNRESET), "ECONNRESET"),
        (Cause("OSError", errno=123456), "123456"),
        (Cause("gaierror", reason="EAI_NONAME"), "EAI_NONAME"),
        (Cause("SSLError", errno=1, reason="WRONG_VERSION_NUMBER"), "WRONG_VERSION_NUMBER"),
        (Cause("ValueError", "no"), ""),
    ],
)
def test_a_cause_in_a_word(cause: Cause, label: str) -> None:
    assert cause.label == label


def test_the_root_cause_is_the_innermost_that_says_something() -> None:
    chain = (Cause("ReadError"), Cause("OSError", errno=errno.EPIPE), Cause("X"))
    assert Failure(Kind.RESET, Phase.STREAM, cause_chain=chain).cause == "EPIPE"
    assert Failure(Kind.TRUNCATED, Phase.STREAM).cause == "EOF"
    assert Failure(Kind.TIMEOUT, Phase.FIRST, detail="no content for 5 s").cause == (
        "no content for 5 s"
    )
    inner = Failure(Kind.REFUSED, Phase.CONNECT, detail="dial tcp: refused")
    outer = Failure(
        Kind.BAD_GATEWAY,
        Phase.HEADERS,
        nested=Failure(Kind.BAD_GATEWAY, Phase.HEADERS, nested=inner),
    )
    assert outer.root is inner
    assert outer.cause == "dial tcp: refused"


def test_an_exception_says_no_more_than_the_words_of_the_vocabulary() -> None:
    failure = Failure(Kind.AUTH, Phase.HEADERS, Hop.UPSTREAM, detail="secret things")
    assert str(StreamFailed(failure)) == "upstream.headers.auth"
