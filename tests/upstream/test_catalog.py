"""Settings to routes: pools of keys, and what each vendor does with a cut answer."""

from typing import Any

import pytest

from holdfast.config import parse
from holdfast.core.attempt import Continuation, Target
from holdfast.core.request import Request
from holdfast.upstream.catalog import Routes, routes
from holdfast.wire import DIALECTS
from holdfast.wire.translate import in_dialect


def build(provider: dict[str, Any], target: str, name: str = "m", **route: Any) -> Routes:
    raw = {
        "providers": {"p": {"base_url": "https://api.example/v1", **provider}},
        "routes": {name: {"targets": [target], **route}},
    }
    return routes(parse(raw, {}, "test"), b"pepper")


def only(made: Routes, name: str = "m") -> Target:
    route = made.find(name)
    assert route is not None
    (target,) = route.targets
    return target


def test_each_key_of_a_pool_is_a_target_of_its_own() -> None:
    made = build({"api_keys": ["sk-a", "sk-b", "sk-a"]}, "p/gpt-5.5").find("m")
    assert made is not None
    assert [t.credential.secret for t in made.targets] == ["sk-a", "sk-b"]
    assert len({t.key for t in made.targets}) == 2
    assert {t.name for t in made.targets} == {"p/gpt-5.5"}
    assert not any("sk-" in repr(t) for t in made.targets)


def test_a_hundred_keys_keep_a_hundred_names() -> None:
    made = build({"api_keys": [f"sk-{n}" for n in range(1000)]}, "p/x").find("m")
    assert made is not None
    assert len({t.key for t in made.targets}) == 1000


def test_a_provider_without_keys_is_asked_without_one() -> None:
    assert only(build({}, "p/x")).credential.secret == ""


def test_a_model_name_may_hold_slashes() -> None:
    assert only(build({}, "p/anthropic/claude-3")).model == "anthropic/claude-3"


def test_the_wildcard_serves_any_name_and_passes_it_on() -> None:
    made = build({}, "p/*", name="*")
    target = only(made, "gpt-9/turbo")
    assert (target.name, target.model) == ("p/gpt-9/turbo", "gpt-9/turbo")
    assert made.names() == []


def test_an_unknown_name_has_no_route() -> None:
    assert build({}, "p/x").find("other") is None


def test_route_settings_become_policy() -> None:
    made = build({}, "p/x", deadline=5, hedge=2, max_attempts=3).find("m")
    assert made is not None
    assert (made.policy.deadline, made.policy.hedge, made.policy.max_attempts) == (5, 2, 3)


@pytest.mark.parametrize(
    ("base_url", "model", "continuation", "quirk"),
    [
        ("https://api.deepseek.com/beta", "deepseek-chat", "prefill", "prefill:prefix"),
        ("https://api.deepseek.com/v1", "deepseek-chat", "instruct", None),
        ("https://api.mistral.ai/v1", "mistral-large", "prefill", "echoes_prefix"),
        ("https://dashscope.aliyuncs.com/x/v1", "qwen-max", "prefill", "prefill:partial"),
        ("https://dashscope.aliyuncs.com/x/v1", "qwen3-thinking", "instruct", None),
        ("https://api.moonshot.cn/v1", "kimi-k2", "prefill", "prefill:partial"),
        ("https://api.anthropic.com/v1", "claude-sonnet-4-5-20250929", "prefill", "prefill:plain"),
        ("https://api.anthropic.com/v1", "claude-opus-4-6", "instruct", None),
        ("https://api.openai.com/v1", "gpt-5.5", "instruct", None),
        ("https://evil.example/api.deepseek.com/beta", "x", "instruct", None),
    ],
)  # fmt: skip
def test_what_vendors_do_with_a_cut_answer(
    base_url: str, model: str, continuation: str, quirk: str | None
) -> None:
    target = only(build({"base_url": base_url}, f"p/{model}"))
    assert target.continuation is Continuation(continuation)
    assert quirk is None or quirk in target.quirks


def test_the_operators_word_comes_before_the_table() -> None:
    target = only(build({"continuation": "never", "base_url": "https://api.mistral.ai/v1"}, "p/x"))
    assert target.continuation is Continuation.NEVER
    unknown = only(build({"continuation": "prefill"}, "p/x"))
    assert unknown.continuation is Continuation.PREFILL
    assert {"prefill:prefix", "prefill:partial", "prefill:vllm"} <= unknown.quirks


def test_the_wildcard_asks_what_is_known_of_the_very_model() -> None:
    made = build({"base_url": "https://api.anthropic.com/v1"}, "p/*", name="*")
    assert only(made, "claude-3-opus").continuation is Continuation.PREFILL
    assert only(made, "claude-opus-4-6").continuation is Continuation.INSTRUCT
    never = build({"base_url": "https://api.mistral.ai", "continuation": "never"}, "p/*", name="*")
    assert only(never, "mistral-large").continuation is Continuation.NEVER


@pytest.mark.parametrize("asked", ["p/deepseek-chat", "p/*"])
def test_the_limit_of_an_answer_is_told_under_the_name_that_is_heeded(asked: str) -> None:
    body = {"model": "m", "max_tokens": 7, "messages": [{"role": "user", "content": "hi"}]}
    named = {}
    for address in ("https://api.deepseek.com/v1", "https://api.example/v1"):
        target = only(build({"base_url": address}, asked, "*" if "*" in asked else "m"))
        request = in_dialect(Request("messages", "m", body=body), target, DIALECTS)
        assert isinstance(request, Request)
        named[address] = {n: v for n, v in request.body.items() if n.startswith("max_")}
    assert list(named.values()) == [{"max_tokens": 7}, {"max_completion_tokens": 7}]
