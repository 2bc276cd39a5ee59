"""What is gathered is written in groups: at once after a silence, and never much later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, cast

import pytest
from tests.upstream.virtual import run_virtual

from holdfast.engine.feed import Feed
from holdfast.engine.writing import Durability, LiveJournal, Nobody, Place
from holdfast.store.ports import Entry, Fence, Json, StoreFailed, Turn, Turns, TurnState

FENCE = Fence("a", 1)
ANSWERS = 10.0  # seconds
TURN = Turn("t", "a", {}, 1.0)


class Slow:
    """A store that takes its time; of `store.ports.Turns` what a journal asks for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.written: list[tuple[float, str]] = []
        self.hard: list[bool] = []  # of what was written
        self.full = False

    def append(
        self, fence: Fence, turn_id: str, entries: Sequence[Entry], hard: bool = False
    ) -> Future[None]:
        return self._write(entries, hard)

    def end(
        self,
        fence: Fence,
        turn_id: str,
        state: TurnState,
        entries: Sequence[Entry] = (),
        hard: bool = False,
    ) -> Future[None]:
        return self._write(entries, hard, " end")

    def keep(
        self,
        turn: Turn,
        entries: Sequence[Entry],
        state: TurnState = TurnState.DONE,
        hard: bool = False,
    ) -> Future[None]:
        return self._write(entries, hard, f" kept {state.value}")

    def _write(self, entries: Sequence[Entry], hard: bool, mark: str = "") -> Future[None]:
        done: Future[None] = Future()
        loop = asyncio.get_running_loop()

        def commit() -> None:
            if self.full:
                done.set_exception(StoreFailed("disk full"))
                return
            told = " ".join(entry.event["text"] for entry in entries)
            self.written.append((round(loop.time(), 6), told + mark))
            self.hard.append(hard)
            done.set_result(None)

        loop.call_later(self.seconds, commit)
        return done


class Said:
    """Text that comes in pieces, and one event for all that came since the last."""

    def __init__(self) -> None:
        self.text = ""

    def take(self) -> Json | None:
        text, self.text = self.text, ""
        return {"type": "said", "text": text} if text else None


Work = Callable[[LiveJournal, Said], Awaitable[None]]


def write(store: Slow, work: Work) -> list[tuple[float, str]]:
    async def main() -> None:
        place = Place(cast(Turns, store), FENCE, "t", Durability(), Nobody(), ANSWERS, 1.0)
        journal = LiveJournal(place, (), Feed(), lambda: None)
        await work(journal, Said())
        await journal.end(TurnState.DONE)

    run_virtual(main())
    return store.written


async def speak(journal: LiveJournal, said: Said, text: str, every: float) -> None:
    for piece in text:
        said.text += piece
        journal.gather(said.take)
        await asyncio.sleep(every)


@pytest.mark.parametrize("every", [0.03, 0.5])
def test_a_slow_speaker_is_written_word_by_word_at_once(every: float) -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        await speak(journal, said, "abcd", every)

    written = write(Slow(0.001), work)
    assert [told for _, told in written] == ["a", "b", "c", "d", " end"]
    times = [at - 0.001 - number * every for number, (at, _) in enumerate(written[:-1])]
    assert times == pytest.approx([0.0] * 4)


def test_a_fast_speaker_is_written_in_groups_the_first_at_once() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        await speak(journal, said, "x" * 100, 0.002)

    written = write(Slow(0.001), work)
    assert written[0] == (0.001, "x")
    assert "".join(told for _, told in written) == "x" * 100 + " end"
    assert len(written) <= 10


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.05])
def test_nothing_waits_for_a_quarter_second_however_busy_the_store(seconds: float) -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        for number in range(300):
            said.text += f"<{number}>"
            journal.gather(said.take)
            await asyncio.sleep(0.01)

    for at, told in write(Slow(seconds), work)[:-1]:
        oldest = int(told.partition("<")[2].partition(">")[0]) * 0.01
        assert at - oldest <= 0.25 + 1e-9


def test_the_busier_the_store_the_larger_the_groups() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        await speak(journal, said, "x" * 500, 0.002)

    idle, busy = (len(write(Slow(seconds), work)) for seconds in (0.001, 0.02))
    assert busy * 3 < idle


def test_a_store_that_hangs_is_away_and_what_it_was_given_is_given_again() -> None:
    feed, shown = Feed(), list[tuple[float, str]]()

    async def main() -> None:
        store = Slow(30.0)
        place = Place(cast(Turns, store), FENCE, "t", Durability(), Nobody(), ANSWERS, 1.0)
        journal = LiveJournal(place, (), feed, lambda: None)

        async def read() -> None:
            async for entry in feed.follow(0):
                shown.append((asyncio.get_running_loop().time(), entry.event["text"]))

        reading = asyncio.create_task(read())
        journal.add({"type": "said", "text": "a"})
        with pytest.raises(StoreFailed, match="does not answer"):
            await journal.settle()
        assert place.durability.trouble
        journal.add({"type": "said", "text": "b"})
        await asyncio.sleep(0.5)
        assert shown == [(ANSWERS, "a"), (ANSWERS, "b")]
        store.seconds = 0.001
        assert await journal.end(TurnState.DONE)
        assert not place.durability.trouble
        assert [told for _, told in store.written] == ["a b end"]
        feed.close(over=True)
        await reading

    run_virtual(main())


