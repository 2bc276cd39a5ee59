"""A stream that its vendor gives once more is compared sign by sign with what was read of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.failure import Failure, Kind, Phase
from holdfast.resilience.replay import Replay


@given(st.text(min_size=1, max_size=30), st.data())
def test_however_it_is_cut_only_what_is_new_is_given(text: str, data: st.DataObject) -> None:
    read = data.draw(st.integers(1, len(text)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=5)))
    replay = Replay(text[:read])
    given = ""
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        new = replay.feed(text[start:end])
        assert isinstance(new, str)
        given += new
    assert (given, replay.finish()) == (text[read:], "")
    assert replay.seam
    assert (replay.seam.rule, replay.seam.overlap, replay.seam.verified) == ("replay", read, True)


def test_another_stream_is_refused_at_the_first_sign_that_differs() -> None:
    replay = Replay("Hold fast")
    assert replay.feed("Hold") == ""
    failure = replay.feed(" on")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase) == (Kind.DIVERGED, Phase.STREAM)


def test_a_stream_that_ends_too_soon_is_refused() -> None:
    replay = Replay("Hold fast")
    assert replay.feed("Hold") == ""
    failure = replay.finish()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase) == (Kind.DIVERGED, Phase.END)
