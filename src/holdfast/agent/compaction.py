"""What of a conversation a model is shown when not all of it fits.

What models thought in old turns goes first, then their tool outputs are shortened, then the
oldest turns are left out whole, to be summarised by whoever can; the turn under way gives way
last. A call and its result stay together. Nothing is deleted anywhere: this decides what one
prompt holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..core.message import Audio, File, Image, Message, Part, Role, Text, ToolCall
from ..core.tokens import estimate_tokens
from ..wire.jsontext import dumps
from ..wire.toolargs import fit_name, is_object
from .words import Language, tell

RECENT = 2  # turns before this one that are kept as long as anything else can give way
SETTLE = 0.7  # of the budget: what is left after turns were dropped, so that the next ones fit
ANSWER = 8192  # tokens kept free for the answer, or a quarter of what there is
MARGIN = 0.9  # our estimate may be too low by so much
# Of what was too long, each time the upstream says so again: in the end it fits a model with a
# tenth of the context that it was taken to have.
SQUEEZES = (0.6, 0.36, 0.15, 0.05)

OLD_RESULT = 600  # characters of a tool's output in an earlier turn
_RESULTS = (4000, 1000)  # in this turn, while history can still give way
_LAST_RESULTS = (400, 100)
_LEAST = 200  # characters that any text keeps

IMAGES = 8  # of earlier turns, that a model is shown again
IMAGE_DATA = 12_000_000  # characters of base64 of them: some vendors take 20 MB in all

_OF_MESSAGE = 4  # tokens around a message, and around a call
_OF_IMAGE = 1200
_OF_FILE = 2000
_OF_AUDIO = 1000

Messages = tuple[Message, ...]


def budget(context_tokens: int) -> int:
    """The tokens that a prompt may have."""
    answer = min(ANSWER, context_tokens // 4)
    return int((context_tokens - answer) * MARGIN)


def weigh(messages: Iterable[Message]) -> int:
    """An estimate of their tokens; rather too many than too few."""
    return sum(map(_weight, messages))


def _weight(message: Message) -> int:
    calls = sum(_OF_MESSAGE + estimate_tokens(c.name + c.arguments) for c in message.calls)
    parts = sum(_part_weight(part) for part in message.parts)
    thought = estimate_tokens(dumps(message.native.body).decode()) if message.native else 0
    return _OF_MESSAGE + parts + calls + thought + estimate_tokens(message.refusal)


def _part_weight(part: Part) -> int:
    match part:
        case Text(text):
            return estimate_tokens(text)
        case Image():
            return _OF_IMAGE
        case File():
            return _OF_FILE
        case Audio():
            return _OF_AUDIO


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is shown. `dropped` are the oldest turns, left out whole, in their order."""

    history: Messages
    turn: Messages
    dropped: Messages = ()
    shortened: int = 0  # messages of which a part was left out

    @property
    def weight(self) -> int:
        return weigh(self.history) + weigh(self.turn)


def fit(
    history: Sequence[Message], turn: Sequence[Message], room: int, language: Language
) -> Fitted:
    """`history` and the turn under way, made to fit into `room` tokens if that can be done.

    Both must be whole (`repair`). `turn` begins with what the person asked, which is kept.
    """
    fitted = Fitted(tuple(history), tuple(turn))
    for step in _STEPS:
        if fitted.weight <= room:
            return fitted
        fitted = step(fitted, room, language)
    return fitted


Step = Callable[[Fitted, int, Language], Fitted]


def _forget_thoughts(fitted: Fitted, room: int, language: Language) -> Fitted:
    history = tuple(replace(m, native=None) if m.native else m for m in fitted.history)
    return replace(fitted, history=history)


def _shorten_history(fitted: Fitted, room: int, language: Language) -> Fitted:
    excess = fitted.weight - room
    shown: list[Message] = []
    count = 0
    for message in fitted.history:
        if excess > 0 and message.role is Role.TOOL:
            shorter = _cut(message, OLD_RESULT, language)
            excess -= _weight(message) - _weight(shorter)
            count += shorter is not message
            message = shorter  # noqa: PLW2901 - the shorter takes its place
        shown.append(message)
    return replace(fitted, history=tuple(shown), shortened=fitted.shortened + count)


