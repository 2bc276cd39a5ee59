"""From a request and the name of a model to the bytes of an answer, spoiled as the name says.

    MODEL  = TURN *("," TURN) *(";" OPTION)      e.g. "reset@3,sub2api_502,ok;mode=vllm;pace=0.02"
    TURN   = NAME ["@" K]

NAME is a row of `catalogue.FAULTS`; `ok` is a whole answer. K is the number of pieces that go
before the fault: -1 leaves one unsent. Of several turns the first request of a conversation
plays the first, the next the second, and all later ones the last.

Options (`habits.Habits` explains each):

    mode=any|vllm|prefix|partial|plain|refuse|ignore     how a prefill is taken
    echo                                                 a prefilled answer repeats the prefill
    noise=[preamble+][refence+]REPETITION                how an instruction to go on is followed:
          exact, anchor, repeat:N, line, sentence, restart, case, reword
    reasoning[=reasoning_content|reasoning|reasoning_details|parts|think]
    calls=whole|pieces|growing|quoted|flat|text    how a tool is called (`habits.Calling`)
    text=NAME     the known text for questions that do not choose with "text:NAME"
    chunk=N       characters of a piece, on average
    pace=S, late=S, every=S     seconds between pieces, before a late answer, between comments
    escape        JSON as ASCII
    news          members and events that nobody knows yet
    refuses=WORD  a word of the request that it does not know: max_tokens, max_completion_tokens,
                  stream_options, developer

A word that means nothing is answered with 404 and named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import messages, responses
from .actions import Fault
from .catalogue import CHAT_ONLY, FAULTS, PLAYERS, STREAM_ONLY
from .continuation import Refusal, Reply, reply_to
from .dice import Dice
from .error_answers import JSON, openai
from .habits import WORDS, Habits, UnknownWord, with_option
from .scene import Actions, Scene, Style, as_json, with_body
from .speech import Speech, speech


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a model name says: what happens at each turn, and how the model is otherwise."""

    turns: tuple[Fault, ...]
    habits: Habits

    def turn(self, number: int) -> Behaviour:
        """The behaviour at the turn `number`, counted from 0; the last one lasts."""
        return replace(self, turns=self.turns[min(number, len(self.turns) - 1) :][:1])


def parse(model: str) -> Behaviour:
    """Raises UnknownWord."""
    turns, *options = model.split(";")
    habits = Habits()
    for option in options:
        habits = with_option(habits, option.strip())
    return Behaviour(tuple(_turn(word.strip()) for word in turns.split(",")), habits)


Speaker = Callable[[Mapping[str, Any], Reply, Habits, Dice, int], Speech]

SPEAKERS: Mapping[str, Speaker] = {
    "chat": speech,
    "responses": responses.speech,
    "messages": messages.speech,
}


def play(
    request: Mapping[str, Any],
    behaviour: Behaviour,
    dice: Dice,
    serial: int = 1,
    dialect: str = "chat",
) -> Actions:
    """What the upstream does about `request` at the first turn of `behaviour`.

    `request` is in the form of chat, whatever the dialect of the answer. Equal dice cut an equal
    answer into equal pieces. `serial` makes the ids. Actions that do not end the connection
    leave it open for the next request.
    """
    request_id = f"req_sim_{serial:06d}"
    fault = behaviour.turns[0]
    reply = reply_to(request, behaviour.habits)
    if isinstance(reply, Refusal):
        return refused(dialect, 400, reply.message, None, request_id)
    streams = request.get("stream") is True
    if not streams and fault.name in STREAM_ONLY:
        message = f"{fault.name} is a fault of streams: ask with stream true"
        return refused(dialect, 400, message, None, request_id)
    if dialect != "chat" and fault.name in CHAT_ONLY:
        message = f"{fault.name} is a habit of those who speak chat"
        return refused(dialect, 400, message, None, request_id)
    if unknown := _unknown(request, behaviour.habits.refuses):
        return refused(dialect, 400, WORDS[unknown], None, request_id)
    said = SPEAKERS[dialect](request, reply, behaviour.habits, dice, serial)
    scene = Scene(
        speech=said,
        habits=behaviour.habits,
        stream=streams,
        request_id=request_id,
        after=_resolved(fault.after, len(said.pieces)),
        style=Style(
            escape=behaviour.habits.escape, news=behaviour.habits.news, named=said.voice.named
        ),
    )
    return PLAYERS[fault.name](scene)


def _unknown(request: Mapping[str, Any], word: str) -> str:
    """`word`, if `request` has it."""
    roles = [message.get("role") for message in request.get("messages") or ()]
    return word if word in (*request, *roles) else ""


def len_pieces(request: Mapping[str, Any], behaviour: Behaviour, dice: Dice) -> int:
    """How many pieces the answer to `request` has: the n of "after n/2 pieces"."""
    reply = reply_to(request, behaviour.habits)
    if isinstance(reply, Refusal):
        return 0
    return len(speech(request, reply, behaviour.habits, dice, serial=0).pieces)


def conversation(request: Mapping[str, Any], behaviour: Behaviour) -> str:
    """What is the same in all requests for one answer, however often it was begun."""
    dialogue = json.dumps(reply_to(request, behaviour.habits).dialogue, default=str)
    return hashlib.sha256(dialogue.encode()).hexdigest()


def expected(request: Mapping[str, Any], habits: Habits) -> str:
    """The whole text that `request` gets from a model with these habits."""
    reply = reply_to(request, habits)
    return reply.text if isinstance(reply, Reply) else ""


def unknown_model(model: str, word: str, dialect: str = "chat") -> Actions:
    """The answer to a request for a model whose name has a word that means nothing."""
    truth = FAULTS.get(word.partition("@")[0])
    hint = "a fault of addresses, not of models" if truth else "an unknown word"
    message = f"The model `{model}` does not exist: `{word}` is {hint}."
    return refused(dialect, 404, message, "model_not_found", "req_sim_000000")


def _turn(word: str) -> Fault:
    name, at, count = word.partition("@")
    if name not in PLAYERS:
        raise UnknownWord(word)
    if not at:
        return Fault(name)
    try:
        return Fault(name, int(count))
    except ValueError as error:
        raise UnknownWord(word) from error


def _resolved(after: int, count: int) -> int:
    return max(0, min(count, after if after >= 0 else count + after))


def refused(dialect: str, status: int, message: str, code: str | None, request_id: str) -> Actions:
    """A request that the vendor of `dialect` turns down."""
    kind = "not_found_error" if status == 404 else "invalid_request_error"
    if dialect == "messages":
        body: Any = {"type": "error", "error": {"type": kind, "message": message}}
    else:
        body = openai(message, "invalid_request_error", code)
    return with_body(status, JSON, as_json(body), request_id)
