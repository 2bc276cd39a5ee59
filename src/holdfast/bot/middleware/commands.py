"""What people can ask for by "/name", or by a word alone, in both languages."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...agent.task import Task
from ...core import record as records
from ...core.message import Message, Role, said
from ...store.ports import Incident
from .. import texts
from ..codec import read_inbound
from ..event import Inbound
from ..memory import PAYS, Past, history, last_asked, last_told, turns
from ..owed import owed_text
from ..pipeline import Ask, Command, Middleware, Onward, Result, Say, Visit
from .wake import SPACE, called_by, uncalled

_SLASHES = ("/", "／")
_BEHIND = re.compile(r"[\s:：]\s*")  # what stands behind the name of a command
_ECHO = 60  # signs
_PERSONA = 8000  # signs
_WORD = 4  # signs of a word in Chinese, at most
_DEFAULT = frozenset(
    {"default", "reset", "clear", "none", "off", "默认", "恢复", "清除", "清空", "无", "取消"}
)


class Commands:
    """A table of commands; a later one of the same name replaces an earlier one."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._named = {command.name: command for command in commands}
        every = self._named.values()
        self._worded = {word: c for c in every for word in (c.name, *c.words, *c.bare)}
        self._bare = {word: c for c in every for word in c.bare}

    def find(self, text: str) -> tuple[Command, str] | None:
        """The command that `text` is, and what follows it. A word without a slash counts alone:
        "continue" is a command, "continue with the second point" is for the model. A slash alone
        asks what there is.
        """
        text = text.strip().strip(SPACE)
        if text[:1] not in _SLASHES:
            bare = self._bare.get(_word(text))
            return (bare, "") if bare else None
        name, _, rest = _BEHIND.sub(" ", text[1:].strip() or "help", count=1).partition(" ")
        command = self._worded.get(_word(name))
        return (command, rest.strip()) if command else None

    def urgent(self, text: str) -> bool:
        found = self.find(text)
        return found is not None and found[0].urgent

    def always(self, text: str) -> bool:
        found = self.find(text)
        return found is not None and found[0].always

    def help(self, visit: Visit) -> str:
        zh = visit.language == "zh"
        return "\n".join(
            f"/{command.name}{_also(command, zh)}: {command.help[zh]}"
            for command in self._named.values()
            if command.help[0]
        )

    async def run(self, visit: Visit, onward: Onward) -> Result:
        found = self.find(visit.text)
        if found is None:
            name = unknown(visit.text)
            return visit.say("unknown_command", name=_echo(name)) if name else await onward(visit)
        command, rest = found
        visit.values["commands"] = self
        visit.history = None
        return await command.obey(visit, rest, onward)


def unknown(text: str) -> str:
    """The word that makes `text` a command, whoever knows it: directly behind a slash, letters
    only, alone or before a space. "" for what a model is to read: paths, numbers, sentences. Of a
    script without spaces between words, more than a few signs are a sentence.
    """
    if text[:1] not in _SLASHES or not text[1:].strip() or text[1].isspace():
        return ""
    name = _word(text[1:].split(None, 1)[0])
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in name)
    return name if name.isalpha() and wide <= _WORD else ""


def _word(said: str) -> str:
    """As the table has it: "ＳＴＯＰ！" is "stop"."""
    return unicodedata.normalize("NFKC", said).casefold().rstrip("!.。~")


def _echo(said: str) -> str:
    """What somebody asked for, as it is told back: anybody's words may be endless."""
    return said if len(said) <= _ECHO else f"{said[:_ECHO]}…"


def _also(command: Command, zh: bool) -> str:
    words = [word for word in (*command.bare, *command.words) if not word.isascii()]
    return f"（{'、'.join(words)}）" if zh and words else ""


async def help_(visit: Visit, rest: str, onward: Onward) -> Result:
    return visit.say("help", commands=visit.values["commands"].help(visit))


async def new(visit: Visit, rest: str, onward: Onward) -> Result:
    """What follows is the first message of the new conversation."""
    await asyncio.to_thread(visit.services.conversations.reset, visit.lane)
    if not rest:
        return visit.say("new")
    visit.text = rest
    return await onward(visit)


