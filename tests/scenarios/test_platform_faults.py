"""The platform fails while an answer is delivered, or its events come twice: what people read.

The answer once, or what may be a repetition and says so. One server for all; every conversation
has a fault of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.scenarios.doors import Building, OnQQ, Tab, building
from tests.scenarios.house import run

from holdfast.bot import texts
from holdfast.platforms.qq.codec.words import plain
from holdfast.sim.qq.faults import Cut, Freeze, Garbage, Page, Refuse, Slow, What
from holdfast.sim.script import expected, parse
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

QUESTION = "Tell me about text:demo please"
AT_ONCE = 40
MARK = re.compile("|".join(re.escape(texts.TEXTS[name][0]) for name in ("again", "stub")))
FAULTS: Sequence[tuple[What, bool]] = [
    (Cut(), False),
    (Cut(), True),
    (Cut(reset=True), True),
    (Refuse(50001, 500), False),
    (Refuse(50002, 429), False),
    (Refuse(40034105), False),
    (Page(502), False),
    (Page(403), False),
    (Page(404), False),
    (Page(504), True),
    (Garbage(), True),
    (Slow(0.5), True),
]
STREAMED: Sequence[tuple[What, bool]] = [*FAULTS, (Refuse(40007), False)]
LONGEST: Sequence[tuple[What, bool]] = [(Freeze(), False), (Freeze(), True)]


def whole() -> str:
    return expected({"messages": [{"role": "user", "content": QUESTION}]}, parse("ok").habits)


def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
    return {
        "providers": {"sim": {"base_url": sim.base_url}},
        "routes": {"main": {"targets": ["sim/ok;chunk=20;pace=0.4"]}},
    }


@dataclass(frozen=True, slots=True)
class Case:
    """After `after` requests of the delivery, the next `times` meet with `what`."""

    door: str
    what: What
    done: bool
    after: int = 0
    times: int = 1

    def __str__(self) -> str:
        when = f"after {self.after}, {self.times} times{', done' if self.done else ''}"
        return f"{self.door}: {self.what} {when}"


def cases(longest: Sequence[tuple[What, bool]] = ()) -> list[Case]:
    made = [
        Case(door, what, done, after, times)
        for door in ("c2c", "webhook")
        for what, done in (*STREAMED, *longest)
        for after in (0, 2)
        for times in (1, 3)
    ]
    made += [
        Case(door, what, done, 0, times)
        for door in ("group", "channel")
        for what, done in (*FAULTS, *longest)
        for times in (1, 2)
    ]
    # Where nothing but this message may be said, a closed chat cannot be told anything.
    alone = ("group", "channel")
    closed = Refuse(40034105)
    return [c for c in made if c.what != closed or (c.times == 1 and c.door not in alone)]


def test_an_answer_is_there_once_whatever_the_platform_fails_at() -> None:
    play(cases())


@pytest.mark.slow
def test_an_answer_is_there_once_though_the_platform_does_not_answer() -> None:
    silent = [case for case in cases(LONGEST) if isinstance(case.what, Freeze)]
    play([case for case in silent if case.times == 1])


def play(made: Sequence[Case]) -> None:
    async def scene() -> None:
        async with building(layout) as there:
            gate = asyncio.Semaphore(AT_ONCE)

            async def bounded(case: Case) -> str:
                async with gate:
                    return await told(there, case)

            problems = await asyncio.gather(*map(bounded, made))
            assert not any(problems), "\n".join(filter(None, problems))
            assert [qq.complaints for qq in there.qq.values()] == [[], []]

    run(scene())


async def told(there: Building, case: Case) -> str:
    """What is wrong with what the person read; "" if nothing is."""
    chat = there.chat(case.door)
    assert isinstance(chat, OnQQ)
    qq = chat.qq

    def sent() -> int:
        return sum(chat.chat.id in asked.path for asked in qq.asked)

    if case.after == 0:
        qq.fail(case.what, f"{chat.chat.id}/", case.times, case.done)
    turn = await chat.says(QUESTION)
    if case.after:
        await qq.until(lambda: sent() >= case.after)
        qq.fail(case.what, f"{chat.chat.id}/", case.times, case.done)
    try:
        await there.over(chat, turn)
    except TimeoutError:
        return f"{case}: no end: {chat.reads}"
    return f"{case}: {chat.reads}" if wrong(chat) else ""


def wrong(chat: OnQQ) -> bool:
    marked = [text for text in chat.reads if MARK.search(text)]
    fresh = squeezed("".join(text for text in chat.reads if text not in marked))
    again = [squeezed(MARK.sub("", text)) for text in marked]
    answer = squeezed(plain(whole()) if chat.chat.conversation.place == "channel" else whole())
    if not answer.startswith(fresh) or len(chat.chat.shown) > 4:
        return True
    if not again:
        return fresh != answer
    return not all(answer.endswith(text) for text in again) or (
        len(fresh) + len(again[-1]) < len(answer)
    )


def squeezed(text: str) -> str:
    """Without what a message may lose at its ends, and with dots that QQ takes for addresses'."""
    return re.sub(r"\s", "", text.replace("．", "."))


