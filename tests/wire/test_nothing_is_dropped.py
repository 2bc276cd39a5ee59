"""What a client asks reaches a target of any dialect, is refused by name, or is a listed loss."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.attempt import Target
from holdfast.core.failure import Failure, Kind
from holdfast.core.request import Request
from holdfast.wire import DIALECTS
from holdfast.wire.losses import LOSSES
from holdfast.wire.translate import in_dialect

SPOKEN = ("chat", "responses", "messages")
Body = dict[str, Any]


class Words:
    """Words and numbers, each of which comes once: where one is found, nothing else is meant."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._count = count(1)

    def word(self) -> str:
        return f"word{next(self._count):04}"

    def number(self) -> int:
        return 70_000 + next(self._count)

    def share(self) -> float:
        return round(0.1 + next(self._count) / 10_000, 4)

    def data(self) -> str:
        return base64.b64encode(self.word().encode()).decode()

    def schema(self) -> Body:
        return {"type": "object", "properties": {self.word(): {"description": self.word()}}}

    def some(self, **members: Any) -> Body:
        """Each member or not; those that are callable are made only if they are taken."""
        taken = {name: made for name, made in members.items() if self._draw(st.booleans())}
        return {name: made() if callable(made) else made for name, made in taken.items()}

    def one(self, *makes: Any) -> Any:
        return self._draw(st.sampled_from(makes))()

    def several(self, *makes: Any) -> list[Any]:
        chosen = self._draw(st.lists(st.sampled_from(makes), min_size=1, max_size=3))
        return [make() for make in chosen]


def chat_body(w: Words) -> Body:
    def text() -> Body:
        return {"type": "text", "text": w.word()} | w.some(cache_control={"type": "ephemeral"})

    def image() -> Body:
        url = w.one(
            lambda: f"https://pictures.invalid/{w.word()}",
            lambda: f"data:image/png;base64,{w.data()}",
        )
        return {"type": "image_url", "image_url": {"url": url} | w.some(detail="high")}

    def file() -> Body:
        inside = w.one(
            lambda: {"filename": w.word(), "file_data": f"data:application/pdf;base64,{w.data()}"},
            lambda: {"file_id": w.word()} | w.some(filename=w.word),
        )
        return {"type": "file", "file": inside}

    def sound() -> Body:
        return {"type": "input_audio", "input_audio": {"data": w.data(), "format": "wav"}}

    def content() -> Any:
        return w.one(w.word, lambda: w.several(text, image, file, sound, text))

    def function() -> Body:
        more = w.some(description=w.word, parameters=w.schema, strict=True)
        return {"type": "function", "function": {"name": w.word(), **more}}

    def custom() -> Body:
        grammar = {"syntax": "lark", "definition": w.word()}
        wanted = {"type": "grammar", "grammar": grammar}
        return {"type": "custom", "custom": {"name": w.word()} | w.some(format=wanted)}

    def user() -> list[Body]:
        return [{"role": "user", "content": content()} | w.some(name=w.word)]

    def system() -> list[Body]:
        role = w.one(lambda: "system", lambda: "developer")
        return [{"role": role, "content": w.one(w.word, lambda: [text()])} | w.some(name=w.word)]

    def called() -> list[Body]:
        id, arguments = w.word(), json.dumps({w.word(): w.word()})
        call = w.one(
            lambda: {"type": "function", "function": {"name": w.word(), "arguments": arguments}},
            lambda: {"type": "custom", "custom": {"name": w.word(), "input": w.word()}},
        )
        said = {"role": "assistant", "content": w.one(w.word, lambda: None)}
        result = {"role": "tool", "tool_call_id": id, "content": w.word()}
        return [{**said, "tool_calls": [{"id": id, **call}]} | w.some(refusal=w.word), result]

    def structure() -> Any:
        schema = {"name": w.word(), "schema": w.schema()} | w.some(strict=True, description=w.word)
        return w.one(
            lambda: {"type": "json_object"}, lambda: {"type": "json_schema", "json_schema": schema}
        )

    messages = [m for turn in w.several(user, called, system) for m in turn]
    tools = w.several(function, custom, function)
    named = {"type": "function", "function": {"name": w.word()}}
    return {"messages": [*messages, *user()]} | w.some(
        tools=tools,
        tool_choice=lambda: w.one(lambda: "required", lambda: named),
        parallel_tool_calls=False,
        response_format=structure,
        max_completion_tokens=w.number,
        temperature=w.share,
        top_p=w.share,
        stop=lambda: [w.word(), w.word()],
        seed=w.number,
        reasoning_effort="high",
        verbosity="low",
        user=w.word,
        metadata=lambda: {w.word(): w.word()},
        n=lambda: w.one(lambda: 1, lambda: 3),
        logprobs=True,
        frequency_penalty=w.share,
        service_tier=w.word,
    )


