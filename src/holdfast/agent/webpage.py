"""A web page to text that a model can read: headings, lists, links, no furniture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_WORD = re.compile(r"\w+")
_UNSEEN = frozenset(
    _WORD.findall(
        "script style noscript template svg canvas iframe object nav footer aside form button"
        " select textarea dialog"
    )
)
_BLOCKS = frozenset(
    _WORD.findall(
        "address article blockquote br dd details div dl dt fieldset figcaption figure h1 h2 h3 h4"
        " h5 h6 header hr li main ol p pre section summary table tr ul"
    )
)
_CELLS = frozenset({"td", "th"})
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_SPACE = re.compile(r"\s+")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HEAD = 4096  # bytes in which a page must name its character set

Attributes = Sequence[tuple[str, str | None]]


def decode(page: bytes, charset: str | None) -> str:
    """`page` by the character set of its header, of itself, or as Chinese pages that name none."""
    named = _CHARSET.search(page[:_HEAD])
    wanted = [charset, named[1].decode("ascii", "replace") if named else None, "utf-8", "gb18030"]
    for name in wanted:
        try:
            if name:
                return page.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return page.decode("utf-8", "replace")


def readable(html: str, address: str) -> tuple[str, str]:
    """Title and text. Links are written as in Markdown, made absolute by `address`."""
    reader = _Reader(address)
    reader.feed(html)
    reader.close()
    return reader.title, reader.text


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self._address = address
        self._parts: list[str] = []
        self._title: list[str] = []
        self._in_title = False
        self._unseen: list[str] = []  # open elements whose content is not shown
        self._kept_spaces = 0  # open <pre>
        self._links: list[tuple[str, int]] = []  # where open links point to and begin

    @property
    def title(self) -> str:
        return _SPACE.sub(" ", "".join(self._title)).strip()

    @property
    def text(self) -> str:
        lines = [line.rstrip() for line in "".join(self._parts).split("\n")]
        text = "\n".join(line for line in lines)
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag == "title" and not self._title:
            self._in_title = True
        elif tag in _UNSEEN:
            self._unseen.append(tag)
        elif self._unseen:
            return
        elif tag in _BLOCKS:
            self._begin_block(tag)
        elif tag in _CELLS:
            self._parts.append(" | ")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._parts)))
        elif tag == "img" and (words := dict(attrs).get("alt")):
            self._parts.append(f"[{words}]")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in self._unseen:
            while self._unseen.pop() != tag:
                pass  # an element inside was never closed
        elif self._unseen:
            return
        elif tag in _BLOCKS:
            self._parts.append("\n")
            self._kept_spaces -= tag == "pre" and self._kept_spaces > 0
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._unseen:
            self._parts.append(data if self._kept_spaces else _SPACE.sub(" ", data))

    def _begin_block(self, tag: str) -> None:
        apart = tag in _HEADINGS or tag in ("p", "pre", "table", "ul", "ol")
        self._parts.append("\n\n" if apart else "\n")
        self._parts.append(_HEADINGS.get(tag, "- " if tag == "li" else ""))
        self._kept_spaces += tag == "pre"

    def _end_link(self, target: str, begin: int) -> None:
        words = _SPACE.sub(" ", "".join(self._parts[begin:])).strip()
        url = _absolute(self._address, target)
        if words and url:
            self._parts[begin:] = [f"[{words}]({url})"]


def _absolute(address: str, target: str) -> str:
    """Where a link points to, "" if that is nothing to be read."""
    try:
        url = urljoin(address, target.strip())
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    inside = not target or target.startswith("#")
    return url if scheme in ("http", "https") and not inside else ""