def test_events_that_come_again_are_answered_once() -> None:
    """Pushed three times each; acknowledgements get lost; the line is dropped and replays."""

    async def scene() -> None:
        async with building(layout) as there:
            connected, calling = there.qq["helper"], there.qq["called"]
            connected.rules.repeats = calling.rules.repeats = 2
            connected.rules.replay_more = 50
            calling.rules.webhook_deaf = 1
            chats = [there.chat(door) for door in ("c2c", "group", "webhook", "channel") * 5]
            turns = []
            for number, chat in enumerate(chats):
                turns.append(await chat.says(QUESTION))
                if number % 4 == 3:
                    connected.gateway.drop()
            await asyncio.gather(*map(there.over, chats, turns))
            for chat in chats:
                assert isinstance(chat, OnQQ)
                assert not wrong(chat), chat.reads
                assert not MARK.search("".join(chat.reads))
            assert len(there.sim.requests) == len(chats)

    run(scene())


# In the browser.


@asynccontextmanager
async def tab_of(there: Building) -> Any:
    tab = Tab(there.http)
    try:
        yield tab
    finally:
        await tab.aclose()


@pytest.mark.parametrize("entries", [1, 2, 9])
def test_a_stream_that_drops_goes_on_from_its_last_entry(entries: int) -> None:
    async def scene() -> None:
        async with building(layout) as there, tab_of(there) as tab:
            turn = await tab.post(uuid4().hex, QUESTION)
            await tab.follow(turn, 0)
            for _ in range(1000 // entries):
                await tab.follow(turn, entries)
                if tab.turns[turn].over:
                    break
            await tab.follow(turn)
            assert tab.reads == [whole()]
            assert len(there.sim.requests) == 1

    run(scene())


def test_a_page_that_is_loaded_again_shows_the_same_and_goes_on() -> None:
    async def scene() -> None:
        async with building(layout) as there, tab_of(there) as tab:
            turn = await tab.post(uuid4().hex, QUESTION)
            for entries in (1, 3, 9, 27):
                await tab.follow(turn, entries)
                await tab.reload()
                assert whole().startswith("".join(tab.reads))
            await tab.follow(turn)
            assert tab.reads == [whole()]
            await tab.reload()
            assert tab.reads == [whole()]

    run(scene())


def test_a_message_whose_receipt_is_lost_is_answered_once() -> None:
    async def scene() -> None:
        async with building(layout) as there, tab_of(there) as tab:
            id = uuid4().hex
            await cut_off(there.url, tab, id)
            sent = [tab.post(id, QUESTION) for _ in range(8)]
            (turn,) = set(await asyncio.gather(*sent))
            await tab.follow(turn)
            await cut_off(there.url, tab, id)
            assert await tab.post(id, QUESTION) == turn
            await tab.reload()
            assert tab.reads == [whole()]
            assert len(there.sim.requests) == 1

    run(scene())


def test_other_words_under_a_known_id_are_not_taken_for_sent() -> None:
    async def scene() -> None:
        async with building(layout) as there, tab_of(there) as tab:
            id, path = uuid4().hex, f"/chat/api/conversations/{tab.conversation}"
            turn = await tab.post(id, QUESTION)
            answer = await tab.http.post(f"{path}/messages", json={"id": id, "text": "other"})
            assert answer.status_code == 409
            assert await tab.post(id, QUESTION) == turn
            for meant in (f"{turn}0", "page:\0"):
                stopped = await tab.http.post(f"{path}/stop", json={"turn": meant})
                assert stopped.json() == {"stopped": False}
            await tab.follow(turn)
            assert tab.reads == [whole()]
            assert len(there.sim.requests) == 1

    run(scene())


async def cut_off(url: str, tab: Tab, id: str) -> None:
    """Sends a message, and leaves before the server says anything."""
    body = f'{{"id": "{id}", "text": "{QUESTION}"}}'
    _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(
        f"POST /chat/api/conversations/{tab.conversation}/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def test_a_reader_who_sleeps_and_one_who_comes_late_keep_nobody_waiting() -> None:
    """One takes nothing until all is over, one stays, one comes when it is over."""

    async def scene() -> None:
        async with building(layout) as there, tab_of(there) as tab, tab_of(there) as late:
            turn = await tab.post(uuid4().hex, QUESTION)
            sleeper = await asyncio.open_connection("127.0.0.1", urlsplit(there.url).port)
            path = f"/chat/api/turns/{turn}/events?after=0"
            sleeper[1].write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
            await tab.follow(turn)
            late.conversation = tab.conversation
            await late.follow(turn)
            assert tab.reads == late.reads == [whole()]
            slept = await sleeper[0].readuntil(b'{"end": true}')
            assert slept.count(b"text_added") > 3
            sleeper[1].close()
            await sleeper[1].wait_closed()

    run(scene())
