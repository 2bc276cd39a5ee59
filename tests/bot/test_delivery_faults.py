"""Whatever fails when: the text exactly once or a marked repeat, exactly one end, within budget."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pictures
from tests.bot.people import C2C, GROUP, Desk, Fault

from holdfast.agent.events import (
    Ended,
    MediaAdded,
    Noted,
    Replaced,
    StepBegan,
    TextAdded,
    ToolAsked,
    TurnEvent,
)
from holdfast.bot import texts
from holdfast.bot.adapter import Capabilities
from holdfast.bot.moves import Over
from holdfast.core.message import File, Message, Role
from holdfast.core.request import Surface

_FAULTS: list[Fault] = [
    "ok",
    "lost",
    "dropped",
    "busy",
    "unreachable",
    "broken",
    "diverged",
    "crash",
    "crash_after",
]
_WORD = re.compile(r"w\d+w")
_GRAIN = st.sampled_from(["", " ", "\n", "\n\n", " **b** ", "\n- ", " `c` ", "。"])

# Faults come in runs: what fails once often fails again.
runs = st.lists(
    st.tuples(st.sampled_from(_FAULTS), st.sampled_from([1, 1, 2, 4, 6])), max_size=6
).map(lambda found: [fault for fault, times in found for _ in range(times)])

capabilities = st.builds(
    lambda base, replies, chars, frame, repeats: replace(
        base, replies=replies, max_chars=chars, frame_chars=frame, recognises_repeats=repeats
    ),
    st.sampled_from([C2C, GROUP, replace(C2C, surface=Surface.REPLACE)]),
    st.sampled_from([2, 3, 4, 5, None]),
    st.sampled_from([400, 4000]),
    st.sampled_from([None, 300]),
    st.booleans(),
)


@st.composite
def turns(draw: st.DrawFn, rewrites: bool = False) -> list[list[TurnEvent]]:
    """Groups of events; between two of them time passes."""
    groups: list[list[TurnEvent]] = [[Noted("language", {"language": "en"}), StepBegan(1, "r", "")]]
    number = 0
    for _ in range(draw(st.integers(1, 6))):
        group: list[TurnEvent] = []
        for _ in range(draw(st.integers(0, 4))):
            grain, run = draw(_GRAIN), draw(st.sampled_from([1, 1, 60]))
            words = " ".join(f"w{n}w" for n in range(number, number + run))
            group.append(TextAdded(f"{grain} {words}"))
            number += run
        if rewrites and draw(st.integers(0, 5)) == 0:
            group.append(Replaced())
        groups.append(group)
    groups.append([draw(st.sampled_from([Ended("finished"), Ended("failed", ref="R9")]))])
    return groups


def play(
    can: Capabilities, groups: list[list[TurnEvent]], faults: list[Fault]
) -> tuple[Desk, Over]:
    desk = Desk(can, faults=list(faults))
    for number, group in enumerate(groups):
        desk.hear(*group)
        desk.run(until=2.0 * (number + 1))
    over = desk.run()
    assert isinstance(over, Over)
    return desk, over


def told_in(groups: list[list[TurnEvent]]) -> list[str]:
    events = (event for group in groups for event in group)
    return [word for e in events if isinstance(e, TextAdded) for word in words_in(e.text)]


def words_in(text: str) -> list[str]:
    return _WORD.findall(text)


@settings(max_examples=150, deadline=None)
@given(can=capabilities, groups=turns(), faults=runs)
def test_whatever_fails(
    can: Capabilities, groups: list[list[TurnEvent]], faults: list[Fault]
) -> None:
    desk, over = play(can, groups, faults)
    wanted = [
        w for group in groups for e in group if isinstance(e, TextAdded) for w in words_in(e.text)
    ]
    assert can.replies is None or desk.platform.used() <= can.replies
    _exactly_once_or_marked(desk)
    if over.owed is None:
        shown = {word for text in desk.screen for word in words_in(text)}
        refused = texts.TEXTS["platform_refused"][0].partition("{")[0]
        if not any(refused in text for text in desk.screen):
            assert shown == set(wanted)
        assert desk.screen
    _one_end(desk)
    if can.recognises_repeats and "broken" not in faults:
        assert over.owed is None or texts.TEXTS["more"][0] in desk.screen[-1]
    harmless = {"ok", "busy", "unreachable"}
    if harmless >= {*faults}:
        assert all(seen.final for seen in desk.platform.screen.values())


@settings(max_examples=100, deadline=None)
@given(
    can=capabilities,
    groups=turns(rewrites=True),
    faults=runs,
)
def test_rewrites_too(
    can: Capabilities, groups: list[list[TurnEvent]], faults: list[Fault]
) -> None:
    desk, over = play(can, groups, faults)
    assert can.replies is None or desk.platform.used() <= can.replies
    valid: list[str] = []
    for event in (e for group in groups for e in group):
        if isinstance(event, Replaced):
            valid = []
        elif isinstance(event, TextAdded):
            valid += words_in(event.text)
    shown = [word for text in desk.screen for word in words_in(text)]
    if over.owed is None and not any("did not accept" in text for text in desk.screen):
        assert set(valid) <= set(shown)
    _exactly_once_or_marked(desk)


@settings(max_examples=80, deadline=None)
@given(can=capabilities, groups=turns())
def test_without_faults_the_person_reads_it_exactly(
    can: Capabilities, groups: list[list[TurnEvent]]
) -> None:
    desk, over = play(can, groups, [])
    wanted = [
        w for group in groups for e in group if isinstance(e, TextAdded) for w in words_in(e.text)
    ]
    shown = [word for text in desk.screen for word in words_in(text)]
    assert shown == (wanted if over.owed is None else wanted[: len(shown)])
    assert all(seen.final for seen in desk.platform.screen.values())
    assert all(text.count("**") % 2 == 0 for text in desk.screen)
    if over.owed is not None:
        assert texts.TEXTS["more"][0] in desk.screen[-1]
    cut = texts.TEXTS["cut"][0].partition("{")[0]
    failed = groups[-1] == [Ended("failed", ref="R9")]
    assert sum(cut in text for text in desk.screen) == int(failed and bool(wanted))


def with_pictures(groups: list[list[TurnEvent]], places: list[int]) -> list[list[TurnEvent]]:
    """The same, in which tools bring pictures behind these groups: "p0p", "p1p", ..."""
    told = [list(group) for group in groups]
    for number, place in enumerate(sorted(place % (len(groups) - 1) for place in places)):
        data = base64.b64encode(pictures.png(number)).decode()
        file = File(f"p{number}p", data=data, media_type="image/png")
        added = MediaAdded(f"c{number}", Message(Role.TOOL, (file,), answers=f"c{number}"))
        told[place] += [ToolAsked(f"c{number}", "draw", "{}"), added]
        told[place].append(StepBegan(number + 2, "r", ""))
    return told


@settings(max_examples=200, deadline=None)
@given(
    can=capabilities,
    groups=turns(),
    places=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    faults=runs,
)
def test_pictures_too(
    can: Capabilities, groups: list[list[TurnEvent]], places: list[int], faults: list[Fault]
) -> None:
    can = replace(can, max_chars=max(can.max_chars, 1000))
    told = with_pictures(groups, places)
    desk, over = play(can, told, faults)
    assert can.replies is None or desk.platform.used() <= can.replies
    _exactly_once_or_marked(desk)
    seen = [text for text in desk.screen if _PICTURE.fullmatch(text)]
    assert len(seen) == len(set(seen)), "shown twice"
    assert seen == sorted(seen), "in another order"
    named = {name for text in desk.screen for name in _NAMED.findall(text)}
    refused = any("did not accept" in text for text in desk.screen)
    if over.owed is None and not refused:
        every = {f"p{number}p" for number in range(len(places))}
        assert {text.strip("<>") for text in seen} | named == every
        shown = {word for text in desk.screen for word in words_in(text)}
        assert shown == set(told_in(groups))
    if not faults and can.replies is None:
        assert _order(desk.screen) == _order_of(told)


_PICTURE = re.compile(r"<p\d+p>")
_NAMED = re.compile(r"p\d+p(?!>)")


def _order(screen: list[str]) -> list[str]:
    return [found for text in screen for found in re.findall(r"[wp]\d+[wp]", text)]


def _order_of(groups: list[list[TurnEvent]]) -> list[str]:
    order: list[str] = []
    for event in (event for group in groups for event in group):
        if isinstance(event, TextAdded):
            order += words_in(event.text)
        elif isinstance(event, MediaAdded):
            order += [part.name for part in event.message.parts if isinstance(part, File)]
    return order


def _exactly_once_or_marked(desk: Desk) -> None:
    """A word stands twice only where the later message says that it may be a repetition."""
    marks = [texts.TEXTS[name][0] for name in ("again", "stub")]
    before: set[str] = set()
    for text in desk.screen:
        words = words_in(text)
        assert len(words) == len(set(words)), "twice in one message"
        marked = any(mark in text for mark in marks)
        assert marked or not before & set(words), "told twice, unmarked"
        before |= set(words)


def _one_end(desk: Desk) -> None:
    mark = texts.TEXTS["again"][0]
    cut = texts.TEXTS["cut"][0].partition("{")[0]
    unmarked = sum(cut in text and mark not in text for text in desk.screen)
    repeats = sum(mark in text for text in desk.screen)  # one may leave no room for its end
    assert unmarked <= 1 + repeats
