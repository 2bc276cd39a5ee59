"""How much a repetition proves: tables of text in Chinese and English, and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.letters import fold
from holdfast.resilience.overlap import (
    Proof,
    exact_length,
    exact_overlap,
    folded_overlap,
    is_distinct,
)

# old text, new text, how much of the new repeats the old, what that proves
EXACT = [
    ("He lit the lamp at dusk", "the lamp at dusk and slept", 16, Proof.SURE),
    ("先写日期，再写风向", "再写风向，然后点灯", 4, Proof.LIKELY),
    ("他写明哪一个齿轮裂了，光束停了多久", "齿轮裂了，光束停了多久，以及", 11, Proof.SURE),
    ("He lit the lamp", "and slept", 0, Proof.CHANCE),
    ("", "and slept", 0, Proof.CHANCE),
    ("He lit the lamp", "", 0, Proof.CHANCE),
    # A word from its beginning, and one that stops in the middle of the next.
    ("He lit the lamp", "lamp and slept", 4, Proof.LIKELY),
    ("He lit the la", "lamp and slept", 2, Proof.LIKELY),
    ("He lit t", "the lamp", 1, Proof.LIKELY),
    ("The rope is 1", "14 fathoms", 1, Proof.DOUBT),
    # One letter or sign that may as well stand twice.
    ("a good fal", "l from the", 1, Proof.CHANCE),
    ("x = (", "(a + b)", 1, Proof.CHANCE),
    # Chinese doubles a sign as a matter of course.
    ("他每天", "天都去", 1, Proof.DOUBT),
    ("他说哈哈", "哈哈大笑", 2, Proof.DOUBT),
    # What the text does anyway proves nothing.
    ("- [ ] oil the wheel\n- [ ] oil the wheel\n", "- [ ] oil the wheel\n", 20, Proof.DOUBT),
    ("|---|---|", "---|---|", 8, Proof.CHANCE),
    ("-" * 40, "-" * 12, 12, Proof.DOUBT),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "length", "proof"), EXACT)
def test_exact(old: str, new: str, length: int, proof: Proof) -> None:
    found = exact_overlap(old, new)
    assert found.proof is proof
    assert found.length == length or proof is Proof.CHANCE


FOLDED = [
    ("He lit the lamp at dusk.", "HE LIT THE LAMP AT DUSK. Then", 24, Proof.SURE),
    ("先写日期，再写风向，然后点灯", "再写风向, 然后点灯的时刻", 10, Proof.SURE),
    ("call it “the light”", '"the light" again', 11, Proof.LIKELY),
    # The same letters, but other signs: another line of code.
    ("if self.tokens >= 1:", "self.tokens -= 1", 0, Proof.CHANCE),
    ("x = \\int_{-\\infty}^", "{\\infty} e^{-x}", 0, Proof.CHANCE),
    ("the Ｈｏｌｄｆａｓｔ rope", "Holdfast rope holds", 13, Proof.SURE),
    ("the cafe\u0301 on the quay", "the café on the quay was", 20, Proof.SURE),
    ("and the lamp", "oil", 0, Proof.CHANCE),
]


@pytest.mark.parametrize(("old", "new", "length", "proof"), FOLDED)
def test_folded(old: str, new: str, length: int, proof: Proof) -> None:
    found = folded_overlap(fold(old), fold(new), 0)
    assert found.proof is proof
    assert found.length == length or proof is Proof.CHANCE


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_the_longest_overlap_is_found(before: str, shared: str, after: str) -> None:
    old, new = before + shared, shared + after
    length = exact_length(old, new)
    assert length >= len(shared)
    assert old[len(old) - length :] == new[:length]
    assert not any(old.endswith(new[:longer]) for longer in range(length + 1, len(new) + 1))


@given(st.integers(1, 9), st.integers(20, 60), st.text(alphabet="ab|\n", max_size=30))
def test_the_longest_overlap_is_found_where_lines_repeat(
    period: int, lines: int, rest: str
) -> None:
    rows = "".join(f"| {line % period} | ok | 0 | {line % 2} |\n" for line in range(lines))
    old, new = "x" + rows, rows + rest
    length = exact_length(old, new)
    assert length == next(n for n in range(len(old), -1, -1) if new.startswith(old[len(old) - n :]))


@given(st.text(alphabet="ab ,中文", max_size=40), st.integers(0, 40))
def test_folding_agrees_with_exact_where_nothing_is_folded(text: str, cut: int) -> None:
    """A repetition to the letter is one whatever is folded."""
    shared = text[cut:]
    known, fresh = fold(text), fold(shared)
    assert exact_length(known.letters, fresh.letters) >= len(fresh.letters)


@pytest.mark.parametrize(
    ("text", "distinct"),
    [
        ("the lamp was lit", True),
        ("抓牢：绳子虽短", True),
        ("lamp", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("abababababababab", False),
        ("哈哈哈哈哈哈哈哈", False),
        ("", False),
        ("\n```python\n", False),
    ],
)
def test_distinct(text: str, distinct: bool) -> None:
    assert is_distinct(text) is distinct
