"""What speaks against a continuation that repeats nothing."""

from __future__ import annotations

import pytest

from holdfast.resilience.cut import Cut
from holdfast.resilience.letters import fold
from holdfast.resilience.objection import Objector
from holdfast.resilience.talk import Preface, Voice

PROSE = "The keeper climbed the stairs. He lit the la"
CODE = "Run:\n```python\nclass Bucket:\n    def take(self, now: flo"


def objector(released: str) -> Objector:
    cut = Cut(released)
    return Objector(cut, fold(cut.text))


def objects(released: str, new: str) -> bool:
    return objector(released).objection(new, Preface(0, (0,))) is not None


@pytest.mark.parametrize(
    ("released", "new", "voice"),
    [
        (PROSE, "mp and slept.", Voice.TEXT),
        (PROSE, ", then slept.", Voice.TEXT),
        (PROSE, "Gladly. He lit", Voice.APART),
        (PROSE, "## Part 2\n\n", Voice.APART),
        (PROSE, "<continue>\n", Voice.APART),
        ("He met ", "Ada there.", Voice.EITHER),
        ("One. ", "Two.", Voice.EITHER),
        ("One.", " Two.", Voice.ON),
        (PROSE[:-3], " lamp and slept.", Voice.ON),
        ("One.", "\n\nTwo.", Voice.ON),
        ("One.", "Let me go on:\n", Voice.TALK),
        ("他点亮了", "灯，然后睡了。", Voice.EITHER),
        ("他点亮了", "，然后睡了。", Voice.TEXT),
        ("He wrote **WITH", "OUT PREJUDICE** on top.", Voice.ON),
        ("他点亮了灯。", "好的，接着写：\n", Voice.TALK),
        (CODE, "at) -> float:\n", Voice.ON),
        (CODE, "oats) -> None:\n", Voice.ON),
        (CODE, "Where was I? Ah.\n\n", Voice.APART),
        (CODE, "刚刚卡了一下，现在好了。\n\n", Voice.APART),
        ("| a | b |\n| one ", "The rest follows.\n\n", Voice.APART),
        ("| a | b |\n| one ", "Two rows | of it |\n", Voice.EITHER),
    ],
)
def test_what_words_sound_like_at_that_place(released: str, new: str, voice: Voice) -> None:
    assert objector(released).voice(new) is voice


BEGUN_ANEW = [
    (PROSE, "The keeper climbed the stairs and then went up again to light it."),
    (PROSE, "He lit the wick of it."),
    ("一是光。他说今天要下", "他说今天雨很大。"),
    ("One. He lit the lamp at dusk.\n\n", "He lit the lamp when the sun was down."),
    ("Run:\n```python\n    x = take(now)\n    y = tak", "    y = 3\n"),
    (CODE, "    def take(self) -> None:\n"),
]


@pytest.mark.parametrize(("released", "new"), BEGUN_ANEW)
def test_a_sentence_or_line_begun_anew_is_no_continuation(released: str, new: str) -> None:
    assert objects(released, new)


GOES_ON = [
    (PROSE, "mp and slept."),
    ("The Tenant shall not sublet.", " The Tenant shall not alter it."),
    ("assert parse(1) == 2\n", "\nassert parse(2) == 3\n"),
    ("GitHub is big. I met the Git", "Hub people."),
    ("1. One may go. One may stay. One may", " not return."),
]


@pytest.mark.parametrize(("released", "new"), GOES_ON)
def test_text_that_goes_on_may(released: str, new: str) -> None:
    assert not objects(released, new)
