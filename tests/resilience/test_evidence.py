"""What is believed of a repetition after words that nobody listed: tables, zh and en."""

from __future__ import annotations

import pytest

from holdfast.resilience.evidence import believed
from holdfast.resilience.overlap import Proof
from holdfast.resilience.recall import Place, Recollection, code_like
from holdfast.resilience.talk import Voice


def proof(
    talk: str,
    place: Place,
    weight: int,
    voice: Voice = Voice.EITHER,
    *,
    common: bool = False,
    verbatim: bool = False,
    among_code: bool = False,
) -> Proof:
    found = Recollection(len(talk), place, weight, weight, common)
    return believed(found, talk, voice, verbatim=verbatim, among_code=among_code)


@pytest.mark.parametrize("talk", ["Zweiter Teil:\n\n", "第二部分：\n\n", "Gladly. ", "👍 ", "“"])
def test_a_long_repetition_of_a_sentence_needs_no_known_words(talk: str) -> None:
    assert proof(talk, Place.SENTENCE, 40) is Proof.SURE
    assert proof(talk, Place.WHOLE, 40) is Proof.SURE
    assert proof(talk, Place.QUOTE, 12, verbatim=True) is Proof.SURE


def test_text_that_goes_on_and_comes_back_is_no_talk() -> None:
    assert proof(" and so on. ", Place.SENTENCE, 40, Voice.ON) is Proof.CHANCE
    line = ", said the fox.\n\n"
    assert proof(line, Place.SENTENCE, 12, Voice.TEXT) is Proof.CHANCE
    assert proof(line, Place.SENTENCE, 40, Voice.TEXT) is Proof.DOUBT, "the first refrain?"
    assert proof(line, Place.SENTENCE, 40, Voice.TEXT, common=True) is Proof.CHANCE


def test_a_repetition_in_the_middle_of_a_sentence_is_doubted() -> None:
    words = "She asked whether he had seen "
    assert proof(words, Place.SENTENCE, 40) is Proof.DOUBT
    assert proof(words, Place.WORD, 40) is Proof.CHANCE
    legal = "claim a credit of five per cent, and for more than one day, twenty per cent (20 %) "
    assert proof(legal, Place.QUOTE, 24, verbatim=True) is Proof.DOUBT
    assert proof("where I stopped was ", Place.QUOTE, 24, verbatim=True) is Proof.LIKELY
    assert proof("So I was saying, ", Place.WHOLE, 60) is Proof.SURE, "nobody begins so again"


def test_lines_of_code_repeat_themselves() -> None:
    line = "0) == 0.5\n"
    assert proof(line, Place.SENTENCE, 40, among_code=True) is Proof.CHANCE
    assert proof('{"day": "Mon"},\n', Place.SENTENCE, 40, among_code=True) is Proof.CHANCE
    assert proof(line, Place.SENTENCE, 40) is Proof.DOUBT, "code after prose?"


@pytest.mark.parametrize(
    ("weight", "voice", "talk", "expected"),
    [
        (12, Voice.EITHER, "Part 2:\n\n", Proof.LIKELY),
        (10, Voice.EITHER, "Gladly. ", Proof.DOUBT),
        (8, Voice.EITHER, "🔁 ", Proof.LIKELY),
        (8, Voice.EITHER, "Answer: ", Proof.LIKELY),
        (18, Voice.EITHER, "Gladly. ", Proof.LIKELY),
        (7, Voice.EITHER, "Part 2:\n\n", Proof.DOUBT),
        (7, Voice.TALK, "Let me go on:\n\n", Proof.LIKELY),
        (7, Voice.APART, "Gladly. ", Proof.LIKELY),
    ],
)
def test_the_less_is_repeated_the_more_the_words_must_say(
    weight: int, voice: Voice, talk: str, expected: Proof
) -> None:
    assert proof(talk, Place.SENTENCE, weight, voice) is expected


def test_what_the_text_says_often_proves_little() -> None:
    assert proof("Part 2:\n\n", Place.SENTENCE, 40, common=True) is Proof.DOUBT
    assert proof("Part 2:\n\n", Place.SENTENCE, 7, common=True) is Proof.CHANCE
    assert proof("Part 2:\n\n", Place.SENTENCE, 40, Voice.APART, common=True) is Proof.LIKELY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Part 2:\n\n", False),
        ("Here it is:\n\n```python\n", False),
        ('> "Go on."\n\n', False),
        ("x = f(1)\n", True),
        ("| a | b |\n", True),
        ("\\frac{1}{2}", True),
        ('"name": "Ada",\n', True),
    ],
)
def test_what_looks_like_code(text: str, code: bool) -> None:
    assert code_like(text) is code
