"""How models go on that are asked to, for the fourth held-out run: most simply do, from the middle
of a word; some from the token, the row, the heading or the paragraph before; few change a sign.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.core.anchor import open_fence

from .continuers import Behaviour, Right, Said, opening_of
from .cuts import Cut
from .drifting import repeats
from .phrasings import Phrasings
from .retelling import changes

# Pieces such as a byte-pair vocabulary has: a word with the space before it, a long one in parts.
_TOKENS = re.compile(
    r" ?[^\W\d_\u2e80-\U0003ffff]{1,6}| ?\d{1,3}|[\u2e80-\U0003ffff]{1,2}| ?[^\w\s]{1,3}|\s+|."
)
_CLAUSES = re.compile(r"(?<=[,;:，；：、])\s*")
_LINES = re.compile("\n")
_HEADINGS = re.compile(r"^(?=#{1,6} |\*\*)", re.MULTILINE)


def behaviours(talk: Phrasings) -> Mapping[str, Behaviour]:
    return {
        "exact, a space before": _spaced,
        "exact, no space before": _unspaced,
        "exact, a line break before": _broken,
        "last token": repeats(_tokens(1)),
        "last 3 tokens": repeats(_tokens(3)),
        "last 10 tokens": repeats(_tokens(10)),
        "last 40 tokens": repeats(_tokens(40)),
        "the cut word": repeats(_cut_word),
        "the clause": repeats(_clause),
        "the clause, a capital": repeats(_capital_clause),
        "the last line": repeats(_lines(1)),
        "the last three lines": repeats(_lines(3)),
        "from the heading": repeats(_heading),
        "from the second paragraph": repeats(_second_paragraph),
        "the row under its header": repeats(_row_under_header),
        "reopens the fence, last line": _in_fence(_lines(1)),
        "reopens the fence, exact": _in_fence(lambda cut, dice: ""),
        "talk, cut word": repeats(_cut_word, talk),
        "talk, few characters": repeats(_few_characters, talk),
        "talk, 10 tokens": repeats(_tokens(10), talk),
        "talk, last line": repeats(_lines(1), talk),
        "talk, row under its header": repeats(_row_under_header, talk),
        "talk, from the heading": repeats(_heading, talk),
        "talk, fence, last line": _in_fence(_lines(1), talk),
        "dashes drift": changes(_dashes),
        "bullets drift": changes(_bullets, _last_lines),
        "trailing blanks": changes(lambda text, dice: text.replace("\n", " \n"), _last_lines),
        "emphasis drifts": changes(lambda text, dice: text.replace("**", "__"), _last_lines),
        "fractions and units drift": changes(_units, _last_lines),
        "skips to the next line": _skips_to_next_line,
        "everything but its first line": _headless,
    }


# Nothing shows that the white space is not the text's own, or is missing.


def _spaced(cut: Cut, dice: random.Random) -> Said:
    if cut.rest[0].isspace():
        return Said(cut.rest, Right.JOIN)
    return Said(f" {cut.rest}", Right.GUESS)


def _unspaced(cut: Cut, dice: random.Random) -> Said:
    gap = cut.released[len(cut.shown) :]
    known = cut.rest[0] != " " or gap.startswith(" ")
    return Said(cut.rest.removeprefix(" "), Right.JOIN if known else Right.GUESS)


def _broken(cut: Cut, dice: random.Random) -> Said:
    if cut.rest[0] in "\r\n":
        return Said(cut.rest, Right.JOIN)
    return Said(f"\n{cut.rest}", Right.GUESS)


def _tokens(count: int) -> Callable[[Cut, random.Random], str]:
    def last(cut: Cut, dice: random.Random) -> str:
        return "".join(_TOKENS.findall(cut.shown, max(0, len(cut.shown) - 400))[-count:])

    return last


def _cut_word(cut: Cut, dice: random.Random) -> str:
    found = re.search(r"[^\s\u2e80-\U0003ffff]+\Z|[\u2e80-\U0003ffff]{1,2}\Z", cut.shown)
    return found.group() if found else ""


def _few_characters(cut: Cut, dice: random.Random) -> str:
    return cut.shown[-dice.randint(5, 20) :]


def _clause(cut: Cut, dice: random.Random) -> str:
    return cut.shown[opening_of(_CLAUSES, cut.shown)[-1] :]


def _capital_clause(cut: Cut, dice: random.Random) -> str:
    clause = _clause(cut, dice)
    return clause[:1].upper() + clause[1:]


def _lines(count: int) -> Callable[[Cut, random.Random], str]:
    return lambda cut, dice: cut.shown[opening_of(_LINES, cut.shown)[-count:][0] :]


def _last_lines(cut: Cut) -> str:
    return _lines(3)(cut, random.Random())


def _heading(cut: Cut, dice: random.Random) -> str:
    return cut.shown[opening_of(_HEADINGS, cut.shown)[-1] :]


def _second_paragraph(cut: Cut, dice: random.Random) -> str:
    begins = [match.end() for match in re.finditer(r"\n\s*\n", cut.shown)]
    return cut.shown[begins[0] :] if begins else cut.shown


def _row_under_header(cut: Cut, dice: random.Random) -> str:
    """The first two lines of a table, and then the row that was cut."""
    line = cut.shown[cut.shown.rfind("\n") + 1 :]
    header = re.findall(r"^\|.*\|\n\|[-: |]+\|\n", cut.shown, re.MULTILINE)
    return header[-1] + line if header and line.startswith("|") else line


def _in_fence(
    repeat: Callable[[Cut, random.Random], str], talk: Phrasings | None = None
) -> Behaviour:
    """After the line that opened the block, if one is open."""

    def say(cut: Cut, dice: random.Random) -> Said:
        language = open_fence(cut.shown)
        line = cut.shown[cut.shown.rfind("\n") + 1 :]
        again = repeats(repeat)(cut, dice)
        said = dice.choice(talk[cut.language]) if talk else ""
        fence = "" if language is None or line.lstrip().startswith("```") else f"```{language}\n"
        if language == "" and fence:
            fence = "```text\n"
        if talk and not repeat(cut, dice):
            again = replace(again, right=Right.GUESS)
        return replace(again, text=said + fence + again.text)

    return say


# How it drifts.


def _dashes(text: str, dice: random.Random) -> str:
    return re.sub(r"—|–|--", lambda sign: "-" if sign.group() != "--" else "—", text)


def _bullets(text: str, dice: random.Random) -> str:
    return re.sub(r"(?m)^(\s*)- ", r"\1• ", re.sub(r"(?m)^(\s*)(\d+)\. ", r"\1**\2.** ", text))


def _units(text: str, dice: random.Random) -> str:
    """A space before a unit or none."""
    apart = re.sub(r"(?<=\d)(?=(?:ml|kg|g|cm|s|°C|%)\b)", " ", text)
    return apart if apart != text else re.sub(r"(?<=\d) (?=(?:ml|kg|g|cm|s|°C|%))", "", text)


def _skips_to_next_line(cut: Cut, dice: random.Random) -> Said:
    """Leaves out the end of the line that was cut; nothing may come twice."""
    rest = cut.rest[cut.rest.find("\n") + 1 :] if "\n" in cut.rest else cut.rest
    return Said(rest, Right.FREE)


def _headless(cut: Cut, dice: random.Random) -> Said:
    """The answer begun anew at its second line."""
    return repeats(lambda cut, dice: cut.shown[opening_of(_LINES, cut.shown)[:2][-1] :])(cut, dice)
