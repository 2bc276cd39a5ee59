"""Which words of a question a target has refused, in the words in which servers say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.failure import Failure, Kind, Phase
from holdfast.wire.chat.wording import shown, worded
from holdfast.wire.classify import classify_answer
from holdfast.wire.dialect import ErrorAnswer

BODY = {
    "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "max_completion_tokens": 9,
}
OLDER = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}


def refusal(said: object, status: int = 400) -> Failure:
    body = said if isinstance(said, str) else json.dumps(said)
    kind = {"content-type": "text/plain" if isinstance(said, str) else "application/json"}
    return classify_answer(ErrorAnswer(status, kind, body.encode(), "host", Phase.HEADERS, 0.0))


def openai(message: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param}}


def forbidden(*place: str) -> list[dict[str, Any]]:
    """As pydantic says it."""
    said = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted", "input": True}
    return [{**said, "loc": ["body", *place]}]


VARIANT = (
    "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant"
    " `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 85"
)


@pytest.mark.parametrize(
    ("said", "quirk"),
    [
        (
            openai("property 'stream_options' is unsupported, did you mean 'stream'?"),
            "without:stream_options",
        ),
        ({"detail": forbidden("stream_options", "include_usage")}, "without:stream_options"),
        (openai("Unrecognized request argument supplied: max_completion_tokens"), "max_tokens"),
        ({"object": "error", "message": str(forbidden("max_completion_tokens"))}, "max_tokens"),
        (openai("azure does not support parameters: {'max_completion_tokens': 5}"), "max_tokens"),
        (openai(VARIANT), "no_developer"),
        (VARIANT, "no_developer"),
        (
            openai("developer is not one of ['system', 'user'] - 'messages.[0].role'"),
            "no_developer",
        ),
    ],
)
def test_a_refused_word_shows_a_quirk(said: object, quirk: str) -> None:
    assert shown(BODY, frozenset(), refusal(said)) == quirk


def test_what_to_write_instead_is_not_what_is_refused() -> None:
    said = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    told = refusal(openai(f"Unsupported parameter: {said}", "max_tokens"))
    assert shown(OLDER, frozenset(), told) == "max_completion_tokens"


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens is too large: 90000. This model supports at most 4096 completion tokens",
        "Range of max_tokens should be [1, 8192]",
        "Unsupported parameter: 'top_k'",
        "the developer of this app has no credit left",
    ],
)
def test_other_refusals_show_none(said: str) -> None:
    assert shown(OLDER, frozenset(), refusal(openai(said))) == ""


def test_a_word_that_was_not_said_shows_none() -> None:
    said = refusal(openai("Unrecognized request argument supplied: max_completion_tokens"))
    assert shown(OLDER, frozenset(), said) == ""


def test_who_takes_neither_name_is_not_asked_in_turns() -> None:
    said = refusal(openai("Unsupported parameter: max_tokens"))
    assert shown(BODY, frozenset({"max_tokens"}), said) == ""


def test_only_a_refusal_of_the_question_shows_one() -> None:
    said = Failure(Kind.OVERLOADED, Phase.HEADERS, detail="stream_options is not supported")
    assert shown(BODY, frozenset(), said) == ""


def test_of_two_limits_the_one_that_is_known_stays() -> None:
    both = {**OLDER, "max_completion_tokens": 7}
    told = worded(both, frozenset({"max_tokens", "without:stream_options"}))
    assert told == OLDER
