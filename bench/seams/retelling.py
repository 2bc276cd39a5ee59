"""Still more ways to go on with a cut answer, for the third held-out run: what is told again is
mistyped, transposed, marked otherwise; it is said twice, or begins after a title of its own.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.core.anchor import anchor
from holdfast.resilience.letters import weight

from .continuers import Behaviour, Right, Said, opening_of
from .cuts import Cut
from .drifting import PROOF
from .phrasings import Phrasings

Change = Callable[[str, random.Random], str]

_SENTENCES = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")
_WORDS = re.compile(r"[^\W_\u2e80-\U0003ffff]+|[\u2e80-\U0003ffff]")
_SIMPLE = "这来说会时个们为学过还没对开关问应该让见车长门书写样点从两后发现无东电话"
_TRADITIONAL = "這來說會時個們為學過還沒對開關問應該讓見車長門書寫樣點從兩後發現無東電話"
_HAN = str.maketrans(_SIMPLE, _TRADITIONAL)


def behaviours(talk: Phrasings) -> Mapping[str, Behaviour]:
    return {
        "a word mistyped": changes(_mistyped),
        "two words swapped": changes(_swapped),
        "two words drift": changes(lambda text, dice: _reworded(_reworded(text, dice), dice)),
        "signs of another script": changes(lambda text, dice: text.translate(_HAN)),
        "entities": changes(lambda text, dice: html.escape(text)),
        "marks of items drift": changes(_marked, _last_lines),
        "indentation drifts": changes(_indented, _last_lines),
        "hard breaks": changes(lambda text, dice: text.replace("\n", "  \n"), _last_lines),
        "talk, a word drifts": changes(_reworded, talk=talk),
        "talk, a word mistyped": changes(_mistyped, talk=talk),
        "anchor, a word drifts": changes(_reworded, lambda cut: anchor(cut.shown)),
        "three sentences, a word drifts": changes(_reworded, lambda cut: _last(cut, 3)),
        "talk, two sentences": changes(_kept, talk=talk),
        "talk, two lines": changes(_kept, _last_lines, talk=talk),
        "talk in one line, anchor": _talk_in_line(talk),
        "everything, a word drifts": _everything(_reworded),
        "everything, a word mistyped": _everything(_mistyped),
        "talk, everything, a word drifts": _everything(_reworded, talk),
        "a title, everything": _titled,
        "everything in a fence": _fenced,
        "quotes the anchor, then anchor": _twice,
    }


def changes(
    change: Change, piece: Callable[[Cut], str] | None = None, talk: Phrasings | None = None
) -> Behaviour:
    """The end of the piece stays as it was, for as long as proves where it is from."""

    def say(cut: Cut, dice: random.Random) -> Said:
        said = dice.choice(talk[cut.language]) if talk else ""
        again = piece(cut) if piece else _last(cut, 2)
        end = _proof_of(again)
        if end is None:
            again, end = anchor(cut.shown), 0
        repeated = change(again[:end], dice) + again[end:]
        told = weight([sign for sign in repeated if sign.isalnum()]) >= PROOF
        return Said(said + repeated + cut.rest, Right.JOIN if told else Right.GUESS)

    return say


def _proof_of(text: str) -> int | None:
    """Where the last words begin that prove a repetition; None if there is little before them."""
    begins = [match.start() for match in _WORDS.finditer(text)][3:]
    proven = [at for at in begins if weight([s for s in text[at:] if s.isalnum()]) >= PROOF]
    return proven[-1] if proven else None


def _last(cut: Cut, count: int) -> str:
    return cut.shown[opening_of(_SENTENCES, cut.shown)[-count:][0] :]


def _last_lines(cut: Cut) -> str:
    return cut.shown[opening_of(re.compile("\n"), cut.shown)[-2:][0] :]


def _kept(text: str, dice: random.Random) -> str:
    return text


def _reworded(text: str, dice: random.Random) -> str:
    words = list(_WORDS.finditer(text))[1:]
    if not words:
        return text
    word = dice.choice(words)
    other = dice.choice(("", "another", "almost") if word.group().isascii() else ("", "别", "几乎"))
    return text[: word.start()] + other + text[word.end() :]


def _mistyped(text: str, dice: random.Random) -> str:
    words = [word for word in _WORDS.finditer(text) if len(word.group()) > 3]
    if not words:
        return _reworded(text, dice)
    at = dice.choice(words).start() + dice.randint(1, 2)
    return text[:at] + dice.choice(("", text[at] * 2)) + text[at + 1 :]


def _swapped(text: str, dice: random.Random) -> str:
    words = list(_WORDS.finditer(text))[1:]
    if len(words) < 2:
        return text
    at = dice.randrange(len(words) - 1)
    one, other = words[at], words[at + 1]
    between = text[one.end() : other.start()]
    return text[: one.start()] + other.group() + between + one.group() + text[other.end() :]


def _marked(text: str, dice: random.Random) -> str:
    dashes = re.sub(r"(?m)^(\s*)[-*] ", r"\1+ ", text)
    return re.sub(r"(?m)^(\s*\d+)[.、]", r"\1)", dashes)


def _indented(text: str, dice: random.Random) -> str:
    return re.sub(r"(?m)^ +", lambda blanks: "\t" * (len(blanks.group()) // 2), text)


def _talk_in_line(talk: Phrasings) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        words = anchor(cut.shown)
        told = weight([sign for sign in words if sign.isalnum()]) >= PROOF
        said = dice.choice(talk[cut.language]).strip() + " " + words + cut.rest
        return Said(said, Right.JOIN if told else Right.GUESS)

    return say


def _everything(change: Change, talk: Phrasings | None = None) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        said = changes(change, lambda cut: cut.shown, talk)(cut, dice)
        return replace(said, restart=True)

    return say


def _titled(cut: Cut, dice: random.Random) -> Said:
    title = {"en": "# Complete answer\n\n", "zh": "# 完整回答\n\n"}[cut.language]
    return Said(title + cut.text, Right.JOIN, restart=True)


def _fenced(cut: Cut, dice: random.Random) -> Said:
    """The closing mark is shown or not; nothing may come twice."""
    said = f"```markdown\n{cut.text}\n```"
    return Said(said, Right.FREE, restart=True, echo=cut.shown[:40])


def _twice(cut: Cut, dice: random.Random) -> Said:
    words = anchor(cut.shown)
    told = weight([sign for sign in words if sign.isalnum()]) >= PROOF
    said = {"en": "The text ended with “{}”.\n\n", "zh": "前文结束于“{}”。\n\n"}[cut.language]
    return Said(said.format(words) + words + cut.rest, Right.JOIN if told else Right.GUESS)
