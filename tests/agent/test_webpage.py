"""What a reader sees of a page, without what surrounds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.webpage import decode, readable

PAGE = """<!doctype html><html><head><title>A  page
 of text</title><style>p { color: red }</style><script>alert("<p>no</p>")</script></head>
<body><nav><a href="/">Home</a><ul><li>Menu</li></ul></nav>
<main><h1>Heading</h1><p>One   paragraph with a <a href="/more?x=1">link</a>, an
<a href="#here">anchor</a> &amp; an <img alt="image" src="x">.</p>
<ul><li>first<li>second</ul>
<table><tr><td>a</td><td>b</td></tr></table>
<pre>  kept
    as is</pre><p>Last <b>words</b></main>
<footer>Imprint</footer></body></html>"""


def test_a_page_is_read() -> None:
    title, text = readable(PAGE, "https://example.com/dir/page")
    assert title == "A page of text"
    assert text == (
        "# Heading\n\n"
        "One paragraph with a [link](https://example.com/more?x=1), an anchor & an [image].\n\n"
        "- first\n- second\n\n | a | b\n\n  kept\n    as is\n\nLast words"
    )


def test_links_that_lead_nowhere_are_plain_words() -> None:
    html = '<a href="javascript:x()">run</a> <a href="mailto:a@b">mail</a> <a>bare</a>'
    assert readable(html, "https://example.com")[1] == "run mail bare"


@pytest.mark.parametrize(
    "html",
    [
        "<script>x",
        "<p>a</nav>b",
        "<nav><form>x</nav>y",
        "</title></a></pre>z",
        "<a href='http://[' >q</a>",
    ],
)
def test_broken_pages_are_read_as_far_as_they_go(html: str) -> None:
    readable(html, "https://example.com")


def test_unclosed_furniture_ends_with_what_holds_it() -> None:
    assert readable("<nav><form>menu</nav>text", "https://e.com")[1] == "text"


@given(st.text(alphabet="<>/ap scrit&;#=\"'!-x1", max_size=80))
def test_no_text_breaks_it(html: str) -> None:
    readable(html, "https://example.com")


@pytest.mark.parametrize(
    ("page", "charset"),
    [
        ("你好".encode(), None),
        ("你好".encode("gb18030"), None),
        ('<meta charset="gbk">你好'.encode("gbk"), None),
        ("你好".encode("big5"), "big5"),
        ("你好".encode(), "no-such-charset"),
    ],
)
def test_pages_are_decoded_by_what_they_say_or_what_works(page: bytes, charset: str | None) -> None:
    assert decode(page, charset).endswith("你好")


def test_bytes_that_are_no_text_are_no_failure() -> None:
    assert decode(b"\xff\xfe\xfd ok \xff", None).endswith("ok \ufffd")
