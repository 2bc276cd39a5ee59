"""Manners of speaking: how an answer can be told oddly, and be whole. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Any

from .actions import Action, Send, Stall, Wait
from .http1 import CHUNKED, Framing
from .scene import (
    DONE,
    LINES,
    Actions,
    Scene,
    Style,
    as_json,
    head_of,
    told,
    until,
    whole,
    with_body,
)
from .speech import ChatVoice, Payload, Speech
from .truth import Player


def styled(change: Callable[[Style], Style]) -> Player:
    return lambda scene: whole(replace(scene, style=change(scene.style)))


def framed(framing: Framing) -> Player:
    return lambda scene: whole(replace(scene, framing=framing))


def after(prologue: bytes) -> Player:
    return lambda scene: whole(replace(scene, prologue=prologue))


def typed(content_type: str) -> Player:
    return lambda scene: whole(replace(scene, content_type=content_type))


def in_lines(scene: Scene) -> Scene:
    """Written as Ollama writes its own streams."""
    named = "application/x-ndjson" if scene.stream else scene.content_type
    return replace(scene, style=LINES, content_type=named)


def json_lines(scene: Scene) -> Actions:
    scene = in_lines(scene)
    return whole(scene, map(scene.style.event, scene.speech.closing))


def json_list(scene: Scene) -> Actions:
    """As Google streams where nobody asks for events."""
    if not scene.stream:
        return whole(scene)
    style = replace(LINES, gap=b",\n")
    written = replace(scene, style=style, content_type="application/json", prologue=b"[\n")
    *closing, last = map(style.event, scene.speech.closing)
    return whole(written, [*closing, last.removesuffix(style.gap), b"]\n"])


def said(change: Callable[[Speech], Speech]) -> Player:
    return lambda scene: whole(replace(scene, speech=change(scene.speech)))


def closed_by(*closing: bytes) -> Player:
    """Finish and usage as ever, and these bytes for what comes after them."""
    return lambda scene: whole(scene, [*map(scene.style.event, scene.speech.closing), *closing])


def then(*ending: Action) -> Player:
    """All pieces, finish and usage; then this, before the end of the body."""
    return lambda scene: (
        *told(scene, scene.count),
        *(map(scene.event, scene.speech.closing) if scene.stream else ()),
        *ending,
    )


def finished(word: str) -> Player:
    def play(scene: Scene) -> Actions:
        cut = until(scene, scene.after)
        return whole(replace(cut, speech=replace(cut.speech, finish=word)))

    return play


def slow_first(scene: Scene) -> Actions:
    head, opening, *rest = whole(scene)
    return (head, opening, Wait(scene.habits.late), *rest)


def whole_json(scene: Scene) -> Actions:
    content = (("Content-Type", "application/json"),)
    return with_body(200, content, as_json(scene.speech.whole), scene.request_id)


def whole_json_open(scene: Scene) -> Actions:
    plain = replace(scene, content_type="application/json", framing=CHUNKED)
    return (Send(head_of(plain)), plain.raw(as_json(scene.speech.whole)), Stall())


def every_delta(change: Callable[[Payload], Payload]) -> Callable[[Speech], Speech]:
    """Changes the delta of every choice of every piece."""

    def choice(old: Payload) -> Payload:
        return {**old, "delta": change(old["delta"])}

    return every_choice(choice)


def every_choice(change: Callable[[Payload], Payload]) -> Callable[[Speech], Speech]:
    def payload(old: Payload) -> Payload:
        return {**old, "choices": [change(choice) for choice in old["choices"]]}

    return lambda speech: replace(
        speech, pieces=tuple(tuple(map(payload, piece)) for piece in speech.pieces)
    )


def as_message(choice: Payload) -> Payload:
    return {("message" if name == "delta" else name): value for name, value in choice.items()}


def parts(delta: Payload) -> Payload:
    text = delta.get("content")
    return (
        {**delta, "content": [{"type": "text", "text": text}]} if isinstance(text, str) else delta
    )


def as_text(choice: Payload) -> Payload:
    text = choice["delta"].get("content")
    return choice if text is None else {"index": choice["index"], "text": text}


def enveloped(speech: Speech) -> Speech:
    return replace(
        speech,
        pieces=tuple(
            tuple({"code": 0, "msg": "ok", "data": payload} for payload in piece)
            for piece in speech.pieces
        ),
    )


def _text_of(piece: tuple[Payload, ...]) -> str:
    return piece[0]["choices"][0]["delta"].get("content") or ""


def cumulative(speech: Speech) -> Speech:
    said = accumulate(map(_text_of, speech.pieces))
    pieces = (
        _voice(speech).chunk({"content": so_far}) if _text_of(piece) else piece
        for piece, so_far in zip(speech.pieces, said, strict=True)
    )
    return replace(speech, pieces=tuple(pieces))


_TELLING = 16  # bytes of an answer that nobody says twice


def whole_again(speech: Speech) -> Speech:
    said = list(filter(None, map(_text_of, speech.pieces)))
    text = "".join(said)
    if len(said) < 2 or len(text.encode()) < _TELLING:
        return speech  # nobody could tell that it is no refrain
    again = _voice(speech).chunk({"content": text})
    return replace(speech, pieces=(*speech.pieces, again))


def _voice(speech: Speech) -> ChatVoice:
    """Only chat can be said in these ways; `script` sees to it."""
    assert isinstance(speech.voice, ChatVoice)
    return speech.voice


def usage_with_finish(scene: Scene) -> Actions:
    *others, last = _voice(scene.speech).chunk({}, scene.speech.finish)
    events = [*others, {**last, "usage": scene.speech.usage}]
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def stall_beside_finish(scene: Scene) -> Actions:
    if not scene.stream:
        return whole(scene)
    speech = scene.speech
    ends = every_choice(lambda choice: {**choice, "finish_reason": speech.finish})
    *others, last = speech.pieces
    ended = replace(speech, pieces=(*others, *ends(replace(speech, pieces=(last,))).pieces))
    return (*told(replace(scene, speech=ended), scene.count), Stall())


def null_finish(scene: Scene) -> Actions:
    nothing: dict[str, Any] = {"role": None, "content": None, "tool_calls": None}
    events = _voice(scene.speech).chunk(nothing, scene.speech.finish)
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def finish_in_delta(scene: Scene) -> Actions:
    events = _voice(scene.speech).chunk({"finish_reason": scene.speech.finish})
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def call_announced(scene: Scene) -> Actions:
    return whole(replace(scene, speech=replace(scene.speech, finish="tool_calls")))


def counted_from_one(scene: Scene) -> Actions:
    if _voice(scene.speech).choices > 1:
        return whole(scene)

    def later(payload: Payload) -> Payload:
        choices = [{**choice, "index": choice["index"] + 1} for choice in payload["choices"]]
        return {**payload, "choices": choices}

    speech = scene.speech
    closing = [scene.style.event(later(payload)) for payload in speech.closing]
    pieces = tuple(tuple(map(later, piece)) for piece in speech.pieces)
    opening = tuple(map(later, speech.opening))
    changed = replace(scene, speech=replace(speech, opening=opening, pieces=pieces))
    return whole(changed, [*closing, scene.style.raw(DONE)])


def another_choice(scene: Scene) -> Actions:
    """It says the same, so that nobody can tell whose words are whose."""
    if _voice(scene.speech).choices > 1:
        return whole(scene)

    def both(payload: Payload) -> Payload:
        others = [{**choice, "index": choice["index"] + 1} for choice in payload["choices"]]
        return {**payload, "choices": [*payload["choices"], *others]}

    speech = scene.speech
    closing = [scene.style.event(both(payload)) for payload in speech.closing]
    pieces = tuple(tuple(map(both, piece)) for piece in speech.pieces)
    opening = tuple(map(both, speech.opening))
    told = both(speech.whole) if speech.whole.get("choices") else speech.whole
    changed = replace(speech, opening=opening, pieces=pieces, whole=told)
    return whole(replace(scene, speech=changed), [*closing, scene.style.raw(DONE)])


def without_choices(speech: Speech) -> Speech:
    """Azure's first chunk, which is about the prompt."""
    filters = [{"prompt_index": 0, "content_filter_results": {}}]
    prelude = _voice(speech).bare(prompt_filter_results=filters)
    return replace(speech, opening=(prelude, *speech.opening))


def filtered(scene: Scene) -> Actions:
    """Azure's asynchronous filter: its results come when they are known, also after the end."""
    results = {"content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
    voice = _voice(scene.speech)

    def result(payload: Payload) -> Payload:
        bare = [{"index": choice["index"], **results} for choice in payload["choices"]]
        return {**payload, "choices": bare}

    (verdict, *_) = map(result, voice.chunk({}))
    speech = replace(scene.speech, pieces=tuple((*piece, verdict) for piece in scene.speech.pieces))
    events = [*speech.closing, verdict]
    return whole(
        replace(scene, speech=speech), [*map(scene.style.event, events), scene.style.raw(DONE)]
    )
