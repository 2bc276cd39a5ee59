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
HEAVY = 24  # weight of a repetition that is hardly chance
SHORT = 8  # the same after a short announcement
FAIR = 10  # the same for one that begins a paragraph like a sentence of the old text
GOOD = 16  # the same for one that begins another sentence
SAID = 12  # of one in the middle of a sentence, which may still be one
BEGUN = 6  # of the whole answer, while it is short
LETTERS = 3  # of an answer that was hardly begun
FEW = 4  # characters that say nothing
PHRASE = 60  # characters of talk in whose sentence it stands
BRIEF = 320  # characters of talk before a repetition that is not heavy

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
    if restarted and _says_nothing(talk):
        return Proof.SURE
    if voice is Voice.ON or (code and among_code and not (verbatim and voice >= Voice.TALK)):
        return Proof.CHANCE
    if voice is Voice.TEXT or code:
        return Proof.DOUBT if heavy and natural and closed and not found.common else Proof.CHANCE
    if restarted:
        return Proof.SURE
    if not closed:
        return _in_sentence(found, talk, voice, heavy=heavy)
    broken = _BROKEN.search(talk) is not None
    if found.common:
        return _common(found, voice, natural=natural, broken=broken)
    if heavy and natural:
        return Proof.SURE
    if heavy:
        return Proof.LIKELY if broken or voice >= Voice.TALK else Proof.DOUBT
    if not natural:
        sound = broken or voice >= Voice.TALK
        if sound and found.weight >= (SHORT if found.mid_word else SAID) and len(talk) <= BRIEF:
            return Proof.LIKELY
        return Proof.DOUBT if voice >= Voice.TALK and found.weight >= FAIR else Proof.CHANCE
    return _light(found, talk, voice, broken=broken)


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
    anew = whole and glued and not like_item
    if excess >= (least // 2 if anew else least):
        return Proof.LIKELY
    return Proof.DOUBT if anew or excess >= doubtful else Proof.CHANCE


def _says_nothing(talk: str) -> bool:
    """Whether it is hardly a word, so that no text can be lost with it."""
    return 0 < len(talk.strip()) <= FEW and "\n" in talk


def _is_closed(talk: str, first: str) -> bool:
    """Whether the talk has come to an end, or a capital letter begins a sentence inside of it."""
    if _CLOSED.search(talk) or _LABEL.match(talk):
        return True
    return first.isupper() and talk[-1:].isspace() and talk.rstrip()[-1:].islower()


def _in_sentence(found: Recollection, talk: str, voice: Voice, *, heavy: bool) -> Proof:
    """Of one in the middle of a sentence of the talk."""
    if found.place is Place.WHOLE and found.weight >= SAID and len(talk) <= PHRASE:
        return Proof.LIKELY
    spoken = voice >= Voice.TALK
    telling = found.place >= Place.QUOTE or (spoken and not found.common)
    if (
        heavy
        and found.place > Place.WORD
        and telling
        and len(talk) <= (BRIEF if spoken else PHRASE)
    ):
        return Proof.LIKELY
    least = LEAST if found.place is Place.WHOLE else SAID
    least = SAID if len(talk) > BRIEF else least
    said = found.place > Place.WORD and (heavy or found.weight >= least) and not found.common
    return Proof.DOUBT if said else Proof.CHANCE


def _common(found: Recollection, voice: Voice, *, natural: bool, broken: bool) -> Proof:
    """Of a repetition of what the old text says more than once."""
    if not natural or found.weight < LEAST:
        return Proof.CHANCE
    if voice is Voice.APART and broken:
        return Proof.LIKELY
    if voice >= Voice.TALK or found.weight >= (SHORT if broken else FAIR):
        return Proof.DOUBT
    return Proof.CHANCE


def _light(found: Recollection, talk: str, voice: Voice, *, broken: bool) -> Proof:
    """Of one that begins like a sentence, and is not long."""
    whole = found.place is Place.WHOLE
    if voice < Voice.TALK and (found.again or (len(talk) > BRIEF and found.weight < SAID)):
        return Proof.DOUBT if found.again else Proof.CHANCE
    sound = broken or whole or found.weight >= FAIR
    if voice is Voice.APART and whole and found.weight >= LETTERS:
        return Proof.LIKELY
    if found.weight >= LEAST and (voice is Voice.APART or (voice is Voice.TALK and sound)):
        return Proof.LIKELY
    if len(talk) <= BRIEF and found.weight >= _least(talk, whole=whole, broken=broken):
        return Proof.LIKELY
    return Proof.DOUBT if whole or found.weight >= LEAST else Proof.CHANCE


def _least(talk: str, *, whole: bool, broken: bool) -> int:
    """The weight of a repetition that is believed after words that say little."""
    short = len(talk) <= PHRASE
    if whole:
        return LETTERS if short and broken else BEGUN
    if short:
        return SHORT if broken or _LEADING.search(talk) else SAID
    return FAIR if broken else GOOD