def responses_tools(w: Words) -> list[Body]:
    def function() -> Body:
        tool = {"type": "function", "name": w.word(), "parameters": w.schema(), "strict": True}
        return tool | w.some(description=w.word)

    def custom() -> Body:
        wanted = {"type": "grammar", "syntax": "lark", "definition": w.word()}
        return {"type": "custom", "name": w.word()} | w.some(format=wanted)

    def space() -> Body:
        tools = [tool | w.some(defer_loading=True) for tool in w.several(function, custom)]
        return {"type": "namespace", "name": w.word(), "description": w.word(), "tools": tools}

    hosted = {"type": "web_search", "search_context_size": w.word()}
    interpreter = {"type": "code_interpreter", "container": w.word()}
    return w.several(
        function, custom, function, space, lambda: hosted, lambda: hosted, lambda: interpreter
    )


def responses_body(w: Words) -> Body:
    def text() -> Body:
        return {"type": "input_text", "text": w.word()}

    def image() -> Body:
        url = w.one(
            lambda: {"image_url": f"https://pictures.invalid/{w.word()}"},
            lambda: {"image_url": f"data:image/png;base64,{w.data()}"},
            lambda: {"file_id": w.word()},
        )
        return {"type": "input_image", **url} | w.some(detail="low")

    def file() -> Body:
        inside = w.one(
            lambda: {"filename": w.word(), "file_data": f"data:application/pdf;base64,{w.data()}"},
            lambda: {"file_id": w.word()} | w.some(filename=w.word),
            lambda: {"file_url": f"https://files.invalid/{w.word()}"} | w.some(filename=w.word),
        )
        return {"type": "input_file", **inside} | w.some(detail="low")

    def content() -> Any:
        return w.one(w.word, lambda: w.several(text, image, file, text))

    def said() -> list[Body]:
        role = w.one(lambda: "user", lambda: "developer", lambda: "system")
        told = content() if role == "user" else w.one(w.word, lambda: [text()])
        given = {"role": role, "content": told} | w.some(type="message")
        return [given | w.some(id=w.word, status=w.word)]

    def answered() -> list[Body]:
        part = w.one(
            lambda: {"type": "output_text", "text": w.word(), "annotations": [{"url": w.word()}]},
            lambda: {"type": "refusal", "refusal": w.word()},
        )
        return [{"type": "message", "role": "assistant", "id": w.word(), "content": [part]}]

    def called() -> list[Body]:
        id, kind = w.word(), w.one(lambda: "function_call", lambda: "custom_tool_call")
        given = json.dumps({w.word(): w.word()})
        made = {"arguments": given} if kind == "function_call" else {"input": w.word()}
        output = w.one(w.word, lambda: [text(), image()])
        call = {"type": kind, "call_id": id, "name": w.word(), **made} | w.some(id=w.word)
        return [call, {"type": f"{kind}_output", "call_id": id, "output": output}]

    def reasoned() -> list[Body]:
        summary = [{"type": "summary_text", "text": w.word()}]
        return [{"type": "reasoning", "id": w.word(), "summary": summary}]

    def structure() -> Any:
        schema = {"type": "json_schema", "name": w.word(), "schema": w.schema()}
        return w.one(
            lambda: {"type": "json_object"},
            lambda: schema | w.some(strict=True, description=w.word),
        )

    items = [item for turn in w.several(said, answered, called, reasoned) for item in turn]
    named = {"type": "function", "name": w.word()}
    choices = [lambda: "required", lambda: named]
    return {"input": w.one(w.word, lambda: [*items, *said()])} | w.some(
        instructions=w.word,
        tools=lambda: responses_tools(w),
        tool_choice=lambda: w.one(*choices),
        parallel_tool_calls=False,
        text=lambda: w.some(format=structure, verbosity="low"),
        reasoning={"effort": "low", "summary": "auto"},
        max_output_tokens=w.number,
        temperature=w.share,
        top_p=w.share,
        user=w.word,
        metadata=lambda: {w.word(): w.word()},
        include=lambda: [w.word()],
        prompt_cache_key=w.word,
        top_logprobs=w.number,
        previous_response_id=w.word,
    )