async def stop(visit: Visit, rest: str, onward: Onward) -> Result:
    stopped = await visit.services.engine.stop(visit.lane)
    return visit.say("stopping" if stopped else "nothing_runs")


async def retry(visit: Visit, rest: str, onward: Onward) -> Result:
    """The last message is answered anew; the conversation forgets the old answer."""
    async for past in turns(visit.services, visit.lane, visit.turn):
        if past.has_asked:
            await asyncio.to_thread(visit.services.conversations.forget, past.turn.id)
            return Ask(await task(visit, past.asked))
        given_up = _given_up(visit, past)
        if given_up:
            visit.text = uncalled(given_up.text, called_by(given_up, visit.rules))
            files, quote = given_up.attachments, given_up.quote
            visit.inbound = replace(visit.inbound, attachments=files, quote=quote)
            return await onward(visit)
    return visit.say("nothing_to_retry")


def _given_up(visit: Visit, past: Past) -> Inbound | None:
    """This person's message, if it was refused or failed before a model was asked. It is let in
    as the request to try it again is.
    """
    event, ended = read_inbound(past.turn.body), past.ended
    if not isinstance(event, Inbound) or event.sender.id != visit.inbound.sender.id:
        return None
    words = uncalled(event.text, called_by(event, visit.rules))
    is_command = visit.values["commands"].find(words) or unknown(words)
    failed = ended is not None and ended.outcome in ("failed", "refused")
    return event if failed and not is_command else None


async def continue_(visit: Visit, rest: str, onward: Onward) -> Result:
    """First what was written and not delivered; else the model goes on where it was cut off."""
    owed = await owed_text(visit)
    if owed:
        return Say(owed, note=PAYS)
    past = await last_asked(visit.services, visit.lane, visit.turn)
    if past is None or not past.cut:
        return await _not_cut(visit, onward)
    if not (past.prose.strip() or past.acted):
        return await retry(visit, rest, onward)
    if past.open:
        await asyncio.to_thread(visit.services.conversations.forget, past.turn.id)
        given = await task(visit, past.asked)
        return Ask(replace(given, released=past.prose))
    asked = said(Role.USER, texts.say("go_on", visit.language))
    return Ask(await task(visit, asked, past.unheld))


async def _not_cut(visit: Visit, onward: Onward) -> Result:
    """A bare "continue" after a complete answer is meant for the model."""
    if visit.text[:1] not in _SLASHES:
        return await onward(visit)
    return visit.say("nothing_to_continue")


async def model(visit: Visit, rest: str, onward: Onward) -> Result:
    names = visit.services.routes
    listed = ", ".join(names)
    if not rest:
        return visit.say("model_is", route=visit.route, routes=listed)
    if not (visit.direct or visit.owner):
        return visit.say("owners_only")
    known = {name.casefold(): name for name in names}
    chosen = known.get(rest.casefold()) or known.get(_word(rest))
    if chosen is None:
        return visit.say("model_unknown", route=_echo(rest), routes=listed)
    await _change(visit, {"route": chosen})
    return visit.say("model_set", route=chosen)


async def persona(visit: Visit, rest: str, onward: Onward) -> Result:
    if not rest:
        shown = visit.persona
        return visit.say("persona_is", persona=shown) if shown else visit.say("persona_none")
    if not (visit.direct or visit.owner):
        return visit.say("owners_only")
    if _word(rest) in _DEFAULT:
        await _change(visit, {"persona": None})
        return visit.say("persona_reset")
    if len(rest) > _PERSONA:  # every question would carry it
        return visit.say("persona_long", limit=_PERSONA)
    await _change(visit, {"persona": rest})
    return visit.say("persona_set")


async def status(visit: Visit, rest: str, onward: Onward) -> Result:
    waiting = await visit.services.engine.waiting(visit.lane)
    kept = await history(visit.services, visit.lane)
    return visit.say("status", route=visit.route, waiting=len(waiting), history=len(kept))


