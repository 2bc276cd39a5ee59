"""What a turn's body holds is what came."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from holdfast.bot.codec import read_inbound, write_inbound
from holdfast.bot.event import Attachment, Inbound, Notice, NoticeKind, Person, Place, Scene

places = st.builds(
    Place, st.text(), st.sampled_from(Scene), st.dictionaries(st.text(), st.text() | st.none())
)
people = st.builds(Person, st.text(), st.text(), st.booleans())
files = st.builds(
    Attachment,
    st.sampled_from(["image", "video", "voice", "file"]),
    st.text(),
    st.text(),
    st.text(),
    st.none() | st.integers(0, 10**9),
    st.text(),
)
messages = st.builds(
    Inbound,
    bot=st.text(),
    platform=st.text(),
    id=st.text(),
    place=places,
    sender=people,
    text=st.text(),
    at=st.floats(0, 1e10),
    addressed=st.booleans(),
    attachments=st.lists(files, max_size=3).map(tuple),
    quote=st.text(),
    from_owner=st.booleans(),
)
notices = st.builds(
    Notice,
    bot=st.text(),
    platform=st.text(),
    id=st.text(),
    kind=st.sampled_from(NoticeKind),
    place=places,
    at=st.floats(0, 1e10),
)


@given(messages | notices)
def test_everything_comes_back(event: Inbound | Notice) -> None:
    assert read_inbound(json.loads(json.dumps(write_inbound(event)))) == event
