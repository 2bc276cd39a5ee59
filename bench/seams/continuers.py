"""How models go on with a cut answer: one function for each behaviour, none of them ours.

A behaviour writes the new text from the cut. What it repeats may drift, what it adds is the
rest of the known text, so that there is one right joint, unless it writes something else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from holdfast.core.anchor import anchor, open_fence
from holdfast.resilience.letters import weight
from holdfast.sim.library import TEXTS

from .blind import BLIND
from .cuts import Cut
from .phrasings import DECLINED, ODD, RARER, THOUGHTS, USUAL, Phrasings


class Right(Enum):
    """What a perfect joiner does with it."""

    JOIN = "join"  # exactly the known text
    GUESS = "guess"  # the same, but nothing in the text shows where
    FREE = "free"  # joins or refuses it, but shows nothing twice


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    right: Right
    restart: bool = False  # the whole answer was begun anew
    echo: str = ""  # said again, and not to be shown again
    tail: str = ""  # said after the end of the known text, and to be shown


Behaviour = Callable[[Cut, random.Random], Said]

SLIGHT = 5  # weight of a repetition that may as well be chance
_SENTENCE = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")
STRANGERS = {language: _SENTENCE.split(text) for language, text in TEXTS["long"].items()}


def opening_of(pattern: re.Pattern[str], text: str) -> list[int]:
    """Where a piece of the text begins: at its beginning, and after what the pattern finds."""
    return [0, *(match.end() for match in pattern.finditer(text) if match.end() < len(text))]


def _from_last(pattern: re.Pattern[str], text: str) -> str:
    return text[opening_of(pattern, text)[-1] :]


def _sentence(cut: Cut) -> str:
    return _from_last(_SENTENCE, cut.shown)


def _words(cut: Cut, count: int) -> str:
    """The last words; a Chinese sign counts for one."""
    pieces = re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+\s*|\s+", cut.shown)
    return "".join(pieces[-count:])


def _right(cut: Cut, then: str) -> Right:
    """Whether what `then` repeats before the rest is enough to show the joint."""
    repeated = then.removesuffix(cut.rest)
    slight = weight([sign for sign in repeated if sign.isalnum()]) < SLIGHT
    return Right.GUESS if repeated and slight else Right.JOIN


def _repeating(repeat: Callable[[Cut], str]) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        then = repeat(cut) + cut.rest
        return Said(then, _right(cut, then))

    return say


def _restart(cut: Cut, dice: random.Random) -> Said:
    return Said(cut.text, Right.JOIN, restart=True)


def _restart_after(phrasings: Phrasings) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        return Said(dice.choice(phrasings[cut.language]) + cut.text, Right.JOIN, restart=True)

    return say


def _restart_drifted(cut: Cut, dice: random.Random) -> Said:
    return Said(_punctuation(cut.shown) + cut.rest, Right.JOIN, restart=True)


def _restart_reworded(cut: Cut, dice: random.Random) -> Said:
    """The answer again, with a word changed here and there."""
    return Said(_reworded(cut.text, dice), Right.FREE, restart=True, echo=cut.shown[:40])


def _sentence_reworded(cut: Cut, dice: random.Random) -> Said:
    """The sentence again, its end in other words."""
    begun = _sentence(cut)
    kept = begun[: max(1, len(begun) * 2 // 3)]
    return Said(kept + _OTHER[cut.language], Right.FREE, echo=kept)


_OTHER = {
    "en": " something that nobody had expected to see here at all. After that, everything went on"
    " as usual, and the matter was closed.",
    "zh": "谁也没有料到的另一回事。在那以后，一切照旧，这件事也就算是了结了。",
}


def _reworded(text: str, dice: random.Random) -> str:
    pieces = re.split(r"(\s+|[，。、])", text)
    places = [i for i, piece in enumerate(pieces) if len(piece) > 2 and piece.isalnum()]
    for place in places[8::9]:
        pieces[place] = dice.choice(["indeed", "another", "其他的"])
    return "".join(pieces)


def _other_words(cut: Cut, dice: random.Random) -> Said:
    return Said(_OTHER[cut.language].lstrip(), Right.FREE)


def _other_language(cut: Cut, dice: random.Random) -> Said:
    return Said(_OTHER["zh" if cut.language == "en" else "en"].lstrip(), Right.FREE)


# Drift of what is repeated.

_WIDTH = str.maketrans(
    "0123456789,:;?!()，：；？！（）", "０１２３４５６７８９，：；？！（）,:;?!()"
)
_MARKS = str.maketrans("“”‘’「」—–…，。；：", '""\'\'""--.,.;:')


def _width(text: str) -> str:
    return text.translate(_WIDTH)


def _punctuation(text: str) -> str:
    return text.translate(_MARKS)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _unmarked(text: str) -> str:
    """Without the marks of Markdown emphasis and of code in a line."""
    return re.sub(r"\*\*|(?<!`)`(?!`)", "", text)


def _drifting(drift: Callable[[str], str]) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        then = _drifted(drift)(cut)
        return Said(then, _right(cut, then))

    return say


# Wrapping.


def _talking(
    phrasings: Phrasings, then: Callable[[Cut], str], right: Right | None = None
) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        talk, text = dice.choice(phrasings[cut.language]), then(cut)
        return Said(talk + text, right or _right(cut, text))

    return say


def _anchored(cut: Cut) -> str:
    return anchor(cut.shown) + cut.rest


def _refenced(then: Callable[[Cut], str]) -> Callable[[Cut], str]:
    def say(cut: Cut) -> str:
        language = open_fence(cut.shown)
        line = cut.shown[cut.shown.rfind("\n") + 1 :]
        if language is None or line.lstrip().startswith("```"):
            return then(cut)
        return f"```{language or 'text'}\n{then(cut)}"

    return say


def _any_words(then: Callable[[Cut], str], *, restart: bool = False) -> Behaviour:
    """After a sentence or two of another text: talk is known by what follows, not by its words."""

    def say(cut: Cut, dice: random.Random) -> Said:
        sentences = STRANGERS[cut.language]
        at = dice.randrange(len(sentences) - 2)
        talk = "".join(sentences[at : at + dice.choice((1, 2))]).strip()
        text = then(cut)
        said = talk + dice.choice(("\n\n", "\n\n---\n\n")) + text
        return Said(said, Right.JOIN if restart else _right(cut, text), restart=restart)

    return say


def _quotes_first(cut: Cut, dice: random.Random) -> Said:
    """Says where it was before it says it again."""
    said = {"en": "You have it up to “{}”. From there:\n\n", "zh": "刚才写到“{}”，从这里接上：\n\n"}
    words = _words(cut, 3).strip()
    return Said(said[cut.language].format(words) + _anchored(cut), _right(cut, _anchored(cut)))


def _stripped(cut: Cut, dice: random.Random) -> Said:
    """Goes on exactly, without the white space at which it begins."""
    lost = cut.rest[: len(cut.rest) - len(cut.rest.lstrip())]
    known = lost == cut.released[len(cut.shown) :]
    sentence = lost == " " and re.search(r"[a-z][.!?]\Z", cut.shown) and cut.rest[1].isupper()
    prose = open_fence(cut.shown) is None
    shown = known or (sentence and prose)
    return Said(cut.rest.lstrip(), Right.JOIN if shown else Right.GUESS)


def _quoted(cut: Cut, dice: random.Random) -> Said:
    return Said(f"“{anchor(cut.shown)}”{cut.rest}", Right.JOIN)


def _marked(cut: Cut, dice: random.Random) -> Said:
    """The marker lines of the instruction copied as well."""
    return Said(f"-----\n{anchor(cut.shown)}\n-----\n{cut.rest}", Right.JOIN)


def _thoughts_first(cut: Cut, dice: random.Random) -> Said:
    """Nothing shows whether the breaks after thoughts are the text's own."""
    broken = cut.rest.startswith(("\r", "\n"))
    thoughts = dice.choice(THOUGHTS[cut.language])
    return Said(thoughts + cut.rest, Right.GUESS if broken else Right.JOIN)


