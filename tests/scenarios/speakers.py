"""The official SDKs as clients of each served dialect, and what they make of an answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import openai
from tests.scenarios.house import House


@dataclass(slots=True)
class Told:
    """An answer in words of no dialect, as far as the SDK could read it."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)  # id, name, arguments
    finish: str | None = None  # end | length | tools | filter
    usage: tuple[int, int] | None = None
    cached: int | None = None
    error: dict[str, Any] | None = None
    status: int | None = None
    broken: bool = False  # the connection was broken off


# The question, as the SDK's keyword arguments, for each dialect.
Asked = Mapping[str, Any]
Ask = Callable[["Clients", str, Asked, bool], Awaitable[Told]]

_FINISH = {
    "stop": "end",
    "end_turn": "end",
    "completed": "end",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tools",
    "tool_use": "tools",
    "content_filter": "filter",
    "refusal": "filter",
}


@dataclass(frozen=True, slots=True)
class Clients:
    """The SDKs are asked in words their types do not foresee."""

    openai: Any
    anthropic: Any
    refused: Any  # the errors of `anthropic`: its module


@asynccontextmanager
async def clients(house: House, key: str = "none") -> AsyncIterator[Clients]:
    import anthropic  # noqa: PLC0415 - takes seconds, and every worker collects the tests

    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=key, max_retries=0) as client:
        yield Clients(house.openai, client, anthropic)


async def chat(there: Clients, model: str, asked: Asked, stream: bool) -> Told:
    told = Told()
    create = there.openai.chat.completions.create
    try:
        if stream:
            options = {"include_usage": True}
            chunks = await create(model=model, stream=True, stream_options=options, **asked)
            calls: dict[int, list[str]] = {}
            async for chunk in chunks:
                if chunk.usage:
                    told.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    _details(told, chunk.usage.prompt_tokens_details)
                for choice in chunk.choices:
                    delta = choice.delta
                    told.text += delta.content or ""
                    told.reasoning += getattr(delta, "reasoning_content", None) or ""
                    for call in delta.tool_calls or ():
                        known = calls.setdefault(call.index, ["", "", ""])
                        known[0] += call.id or ""
                        known[1] += call.function.name or ""
                        known[2] += call.function.arguments or ""
                    told.finish = _FINISH.get(choice.finish_reason or "", told.finish)
            told.calls = [(i, n, json.loads(a)) for i, n, a in calls.values()]
        else:
            answer = await create(model=model, **asked)
            message = answer.choices[0].message
            told.text = message.content or ""
            told.reasoning = getattr(message, "reasoning_content", None) or ""
            told.calls = [
                (c.id, c.function.name, json.loads(c.function.arguments))
                for c in message.tool_calls or ()
            ]
            told.finish = _FINISH[answer.choices[0].finish_reason]
            told.usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
            _details(told, answer.usage.prompt_tokens_details)
    except openai.APIError as error:
        _failed(told, error, error.body)
    return told


async def responses(there: Clients, model: str, asked: Asked, stream: bool) -> Told:
    told = Told()
    try:
        if stream:
            async with there.openai.responses.stream(model=model, **asked) as events:
                numbers = []
                async for event in events:
                    numbers.append(event.sequence_number)
                    if event.type == "response.failed":
                        told.error = event.response.error.to_dict()
                    elif event.type == "response.output_text.delta":
                        told.text += event.delta
                    elif event.type == "response.incomplete":
                        reason = event.response.incomplete_details.reason
                        told.finish = _FINISH[reason]
                assert numbers == sorted(set(numbers))
                if told.error is None and told.finish is None:
                    _response(told, await events.get_final_response())
        else:
            _response(told, await there.openai.responses.create(model=model, **asked))
    except openai.APIConnectionError as error:
        told.broken = True
        if told.error is None:
            raise AssertionError("broken off without a word") from error
    except openai.APIError as error:
        _failed(told, error, error.body)
    return told


def _response(told: Told, response: Any) -> None:
    assert response.object == "response"
    streamed, told.text = told.text, response.output_text
    assert streamed in ("", told.text)
    for item in response.output:
        if item.type == "reasoning":
            told.reasoning += "\n\n".join(part.text for part in item.summary)
        if item.type == "function_call":
            told.calls.append((item.call_id, item.name, json.loads(item.arguments)))
    if response.status == "incomplete":
        told.finish = _FINISH[response.incomplete_details.reason]
    else:
        assert response.status == "completed", response.status
        told.finish = "tools" if told.calls else "end"
    told.usage = (response.usage.input_tokens, response.usage.output_tokens)
    told.cached = response.usage.input_tokens_details.cached_tokens


async def messages(there: Clients, model: str, asked: Asked, stream: bool) -> Told:
    told = Told()
    asked = {"max_tokens": 4096, **asked}
    try:
        if stream:
            async with there.anthropic.messages.stream(model=model, **asked) as events:
                async for event in events:
                    if event.type == "text":
                        told.text += event.text
                _message(told, await events.get_final_message())
        else:
            _message(told, await there.anthropic.messages.create(model=model, **asked))
    except there.refused.APIStatusError as error:
        body: Any = error.body
        _failed(told, error, body["error"])
    return told


def _message(told: Told, message: Any) -> None:
    streamed = told.text
    told.text = "".join(b.text for b in message.content if b.type == "text")
    assert streamed in ("", told.text)
    told.reasoning = "".join(b.thinking for b in message.content if b.type == "thinking")
    told.calls = [(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"]
    told.finish = _FINISH[message.stop_reason]
    usage = message.usage
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    told.usage = (usage.input_tokens + read + written, usage.output_tokens)
    told.cached = read


def _details(told: Told, details: Any) -> None:
    told.cached = details.cached_tokens if details else None


def _failed(told: Told, error: Any, body: Any) -> None:
    assert isinstance(body, dict), f"an error without a body: {error!r}"
    told.error = body
    told.status = getattr(error, "status_code", None)


SPEAKERS: Mapping[str, Ask] = {"chat": chat, "responses": responses, "messages": messages}
