"""How far a repetition is believed that stands after words which nobody listed.

Two mistakes are possible: to drop text because it comes before a refrain, and to show talk and
then the same words twice. So the words, the repetition and the place where it begins have to
agree; where they do not, nobody can tell, and the continuation is refused.
"""

from __future__ import annotations

import re

from .drift import Alignment
from .overlap import Proof
from .recall import LEAST, Place, Recollection, code_like
from .talk import Voice

RESTART = 40  # weight of a beginning that no text has twice
ANSWER = 120  # the same whatever stands before it
HEAVY = 24  # weight of a repetition that is hardly chance
SHORT = 8  # the same after a short announcement, or on a line of its own
FAIR = 10  # the same after a longer one
SAID = 12  # of one in the middle of a sentence, which may still be one
BEGUN = 6  # of the whole answer, while it is short
LETTERS = 3  # of an answer that was hardly begun
FEW = 4  # characters that say nothing
PHRASE = 60  # characters of a short announcement

# By how much what is told again must be more like the end than anything else in the old text is:
# in the form of an item or not, glued to what was cut or not. The second is the least for a doubt.
LIKE = {
    (False, False): (7, 5),
    (False, True): (4, 3),
    (True, False): (32, 22),
    (True, True): (8, 5),
}

_CLOSED = re.compile(r"(?:\A|[.!?:。！？：…—–~～]|[^\x00-\u2e7f\w）】」』，、；]|\n|---)\W*\Z")
# It ends in a colon, or is nothing but a symbol or two.
_LEADING = re.compile(r"[:：]\s*\Z|\A[^\w\x00-\x7f\u2000-\u206f\u3000-\u303f\uff00-\uffef]+\s*\Z")
_LABEL = re.compile(r"\W*[\[(（【*<][^\n]*[\])）】*>]\W*\Z")
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|`[^`\n]+`")
_BROKEN = re.compile(r"\n[^\w\n]*\Z")


def believed(
    found: Recollection,
    talk: str,
    voice: Voice,
    first: str = "",
    *,
    verbatim: bool = False,
    among_code: bool = False,
) -> Proof:
    """`first`: the sign after the talk, with which the repetition begins; `verbatim`: what was
    asked for stands there, sign by sign, and is long enough to prove it; `among_code`: the old
    text stops among lines that repeat themselves by nature.
    """
    closed = _is_closed(talk, first)
    natural = found.place > Place.WORD
    heavy = verbatim or found.weight >= HEAVY
    code = code_like(_QUOTED.sub("", talk))
    restarted = found.place is Place.WHOLE and found.weight >= RESTART
    if restarted and (_says_nothing(talk) or found.weight >= ANSWER):
        return Proof.SURE
    if voice is Voice.ON or (code and among_code and not (verbatim and voice >= Voice.TALK)):
        return Proof.CHANCE
    if voice is Voice.TEXT or code:
        return Proof.DOUBT if heavy and natural and closed and not found.common else Proof.CHANCE
    if restarted:
        return Proof.SURE
    if not closed:
        return _in_sentence(found, talk, voice, heavy=heavy)
    if found.common:
        return _common(found, voice, natural=natural)
    if heavy:
        return Proof.SURE if natural else Proof.LIKELY
    if natural:
        return _light(found, talk, voice)
    broken = _BROKEN.search(talk) is not None
    told = found.weight >= (LEAST if broken else SHORT) and (broken or voice >= Voice.TALK)
    return Proof.LIKELY if told else Proof.CHANCE


def believed_of_drift(
    found: Alignment, usual: int, *, whole: bool, glued: bool, like_item: bool
) -> Proof:
    """Of a continuation that begins with nearly the same words: `whole`, with those of the answer
    from its beginning; `usual`: how much the old text is like its own end anyway; `glued`: on a
    line or in a sentence that was cut; `like_item`: in the form of the item before, like rows.
    """
    if found.run < LEAST:
        return Proof.CHANCE
    least, doubtful = LIKE[like_item, glued]
    excess = found.gain - usual
    if excess >= RESTART or (whole and found.matched >= RESTART):
        return Proof.SURE
    if excess >= least:
        return Proof.LIKELY
    return Proof.DOUBT if excess >= doubtful else Proof.CHANCE


def _says_nothing(talk: str) -> bool:
    """Whether it is hardly a word, so that no text can be lost with it."""
    return 0 < len(talk.strip()) <= FEW


def _is_closed(talk: str, first: str) -> bool:
    """Whether the talk has come to an end, or a capital letter begins a sentence inside of it."""
    if _CLOSED.search(talk) or _LABEL.match(talk):
        return True
    return first.isupper() and talk[-1:].isspace() and talk.rstrip()[-1:].islower()


def _in_sentence(found: Recollection, talk: str, voice: Voice, *, heavy: bool) -> Proof:
    """Of one in the middle of a sentence of the talk."""
    if found.place is Place.WORD or not (heavy or found.weight >= SAID):
        return Proof.CHANCE
    brief = found.place >= Place.QUOTE and len(talk) <= PHRASE
    quoted = brief or (voice >= Voice.TALK and not found.common)
    told = found.place is Place.WHOLE or (heavy and quoted)
    return Proof.LIKELY if told else Proof.DOUBT


def _common(found: Recollection, voice: Voice, *, natural: bool) -> Proof:
    """Of a repetition of what the old text says more than once."""
    if not natural:
        return Proof.CHANCE
    if voice is Voice.APART:
        return Proof.LIKELY
    return Proof.DOUBT if voice is Voice.TALK or found.weight >= SHORT else Proof.CHANCE


def _light(found: Recollection, talk: str, voice: Voice) -> Proof:
    """Of one that begins like a sentence, and is not long."""
    if found.place is Place.WHOLE:
        least = LETTERS if len(talk) <= PHRASE and _BROKEN.search(talk) else BEGUN
    else:
        least = _least(talk)
    if voice >= Voice.TALK:
        least = min(least, LEAST)
    return Proof.LIKELY if found.weight >= least else Proof.DOUBT


def _least(talk: str) -> int:
    """The weight of a repetition that is believed after words that say little."""
    return SHORT if _BROKEN.search(talk) or _LEADING.search(talk) else SAID
