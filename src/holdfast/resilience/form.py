"""Tells what is no text by its form alone: a line or a tag that cannot stand where it does."""

from __future__ import annotations

import re

_REACH = 480  # characters of lines of talk

_WORD = re.compile(r"[^\W\d_\u2e80-\U0003ffff]+|[\u2e80-\U0003ffff]")
_WIDE = re.compile("[\u2e80-\U0003ffff]")
_CODE = re.compile(r"[|{}<>=$\\;]|\w[(.]\w|^\s*[-*#]")
_INTERJECTED = re.compile(
    r"[^\w\s]{0,3}(?:[A-Z](?![\s'’])|[\u2e80-\U0003ffff])[^\n]{0,118}[.!?:。！？：…\])）】*]\n+"
    r"(?P<on>[^\S\n]?[a-z,.;)]|[，。、；：！？）】」』])?"
)
_SPACED = re.compile(r"[.!?:…\])*_]\n+(?P<on> )(?:[^\W\d]|\d+(?![.)\d]))")
_TURN = re.compile(r"(?:\s*<\|[\w /-]{1,40}\|>(?:[a-z]+(?=\r?\n))?)+(?:\r?\n)?")
_NO_THOUGHT = re.compile(r"(?!(?:think(?:ing)?|思考)\Z).*", re.IGNORECASE)
_TAGGED = re.compile(r"\s*<([^\W\d]\w*)>.*?</\1>(?:\r?\n){0,2}", re.DOTALL)
# https://html.spec.whatwg.org/multipage/indices.html: what may stand in an answer as text.
_HTML = re.compile(
    r"a|abbr|article|aside|audio|b|blockquote|body|br|button|caption|center|cite|code|col"
    r"|dd|del|details|dfn|div|dl|dt|em|figcaption|figure|font|footer|form|h[1-6]|head"
    r"|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|mark|math|menu|meta"
    r"|nav|object|ol|option|p|picture|pre|q|ruby|s|samp|script|section|select|small|source"
    r"|span|strike|strong|style|su[bp]|summary|svg|table|tbody|t[dhr]|template|textarea"
    r"|tfoot|thead|time|title|u|ul|var|video",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})([^\s`]*)[^\S\n]*\n")


def interjected(new: str) -> tuple[int, bool]:
    """The length of a paragraph that begins as none does in the middle of a sentence, and
    whether the sentence goes on after it; 0 if there is none.
    """
    match = _INTERJECTED.match(new)
    if match is None or not is_prose(match.group()):
        return 0, False
    goes_on = match.start("on")
    if goes_on >= 0:
        return goes_on, True
    mixed = not match.group().isascii() and _WIDE.search(match.group())
    return (match.end() if new[0].isascii() and not mixed else 0), False


def spaced_out(text: str, new: str) -> int:
    """Where the text goes on with the space between two words, after lines of talk; 0 if nowhere.

    No line of prose begins with one space, so what stands before it is not of the same text.
    """
    found = None if "\n " in text else _SPACED.search(new, 0, _REACH)
    return found.start("on") if found and is_prose(new[: found.start()]) else 0


def is_prose(text: str) -> bool:
    """Whether it reads as words to a person, not as code, a formula or a row of a table."""
    letters = sum(char.isalpha() for char in text)
    return (
        len(_WORD.findall(text)) > 1
        and letters * 4 >= 3 * len("".join(text.split()))
        and not _CODE.search(text)
    )


def fence_end(text: str, offset: int, *, reopened: bool) -> int:
    """The end of a fence line at `offset`; `offset` if there is none.

    A block is `reopened` by a line that names a language: one that does not closes it.
    """
    match = _FENCE.match(text, offset)
    return match.end() if match and (match.group(1) or not reopened) else offset


def thought_end(new: str, *, tagged: bool = False) -> int:
    """Length of what stands between tags that no text has: thoughts that leaked out, and the
    marks of a chat's turns. `tagged`: among tags, where all but the commonest may be text.
    """
    turn = _TURN.match(new)
    start = turn.end() if turn else 0
    match = _TAGGED.match(new, start)
    if match is None or (_HTML if not tagged else _NO_THOUGHT).fullmatch(match.group(1)):
        return start
    return match.end()
