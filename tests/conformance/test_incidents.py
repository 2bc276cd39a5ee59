"""One contract over every store of incidents."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conformance.databases import Place, emptied

from holdfast.store.database import Database
from holdfast.store.incidents import SqlIncidents
from holdfast.store.memory import MemoryIncidents
from holdfast.store.ports import Incident, IncidentStore

Make = Callable[[int], IncidentStore]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    if request.param == "memory":
        yield MemoryIncidents
        return
    if request.param == "sqlite":
        database = Database(tmp_path / "holdfast.db")
    else:
        database = Database(emptied(request.getfixturevalue("schema")))
    yield lambda limit: SqlIncidents(database, limit)
    database.close()


def incident(ref: str, at: float, outcome: str = "failed") -> Incident:
    return Incident(ref, at, "gpt-5.5", outcome, "connection_reset", {"ref": ref, "中文": ["好"]})


def test_what_is_put_is_found_again_whole(make: Make) -> None:
    store = make(10)
    store.put([incident("01JAAA", 1.5)])
    assert store.find("01JAAA") == incident("01JAAA", 1.5)
    assert store.find("01jaaa") == incident("01JAAA", 1.5)
    assert store.find("01JBBB") is None
    assert store.find("") is None


def test_an_unambiguous_beginning_is_enough(make: Make) -> None:
    store = make(10)
    store.put([incident("01JAAA", 1), incident("01JAAB", 2)])
    assert store.find("01JAAB") == incident("01JAAB", 2)
    assert store.find("01JA") is None
    assert store.find("01JAA%") is None


def test_a_later_record_replaces_the_earlier_one_of_the_same_ref(make: Make) -> None:
    store = make(10)
    store.put([incident("A", 1, "open")])
    store.put([incident("A", 1, "recovered"), incident("B", 2)])
    assert [(i.ref, i.outcome) for i in store.recent()] == [("B", "failed"), ("A", "recovered")]


def test_the_newest_come_first_and_can_be_paged(make: Make) -> None:
    store = make(10)
    store.put([incident(f"R{n}", float(n)) for n in range(6)])
    first = store.recent(2)
    assert [i.ref for i in first] == ["R5", "R4"]
    assert [i.ref for i in store.recent(2, before=first[-1].at)] == ["R3", "R2"]


def test_the_oldest_make_room(make: Make) -> None:
    store = make(3)
    store.put([incident(f"R{n}", float(n)) for n in range(5)])
    store.put([])
    assert [i.ref for i in store.recent()] == ["R4", "R3", "R2"]


def test_incidents_survive_the_process(place: Place) -> None:
    first = Database(place)
    SqlIncidents(first).put([incident("A", 1)])
    first.close()
    second = Database(place)
    assert SqlIncidents(second).find("A") == incident("A", 1)
    second.close()