def _declining(phrasings: Phrasings) -> Behaviour:
    """Says something to the reader, and nothing of the text."""

    def say(cut: Cut, dice: random.Random) -> Said:
        said = dice.choice(phrasings[cut.language])
        return Said(said, Right.FREE, echo=said)

    return say


def _restart_cut(cut: Cut, dice: random.Random) -> Said:
    """Begins the answer anew and is over before it comes to where it was cut."""
    until = dice.randint(len(cut.shown) // 2, len(cut.shown))
    begun = cut.text[:until]
    telling = weight([sign for sign in begun if sign.isalnum()]) >= SLIGHT
    return Said(begun, Right.FREE, restart=telling, echo=cut.shown[:40])


def _words_then_others(cut: Cut, dice: random.Random) -> Said:
    """Repeats the last words, and goes on otherwise than the known text."""
    words = _words(cut, 8)
    return Said(words + _OTHER[cut.language], Right.FREE, echo=words.lstrip())


def _fence_then_talk(phrasings: Phrasings) -> Behaviour:
    """Opens the fence anew before it announces itself."""

    def say(cut: Cut, dice: random.Random) -> Said:
        fence = _refenced(lambda _: "")(cut)
        text = _anchored(cut)
        return Said(fence + dice.choice(phrasings[cut.language]) + text, _right(cut, text))

    return say


def _drifted(drift: Callable[[str], str]) -> Callable[[Cut], str]:
    return lambda cut: drift(anchor(cut.shown)) + cut.rest


BEHAVIOURS: Mapping[str, Behaviour] = {
    "exact": _repeating(lambda cut: ""),
    "anchor": _repeating(lambda cut: anchor(cut.shown)),
    "repeats 1 word": _repeating(lambda cut: _words(cut, 1)),
    "repeats 3 words": _repeating(lambda cut: _words(cut, 3)),
    "repeats 8 words": _repeating(lambda cut: _words(cut, 8)),
    "repeats 25 words": _repeating(lambda cut: _words(cut, 25)),
    "repeats 12 characters": _repeating(lambda cut: cut.shown[-12:]),
    "restarts the line": _repeating(lambda cut: _from_last(re.compile("\n"), cut.shown)),
    "restarts the sentence": _repeating(_sentence),
    "restarts the paragraph": _repeating(lambda cut: _from_last(re.compile("\n\n"), cut.shown)),
    "restarts everything": _restart,
    "restarts after rarer talk": _restart_after(RARER),
    "restarts after odd talk": _restart_after(ODD),
    "restarts, marks drift": _restart_drifted,
    "restarts in other words": _restart_reworded,
    "sentence in other words": _sentence_reworded,
    "case drifts": _drifting(str.swapcase),
    "width drifts": _drifting(_width),
    "punctuation drifts": _drifting(_punctuation),
    "line breaks drift": _drifting(_one_line),
    "emphasis lost": _drifting(_unmarked),
    "usual talk, anchor": _talking(USUAL, _anchored),
    "rarer talk, anchor": _talking(RARER, _anchored),
    "odd talk, anchor": _talking(ODD, _anchored),
    "usual talk, sentence": _talking(USUAL, lambda cut: _sentence(cut) + cut.rest),
    "rarer talk, sentence": _talking(RARER, lambda cut: _sentence(cut) + cut.rest),
    "odd talk, sentence": _talking(ODD, lambda cut: _sentence(cut) + cut.rest),
    "usual talk, exact": _talking(USUAL, lambda cut: cut.rest),
    "rarer talk, exact": _talking(RARER, lambda cut: cut.rest, Right.GUESS),
    "odd talk, exact": _talking(ODD, lambda cut: cut.rest, Right.GUESS),
    "any words, anchor": _any_words(_anchored),
    "any words, sentence": _any_words(lambda cut: _sentence(cut) + cut.rest),
    "restarts after any words": _any_words(lambda cut: cut.text, restart=True),
    "quotes in its talk": _quotes_first,
    "exact, stripped": _stripped,
    "reopens the fence": lambda cut, dice: Said(_refenced(lambda c: c.rest)(cut), Right.JOIN),
    "reopens the fence, anchor": lambda cut, dice: Said(_refenced(_anchored)(cut), Right.JOIN),
    "usual talk, fence, anchor": _talking(USUAL, _refenced(_anchored)),
    "rarer talk, fence, anchor": _talking(RARER, _refenced(_anchored)),
    "quotes the anchor": _quoted,
    "copies the marker lines": _marked,
    "usual talk, fence, drift": _talking(USUAL, _refenced(_drifted(_width))),
    "fence, usual talk, anchor": _fence_then_talk(USUAL),
    "thoughts, anchor": _talking(THOUGHTS, _anchored),
    "thoughts, exact": _thoughts_first,
    "restarts and is cut": _restart_cut,
    "repeats 8 words, then others": _words_then_others,
    "declines": _declining(DECLINED),
    "other words": _other_words,
    "other language": _other_language,
}

# Apart, because no failure of theirs may be read (`blind.py`).
BLIND_TALK: Mapping[str, Behaviour] = {
    "restarts after blind talk": _restart_after(BLIND),
    "blind talk, anchor": _talking(BLIND, _anchored),
    "blind talk, sentence": _talking(BLIND, lambda cut: _sentence(cut) + cut.rest),
    "blind talk, fence, anchor": _talking(BLIND, _refenced(_anchored)),
    "blind talk, exact": _talking(BLIND, lambda cut: cut.rest, Right.GUESS),
}