def messages_body(w: Words) -> Body:
    def text() -> Body:
        return {"type": "text", "text": w.word()} | w.some(cache_control={"type": "ephemeral"})

    def image() -> Body:
        source = w.one(
            lambda: {"type": "url", "url": f"https://pictures.invalid/{w.word()}"},
            lambda: {"type": "base64", "media_type": "image/png", "data": w.data()},
            lambda: {"type": "file", "file_id": w.word()},
        )
        return {"type": "image", "source": source}

    def document() -> Body:
        source = w.one(
            lambda: {"type": "url", "url": f"https://files.invalid/{w.word()}"},
            lambda: {"type": "base64", "media_type": "application/pdf", "data": w.data()},
            lambda: {"type": "content", "content": [text()]},
        )
        more = w.some(title=w.word, context=w.word, citations={"enabled": True})
        return {"type": "document", "source": source, **more}

    def content() -> Any:
        return w.one(w.word, lambda: w.several(text, image, document, text))

    def user() -> list[Body]:
        return [{"role": "user", "content": content()}]

    def called() -> list[Body]:
        id, signed = w.word(), {"type": "thinking", "thinking": w.word(), "signature": w.word()}
        call = {"type": "tool_use", "id": id, "name": w.word(), "input": {w.word(): w.word()}}
        blocks = w.several(lambda: signed, text, text)
        shown = w.one(w.word, lambda: [text(), image()])
        result = {"type": "tool_result", "tool_use_id": id, "content": shown}
        results = [result | w.some(is_error=True)]
        if w.one(lambda: True, lambda: False):
            results.append(text())
        return [
            {"role": "assistant", "content": [*blocks, call]},
            {"role": "user", "content": results},
        ]

    def tool() -> Body:
        more = w.some(description=w.word, strict=True, type="custom", defer_loading=True)
        return {"name": w.word(), "input_schema": w.schema(), **more}

    def hosted() -> Body:
        return {"type": "web_search_20260209", "name": "web_search", "max_uses": w.number()}

    system = lambda: w.one(w.word, lambda: w.several(text, text))  # noqa: E731
    output = {"format": {"type": "json_schema", "schema": w.schema()}, "effort": "high"}
    named = {"type": "tool", "name": w.word(), "disable_parallel_tool_use": True}
    thinking = {"type": "enabled", "budget_tokens": w.number(), "display": "summarized"}
    tools = w.several(tool, tool, tool, hosted)
    messages = [m for turn in w.several(user, called) for m in turn]
    return {"messages": [*messages, *user()], "max_tokens": w.number()} | w.some(
        system=system,
        tools=tools,
        tool_choice=lambda: w.one(lambda: {"type": "any"}, lambda: named),
        output_config=output,
        temperature=w.share,
        top_p=w.share,
        top_k=w.number,
        stop_sequences=lambda: [w.word()],
        metadata=lambda: {"user_id": w.word()},
        thinking=thinking,
        service_tier=w.word,
        container=w.word,
    )


MAKERS = {"chat": chat_body, "responses": responses_body, "messages": messages_body}