def _drop_history(keep: int, share: float) -> Step:
    """Leaves out the oldest turns until `share` of the room is met or `keep` turns are left."""

    def step(fitted: Fitted, room: int, language: Language) -> Fitted:
        turns = list(turns_of(fitted.history))
        excess = fitted.weight - int(room * share)
        count = 0
        while len(turns) - count > keep and excess > 0:
            excess -= weigh(turns[count])
            count += 1
        gone = tuple(message for one in turns[:count] for message in one)
        left = fitted.history[len(gone) :]
        return replace(fitted, history=left, dropped=fitted.dropped + gone)

    return step


def _shorten_turn(limit: int, *, last: bool) -> Step:
    """Shortens this turn's tool outputs, those of the `last` step too or not."""

    def step(fitted: Fitted, room: int, language: Language) -> Fitted:
        groups = list(groups_of(fitted.turn))
        old = groups if last else groups[:-1]
        shown: list[Message] = []
        count = 0
        for group in groups[: len(old)]:
            for message in group:
                is_result = message.role is Role.TOOL
                shorter = _cut(message, limit, language) if is_result else message
                count += shorter is not message
                shown.append(shorter)
        shown += [message for group in groups[len(old) :] for message in group]
        return replace(fitted, turn=tuple(shown), shortened=fitted.shortened + count)

    return step


def _drop_steps(fitted: Fitted, room: int, language: Language) -> Fitted:
    """Leaves out this turn's oldest steps, but neither the question nor the last step."""
    asked, *steps = groups_of(fitted.turn)
    excess = fitted.weight - room
    count = 0
    while count < len(steps) - 1 and excess > 0:
        excess -= weigh(steps[count])
        count += 1
    kept = (message for group in (asked, *steps[count:]) for message in group)
    return replace(fitted, turn=tuple(kept), shortened=fitted.shortened + count)


def _cut_texts(fitted: Fitted, room: int, language: Language) -> Fitted:
    """The last resort: every long text of this turn loses its middle, in proportion.

    What is short or no text cannot give way, so that the others may have to lose more.
    """
    share = MARGIN * room / max(1, fitted.weight)
    longest = max((len(message.text) for message in fitted.turn), default=0)
    while True:
        cut = (_cut(m, max(_LEAST, int(len(m.text) * share)), language) for m in fitted.turn)
        shown = replace(fitted, turn=tuple(cut), shortened=fitted.shortened + 1)
        if shown.weight <= room or longest * share <= _LEAST:
            return shown
        share *= MARGIN


_STEPS: Sequence[Step] = (
    _forget_thoughts,
    _shorten_history,
    _drop_history(RECENT, SETTLE),
    *(_shorten_turn(limit, last=False) for limit in _RESULTS),
    *(_shorten_turn(limit, last=True) for limit in _RESULTS),
    _drop_history(0, 1.0),
    *(_shorten_turn(limit, last=True) for limit in _LAST_RESULTS),
    _drop_steps,
    _cut_texts,
)


def _cut(message: Message, length: int, language: Language) -> Message:
    """`message` with the middle of its text left out, if it is longer than `length`."""
    text = message.text
    if len(text) <= max(length, _LEAST):
        return message
    shorter = shorten(text, length, language)
    others = tuple(part for part in message.parts if not isinstance(part, Text))
    return (
        replace(message, parts=(Text(shorter), *others), native=None)
        if len(shorter) < len(text)
        else message
    )


def shorten(text: str, length: int, language: Language) -> str:
    """The beginning and the end of `text`, `length` characters of it, with a mark between."""
    if len(text) <= length:
        return text
    head = length * 3 // 5
    tail = length - head
    mark = tell("shortened", language, left=len(text) - length)
    return text[:head] + mark + text[len(text) - tail :]


# The parts of a conversation that belong together.


def turns_of(messages: Sequence[Message]) -> Iterator[Messages]:
    """Each from a person's message, or several in a row, to the next."""
    begun: list[Message] = []
    for message in messages:
        if message.role is Role.USER and begun and begun[-1].role is not Role.USER:
            yield tuple(begun)
            begun = []
        begun.append(message)
    if begun:
        yield tuple(begun)


