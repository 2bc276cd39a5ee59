"""What a model is shown in one step of a turn: persona, history, the turn, tools, hints.

History is mended, made to fit, and told in words where a model cannot see or call. Summaries
and captions are asked of the routes that settings name for them; if that fails the turn goes
on without, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.failure import StreamFailed
from ..core.message import Image, Message, Prompt, Role, Text, ToolChoice, said
from ..core.tokens import estimate_tokens
from ..wire.jsontext import dumps
from . import compaction
from .abilities import AbilitiesOf
from .asking import Models
from .compaction import Messages, fit, images_of, repair, turns_of, weigh
from .decisions import Ask
from .events import Noted, Why
from .media import SEEN, apart, as_seen
from .memory import Memory, key_of_image, keys_of
from .standing import Standing, squeezes
from .task import Task
from .tools import AgentTool
from .words import Language, tell

SUMMARY = 600  # words or characters of a summary, at most
_TOLD = 2000  # characters of one message that a summary is made from
_CAPTION = 2000  # characters of a caption
_CAPTIONS = 4  # images that are newly described for one prompt, the newest


@dataclass(frozen=True, slots=True)
class Framed:
    """A prompt, its weight in tokens, what could be left out of it, and what to note."""

    prompt: Prompt
    weight: int
    seen: frozenset[Why]
    notes: tuple[Noted, ...]


class Framer:
    """Shared by all turns: it remembers the summaries and captions it was given."""

    def __init__(self, models: Models, abilities: AbilitiesOf, memory: Memory) -> None:
        self._models = models
        self._abilities = abilities
        self._memory = memory

    async def frame(
        self, task: Task, now: Standing, ask: Ask, tools: Mapping[str, AgentTool]
    ) -> Framed:
        """The prompt of the step that `ask` decides on."""
        notes: list[Noted] = []
        abilities = self._abilities(task.route)
        whys = (*now.whys, ask.why)
        offered = () if "without_tools" in whys else tuple(made.tool for made in tools.values())
        hint = _hint(task, ask, offered=bool(offered))
        history = repair(task.history, task.language)
        turn = repair(now.messages, task.language)
        looks = abilities.vision or task.caption_route
        seeing = as_seen((*history, *turn), SEEN if looks else 0)
        history = compaction.fade_images(seeing[: len(history)], task.language)
        turn = seeing[len(history) :]
        seen: set[Why] = {"without_tools"} if offered else set()
        if abilities.vision and "without_images" not in whys:
            seen |= {"without_images"} if images_of((*history, *turn)) else set()
        else:
            first = not now.step or ask.why == "without_images"
            history, turn = await self._blind(task, history, turn, notes if first else [])
        if not offered:
            history = compaction.without_tools(history, task.language)
            turn = compaction.without_tools(turn, task.language)
        fixed = weigh([said(Role.SYSTEM, task.persona), *hint])
        fixed += estimate_tokens(dumps([tool.parameters for tool in offered]).decode())
        fixed += sum(estimate_tokens(tool.name + tool.description) for tool in offered)
        room = compaction.budget(abilities.context_tokens)
        whole = fixed + weigh(history) + weigh(turn)
        squeezed = squeezes(whys)
        room = min(room, whole) if squeezed else room
        room = int(room * (1.0, *compaction.SQUEEZES)[squeezed]) - fixed
        told, shown = await self._fit(task, history, turn, room, notes)
        system = "\n\n".join(part for part in (task.persona, told) if part)
        opening = (said(Role.SYSTEM, system),) if system else ()
        messages = (*opening, *apart(shown, task.language), *hint)
        prompt = Prompt(
            messages, offered, ToolChoice("none") if offered and not ask.tools else None
        )
        return Framed(prompt, fixed + weigh(shown) + weigh(opening), frozenset(seen), tuple(notes))

    # What fits.

    async def _fit(
        self, task: Task, history: Messages, turn: Messages, room: int, notes: list[Noted]
    ) -> tuple[str, Messages]:
        """What to say of the turns that are left out, and the messages that are shown."""
        language = task.language
        if weigh(history) + weigh(turn) <= room:
            return "", (*history, *turn)
        gone, before, left = self._left_out(task, history)
        room -= estimate_tokens(before)
        allowance = min(estimate_tokens("中" * SUMMARY), room // 8) if task.summary_route else 0
        fitted = fit(left, turn, room, language)
        if fitted.dropped and allowance:
            fitted = fit(left, turn, room - allowance, language)
        if not fitted.dropped:
            return _summary(before, gone, language), (*fitted.history, *fitted.turn)
        count = len(list(turns_of(fitted.dropped)))
        words = await self._summarise(task, before, fitted.dropped, notes)
        gone = history[: len(gone) + len(fitted.dropped)]
        (key,) = keys_of((gone,), task.summary_route)
        self._memory.put(key, words)
        notes.append(Noted("compacted", {"turns": count, "summarised": bool(words)}))
        return _summary(words, gone, language), (*fitted.history, *fitted.turn)

    def _left_out(self, task: Task, history: Messages) -> tuple[Messages, str, Messages]:
        """The longest beginning of `history` that was left out before, its summary, the rest."""
        turns = list(turns_of(history))
        count, before = 0, ""
        for number, key in enumerate(keys_of(turns, task.summary_route), 1):
            words = self._memory.get(key)
            if words is not None:
                count, before = number, words
        gone = tuple(message for turn in turns[:count] for message in turn)
        return gone, before, history[len(gone) :]

    async def _summarise(
        self, task: Task, before: str, dropped: Messages, notes: list[Noted]
    ) -> str:
        """A summary of what is left out, "" if there is to be none or none could be had."""
        if not task.summary_route:
            return ""
        language = task.language
        lines = [tell("summary", language, text=before)] if before else []
        lines += [_line(message, language) for message in dropped]
        room = compaction.budget(self._abilities(task.summary_route).context_tokens)
        text = compaction.shorten("\n\n".join(lines), room, language)
        ask = tell("summarise", language, count=SUMMARY)
        prompt = Prompt((said(Role.USER, f"{text}\n\n---\n{ask}"),))
        try:
            return (await self._models.text(task.summary_route, prompt, language)).strip()
        except StreamFailed as failed:
            notes.append(Noted("summary_failed", {"kind": failed.failure.kind.value}))
            return ""

    # What cannot be seen.

    async def _blind(
        self, task: Task, history: Messages, turn: Messages, notes: list[Noted]
    ) -> tuple[Messages, Messages]:
        """The same with every image told in words."""
        images = images_of((*history, *turn))
        captions = {
            key_of_image(image): caption
            for place, image in enumerate(images, 1)
            if (caption := await self._caption(task, image, new=place > len(images) - _CAPTIONS))
        }
        asked = (message for message in turn if message.role is Role.USER)
        if any(key_of_image(image) not in captions for image in images_of(asked)):
            notes.append(Noted("image_unseen", {"route": task.route}))

        def words(image: Image) -> str:
            caption = captions.get(key_of_image(image))
            if caption:
                return tell("image_seen", task.language, text=caption)
            return tell("image_unseen", task.language)

        told = compaction.with_images_as((*history, *turn), words)
        return told[: len(history)], told[len(history) :]

    async def _caption(self, task: Task, image: Image, *, new: bool) -> str:
        """A description of the image, "" if there is to be none or none could be had; one that is
        not `new` has the one that it was given before.
        """
        if not task.caption_route or not self._abilities(task.caption_route).vision:
            return ""
        key = key_of_image(image, task.caption_route, task.language)
        known = self._memory.get(key)
        if known is not None or not new:
            return known or ""
        message = Message(Role.USER, (Text(tell("caption", task.language)), image))
        prompt = Prompt((message,))
        try:
            words = await self._models.text(task.caption_route, prompt, task.language)
        except StreamFailed:
            return ""
        self._memory.put(key, words[:_CAPTION])
        return words[:_CAPTION]


def _hint(task: Task, ask: Ask, *, offered: bool) -> Sequence[Message]:
    """What is said to the model beside the conversation.

    By a user message: many a server takes a system message at the beginning only.
    """
    if ask.why == "mended":
        return (said(Role.USER, tell("mend", task.language)),)
    if offered and not ask.tools and ask.step > 1:
        return (said(Role.USER, tell("last_step", task.language)),)
    return ()


def _summary(words: str, gone: Messages, language: Language) -> str:
    if words:
        return tell("summary", language, text=words)
    return tell("dropped", language, turns=len(list(turns_of(gone)))) if gone else ""


def _line(message: Message, language: Language) -> str:
    calls = "".join(
        f" {tell('called', language, name=call.name, arguments=call.arguments)}"
        for call in message.calls
    )
    text = compaction.shorten(message.text, _TOLD, language)
    return f"{message.role.value}: {text}{calls}"
