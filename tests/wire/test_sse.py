"""The rules of WHATWG HTML 9.2, and that no cut of the bytes changes what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.sse import STRAY, SseEvent, SseParser

BOM = b"\xef\xbb\xbf"


def parse(*pieces: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def data_of(*pieces: bytes) -> list[bytes]:
    return [event.data for event in parse(*pieces)]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a \n\n", [b" a "]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\n\r\ndata: b\r\n\n", [b"a", b"b"]),
        (b"data: a\ndata: b\ndata\n\n", [b"a\nb\n"]),
        (b"data:\n\n", [b""]),
        (b"data\n\n", [b""]),
        (b": keep-alive\n\ndata: a\n\n: ping\n", [b"a"]),
        (b"\n\n\n\ndata: a\n\n", [b"a"]),
        (BOM + b"data: a\n\n", [b"a"]),
        (b"datax: a\nxdata: b\n-data: c\n\n", []),
        (b"event: ping\n\n", []),
        (b"data: a\x0b\x0c\x1c\x85b\n\n", [b"a\x0b\x0c\x1c\x85b"]),
        ("data: 断\u2028线\n\n".encode(), ["断\u2028线".encode()]),
    ],
)
def test_data(stream: bytes, data: list[bytes]) -> None:
    assert data_of(stream) == data
    assert data_of(*(stream[i : i + 1] for i in range(len(stream)))) == data


@pytest.mark.parametrize(
    "line",
    [BOM + b"data: b", b"\0\0\0data: b", b" data: b", b"DATA: b", b"Data : b", b"\x0b\tdata:b"],
)
def test_no_disguise_of_a_line_loses_its_words(line: bytes) -> None:
    stream = b"data: a\n\n" + line + b"\n\ndata: c\n\n"
    parser = SseParser()
    assert [event.data for event in parser.feed(stream)] == [b"a", b"b", b"c"]
    assert parser.stray == b""


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        # No blank line between events.
        (b'data: {"a":1}\ndata: {"a":2}\ndata: [DONE]\n\n', [b'{"a":1}', b'{"a":2}', b"[DONE]"]),
        (b'data: {\ndata: "a": [\ndata: {}\ndata: ]}\n\n', [b'{\n"a": [\n{}\n]}']),
        # The line ends of the JSON itself.
        (b'data: {"a": "\n data: 1\n"}\n\n', [b'{"a": "\n data: 1\n"}']),
        (b'data: {\n "a": 1,\n\t"data": 2\n}\n\n', [b'{\n "a": 1,\n\t"data": 2\n}']),
        (b'data: {"a":1}\n<html>\n\ndata: b\n\n', [b'{"a":1}', b"b"]),
        (b"data: a\nb\n\n", [b"a"]),
    ],
)
def test_json_of_careless_senders(stream: bytes, data: list[bytes]) -> None:
    assert data_of(stream) == data
    assert data_of(*(stream[i : i + 1] for i in range(len(stream)))) == data


def test_names_last_one_event_and_ids_persist() -> None:
    stream = b"event: error\nid: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\nid\ndata: d\n\n"
    assert parse(stream) == [
        SseEvent(b"a", "error", "7"),
        SseEvent(b"b", "", "7"),
        SseEvent(b"c", "", "7"),
        SseEvent(b"d", "", ""),
    ]


def test_retry_takes_digits_only() -> None:
    parser = SseParser()
    parser.feed(b"retry: 3000\nretry: soon\nretry: -1\nretry: 99999999999999999999\n")
    assert parser.retry == 3000


@pytest.mark.parametrize(
    ("stream", "unfinished"),
    [
        (b"data: a\n\ndata: [DONE]", b"[DONE]"),
        (b"data: a\n\ndata: [DONE]\n", b"[DONE]"),
        (b"data: a\ndata: b", b"a\nb"),
        (BOM + b"data: a", b"a"),
        (b"data: a\n\n: keep", b""),
        (b"data: a\n\nevent: x\n", b""),
        (b"data: a\n\nda", b""),
        (b"data: a\n\n", b""),
    ],
)
def test_an_open_block_is_evidence_and_no_event(stream: bytes, unfinished: bytes) -> None:
    parser = SseParser()
    events = parser.feed(stream)
    assert [event.data for event in events if event.data != b"a"] == []
    assert parser.unfinished == unfinished


def test_lines_that_are_no_field_are_kept_as_evidence() -> None:
    parser = SseParser()
    parser.feed(b'data: a\n\n{"error":\n  {"message": "gone"}\n')
    parser.feed(b"}")
    assert parser.stray == b'{"error":\n  {"message": "gone"}\n}'
    parser.feed(b"\n" + b"<p>no end\n" * STRAY)
    assert len(parser.stray) <= STRAY


def test_a_comment_or_a_field_is_not_stray() -> None:
    parser = SseParser()
    parser.feed(b": a\nid: 1\nretry: 5\nevent: x\ndata: y\n: keep-ali")
    assert parser.stray == b""


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a\n\ndata: " + b"x" * 64,
        b"data: a\n\ndata: " + b"x" * 64 + b"\n\n",
        b"data: a\n\n: " + b"x" * 64,
        b"data: a\n\n" + b"data: 0123456789\n" * 5 + b"\n",
        b"data: a\n\n" + b"data:\n" * 65,
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_line_or_event_over_the_limit_ends_the_parser(stream: bytes, step: int) -> None:
    parser = SseParser(limit=50)
    events = [e for i in range(0, len(stream), step) for e in parser.feed(stream[i : i + step])]
    assert events == [SseEvent(b"a")]
    assert parser.overflowed
    assert parser.feed(b"\n\ndata: late\n\n") == []


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"",
                b"",
                b'data: {"a":',
                b'data: {"a":1}',
                b'"b": 1}',
                b"data: a",
                b"data:b",
                b"data",
                b": c",
                b"id: 1",
                b"event: e",
                b"retry: 9",
            ]
        ),
        st.text(max_size=8).map(lambda text: b"data: " + text.encode("utf-8", "replace")),
        st.binary(max_size=8),
    ),
    max_size=12,
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(st.data(), LINES, st.sampled_from([b"", BOM, BOM[:2]]))
def test_any_split_says_the_same(data: st.DataObject, lines: list[bytes], start: bytes) -> None:
    stream = start + b"".join(line + data.draw(ENDS) for line in lines)
    stream = stream[: len(stream) - data.draw(st.integers(0, 2))] if stream else stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    bounds = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    whole, split = SseParser(), SseParser()
    events = whole.feed(stream)
    assert [e for a, b in bounds for e in split.feed(stream[a:b])] == events
    assert split.unfinished == whole.unfinished
    assert split.stray == whole.stray
    assert split.retry == whole.retry


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(noise: bytes) -> None:
    parser = SseParser(limit=64)
    parser.feed(noise)
    assert isinstance(parser.unfinished, bytes)


def test_a_long_line_in_small_pieces_comes_whole() -> None:
    parser = SseParser()
    parser.feed(b"data: ")
    for _ in range(20_000):
        assert parser.feed(b"x" * 50) == []
    (event,) = parser.feed(b"\n\n")
    assert event.data == b"x" * 1_000_000
