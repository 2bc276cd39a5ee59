"""Long texts: joined as short ones are, in steps that do not grow with them."""

from __future__ import annotations

import pytest

from holdfast.core.attempt import How
from holdfast.core.failure import Failure
from holdfast.resilience import instructed
from holdfast.resilience.joint import Divergence, diverged
from holdfast.resilience.letters import Folded, fold
from holdfast.resilience.splice import Splicer

# Every line differs from the others; the numbers have another order in each.
TEXT = "# The log of the tower\n\n" + "".join(
    f"On day {day} the keeper counted {day * 7919 % 4801} ships and {day * 104729 % 997} gulls.\n"
    for day in range(1, 1400)
)
AT = TEXT.index("ships and", len(TEXT) - 2000) - 3
RELEASED, REST = TEXT[:AT], TEXT[AT:]
MIDDLE = TEXT.index("On day 700 ")


def join(new: str, released: str = RELEASED, *, piece: int = 700) -> str | Failure:
    splicer = Splicer(released, How.INSTRUCT)
    given = ""
    for at in range(0, len(new), piece):
        out = splicer.feed(new[at : at + piece])
        if isinstance(out, Failure):
            return out
        given += out
    last = splicer.finish()
    return last if isinstance(last, Failure) else given + last


@pytest.mark.parametrize(
    "new",
    [
        REST,
        RELEASED[-30:] + REST,
        TEXT,
        "Sure, here is the whole answer again:\n\n" + TEXT,
        TEXT[MIDDLE:],
        TEXT[: MIDDLE // 2].replace("day 11 ", "morning 11 ") + TEXT[MIDDLE // 2 :],
        TEXT.replace("day 300 ", "morning 300 ").replace("day 600 ", "evening 600 "),
    ],
    ids=["exact", "anchor", "restart", "talk", "middle", "drifts early", "drifts later"],
)
def test_the_rest_is_found(new: str) -> None:
    assert join(new) == REST


def test_a_block_of_code_that_began_pages_ago() -> None:
    text = TEXT.replace("On day 40 ", "```log\nOn day 40 ")
    at = AT + len("```log\n")
    assert join("```log\n" + text[text.rindex("\n", 0, at) + 1 :], text[:at]) == text[at:]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (TEXT[:MIDDLE], Divergence.EARLY_END),
        (TEXT[:MIDDLE] + "Nothing came of it. " * 100, Divergence.ANEW),
    ],
)
def test_what_tells_it_again_and_comes_to_no_end(new: str, why: Divergence) -> None:
    assert join(new) == diverged(why)


def test_what_one_step_costs_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted are the characters that are compared sign by sign."""
    compared: list[int] = []

    def counted(text: str) -> Folded:
        compared.append(len(text))
        return fold(text)

    monkeypatch.setattr(instructed, "fold", counted)
    for new in (TEXT, REST, TEXT[MIDDLE:], f"Sure, continuing:\n\n{TEXT}"):
        splicer = Splicer(RELEASED, How.INSTRUCT)
        for at in range(0, len(new), 500):
            compared.clear()
            assert isinstance(splicer.feed(new[at : at + 500]), str)
            assert sum(compared) < 40_000
