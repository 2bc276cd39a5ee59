"""Texts in and out: what is read, what is made harmless, and that beginnings stay beginnings."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.platforms.qq.codec.words import held, neutral, plain, readable, without_addresses
from holdfast.sim.qq.posting import address_in
from holdfast.sim.qq.simulator import face


def at(mentioned: str) -> str:
    return f"@{mentioned}"


@pytest.mark.parametrize("sign", ["[", "**a ", "__a ", "~~a ", "[a]("])
def test_signs_that_are_never_closed_take_no_time(sign: str) -> None:
    """Looked for to the end from each of them, the closing sign would take minutes."""
    open_signs = sign * (100_000 // len(sign))
    assert plain(open_signs) == open_signs
    without_addresses(open_signs)


def test_emoji_are_words() -> None:
    assert readable(f"{face(13, '/呲牙')}好", at) == "[呲牙]好"
    assert readable('<faceType=3,faceId="9">', at) == "[表情]"
    assert readable('<faceType=1,faceId="13",ext="!!">', at) == "[表情]"
    broken = base64.b64encode(json.dumps([1]).encode()).decode()
    assert readable(f'<faceType=1,faceId="13",ext="{broken}">x', at) == "[表情]x"


def test_escapes_are_undone_once_and_only_in_guilds() -> None:
    assert readable("&amp;lt; &lt;b&gt;", at, escaped=True) == "&lt; <b>"
    assert readable("&lt;", at) == "&lt;"


@pytest.mark.parametrize(
    "tag",
    [
        "<qqbot-at-everyone />",
        '<qqbot-at-user id="x" />',
        '<qqbot-cmd-enter text="rm" />',
        "<@!123>",
        "<@everyone>",
        "<QQBOT-at-everyone />",
        "<emoji:4>",
    ],
)
def test_nothing_that_a_model_says_calls_anybody(tag: str) -> None:
    said = neutral(f"see {tag}")
    assert tag not in said
    assert said.replace("\u200b", "") == f"see {tag}"


def test_what_is_no_tag_stays_as_it_is() -> None:
    code = "if a < b: print('<div>') # x<y>"
    assert neutral(code) == code


@given(st.text(alphabet="<qbot-@#emji:facTyp= x", max_size=40), st.data())
def test_a_beginning_stays_a_beginning(text: str, data: st.DataObject) -> None:
    """Frames of a stream are made of beginnings: what was delivered never changes."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    delivered = ""
    for cut in cuts:
        frame = neutral(held(text[:cut]))
        assert frame.startswith(delivered)
        delivered = frame
    assert neutral(text).startswith(delivered)


def test_markdown_without_its_signs() -> None:
    told = plain(
        "# 标题\n\n**粗** *斜* ~~删~~ `x` [链接](https://a.b) ![图](https://c.d)\n* 一\n"
        "```python\na = b**c * d\n# no heading\n```\n2 * 3 * 4, snake_case_name"
    )
    assert told == (
        "标题\n\n粗 斜 删 x 链接 https://a.b 图 https://c.d\n- 一\n"
        "a = b**c * d\n# no heading\n2 * 3 * 4, snake_case_name"
    )


@pytest.mark.parametrize(
    "text",
    [
        "see crawler.py",
        "https://a.example.com/x?y=1",
        "v1.md",
        "a.io, b.io",
        "127.0.0.1",
        "www.qq.com。",
        "x.1y",
    ],
)
def test_addresses_lose_what_makes_them_addresses(text: str) -> None:
    said = without_addresses(text)
    assert not address_in(said)
    assert "://" not in said


def test_a_link_whose_address_is_changed_is_none_any_more() -> None:
    said = without_addresses("See [the page](https://a.com/b) and ![it](https://a.com/c.png).")
    assert said == "See the page (https：//a．com/b) and ![it](https：//a．com/c．png)."


def test_numbers_and_sentences_keep_their_dots() -> None:
    text = "Pi is 3.14. Then 1.5 more... 完。"
    assert without_addresses(text) == text


@given(st.text(alphabet="ab1.-_/: ", max_size=30))
def test_no_address_is_left(text: str) -> None:
    assert not address_in(without_addresses(text))
