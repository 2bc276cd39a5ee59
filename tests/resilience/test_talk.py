"""Talk about continuing, in wordings that models use, and text that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.talk import addresses, denies_a_rest, opens_anew, preface

BEYOND_DOUBT = [
    "Sure, here is the continuation:\n\n",
    "Certainly! Continuing from where I left off:\n\n",
    "Sorry for the interruption. Continuing from where I left off:\n",
    "I apologize for the interruption. ",
    "Here's the rest of the answer:\n",
    "Okay. Let me continue where I was cut off:\n\n",
    "Continuing...\n",
    "好的，接着上文继续：\n\n",
    "好的，我继续写：\n",
    "抱歉刚才中断了。",
    "以下是剩余的内容：\n",
    "继续：",
    "接上文：\n",
]


@pytest.mark.parametrize("talk", BEYOND_DOUBT)
def test_an_announcement_is_no_text(talk: str) -> None:
    found = preface(talk + "the lamp was lit at dusk", fence_open=False)
    assert found.certain == len(talk.rstrip(" ")) or found.certain == len(talk)


# Text that begins with the words of talk, and goes on as text.
TEXT = [
    "continued until dawn, and nobody slept.",
    "Sure enough, the lamp went out.",
    "OK is a word of unknown origin.",
    "Of course the keeper knew.",
    "let me in, said the fox.",
    "Here is a table of the lamps:\n\n| a | b |\n",
    "继续教育的意义在于：人总要学习。",
    "好的习惯要从小养成：早睡早起。",
    "当然也有人不同意：他们认为太贵。",
    "抱歉的话说得太多，就没有人听了。",
    "接着他推开门：屋里没有人。",
    "下面是一个带预算的重试循环：\n",
]


@pytest.mark.parametrize("text", TEXT)
def test_text_is_kept(text: str) -> None:
    assert preface(text, fence_open=False).certain == 0


@given(st.text(max_size=300), st.booleans())
def test_offsets_lie_in_the_text_and_the_certain_one_is_possible(new: str, inside: bool) -> None:
    found = preface(new, fence_open=inside)
    assert found.certain == found.likely[0]
    assert 0 in found.likely
    assert all(0 <= offset <= len(new) for offset in found.likely)


def test_messages_begin_otherwise_than_the_middle_of_a_sentence() -> None:
    assert opens_anew("Sure, the lamp")
    assert opens_anew("好的，灯")
    assert not opens_anew("sure of it")
    assert not opens_anew("好的灯")


def test_a_word_to_the_reader_is_no_text() -> None:
    assert addresses("I'm sorry, but I can't help with that.")
    assert addresses("抱歉，我无法协助。")
    assert addresses("How can I help you today?")
    assert not addresses("Then he slept.")
    assert not addresses("Let me know if you need more.")
    assert not addresses("I see. " * 40 + "I cannot say.")


DENIED = [
    "The answer above is already complete.",
    "My previous message was complete.",
    "(The response is finished.)",
    "There is nothing more to add.",
    "Nothing further to add. The answer is complete.",
    "I have nothing else to add.",
    "It appears that your last message was already complete; there is nothing to continue.",
    "上面的回答已经完整。",
    "我的上一条消息已经写完了，没有需要继续的内容。",
    "没有更多内容需要补充了。",
    "（回答已完整）",
]


@pytest.mark.parametrize("said", DENIED)
def test_who_says_that_nothing_is_missing_denies_a_rest(said: str) -> None:
    assert denies_a_rest(said)


@pytest.mark.parametrize(
    "text",
    [
        "The proof is complete.",
        "The answer is 42.",
        "The end.",
        "The answer is complete, but the work has just begun: lamps must be lit.",
        "There is nothing more to add to the sea.",
        "The message was complete nonsense.",
        "全文完。",
        "回答完整的问题需要时间。",
        "没有更多的灯了。",
        "",
    ],
)
def test_text_denies_none(text: str) -> None:
    assert not denies_a_rest(text)
