"""More ways to go on with a cut answer, of which the held-out runs are made: what is repeated
drifts in its signs, its words, its wrapping; it begins at a block; it is framed; it ends in talk.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from holdfast.core.anchor import anchor, open_fence
from holdfast.resilience.letters import weight

from .continuers import SLIGHT, Behaviour, Right, Said, opening_of
from .cuts import Cut
from .phrasings import Phrasings

Piece = Callable[[Cut, random.Random], str]

PROOF = 12  # weight of the end of a repetition that is left as it was
_SENTENCES = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")
_WORDS = re.compile(r"[^\W_\u2e80-\U0003ffff]+|[\u2e80-\U0003ffff]")


def behaviours(
    talk: Phrasings, closing: Phrasings, frames: Sequence[str]
) -> Mapping[str, Behaviour]:
    """`talk` stands before the text and `closing` after it; `frames` hold an anchor as "{}"."""
    return {
        "last characters": repeats(_last_characters),
        "last word": repeats(_last_word),
        "last two sentences": repeats(_last_sentences),
        "the item": repeats(_item),
        "the block": repeats(_block),
        "the code from its fence": repeats(_code),
        "talk, last characters": repeats(_last_characters, talk),
        "talk, anchor": repeats(_anchor, talk),
        "talk, item": repeats(_item, talk),
        "talk, sentence": repeats(_sentence, talk),
        "talk, block": repeats(_block, talk),
        "talk, code from its fence": repeats(_code, talk),
        "talk, everything": repeats(_everything, talk, restart=True),
        "talk, exact": repeats(_nothing, talk, right=Right.GUESS),
        "framed": _framed(frames),
        "another fence, anchor": _fenced(_anchor),
        "another fence, exact": _fenced(_nothing),
        "blanks, anchor": _blanks,
        "decomposed": repeats(_drift(lambda text: unicodedata.normalize("NFD", text))),
        "composed": repeats(_drift(lambda text: unicodedata.normalize("NFC", text))),
        "quotes drift": repeats(_drift(_quotes)),
        "width drifts, all": repeats(_drift(_wide)),
        "capitals": repeats(_drift(str.upper)),
        "title case": repeats(_drift(str.title)),
        "wrapped anew": repeats(_drift(_wrapped)),
        "blanks drift": repeats(_drift(_spaced)),
        "a word skipped": repeats(_reworded("")),
        "another word": repeats(_reworded("indeed")),
        "one word more": repeats(_reworded("\\g<0> really")),
        "everything, wrapped": repeats(lambda c, d: _wrapped(c.shown), restart=True),
        "everything, decomposed": repeats(
            lambda c, d: unicodedata.normalize("NFD", c.shown), restart=True
        ),
        "everything, quotes drift": repeats(lambda c, d: _quotes(c.shown), restart=True),
        "everything, fence tags drift": repeats(_everything_retagged, restart=True),
        "everything, words drift": _everything_reworded,
        "anchor, closing talk": _closing(_anchor, closing),
        "exact, closing talk": _closing(_nothing, closing),
        "everything, closing talk": _closing(_everything, closing, restart=True),
        "skips a word of the rest": _skipping,
    }


def _right(cut: Cut, repeated: str) -> Right:
    slight = weight([sign for sign in repeated if sign.isalnum()]) < SLIGHT
    return Right.GUESS if repeated and slight else Right.JOIN


def repeats(
    repeat: Piece,
    talk: Phrasings | None = None,
    *,
    right: Right | None = None,
    restart: bool = False,
) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        said = dice.choice(talk[cut.language]) if talk else ""
        repeated = repeat(cut, dice)
        told = right or (Right.JOIN if restart else _right(cut, repeated))
        if talk and not repeated:
            told = Right.GUESS  # nothing shows whose the line breaks are
        return Said(said + repeated + cut.rest, told, restart=restart)

    return say


def _closing(repeat: Piece, closing: Phrasings, *, restart: bool = False) -> Behaviour:
    """What is said after the end belongs to the answer: nothing shows that it does not."""

    def say(cut: Cut, dice: random.Random) -> Said:
        said = repeats(repeat, restart=restart)(cut, dice)
        tail = dice.choice(closing[cut.language])
        return replace(said, text=said.text + tail, tail=tail)

    return say


# What is repeated.


def _nothing(cut: Cut, dice: random.Random) -> str:
    return ""


def _anchor(cut: Cut, dice: random.Random) -> str:
    return anchor(cut.shown)


def _everything(cut: Cut, dice: random.Random) -> str:
    return cut.shown


def _last_characters(cut: Cut, dice: random.Random) -> str:
    return cut.shown[-dice.choice((1, 2, 3, 5, 8, 13, 21, 34, 55)) :]


def _last_word(cut: Cut, dice: random.Random) -> str:
    begins = [match.start() for match in _WORDS.finditer(cut.shown)]
    return cut.shown[begins[-1] :] if begins else ""


def _sentence(cut: Cut, dice: random.Random) -> str:
    return cut.shown[opening_of(_SENTENCES, cut.shown)[-1] :]


def _last_sentences(cut: Cut, dice: random.Random) -> str:
    return cut.shown[opening_of(_SENTENCES, cut.shown)[-2:][0] :]


def _item(cut: Cut, dice: random.Random) -> str:
    """From the mark of the last item of a list, else from the last line."""
    items = re.compile(r"^(?=[ \t]*(?:[-*+•・] |\d+[.)、]|（\d+）|第.步))", re.MULTILINE)
    begins = [match.start() for match in items.finditer(cut.shown)]
    return cut.shown[(begins or [cut.shown.rfind("\n") + 1])[-1] :].lstrip(" ")


def _block(cut: Cut, dice: random.Random) -> str:
    """The paragraph, table or list from its first line."""
    text = cut.shown.replace("\r\n", "\n\n") if "\r" in cut.shown else cut.shown
    at = text.rfind("\n\n")
    return cut.shown[at + 2 :] if at >= 0 and "\r" not in cut.shown else _sentence(cut, dice)


def _code(cut: Cut, dice: random.Random) -> str:
    if open_fence(cut.shown) is None:
        return _block(cut, dice)
    marks = [match.start() for match in re.finditer(r"^[ \t]*(?:```|~~~)", cut.shown, re.MULTILINE)]
    return cut.shown[marks[-1] :]


# How it drifts.


def _drift(change: Callable[[str], str]) -> Piece:
    return lambda cut, dice: change(anchor(cut.shown))


_CURLY = str.maketrans("“”‘’«»—–…", '""\'\'""---')


def _quotes(text: str) -> str:
    """Straight marks for curly ones, and the other way round."""
    if text.translate(_CURLY) != text:
        return text.translate(_CURLY)
    return re.sub(r'"([^"\n]*)"', r"“\1”", text).replace("'", "’")


def _wide(text: str) -> str:
    """ASCII letters, digits and marks in full width, and the other way round."""
    turned = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    turned |= {wide: code for code, wide in turned.items()}
    return text.translate(turned)


def _wrapped(text: str) -> str:
    """Lines of prose broken elsewhere."""
    words = re.sub(r"(?<=[^\s|])\n(?=[^\s|])", " ", text).split(" ")
    return "".join(w + ("\n" if i % 4 == 3 else " ") for i, w in enumerate(words))[:-1]


def _spaced(text: str) -> str:
    """Two blanks for one, and a blank between Chinese and Latin signs or none."""
    wide = "\u4e00-\u9fff"
    joined = re.sub(rf"(?<=[{wide}]) (?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) (?=[{wide}])", "", text)
    if joined != text:
        return joined
    apart = re.sub(rf"(?<=[{wide}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{wide}])", " ", text)
    return apart if apart != text else re.sub(r"(?<=\S) (?=\S)", "  ", text)


def _reworded(word: str) -> Piece:
    """One word of the last sentence drifts; its end is as it was."""

    def repeat(cut: Cut, dice: random.Random) -> str:
        piece = _last_sentences(cut, dice)
        places = list(_WORDS.finditer(piece))[2:]
        places = [m for m in places if weight("".join(_WORDS.findall(piece[m.end() :]))) >= PROOF]
        if not places:
            return anchor(cut.shown)
        at = dice.choice(places)
        return piece[: at.start()] + at.expand(word) + piece[at.end() :]

    return repeat


def _everything_retagged(cut: Cut, dice: random.Random) -> str:
    tag = dice.choice(("", "text", "plaintext"))
    return re.sub(r"^(\s*```)[a-z]+$", rf"\g<1>{tag}", cut.shown, flags=re.MULTILINE)


def _everything_reworded(cut: Cut, dice: random.Random) -> Said:
    """All of it again, another word every few lines."""
    text = re.sub(r"(?m)^((?:\S+ ){3})\S+", r"\1quite", cut.text)
    text = re.sub(r"的|了", lambda m: "之" if dice.random() < 0.2 else m.group(), text)
    return Said(text, Right.FREE, restart=text != cut.text, echo=cut.shown[:24])


def _skipping(cut: Cut, dice: random.Random) -> Said:
    """Nothing shows that a word is missing, but nothing may come twice."""
    rest = re.sub(_WORDS, "", cut.rest, count=1)
    words = anchor(cut.shown)
    return Said(words + rest, Right.FREE, echo=words)


# What stands around it.


def _framed(frames: Sequence[str]) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        words = anchor(cut.shown)
        frame = dice.choice(frames)
        right = Right.GUESS if frame.endswith(" ") else _right(cut, words)  # whose space is it?
        return Said(frame.format(words) + cut.rest, right)

    return say


def _fenced(repeat: Piece) -> Behaviour:
    def say(cut: Cut, dice: random.Random) -> Said:
        line = cut.shown[cut.shown.rfind("\n") + 1 :]
        inside = open_fence(cut.shown) is not None and not line.lstrip().startswith("```")
        fence = dice.choice(("```text\n", "```plaintext\n", "~~~code\n")) if inside else ""
        repeated = repeat(cut, dice)
        return Said(fence + repeated + cut.rest, _right(cut, repeated))

    return say


def _blanks(cut: Cut, dice: random.Random) -> Said:
    words = anchor(cut.shown)
    blanks = dice.choice(("\n", "\n\n", " ", "  \n", "\u3000", "\ufeff", "\r\n"))
    return Said(blanks + words + cut.rest, _right(cut, words))
