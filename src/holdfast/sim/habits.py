"""How the simulated model behaves apart from its faults, and the words that choose it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from .library import TEXTS

# What a request may hold that not every server of this dialect knows, and the words of refusal.
WORDS: Mapping[str, str] = {
    "stream_options": "stream_options: Extra inputs are not permitted",
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model."
    " Use 'max_completion_tokens' instead.",
    "max_completion_tokens": "Unrecognized request argument supplied: max_completion_tokens",
    "developer": "messages[0].role: unknown variant `developer`, expected one of `system`,"
    " `user`, `assistant`, `tool`",
}


class Mode(StrEnum):
    """How a target takes an answer begun before: as the last message of the request."""

    ANY = "any"  # goes on, whatever marks it or nothing
    VLLM = "vllm"  # goes on if `continue_final_message` is set, else answers once more
    PREFIX = "prefix"  # goes on if the message has `prefix: true` (DeepSeek, Mistral), else 400
    PARTIAL = "partial"  # goes on if it has `partial: true` (Qwen, Kimi), else answers once more
    PLAIN = "plain"  # goes on; white space at the end is refused (Claude up to 4.5)
    REFUSE = "refuse"  # 400 (Claude from 4.6)
    IGNORE = "ignore"  # answers once more from the beginning


class Repetition(StrEnum):
    """What a target says first when a user message tells it to go on."""

    EXACT = "exact"  # nothing: it goes on
    ANCHOR = "anchor"  # the last words, as it was asked to
    REPEAT = "repeat"  # the last `reach` characters
    LINE = "line"  # the line that was cut, from its beginning
    SENTENCE = "sentence"  # the sentence that was cut, from its beginning
    RESTART = "restart"  # the whole answer
    CASE = "case"  # the last words in other letter case and width
    REWORD = "reword"  # something else, and that is all
    DENY = "deny"  # if nothing is missing, that nothing is; else the last words


@dataclass(frozen=True, slots=True)
class Noise:
    """A continuation as models really write it: some talk, perhaps a fence, a repetition."""

    repetition: Repetition = Repetition.ANCHOR
    reach: int = 0
    preamble: bool = False  # an announcement comes first
    refence: bool = False  # an open code block is opened once more


class Reasoning(StrEnum):
    """Where a vendor puts the reasoning."""

    NONE = ""
    CONTENT = "reasoning_content"  # DeepSeek, Qwen, Kimi, GLM
    PLAIN = "reasoning"  # OpenRouter, newer vLLM, Groq
    DETAILS = "reasoning_details"  # OpenRouter's typed blocks
    PARTS = "parts"  # Mistral's content parts
    THINK = "think"  # <think> in the text itself


class Calling(StrEnum):
    """How the model calls a tool."""

    WHOLE = "whole"  # the name at once, then the arguments
    PIECES = "pieces"  # the name in pieces as well
    GROWING = "growing"  # every piece of the arguments holds those before it
    QUOTED = "quoted"  # the arguments are JSON in a JSON string
    FLAT = "flat"  # name and arguments stand beside the id
    TEXT = "text"  # written out as text: its server knows no form for calls


@dataclass(frozen=True, slots=True)
class Habits:
    """Times are in seconds, before the server's `speed`."""

    mode: Mode = Mode.ANY
    echo: bool = False  # a prefilled answer begins with the prefill (Mistral)
    noise: Noise = Noise()
    reasoning: Reasoning = Reasoning.NONE
    calls: Calling = Calling.WHOLE
    text: str = ""  # a name of `library.TEXTS` for questions that do not choose
    chunk: int = 4  # characters of a piece, on average
    pace: float = 0.0  # between two pieces
    late: float = 1.0  # before a late answer
    every: float = 0.1  # between two signs of life that carry nothing
    escape: bool = False  # JSON as ASCII with \\u escapes, surrogate pairs included
    news: bool = False  # members and events that nobody knows yet
    refuses: str = ""  # a word of the question that it does not know


class UnknownWord(ValueError):
    """A word of a model name that means nothing; the word is the argument."""


def with_option(habits: Habits, option: str) -> Habits:
    """`habits` changed by one option, "name" or "name=value". Raises UnknownWord."""
    name, _, value = option.partition("=")
    read = _OPTIONS.get(name)
    if read is None:
        raise UnknownWord(option)
    try:
        changes = read(value)
    except (KeyError, ValueError) as error:
        raise UnknownWord(option) from error
    return replace(habits, **changes)


Word = TypeVar("Word", bound=StrEnum)


def _one_of(words: type[Word], value: str) -> Word:
    return words(value)


def _noise(value: str) -> Noise:
    noise = Noise(Repetition.EXACT)
    for part in value.split("+"):
        word, _, reach = part.partition(":")
        if word == "preamble":
            noise = replace(noise, preamble=True)
        elif word == "refence":
            noise = replace(noise, refence=True)
        else:
            noise = replace(noise, repetition=Repetition(word), reach=_count(reach or "12"))
    return noise


def _known(value: str, words: Collection[str]) -> str:
    if value not in words:
        raise ValueError(value)
    return value


def _count(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 100_000:
        raise ValueError(value)
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 86_400:
        raise ValueError(value)
    return number


def _flag(value: str) -> bool:
    if value:
        raise ValueError(value)
    return True


_OPTIONS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "mode": lambda value: {"mode": _one_of(Mode, value)},
    "echo": lambda value: {"echo": _flag(value)},
    "noise": lambda value: {"noise": _noise(value)},
    "reasoning": lambda value: {"reasoning": _one_of(Reasoning, value or "reasoning_content")},
    "calls": lambda value: {"calls": _one_of(Calling, value)},
    "text": lambda value: {"text": _known(value, TEXTS)},
    "chunk": lambda value: {"chunk": _count(value)},
    "pace": lambda value: {"pace": _seconds(value)},
    "late": lambda value: {"late": _seconds(value)},
    "every": lambda value: {"every": _seconds(value)},
    "escape": lambda value: {"escape": _flag(value)},
    "news": lambda value: {"news": _flag(value)},
    "refuses": lambda value: {"refuses": _known(value, WORDS)},
}