# What a target has no words for, by the client's own field (`wire.losses.TARGET_LOSSES`).
UNSAID: Mapping[tuple[str, str], frozenset[str]] = {
    ("chat", "responses"): frozenset({"seed", "messages[].name"}),
    ("chat", "messages"): frozenset(
        {
            "seed",
            "metadata.*",
            "messages[].name",
            "response_format.json_schema.name",
            "response_format.json_schema.description",
        }
    ),
    ("responses", "messages"): frozenset(
        {"metadata.*", "text.format.name", "text.format.description"}
    ),
}


@st.composite
def bodies(draw: st.DrawFn, dialect: str) -> Body:
    body = MAKERS[dialect](Words(draw))
    if draw(st.booleans()):
        places = list(objects(body))
        draw(st.sampled_from(places))["tomorrow"] = "wordfromtomorrow"
    return body


def objects(value: Any, name: str = "") -> Iterator[Body]:
    """All objects of a body whose members have meanings; those of schemas are free."""
    if isinstance(value, dict) and name not in ("parameters", "schema", "input_schema", "metadata"):
        yield value
        for member, inside in value.items():
            if name != "content" or member != "input":
                yield from objects(inside, member)
    elif isinstance(value, list):
        for inside in value:
            yield from objects(inside)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from leaves(name, f"{path}.*")
            yield from leaves(inside, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            yield from leaves(inside, f"{path}[{place}]")
    else:
        yield path, value


def marks(value: Any) -> list[str]:
    """What of a leaf is found nowhere else: words, also in base64, and numbers."""
    if isinstance(value, str):
        return re.findall(r"word\w+|d29yZ\w+=*", value)
    numbers = isinstance(value, int | float) and not isinstance(value, bool) and value not in (1, 3)
    return [str(value)] if numbers else []


def at(body: Body, path: str) -> Any:
    found: Any = body
    for name, place in re.findall(r"([a-z_]+)|\[(\d+)\]", path):
        found = found[name] if name else found[int(place)]
    return found


def is_left_out(body: Body, path: str) -> bool:
    """Whether it stands in an answer that the client repeats, or in a tool that it can miss."""
    head = re.match(r"\w+\[\d+\]", path)
    holder = at(body, head[0]) if head else None
    if not isinstance(holder, dict):
        return False
    kind = holder.get("type", "")
    if head and head[0].startswith("tools"):
        told_otherwise = kind == "namespace" and path.removeprefix(head[0]) == ".description"
        return told_otherwise or kind.startswith("web_search")
    return holder.get("role") == "assistant" or kind in (
        "reasoning",
        "function_call",
        "custom_tool_call",
    )


def is_listed(dialect: str, target: str, path: str) -> bool:
    pattern = re.sub(r"\[\d+\]", "[]", path)
    fields = {loss.field for loss in LOSSES[dialect]} | UNSAID.get((dialect, target), frozenset())
    fields |= {"thinking.budget_tokens"}
    holders = [pattern[: m.start()] for m in re.finditer(r"[.\[]|$", pattern)]
    return any(holder in fields or f"{holder}.*" in fields for holder in holders)


@pytest.mark.parametrize("target", SPOKEN)
@pytest.mark.parametrize("dialect", SPOKEN)
@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_it_arrives_or_is_refused_by_name_or_is_listed(
    dialect: str, target: str, data: st.DataObject
) -> None:
    body = data.draw(bodies(dialect))
    asked = in_dialect(Request(dialect, "m", body), Target("t", target), DIALECTS)
    if isinstance(asked, Failure):
        assert asked.kind is Kind.UNSUPPORTED
        assert asked.param
        assert at(body, asked.param) is not None
        return
    if dialect == target:
        assert asked.body == body
        return
    arrived = json.dumps(asked.body)
    for path, value in leaves(body):
        if any(mark not in arrived for mark in marks(value)):
            told = is_left_out(body, path) or is_listed(dialect, target, path)
            assert told, f"{path} = {value} was dropped"
