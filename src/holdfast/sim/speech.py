"""A chat completion as JSON (OpenAI's chat completions, streamed and whole), piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Protocol

from ..core.tokens import estimate_tokens
from .answers import ToolCall, pieces
from .continuation import Reply
from .dice import Dice
from .habits import Calling, Habits, Reasoning
from .library import REASONING

Payload = dict[str, Any]

CREATED = 1767225600  # 2026-01-01: a script has no clock
DONE = b"[DONE]"
_CHOICES = 8  # as many as a request may ask for here


Told = Iterable[Iterable[Payload]]  # the pieces that have gone out


class Voice(Protocol):
    """How a dialect tells an answer's end and its failures."""

    @property
    def dialect(self) -> str: ...

    @property
    def named(self) -> bool:
        """Whether the events of the stream carry their types as names."""
        ...

    @property
    def ends(self) -> tuple[bytes, ...]:
        """The data of events that end the stream itself."""
        ...

    def closing(self, told: Told, finish: str, usage: Payload | None) -> tuple[Payload, ...]: ...

    def error(self, error: Any) -> Payload: ...

    def named_error(self) -> Payload: ...

    def broken_call(self, told: Told, name: str, arguments: str) -> tuple[Payload, ...]:
        """A tool call with these arguments, and the end of an answer that is whole."""
        ...


@dataclass(frozen=True, slots=True)
class ChatVoice:
    """What is the same in every chunk of one answer."""

    id: str
    model: str
    choices: int = 1
    usage: bool = False  # the request asks for a usage chunk; all others then say null
    ends: tuple[bytes, ...] = (DONE,)
    named: bool = False
    dialect: str = "chat"

    def closing(self, told: Told, finish: str, usage: Payload | None) -> tuple[Payload, ...]:
        """The finish reason, and the usage if it was asked for."""
        counted = (self.bare(usage=usage),) if self.usage and usage else ()
        return (*self.chunk({}, finish), *counted)

    def error(self, error: Any) -> Payload:
        return {"error": error}

    def named_error(self) -> Payload:
        return {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    def broken_call(self, told: Told, name: str, arguments: str) -> tuple[Payload, ...]:
        function = {"name": name, "arguments": arguments}
        call = {"index": 0, "id": "call_cut", "type": "function", "function": function}
        return (*self.chunk({"tool_calls": [call]}), *self.chunk({}, "tool_calls"))

    def chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> tuple[Payload, ...]:
        """One chunk for every choice."""
        return tuple(self._chunk(delta, finish, index) for index in range(self.choices))

    def bare(self, **members: Any) -> Payload:
        """A chunk without choices."""
        return {**self._base("chat.completion.chunk"), "choices": [], **members}

    def message(self, message: Payload, finish: str, usage: Payload) -> Payload:
        """A whole completion."""
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in range(self.choices)
        ]
        return {**self._base("chat.completion"), "choices": choices, "usage": usage}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None, index: int) -> Payload:
        choice = {
            "index": index,
            "delta": dict(delta),
            "logprobs": None,
            "finish_reason": finish,
        }
        payload = {**self._base("chat.completion.chunk"), "choices": [choice]}
        return {**payload, "usage": None} if self.usage else payload

    def _base(self, kind: str) -> Payload:
        return {"id": self.id, "object": kind, "created": CREATED, "model": self.model}


