"""How the simulated model goes on with an answer that was cut.

It knows the whole text, finds in it what the reader has, and says the rest: exactly after a
prefill, with the noise of real models after an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.anchor import anchor, open_fence
from .answers import Known, Message, ToolCall, known_answer, objects, text_of
from .habits import Habits, Mode, Noise, Repetition
from .library import ANNOUNCEMENT, NOTHING_MISSING, OTHER_WORDS

_PROOF = 24  # characters that are found in a text by no chance
_SENTENCE_START = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said in answer to one request, and the dialogue it belongs to.

    `dialogue` ends with the question, however often the answer has been begun before.
    """

    dialogue: tuple[Message, ...]
    text: str
    calls: tuple[ToolCall, ...]
    language: str
    prefilled: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is answered with HTTP 400 and these words."""

    dialogue: tuple[Message, ...]
    message: str


def reply_to(request: Mapping[str, Any], habits: Habits) -> Reply | Refusal:
    """The answer to `request`, or what is left of it if it was begun before."""
    messages = objects(request, "messages")
    if _is_partial(messages[-1:]):
        return _prefilled(request, messages[:-1], messages[-1], habits)
    if _is_partial(messages[-2:-1]) and messages[-1].get("role") == "user":
        known = known_answer(request, messages[:-2], habits.text)
        partial = text_of(messages[-2]).rstrip()
        end = locate(partial, known.text)
        if end is not None and _goes_on(known, end, partial, text_of(messages[-1])):
            said = noisy(Cut(known.text, end, partial, known.language), habits.noise)
            reworded = habits.noise.repetition is Repetition.REWORD
            calls = () if reworded else known.calls
            return Reply(messages[:-2], said, calls, known.language)
    known = known_answer(request, messages, habits.text)
    return Reply(messages, known.text, known.calls, known.language)


def locate(partial: str, text: str) -> int | None:
    """Where in `text` the reader is, who has `partial`; None if that is no part of it.

    What was joined from several answers may begin otherwise; then its last words decide.
    """
    if text.startswith(partial):
        return len(partial)
    tail = partial[-_PROOF:]
    if len(tail) < _PROOF:
        return None
    ends = [match.end() for match in re.finditer(f"(?={re.escape(tail)})", text)]
    return max(
        (end + _PROOF for end in ends), key=lambda e: _agreement(text[:e], partial), default=None
    )


def _agreement(one: str, other: str) -> int:
    """Length of the common suffix."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _is_partial(message: Sequence[Message]) -> bool:
    return bool(
        message
        and message[0].get("role") == "assistant"
        and not message[0].get("tool_calls")
        and text_of(message[0]).strip()
    )


def _goes_on(known: Known, end: int, partial: str, instruction: str) -> bool:
    """Whether the user asks for the rest, and not something new after a whole answer."""
    return end < len(known.text) or anchor(partial) in instruction


# Prefill.

Verdict = str | bool  # words of refusal, or whether the model goes on


def _by_flag(request: Mapping[str, Any], last: Message) -> Verdict:
    flagged = request.get("continue_final_message") is True
    if flagged and request.get("add_generation_prompt", True) is True:
        return "continue_final_message and add_generation_prompt cannot both be true."
    return flagged


def _by_prefix(request: Mapping[str, Any], last: Message) -> Verdict:
    if last.get("prefix") is True:
        return True
    return "Expected the last message to be from user or tool, or from assistant with prefix true."


def _plainly(request: Mapping[str, Any], last: Message) -> Verdict:
    text = text_of(last)
    if text != text.rstrip():
        return "messages: final assistant content cannot end with trailing whitespace"
    return True


def _refused(request: Mapping[str, Any], last: Message) -> Verdict:
    return (
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message."
    )


_VERDICTS: Mapping[Mode, Callable[[Mapping[str, Any], Message], Verdict]] = {
    Mode.ANY: lambda request, last: True,
    Mode.VLLM: _by_flag,
    Mode.PREFIX: _by_prefix,
    Mode.PARTIAL: lambda request, last: last.get("partial") is True,
    Mode.PLAIN: _plainly,
    Mode.REFUSE: _refused,
    Mode.IGNORE: lambda request, last: False,
}


def _prefilled(
    request: Mapping[str, Any], dialogue: tuple[Message, ...], last: Message, habits: Habits
) -> Reply | Refusal:
    verdict = _VERDICTS[habits.mode](request, last)
    if isinstance(verdict, str):
        return Refusal(dialogue, verdict)
    known = known_answer(request, dialogue, habits.text)
    partial = text_of(last)
    end = locate(partial, known.text)
    if end is None:
        partial = partial.rstrip()
        end = locate(partial, known.text)
    if not verdict or end is None:
        return Reply(dialogue, known.text, known.calls, known.language)
    rest = known.text[end:]
    said = partial + rest if habits.echo else rest
    return Reply(dialogue, said, known.calls, known.language, prefilled=True)


# Instruction.


@dataclass(frozen=True, slots=True)
class Cut:
    """A known text, how far the reader is in it, and what the reader has."""

    text: str
    end: int
    partial: str
    language: str

    @property
    def rest(self) -> str:
        return self.text[self.end :]


def noisy(cut: Cut, noise: Noise) -> str:
    """The rest of the text the way an instructed model may write it."""
    said = _REPETITIONS[noise.repetition](cut, noise.reach)
    fence = open_fence(cut.partial)
    if noise.refence and fence is not None:
        said = f"```{fence}\n{said}"
    return ANNOUNCEMENT[cut.language] + said if noise.preamble else said


def _from(pattern: re.Pattern[str], partial: str) -> str:
    """The end of `partial` from the last place that the pattern finds."""
    starts = [match.end() for match in pattern.finditer(partial) if match.end() < len(partial)]
    return partial[starts[-1] if starts else 0 :]


def _other_case(text: str) -> str:
    """The same words in the other letter case; ASCII signs full-width and the other way round."""
    return "".join(map(_other_sign, text))


def _other_sign(sign: str) -> str:
    code = ord(sign)
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    if sign.isascii() and (sign.isdigit() or sign in ",:;?!"):
        return chr(code + 0xFEE0)
    return sign.swapcase() if sign.isascii() else sign


_LINE_START = re.compile(r"\n")

_REPETITIONS: Mapping[Repetition, Callable[[Cut, int], str]] = {
    Repetition.EXACT: lambda cut, reach: cut.rest,
    Repetition.ANCHOR: lambda cut, reach: anchor(cut.partial) + cut.rest,
    Repetition.REPEAT: lambda cut, reach: cut.partial[-reach:] + cut.rest,
    Repetition.LINE: lambda cut, reach: _from(_LINE_START, cut.partial) + cut.rest,
    Repetition.SENTENCE: lambda cut, reach: _from(_SENTENCE_START, cut.partial) + cut.rest,
    Repetition.RESTART: lambda cut, reach: cut.text,
    Repetition.CASE: lambda cut, reach: _other_case(anchor(cut.partial)) + cut.rest,
    Repetition.REWORD: lambda cut, reach: OTHER_WORDS[cut.language],
    Repetition.DENY: lambda cut, reach: (
        anchor(cut.partial) + cut.rest if cut.rest.strip() else NOTHING_MISSING[cut.language]
    ),
}