def test_what_is_gathered_keeps_its_place_before_what_is_added() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        await speak(journal, said, "ab", 0.002)
        journal.add({"type": "said", "text": "C"})
        await speak(journal, said, "d", 0.002)
        await journal.settle()

    told = [told for _, told in write(Slow(0.001), work)]
    assert " ".join(told).split() == ["a", "b", "C", "d", "end"]


def test_the_last_words_come_with_the_end_in_one_piece() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        await speak(journal, said, "a", 0.01)
        said.text = "b"
        journal.gather(said.take)
        journal.last({"type": "said", "text": "c"})

    assert [told for _, told in write(Slow(0.001), work)] == ["a", "b c end"]


def test_while_the_store_fails_readers_are_told_all_the_same() -> None:
    store, feed = Slow(0.001), Feed()
    seen: list[str] = []

    async def read() -> None:
        async for entry in feed.follow(0):
            seen.append(entry.event["text"])

    async def main() -> None:
        place: Any = Place(cast(Turns, store), FENCE, "t", Durability(), Nobody(), ANSWERS, 1.0)
        journal, said = LiveJournal(place, (), feed, lambda: None), Said()
        reading = asyncio.create_task(read())
        store.full = True
        await speak(journal, said, "abc", 0.1)
        assert seen == ["a", "b", "c"]
        store.full = False
        await journal.end(TurnState.DONE)
        feed.close(over=True)
        await reading

    run_virtual(main())
    assert "".join(told for _, told in store.written).split() == ["a", "b", "c", "end"]


def test_a_store_that_fails_forgets_not_that_the_end_is_to_survive_a_power_cut() -> None:
    store = Slow(0.01)

    async def main() -> None:
        place: Any = Place(cast(Turns, store), FENCE, "t", Durability(), Nobody(), ANSWERS, 1.0)
        journal = LiveJournal(place, (), Feed(), lambda: None)
        store.full = True
        journal.add({"type": "said", "text": "a"})
        await asyncio.sleep(0.005)  # it is on its way, and will fail
        journal.last({"type": "said", "text": "b"})
        await asyncio.sleep(0.1)
        store.full = False
        await journal.end(TurnState.DONE)

    run_virtual(main())
    assert store.hard == [True]


def test_the_last_is_written_with_the_end_even_if_a_write_is_under_way() -> None:
    store = Slow(0.01)

    async def work(journal: LiveJournal, said: Said) -> None:
        journal.add({"type": "said", "text": "a"})
        await asyncio.sleep(0.005)  # it is on its way
        journal.last({"type": "said", "text": "b"})
        await asyncio.sleep(0.02)  # a handler has still to clean up

    assert [told for _, told in write(store, work)] == ["a", "b end"]
    assert store.hard == [False, True]


def test_the_last_of_a_handler_that_failed_all_the_same_is_written() -> None:
    store = Slow(0.01)

    async def work(journal: LiveJournal, said: Said) -> None:
        journal.last({"type": "said", "text": "a"})
        await journal.written()

    assert [told for _, told in write(store, work)] == ["a", " end"]


def test_a_turn_that_the_store_does_not_know_comes_with_its_first_words() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        await asyncio.sleep(0.1)
        await speak(journal, said, "ab", 0.03)

    times_and_told = [(0.101, "a kept running"), (0.131, "b"), (0.161, " end")]
    assert write(Slow(0.001), work) == times_and_told


def test_a_turn_that_ends_at_once_is_written_once() -> None:
    store = Slow(0.001)

    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        await asyncio.sleep(0.1)
        journal.last({"type": "said", "text": "a"})

    assert write(store, work) == [(0.101, "a kept done")]
    assert store.hard == [True]


def test_only_what_is_said_in_the_first_moment_waits_for_more() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        await asyncio.sleep(0.005)
        await speak(journal, said, "ab", 0.01)
        await asyncio.sleep(1.0)

    assert write(Slow(0.001), work) == [(0.026, "ab kept running"), (1.026, " end")]


def test_a_turn_that_says_nothing_is_kept_all_the_same() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        await asyncio.sleep(10.0)

    kept, end = write(Slow(0.001), work)
    assert kept == (0.201, " kept running")
    assert end == (10.001, " end")


def test_a_turn_that_is_put_back_is_kept_first() -> None:
    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        await journal.written()

    assert [told for _, told in write(Slow(0.001), work)] == [" kept running", " end"]


def test_a_turn_is_kept_once_the_store_takes_it() -> None:
    store = Slow(0.001)

    async def work(journal: LiveJournal, said: Said) -> None:
        journal.keep(TURN)
        store.full = True
        await speak(journal, said, "ab", 0.1)
        store.full = False

    assert [told for _, told in write(store, work)] == ["a b kept done"]
    assert store.hard == [True]
