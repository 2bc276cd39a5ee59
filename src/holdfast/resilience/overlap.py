"""How far the start of one text repeats the end of another, and whether that can be chance."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile

from .letters import WIDE, Folded, common_prefix, letters_of, weight

_SURE = 12  # weight of signs that do not repeat by chance
_LIKELY = 5  # letters in the middle of a word that hardly do
_SIGNS = 10  # letters, digits and punctuation marks that hardly do
_LINE = 4  # characters of a line begun anew
_PROBE = 16  # shorter overlaps are tried one by one
_TRIES = 16  # places that are tried one by one
_PLENTY = 400  # characters of an overlap that tell what it is made of
_DISTINCT = 3  # a run of one or two signs proves nothing
_DRIFT = 0.1  # share of punctuation marks that may differ in a repetition
_EMPHASIS = "*_`~"
_ORNAMENTS = "\"'.-<>"  # before a quotation
_BULLET = re.compile(r"[-*+•]|\d{1,3}[.)、]")
_NEVER_TWICE = "，。、；"
_IN_NUMBERS = (".", ",", ":", "-", "/")
_JOINER = "\u200d"
_QUOTES = str.maketrans("。、“”„«»「」‘’—–―…", '.,"""""""\'\'---.')


class Proof(IntEnum):
    """What an overlap says about the joint."""

    CHANCE = 0  # such overlaps are common: no repetition
    DOUBT = 1  # a repetition or the text itself: nobody can tell
    LIKELY = 2  # hardly anything but a repetition
    SURE = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """`text[:length]` repeats the end of the old text, as far as `proof` says."""

    length: int
    proof: Proof


NONE = Overlap(0, Proof.CHANCE)


def exact_length(old: str, new: str) -> int:
    """The longest k with old[-k:] == new[:k]."""
    tail = old[-len(new) :] if new else ""
    at = tail.find(new[:_PROBE]) if len(new) >= _PROBE else -1
    for _ in range(_TRIES):
        if at < 0:
            break
        if new.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(new[:_PROBE], at + 1)
    if at >= 0:
        return _border(new, tail[at:])
    short = range(min(_PROBE - 1, len(tail)), 0, -1)
    return next((length for length in short if new.startswith(tail[-length:])), 0)


def _border(new: str, tail: str) -> int:
    """The same in steps for each sign, for texts that repeat themselves: Knuth, Morris, Pratt."""
    borders = [0]  # of each beginning of `new`: how much of it ends it, too
    length = 0
    for char in new[1 : len(tail)]:
        while length and new[length] != char:
            length = borders[length - 1]
        length += new[length] == char
        borders.append(length)
    length = 0
    for char in tail:
        while length and (length == len(borders) or new[length] != char):
            length = borders[length - 1]
        length += new[length] == char
    return length


def exact_overlap(old: str, new: str, *, gap: bool = False) -> Overlap:
    """How far `new` repeats the end of `old` to the letter.

    `gap` says that white space stood between the two: what follows it need not be glued on.
    """
    length = exact_length(old, new)
    if not length:
        return NONE
    cut = len(old) - length
    after = new[length : 2 * length + 1]
    again = _again(letters_of(old[cut:]), letters_of(after))
    return Overlap(length, _judge(old[:cut], old[cut:], after[:1], gap=gap, again=again))


def folded_overlap(known: Folded, fresh: Folded, offset: int) -> Overlap:
    """Like `exact_overlap` from `offset` on, blind to case, width, space and emphasis, and
    nearly blind to punctuation: signs that differ are what tells one line of code from the next.
    """
    first = fresh.first(offset)
    count = exact_length(known.letters, fresh.letters[first:])
    heavy = weight(known.letters[-count:] if count else "")
    if heavy < _LINE:
        return NONE
    cut, end = known.starts[-count], fresh.ends[first + count - 1]
    again = _again(known.letters[-count:], fresh.letters[first + count : first + 2 * count])
    after = fresh.text[end : end + 1]
    proof = _judge(known.text[:cut], known.text[cut:], after, gap=False, again=again)
    if count == len(known.letters) and proof is not Proof.SURE:
        whole = heavy >= _LIKELY and not (again or _repeats("", known.letters))
        proof = Proof.LIKELY if whole else proof  # the answer was begun anew
    closing = known.text[known.ends[-1] :]
    past = past_marks(known, fresh, first + count)
    marks = _signs(fresh.text[offset : fresh.starts[first]])
    lead = marks if marks == "." else marks.strip(_ORNAMENTS)  # it ends a sentence
    own = _signs("".join(known.text[:cut].split()[-1:]) if known.text[:cut][-1:].strip() else "")
    inside = zip(
        _between(known, len(known.letters) - count, count - 1),
        _between(fresh, first, count - 1),
        strict=True,
    )
    differing = sum(a != b and _signs(a) != _signs(b) for a, b in inside)
    there = "".join(takewhile(_is_sign, reversed(known.text[:cut])))[::-1]
    differing += not _signs(there).rstrip(_ORNAMENTS).endswith(lead)
    differing += bool(marks) and own.startswith(marks) and own != marks  # another tag
    differing += 2 * (_signs(closing) != _signs(fresh.text[end:past]))
    if differing > (count * _DRIFT if heavy >= 2 * _SURE else 0):
        proof = min(proof, Proof.DOUBT) if heavy >= 2 * _SURE else Proof.CHANCE
    return Overlap(past - offset, proof)


def has_same_signs(one: str, other: str) -> bool:
    """Whether both have the same punctuation marks, their width, style and emphasis apart."""
    return _signs(one) == _signs(other)


def ends_in_signs(text: str, marks: str) -> bool:
    """Whether the punctuation marks of `marks`, if any, are those that end `text`."""
    signs = _signs(marks)
    return signs != "" and _signs("".join(takewhile(_is_sign, reversed(text)))[::-1]).endswith(
        signs
    )


def past_marks(known: Folded, fresh: Folded, count: int) -> int:
    """Where the new text goes on whose first `count` letters end like the old one: past the signs
    that end the old one, too.
    """
    at = fresh.ends[count - 1]
    for mark in filter(_combines, unicodedata.normalize("NFD", known.text[known.starts[-1]])):
        at += fresh.text.startswith(mark, at)
    return _past_punctuation(known.text[known.ends[-1] :], fresh.text, at)


def _between(folded: Folded, first: int, count: int) -> Iterator[str]:
    """What stands after each of `count` letters from `first` on, before the next."""
    for index in range(first, first + count):
        yield folded.text[folded.ends[index] : folded.starts[index + 1]]


def _is_sign(char: str) -> bool:
    return not char.isalnum()


def _signs(text: str) -> str:
    """The punctuation marks without width, style, space and emphasis."""
    plain = (_plain(sign) for sign in text if not (sign.isspace() or sign.isalnum()))
    return "".join(sign for sign in plain if sign not in _EMPHASIS and not _combines(sign))


def is_distinct(text: str) -> bool:
    """Whether `text` is long and various enough that it cannot occur twice in a row by chance."""
    return _judge("", text, "", gap=False) is Proof.SURE


def _again(shared: str, after: str) -> bool:
    """Whether nearly all of what is shared comes once more."""
    return 4 * common_prefix(shared, after) >= max(3 * len(shared), 8 * _LINE)


def _judge(before: str, shared: str, after: str, *, gap: bool, again: bool = False) -> Proof:
    """What it says that `shared` ends the old text and begins the new one, before `after`.

    `again`: most of it comes a third time, as things do that are said over and over.
    """
    if not shared:
        return Proof.CHANCE
    last = shared[-_PLENTY:]
    signs = [char for char in last if char.isalnum() or unicodedata.category(char) == "So"]
    again &= not (before and _begins_line(before))  # a line begun anew, and one like it
    doubtful = Proof.DOUBT if again or _repeats(before, shared) else None
    if weight(signs) >= _SURE or (not signs and len(shared) >= _SURE):
        # Equal lines follow one another in lists, tables and code; nobody repeats from a break.
        if len(set(signs)) < _DISTINCT or shared[0] in "\r\n":
            return Proof.DOUBT
        return doubtful or Proof.SURE
    if not doubtful and _is_verbatim(before, shared):
        return Proof.LIKELY
    if not before and len(shared) > 1 and not shared.isdigit() and (signs or not doubtful):
        return doubtful or Proof.LIKELY  # the whole text is begun anew
    if not signs:
        return _judge_marks(before, shared, after, gap=gap)
    return _judge_short(before, shared, after, signs, gap=gap, doubtful=doubtful)


def _is_verbatim(before: str, shared: str) -> bool:
    """Whether so many characters, marks and white space among them, are the same and stand nowhere
    before: few letters say little, but a piece of code or of a table is more than its letters.
    """
    told = shared.rstrip()
    return len(told) >= _SIGNS and told not in before


def _judge_short(
    before: str,
    shared: str,
    after: str,
    signs: list[str],
    *,
    gap: bool,
    doubtful: Proof | None,
) -> Proof:
    wide = [char for char in signs if ord(char) >= WIDE]
    if wide:
        if not before:
            return Proof.LIKELY
        if len(signs) == 1:  # Chinese doubles signs, and smileys come in swarms
            if wide[0].isalnum() and len(shared.strip()) > 1:
                return doubtful or Proof.LIKELY
            whole = wide[0].isalnum() or shared.endswith(_JOINER)
            return Proof.DOUBT if whole else Proof.CHANCE
        return doubtful or (Proof.LIKELY if len(set(signs)) > 1 else Proof.DOUBT)
    if _begins_line(before) and len(shared) >= _LINE and len(set(shared)) >= _DISTINCT:
        return doubtful or Proof.LIKELY
    numeric = all(char.isdigit() for char in signs)
    if _begins_token(before, shared, gap=gap) or _is_word(before, shared, after):
        if numeric and not _begins_item(before, shared, after):
            return _judge_number(shared, gap=gap)
        return doubtful or Proof.LIKELY
    marks = sum(not (char.isalnum() or char.isspace()) for char in shared)
    if len(signs) + marks >= _SIGNS and len(set(shared)) >= _LIKELY:
        return doubtful or Proof.LIKELY
    if len(signs) < _DISTINCT or numeric:
        return Proof.CHANCE
    return doubtful or Proof.LIKELY


def _judge_number(shared: str, *, gap: bool) -> Proof:
    """A number may well stand twice; its part that was cut, or its comma too, hardly."""
    return Proof.DOUBT if gap or shared.isdigit() else Proof.LIKELY


def _judge_marks(before: str, shared: str, after: str, *, gap: bool) -> Proof:
    """Of a repetition without letters: a line or a word of marks begun anew says something."""
    if gap and shared == "|":
        return Proof.CHANCE  # the next row
    ends = after == "" or after.isspace()
    if shared[0] in _NEVER_TWICE:
        return Proof.LIKELY
    if _begins_line(before):
        if len(shared) > 1 and set(shared.strip()) in ({"`"}, {"~"}, {"#"}):
            return Proof.LIKELY  # nobody writes a fence or a heading of twice the length
        if after in ("\r", "\n"):
            return Proof.DOUBT if gap else Proof.LIKELY
        if shared[0].isspace() or _begins_item(before, shared, after):
            return Proof.LIKELY
        return Proof.DOUBT
    various = len(set(shared)) > 1 and len(shared) >= _DISTINCT and not _repeats(before, shared)
    return Proof.DOUBT if various or (ends and before[-1].isspace()) else Proof.CHANCE


def _begins_line(before: str) -> bool:
    return before.rstrip(" \t")[-1:] in ("", "\r", "\n")


def _begins_item(before: str, shared: str, after: str) -> bool:
    """Whether it is the mark of an item of a list."""
    return _begins_line(before) and after == " " and bool(_BULLET.fullmatch(shared.strip()))


def _is_word(before: str, shared: str, after: str) -> bool:
    """Whether `shared` begins and ends where words do."""
    opens = not (before and _ends_in_word(before) and _in_word(shared[0]))
    closes = not (after and _in_word(after) and _in_word(shared[-1]))
    return opens and closes and not _in_number(before, shared)


def _begins_token(before: str, shared: str, *, gap: bool) -> bool:
    """Whether `shared` is the part of a word that was cut, with the signs around it: no word
    begins with itself twice.
    """
    alone = not before or before[-1].isspace()
    opens = shared.isalnum() and not (before and _ends_in_word(before))
    return not gap and ((alone and len(shared) > 1) or opens) and not _in_number(before, shared)


def _in_number(before: str, shared: str) -> bool:
    """Whether `shared` begins inside a number like 10.44."""
    signs = shared[:1].isdigit(), before[-1:] in _IN_NUMBERS and before[-2:-1].isdigit()
    return all(signs) or (before[-1:].isdigit() and shared[0] in _IN_NUMBERS)


def _ends_in_word(text: str) -> bool:
    """Whether a letter after it would be of the same word, as in don't."""
    return _in_word(text[-1]) or (text[-1] in "'’" and _in_word(text[-2:-1] or " "))


def _in_word(char: str) -> bool:
    return char.isalnum() and ord(char) < WIDE


def _repeats(before: str, shared: str) -> bool:
    """Whether the text repeats itself there anyway, so that once more would be natural."""
    period = (shared + shared).find(shared, 1)
    border = len(shared) - exact_length(shared[1:], shared)
    return before.endswith(shared) or 2 * min(period, border) <= len(shared)


def _combines(sign: str) -> bool:
    """Whether it is a part of the letter before it, like an accent of its own."""
    return len(sign) == 1 and unicodedata.category(sign).startswith("M")


def _past_punctuation(closing: str, new: str, at: int) -> int:
    """Where `new` goes on after it has repeated at `at` the signs that end the old text."""
    for sign in map(_plain, closing):
        if sign.isspace():
            continue
        step = at + len(new[at:]) - len(new[at:].lstrip())
        next_one = _plain(new[step : step + 1])
        if sign in _EMPHASIS and next_one != sign:
            continue
        if step == len(new) or next_one != sign:
            break
        at = step + 1
    return at


def _plain(sign: str) -> str:
    """A punctuation mark without its width and style."""
    return unicodedata.normalize("NFKC", sign).translate(_QUOTES)