def groups_of(messages: Sequence[Message]) -> Iterator[Messages]:
    """Each message, a model's together with the results of its calls."""
    begun: list[Message] = []
    for message in messages:
        if message.role is not Role.TOOL and begun:
            yield tuple(begun)
            begun = []
        begun.append(message)
    if begun:
        yield tuple(begun)


# Broken history.


def repair(messages: Sequence[Message], language: Language) -> Messages:
    """`messages` as every upstream takes them: each call has one result, right behind it and in
    order, each result a call, names are names, arguments are JSON objects, and no message is empty.
    """
    whole: list[Message] = []
    for place, message in enumerate(messages):
        if message.role is Role.TOOL or _is_empty(message):
            continue
        calls = tuple(map(_sound, message.calls))
        whole.append(
            message if calls == message.calls else replace(message, calls=calls, native=None)
        )
        results = _results(messages[place + 1 :]) if message.calls else {}
        for call in message.calls:
            whole.append(results.get(call.id) or _no_result(call, language))
    return tuple(whole)


def _results(following: Sequence[Message]) -> dict[str, Message]:
    """The first result for each id before the model calls anything again: ids may come twice."""
    found: dict[str, Message] = {}
    for message in following:
        if message.calls:
            break
        if message.role is Role.TOOL:
            found.setdefault(message.answers, message)
    return found


def _sound(call: ToolCall) -> ToolCall:
    sound = call.custom or is_object(call.arguments)
    name, arguments = fit_name(call.name), call.arguments if sound else "{}"
    return call if sound and name == call.name else replace(call, name=name, arguments=arguments)


def _no_result(call: ToolCall, language: Language) -> Message:
    text = tell("no_result", language)
    return Message(Role.TOOL, (Text(text),), answers=call.id, failed=True)


def _is_empty(message: Message) -> bool:
    others = any(not isinstance(part, Text) for part in message.parts)
    return not (message.text.strip() or others or message.calls or message.refusal)


# For models that cannot do something.


def without_tools(messages: Sequence[Message], language: Language) -> Messages:
    """Calls and results told in words, for a model that knows no tools. Must be whole."""
    names: dict[str, str] = {}
    told: list[Message] = []
    for message in messages:
        if message.role is Role.TOOL:
            name = names.get(message.answers, "?")
            text = tell("result", language, name=name, text=message.text)
            others = (part for part in message.parts if not isinstance(part, Text))
            told.append(Message(Role.USER, (Text(text), *others)))
            continue
        if not (message.calls or message.native):
            told.append(message)
            continue
        names |= {call.id: call.name for call in message.calls}
        said = [
            Text("\n" + tell("called", language, name=call.name, arguments=call.arguments))
            for call in message.calls
        ]
        told.append(replace(message, parts=(*message.parts, *said), calls=(), native=None))
    return tuple(told)


def with_images_as(messages: Sequence[Message], words: Callable[[Image], str]) -> Messages:
    """`messages` with a text in the place of every image."""
    return tuple(
        _with_images_as(message, words) if images_of((message,)) else message
        for message in messages
    )


def _with_images_as(message: Message, words: Callable[[Image], str]) -> Message:
    told = (Text(words(part)) if isinstance(part, Image) else part for part in message.parts)
    return replace(message, parts=tuple(told))


def fade_images(messages: Sequence[Message], language: Language) -> Messages:
    """Only the newest images stay; every question would carry all of the others again, until no
    upstream takes it any more.
    """
    faded = tell("image_old", language)
    count = size = 0
    shown: list[Message] = []
    for message in reversed(messages):
        images = images_of((message,))
        count += len(images)
        size += sum(len(image.data) for image in images)
        gone = any(not (image.data or image.url) for image in images)  # see media.joined
        old = images and (gone or count > IMAGES or size > IMAGE_DATA)
        if old and message.role is Role.TOOL:  # whose words tell of them, see media.kept
            shown.append(_without_images(message))
        else:
            shown.append(_with_images_as(message, lambda _: faded) if old else message)
    return tuple(reversed(shown))


def _without_images(message: Message) -> Message:
    parts = tuple(part for part in message.parts if not isinstance(part, Image))
    return replace(message, parts=parts)


def images_of(messages: Iterable[Message]) -> list[Image]:
    return [part for message in messages for part in message.parts if isinstance(part, Image)]