async def why(visit: Visit, rest: str, onward: Onward) -> Result:
    """What happened to the last answer, or to the one of a reference id, from its record."""
    ref = rest.strip("（）()[] ").removeprefix("编号").removeprefix("ref").strip()
    past = await last_told(visit.services, visit.lane, visit.turn)
    own = past.refs if past else []
    if ref and not visit.owner and not any(known.startswith(ref.upper()) for known in own):
        return visit.say("why_unknown", ref=_echo(ref))  # what happened to others is theirs to know
    for wanted in [ref] if ref else reversed(own):
        incident = await asyncio.to_thread(visit.services.incidents.find, wanted)
        if incident is not None:
            return Say(_story(visit, incident))
    ended = past.ended if past else None
    if ended is not None and ended.failure and not ref:
        what = texts.what(str(ended.failure.get("kind", "")), visit.language)
        return visit.say("why_early", what=what, ref=ended.ref)
    return visit.say("why_unknown", ref=_echo(ref)) if ref else visit.say("why_none")


def _story(visit: Visit, incident: Incident) -> str:
    """In the person's words; owners see every attempt."""
    record, language = incident.record, visit.language
    attempts: Sequence[Mapping[str, Any]] = record.get("attempts", ())
    key = "why_recovered"
    if incident.outcome == "failed" and not attempts:
        key = "why_early"
    elif incident.outcome == "failed":
        key = "why_cut" if record.get("released_chars") else "why_failed"
    what = texts.what(incident.kind, language)
    lines = [texts.say(key, language, what=what, n=len(attempts), ref=incident.ref)]
    if visit.owner:
        lines += [_attempt(visit, attempt) for attempt in attempts]
    return "\n".join(lines)


def _attempt(visit: Visit, attempt: Mapping[str, Any]) -> str:
    explained = attempt.get("explained", {}).get(visit.language, "")
    key = "why_attempt" if explained else "why_attempt_whole"
    named = {"number": attempt.get("number"), "target": attempt.get("target")}
    line = texts.say(key, visit.language, **named, explained=explained)
    if attempt.get("decision") != "stop":
        return line
    return line + texts.say(
        "why_stopped", visit.language, reason=records.why(attempt, visit.language)
    )


async def task(visit: Visit, asked: Message, more: Sequence[Message] = ()) -> Task:
    """What the agent is given to do; `more` is remembered besides the conversation's history."""
    known = visit.history
    if known is None:
        known = await history(visit.services, visit.lane)
    rules = visit.rules
    return Task(
        route=visit.route,
        asked=asked,
        history=(*known, *more),
        persona=visit.persona,
        tools=rules.tools,
        language=visit.language,
        show_reasoning=rules.show_reasoning,
        context={
            "bot": visit.bot,
            "conversation": visit.inbound.place.conversation,
            "person": visit.inbound.sender.id,
        },
        summary_route=rules.summary_route or "",
        caption_route=rules.caption_route or "",
    )


async def _change(visit: Visit, changes: Mapping[str, Any]) -> None:
    conversations = visit.services.conversations
    visit.settings = await asyncio.to_thread(conversations.change, visit.lane, changes)


# The bare words are those that nobody says to a model by themselves.
COMMANDS = (
    Command("help", help_, ("what I can do", "查看我能做什么"), bare=("帮助",), urgent=True),
    Command("new", new, ("begin a new conversation", "开始新对话"), bare=("新对话", "新话题")),
    Command(
        "stop",
        stop,
        ("stop my answer", "停止正在进行的回答"),
        bare=("stop", "停止", "停"),
        urgent=True,
        always=True,
    ),
    Command(
        "retry",
        retry,
        ("answer your last message again", "重新回答上一条"),
        bare=("重试", "重新回答"),
    ),
    Command(
        "continue",
        continue_,
        ("go on with a cut answer", "接着写没写完的回答"),
        bare=("continue", "继续"),
    ),
    Command("model", model, ("see or choose the model", "查看或切换模型"), ("模型",)),
    Command("why", why, ("what happened to my last answer", "上一条回答出了什么事"), ("为什么",)),
    Command("status", status, ("how things stand", "查看状态"), ("状态",), urgent=True),
    Command("persona", persona, ("see or change my persona", "查看或修改人设"), ("人设",)),
)


def commands(table: Commands) -> Middleware:
    return Middleware("commands", table.run)
