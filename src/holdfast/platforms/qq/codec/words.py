"""Texts as QQ writes them and as it must be written to.

What is sent may be cut anywhere and grow: every change here is such that the change of a
beginning is a beginning of the change (see `held`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping

_FACE = re.compile(r"<faceType=\d+(?:[^<>]*?,ext=\"([^\"<>]*)\")?[^<>]*>")
_MENTION = re.compile(r"<@!?([\w-]{1,64})>")
_CHANNEL = re.compile(r"<#(\d+)>")
_EMOJI = re.compile(r"<emoji:(\d+)>")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # in this order: "&amp;lt;" is "&lt;"

# What QQ takes for more than text: mentions, commands to click, its own emoji.
_TAGS = ("<qqbot-", "<@", "<#", "<emoji:", "<facetype=")
_TAG = re.compile("<(?=" + "|".join(tag[1:] for tag in _TAGS) + ")", re.IGNORECASE)
_LONGEST_TAG = max(map(len, _TAGS))
_NOTHING_SEEN = "\u200b"  # zero-width space

_FENCE = re.compile(r"^ {0,3}(```|~~~)")
# Each looks ahead so far and no farther: of signs that are never closed there may be thousands.
_PLAINER: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^ {0,3}#{1,6}\s+"), ""),
    (re.compile(r"^(\s*)[*+]\s+"), r"\1- "),
    (re.compile(r"!?\[([^\]\n]{0,200})\]\((\S{1,600}?)(?:\s+\"[^\"]{0,300}\")?\)"), r"\1 \2"),
    (re.compile(r"(\*\*|__)(?=\S)(.{1,600}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"~~(?=\S)(.{1,600}?)(?<=\S)~~"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)

_LINK = re.compile(r"(?<!!)\[([^\[\]\n]{1,300})\]\((\S{1,600}?)\)")

# A dot that makes an address or a file name: between word signs, but not within a number.
_DOT = re.compile(r"(?<=[A-Za-z0-9_-])\.(?=[A-Za-z])|(?<=[A-Za-z])\.(?=[0-9])")
_DOTTED_NUMBERS = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_FULL_STOP = "\uff0e"  # looks like a dot and is none


def readable(content: str, named: Callable[[str], str], *, escaped: bool = False) -> str:
    """What somebody wrote, with emoji and mentions as words.

    `named` tells how to show the mention of an id ("" leaves it out). `escaped`: as in guilds.
    """
    text = _FACE.sub(_face, content)
    text = _MENTION.sub(lambda match: named(match[1]), text)
    if escaped:
        text = _CHANNEL.sub(r"#\1", _EMOJI.sub(r"[emoji \1]", text))
        for escape, sign in _ESCAPES:
            text = text.replace(escape, sign)
    return text.strip()


def _face(match: re.Match[str]) -> str:
    """An emoji's own word, such as "[呲牙]"."""
    try:
        told = json.loads(base64.b64decode(match[1] or ""))
    except (binascii.Error, ValueError):
        told = None
    word = told.get("text") if isinstance(told, Mapping) else None
    word = str(word or "").strip("/[]")
    return f"[{word}]" if word else "[表情]"


def neutral(text: str) -> str:
    """`text` in which nothing calls people or commands: it shows the same."""
    return _TAG.sub(f"<{_NOTHING_SEEN}", text)


def held(text: str) -> str:
    """`text` without an end that more text could make a tag: for a message that still grows."""
    start = text.rfind("<", max(0, len(text) - _LONGEST_TAG + 1))
    if start < 0:
        return text
    ending = text[start:].lower()
    return text[:start] if any(tag.startswith(ending) for tag in _TAGS) else text


def plain(markdown: str) -> str:
    """The same without the signs of Markdown. What stands in code blocks stays as it is."""
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
            continue
        lines.append(line if fence else _plainer(line))
    return "\n".join(lines)


def _plainer(line: str) -> str:
    for pattern, instead in _PLAINER:
        line = pattern.sub(instead, line)
    return line


def without_addresses(text: str) -> str:
    """`text` in which the platform's filter finds no address: "a.py" becomes "a．py"."""
    text = _LINK.sub(r"\1 (\2)", text)  # it leads nowhere any more
    text = _DOTTED_NUMBERS.sub(lambda match: match[0].replace(".", _FULL_STOP), text)
    return _DOT.sub(_FULL_STOP, text).replace("://", "：//")