@dataclass(frozen=True, slots=True)
class Speech:
    """An answer in pieces. A piece is what goes out at once: one chunk for every choice."""

    voice: Voice
    opening: tuple[Payload, ...]  # the role, which is no piece of the answer
    pieces: tuple[tuple[Payload, ...], ...]
    finish: str
    usage: Payload
    whole: Payload  # the same answer for a request that does not stream

    @property
    def closing(self) -> tuple[Payload, ...]:
        return self.voice.closing(self.pieces, self.finish, self.usage)


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one question and its answer."""

    input: int
    output: int
    cached: int
    reasoning: int


def counts(request: Mapping[str, Any], thought: str, reply: Reply) -> Counts:
    asked = json.dumps(request.get("messages"), ensure_ascii=False, default=str)
    said = "".join([thought, reply.text, *(call.arguments for call in reply.calls)])
    tokens = estimate_tokens(asked)
    return Counts(tokens, estimate_tokens(said), tokens // 4, estimate_tokens(thought))


def speech(
    request: Mapping[str, Any], reply: Reply, habits: Habits, dice: Dice, serial: int
) -> Speech:
    """`reply` in the words of the chat dialect; `serial` makes its id."""
    if habits.calls is Calling.TEXT:
        reply = _written_out(reply)
    voice = ChatVoice(
        id=f"chatcmpl-sim-{serial:06d}",
        model=str(request.get("model")),
        choices=_choices(request),
        usage=_wants_usage(request),
    )
    thought = REASONING[reply.language] if habits.reasoning and not reply.prefilled else ""
    deltas = [
        *_thinking(thought, habits, dice),
        *(
            {"content": piece}
            for piece in pieces(_spoken(thought, reply, habits), habits.chunk, dice)
        ),
        *(d for index, call in enumerate(reply.calls) for d in _calling(index, call, habits, dice)),
    ]
    usage = _usage(request, thought, reply)
    finish = "tool_calls" if reply.calls else "stop"
    return Speech(
        voice=voice,
        opening=voice.chunk({"role": "assistant", "content": ""}),
        pieces=tuple(voice.chunk(delta) for delta in deltas),
        finish=finish,
        usage=usage,
        whole=voice.message(_message(thought, reply, habits), finish, usage),
    )


def _choices(request: Mapping[str, Any]) -> int:
    wanted = request.get("n")
    return max(1, min(wanted, _CHOICES)) if isinstance(wanted, int) else 1


def _wants_usage(request: Mapping[str, Any]) -> bool:
    wanted = request.get("stream_options")
    return isinstance(wanted, Mapping) and wanted.get("include_usage") is True


def _usage(request: Mapping[str, Any], thought: str, reply: Reply) -> Payload:
    count = counts(request, thought, reply)
    return {
        "prompt_tokens": count.input,
        "completion_tokens": count.output,
        "total_tokens": count.input + count.output,
    }


# Reasoning, wherever a vendor puts it.


def _spoken(thought: str, reply: Reply, habits: Habits) -> str:
    inline = thought and habits.reasoning is Reasoning.THINK
    return f"<think>\n{thought}\n</think>\n\n{reply.text}" if inline else reply.text


_THOUGHTS: Mapping[Reasoning, Callable[[str], Payload]] = {
    Reasoning.CONTENT: lambda text: {"reasoning_content": text},
    Reasoning.PLAIN: lambda text: {"reasoning": text},
    Reasoning.DETAILS: lambda text: {
        "reasoning": text,
        "reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}],
    },
    Reasoning.PARTS: lambda text: {
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]
    },
}


def _thinking(thought: str, habits: Habits, dice: Dice) -> list[Payload]:
    say = _THOUGHTS.get(habits.reasoning)
    return [say(piece) for piece in pieces(thought, habits.chunk, dice)] if say else []


def _calling(index: int, call: ToolCall, habits: Habits, dice: Dice) -> list[Payload]:
    """The name with empty arguments first, then the arguments in pieces."""
    names = [call.name]
    if habits.calls is Calling.PIECES:
        names = [call.name[:2], call.name[2:]]
    function = {"name": names[0], "arguments": ""}
    opening = {"index": index, "id": call.id, "type": "function", "function": function}
    told = json.dumps(call.arguments) if habits.calls is Calling.QUOTED else call.arguments
    arguments = pieces(told, habits.chunk, dice)
    if habits.calls is Calling.GROWING:
        arguments = tuple(accumulate(arguments))
    rest = [
        *({"index": index, "function": {"name": piece}} for piece in names[1:]),
        *({"index": index, "function": {"arguments": piece}} for piece in arguments),
    ]
    if habits.calls is Calling.FLAT:
        return [{"tool_calls": [_flat(fragment)]} for fragment in (opening, *rest)]
    return [{"tool_calls": [fragment]} for fragment in (opening, *rest)]


def _flat(fragment: Payload) -> Payload:
    beside = {name: value for name, value in fragment.items() if name != "function"}
    return {**beside, **fragment["function"]}


def _written_out(reply: Reply) -> Reply:
    """Its calls as text, in the tags of Qwen and others."""
    told = [
        f'<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'
        for call in reply.calls
    ]
    return replace(reply, text="\n".join([*([reply.text] if reply.text else []), *told]), calls=())


def _message(thought: str, reply: Reply, habits: Habits) -> Payload:
    text = _spoken(thought, reply, habits)
    message: Payload = {"role": "assistant", "content": text or None, "refusal": None}
    say = _THOUGHTS.get(habits.reasoning)
    if thought and say:
        said = say(thought)
        parts = said.pop("content", None)
        message |= {"content": [*parts, {"type": "text", "text": text}]} if parts else said
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.calls
        ]
    return message
