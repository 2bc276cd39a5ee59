"""Turns played to their end: what the person reads, what the model is told, what is durable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.stage import (
    MemoryJournal,
    Played,
    Stage,
    breaks,
    call,
    calls,
    chunk,
    in_turn,
    play,
    refuses,
    says,
    sse,
    task,
)
from tests.upstream.virtual import run_virtual

from holdfast.agent import memory
from holdfast.agent.abilities import Abilities
from holdfast.agent.compaction import SQUEEZES
from holdfast.agent.events import (
    Ended,
    ReasoningAdded,
    Replaced,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
)
from holdfast.agent.judging import AT_ONCE
from holdfast.agent.task import Task
from holdfast.agent.tools import AgentTool, ToolContext, tool
from holdfast.core.attempt import Continuation
from holdfast.core.failure import StreamFailed
from holdfast.core.message import Image, Message, Role, Text, ToolCall, said
from holdfast.core.tokens import estimate_tokens
from holdfast.engine.ports import LaneLost
from holdfast.resilience.policy import Policy
from holdfast.upstream.memory import Broken, Reply


class Desk:
    """Tools that keep what they did."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.looked: list[str] = []

    def tools(self) -> list[AgentTool]:
        @tool()
        async def send(to: str) -> str:
            """Sends a letter."""
            self.sent.append(to)
            return f"sent to {to}"

        @tool(pure=True)
        async def look(what: str, context: ToolContext) -> str:
            """Looks something up."""
            self.looked.append(what)
            return f"{what} is blue, {context.values.get('person', 'stranger')}"

        @tool(pure=True, timeout=5)
        async def slow(seconds: float) -> str:
            await asyncio.sleep(seconds)
            return "done"

        @tool(timeout=5)
        async def wire(seconds: float) -> str:
            """Transfers money, some time."""
            self.sent.append("money")
            await asyncio.sleep(seconds)
            return "paid"

        return [send, look, slow, wire]

    def stage(self, *replies: Reply, **more: Any) -> Stage:
        return Stage({"main": in_turn(*replies)}, self.tools(), **more)


ALL = ("send", "look", "slow", "wire")


def last_messages(played: Played, count: int) -> list[Mapping[str, Any]]:
    messages: list[Mapping[str, Any]] = played.stage.bodies[-1]["messages"]
    return messages[-count:]


# Answers.


def test_an_answer_is_read_as_it_comes_and_kept_whole() -> None:
    played = play(in_turn(says("Once upon a time.")), task(persona="You are a bard."))
    assert played.text == "Once upon a time."
    assert played.ended == Ended("finished")
    (step,) = [event for event in played.events if isinstance(event, StepEnded)]
    assert step.message == said(Role.ASSISTANT, "Once upon a time.")
    assert played.stage.bodies[0]["messages"] == [
        {"role": "system", "content": "You are a bard."},
        {"role": "user", "content": "hello"},
    ]


def test_history_is_shown_before_the_question() -> None:
    history = (said(Role.USER, "hi"), said(Role.ASSISTANT, "hello"))
    played = play(in_turn(says("ok")), task("and now?", history=history))
    assert [m["content"] for m in played.stage.bodies[0]["messages"]] == ["hi", "hello", "and now?"]


def test_reasoning_is_shown_only_where_it_is_wanted() -> None:
    thought = Reply(
        (
            b'data: {"choices":[{"delta":{"reasoning_content":"Hm."}}]}\n\n',
            b'data: {"choices":[{"delta":{"content":"Yes."},"finish_reason":"stop"}]}\n\n',
            b"data: [DONE]\n\n",
        )
    )
    hidden = play(in_turn(thought))
    assert not [e for e in hidden.events if isinstance(e, ReasoningAdded)]
    shown = play(in_turn(thought), task(show_reasoning=True))
    assert [e.text for e in shown.events if isinstance(e, ReasoningAdded)] == ["Hm."]
    for played in (hidden, shown):
        (step,) = [e for e in played.events if isinstance(e, StepEnded)]
        assert (step.message.text, step.message.reasoning) == ("Yes.", "Hm.")


def test_an_unknown_route_is_an_end_like_any_other() -> None:
    played = play(Stage({}), task())
    assert (played.ended.outcome, played.ended.key) == ("failed", "no_route")


# Tools.


def test_a_tool_is_called_and_its_result_shown_to_the_model() -> None:
    desk = Desk()
    first = calls(call("look", {"what": "sky"}), text="Let me see.")
    stage = desk.stage(first, says("It is blue."))
    played = play(stage, task(tools=ALL, context={"person": "Ann"}))
    assert desk.looked == ["sky"]
    assert played.text == "Let me see.\n\nIt is blue."
    assert played.ended == Ended("finished")
    assistant, result = last_messages(played, 2)
    assert assistant["tool_calls"][0]["function"]["name"] == "look"
    assert result == {
        "role": "tool",
        "tool_call_id": "call_0",
        "content": "sky is blue, Ann",
    }
    offered = [t["function"]["name"] for t in stage.bodies[0]["tools"]]
    assert offered == list(ALL)


def test_a_call_told_in_pieces_of_which_each_says_more_is_one_call() -> None:
    desk = Desk()
    whole = call("send", {"to": "a"}, "c1")
    arguments = whole["function"]["arguments"]
    first = {**whole, "function": {"name": "send", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in arguments]
    told = [chunk({"tool_calls": [piece], "obfuscation": "x"}) for piece in (first, *pieces)]
    calling = Reply((sse(*told, chunk({}, "tool_calls")),))
    played = play(desk.stage(calling, says("Sent.")), task(tools=ALL))
    assert (desk.sent, played.text) == (["a"], "Sent.")


def test_calls_run_side_by_side() -> None:
    both = calls(call("slow", {"seconds": 3}, "a"), call("slow", {"seconds": 2.5}, "b"))
    played = play(Desk().stage(both, says("ok")), task(tools=ALL))
    assert played.seconds == pytest.approx(3.0)
    assert [m["tool_call_id"] for m in last_messages(played, 2)] == ["a", "b"]


def test_the_intent_is_durable_before_the_tool_runs_and_the_result_before_the_next_step() -> None:
    desk = Desk()
    journal = MemoryJournal()
    seen: list[tuple[int, int]] = []

    @tool()
    async def send(to: str) -> str:
        kinds = [entry["type"] for entry in journal.entries[: journal.settled]]
        seen.append((kinds.count("tool_asked"), kinds.count("step_ended")))
        return "sent"

    def second(body: Mapping[str, Any]) -> Reply:
        settled = [entry["type"] for entry in journal.entries[: journal.settled]]
        seen.append((settled.count("tool_answered"), len(body["messages"])))
        return says("ok")

    def answer(body: Mapping[str, Any]) -> Reply:
        called = body["messages"][-1]["role"] == "tool"
        return second(body) if called else calls(call("send", {"to": "a"}))

    stage = Stage({"main": answer}, [send])
    play(stage, task(tools=("send",)), journal)
    assert seen == [(1, 1), (1, 3)]
    assert desk.sent == []


def test_calls_without_number_are_run_a_few_at_once() -> None:
    running: list[int] = []
    most: list[int] = []

    @tool()
    async def pay(n: int) -> str:
        running.append(n)
        most.append(len(running))
        await asyncio.sleep(0.01)
        running.remove(n)
        return f"paid {n}"

    asked = calls(*(call("pay", {"n": n}) for n in range(100)))
    played = play(Stage({"main": in_turn(asked, says("done"))}, [pay]), task(tools=("pay",)))
    assert (played.text, max(most)) == ("done", AT_ONCE)
    assert sorted(played.answers) == sorted(("ok", f"paid {n}") for n in range(100))


def test_a_tool_that_takes_too_long_is_stopped_and_told() -> None:
    stage = Desk().stage(calls(call("slow", {"seconds": 60})), says("sorry"))
    played = play(stage, task(tools=ALL))
    assert played.seconds == pytest.approx(5.0)
    assert [outcome for outcome, _ in played.answers] == ["timeout"]
    assert played.text == "sorry"


def test_a_tool_with_effects_that_takes_too_long_has_an_unknown_outcome() -> None:
    stage = Desk().stage(calls(call("wire", {"seconds": 60})), says("sorry"))
    played = play(stage, task(tools=ALL))
    ((outcome, text),) = played.answers
    assert outcome == "timeout"
    assert "not known whether" in text
    assert played.noted("tool_unknown") == [{"tool": "wire"}]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (call("fly", {}), 'no tool called "fly"'),
        (call("send", {"whom": "a"}), "to: Field required"),
        (call("send", {"to": 7}), "to: Input should be a valid string"),
    ],
)
def test_a_call_that_cannot_be_run_is_told_so_that_it_can_be_mended(
    made: Mapping[str, Any], told: str
) -> None:
    desk = Desk()
    mended = calls(call("send", {"to": "bob"}))
    played = play(desk.stage(calls(made), mended, says("Sent.")), task(tools=ALL))
    assert desk.sent == ["bob"]
    assert told in played.answers[0][1]
    assert played.intents == [("send", '{"to": "bob"}')]
    assert played.text == "Sent."


def test_output_that_is_too_long_is_read_on_page_by_page() -> None:
    book = "".join(f"{n:05}." for n in range(6000))

    @tool(pure=True)
    async def read() -> str:
        return book

    def reader(body: Mapping[str, Any]) -> Reply:
        result = body["messages"][-1]
        if result["role"] != "tool":
            return calls(call("read"))
        if (at := result["content"].rfind("offset=")) >= 0:
            offset = int(result["content"][at + 7 :].rstrip(")]"))
            return calls(call("read_more", {"call_id": "call_0", "offset": offset}, f"p{offset}"))
        return says("read it all")

    played = play(Stage({"main": reader}, [read]), task(tools=("read",)))
    assert played.text == "read it all"
    pages = [text.partition("\n\n[")[0] for _, text in played.answers]
    assert "".join(pages) == book
    assert len(pages) == 3


def test_a_tool_that_is_missing_does_not_stop_the_turn() -> None:
    played = play(Desk().stage(says("ok")), task(tools=("look", "gone", "mcp:away")))
    assert played.text == "ok"
    assert [note["tool"] for note in played.noted("tool_missing")] == ["gone", "mcp:away"]


def test_steps_are_bounded_and_the_last_is_an_answer() -> None:
    counter = iter(range(100))

    def busy(body: Mapping[str, Any]) -> Reply:
        if body.get("tool_choice") == "none":
            return says("That is what I found.")
        return calls(call("look", {"what": str(next(counter))}))

    desk = Desk()
    played = play(Stage({"main": busy}, desk.tools()), task(tools=ALL, max_steps=4))
    assert len(desk.looked) == 3
    assert played.text == "That is what I found."
    assert (played.ended.outcome, played.ended.key) == ("limited", "too_many_steps")


def test_a_model_that_calls_in_spite_of_all_is_stopped() -> None:
    counter = iter(range(100))
    desk = Desk()
    stage = Stage(
        {"main": lambda _: calls(call("look", {"what": str(next(counter))}))}, desk.tools()
    )
    played = play(stage, task(tools=ALL, max_steps=4))
    assert (played.ended.outcome, played.ended.key) == ("limited", "too_many_steps")
    assert len(stage.asked) == 4
    assert len(desk.looked) == 3


def test_the_same_call_over_and_over_is_run_once() -> None:
    desk = Desk()
    stage = Stage({"main": lambda _: calls(call("send", {"to": "a"}))}, desk.tools())
    played = play(stage, task(tools=ALL))
    assert desk.sent == ["a"]
    assert len(stage.asked) == 4
    assert played.ended.outcome == "limited"


@pytest.mark.parametrize("text", ["", "Let me see."])
def test_a_model_that_writes_calls_as_text_again_and_again_is_stopped(text: str) -> None:
    """Nobody reads the call, nothing is run, and the end says so."""
    desk = Desk()
    written = f'{text}\n```json\n{{"name": "send", "arguments": {{"to": "bob"}}}}\n```'
    played = play(desk.stage(says(written)), task(tools=ALL))
    assert played.ended == Ended("limited", "spoken_call")
    assert len(played.stage.asked) == 2
    assert desk.sent == []
    assert "send" not in played.text
    assert played.noted("spoken_call") == [{"tool": "send"}] * 2
    assert "written out as text" in last_messages(played, 1)[0]["content"]


def test_ids_that_a_vendor_counts_anew_with_every_answer_are_told_apart() -> None:
    """Anthropic takes no id twice, and an output that goes on is found by the id of its call."""
    desk = Desk()
    one, two = (calls(call("look", {"what": what}, "call_0")) for what in ("sky", "sea"))
    past = Message(Role.ASSISTANT, (), (ToolCall("call_0", "look", "{}"),))
    history = (said(Role.USER, "hi"), past, Message(Role.TOOL, (Text("."),), answers="call_0"))
    played = play(desk.stage(one, two, says("ok")), task(tools=ALL, history=history))
    messages = played.stage.bodies[-1]["messages"]
    made = [one["id"] for m in messages for one in m.get("tool_calls", ())]
    assert made == ["call_0", "call_0_2", "call_0_3"]
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == made


def test_a_name_that_no_vendor_takes_is_told_and_not_sent_back() -> None:
    desk = Desk()
    played = play(
        desk.stage(calls(call("functions.send", {"to": "a"})), says("ok")), task(tools=ALL)
    )
    assert desk.sent == []
    assert 'no tool called "functions.send"' in played.answers[0][1]
    assert last_messages(played, 2)[0]["tool_calls"][0]["function"]["name"] == "functions_send"


# Failures.


def test_a_rescued_answer_is_whole_and_says_that_it_was_rescued() -> None:
    played = play(in_turn(refuses(502, {"message": "bad gateway"}), says("whole")))
    assert played.text == "whole"
    assert played.noted("rescued") == [{"ref": "REF1", "attempts": 2}]
    assert played.ended == Ended("finished")


def test_a_failure_is_an_end_with_its_cause_and_reference() -> None:
    secret = "sk-abcdefghijklmnop"
    error = {"message": f"Incorrect API key provided: {secret}", "code": "invalid_api_key"}
    played = play(in_turn(refuses(401, error)))
    ended = played.ended
    assert (ended.outcome, ended.key, ended.ref) == ("failed", "auth", "REF1")
    assert ended.failure is not None
    assert ended.failure["status"] == 401
    assert secret not in json.dumps(played.journal.entries)


def test_a_prompt_that_is_too_long_is_made_shorter_and_asked_again() -> None:
    too_long = refuses(400, {"message": "too long", "code": "context_length_exceeded"})
    history = tuple(
        said(role, f"{n} " + "word " * 100)
        for n in range(20)
        for role in (Role.USER, Role.ASSISTANT)
    )
    played = play(in_turn(too_long, says("ok")), task(history=history))
    assert played.text == "ok"
    first, second = (len(json.dumps(body["messages"])) for body in played.stage.bodies)
    assert second < first * 0.7
    assert [e.why for e in played.events if isinstance(e, StepBegan)] == ["ask", "compacted"]
    assert played.noted("compacted")[0]["turns"] > 5


@pytest.mark.parametrize("sentence", ["A long sentence here. ", "这是很长的一句话。", "x"])
def test_one_giant_message_fits_even_a_model_of_a_small_context(sentence: str) -> None:
    """4096 tokens, as many a server at home has, where 32 768 were supposed."""
    error = {"message": "maximum context length is 4096 tokens", "code": "context_length_exceeded"}

    def model(body: Mapping[str, Any]) -> Reply:
        weight = sum(estimate_tokens(message["content"]) for message in body["messages"])
        return says("ok") if weight < 4000 else refuses(400, error)

    assert play(model, task(sentence * 40_000)).text == "ok"


@settings(max_examples=25, deadline=None)
@given(
    turns=st.integers(0, 6),
    words=st.integers(1, 3000),
    output=st.integers(1, 30_000),
    taken=st.integers(0, 120_000),
)
def test_a_prompt_that_is_too_long_ends_soon_in_an_answer_or_an_end(
    turns: int, words: int, output: int, taken: int
) -> None:
    """Whatever an upstream takes at the most: each request is smaller, and has the question."""
    past: list[Message] = []
    for n in range(turns):
        past += [said(Role.USER, "q " * words)]
        past += [Message(Role.ASSISTANT, (), (ToolCall(f"c{n}", "look", "{}"),))]
        past += [Message(Role.TOOL, (Text("r " * output),), answers=f"c{n}")]
        past += [said(Role.ASSISTANT, "a " * words)]
    error = {"message": "too many tokens", "code": "context_length_exceeded"}

    def model(body: Mapping[str, Any]) -> Reply:
        return says("ok") if len(json.dumps(body)) <= taken else refuses(400, error)

    played = play(model, task("and what of it?", history=tuple(past)))
    sizes = [len(json.dumps(body)) for body in played.stage.bodies]
    assert len(sizes) <= 1 + len(SQUEEZES)
    assert sizes == sorted(set(sizes), reverse=True)
    for body in played.stage.bodies:
        assert body["messages"][-1] == {"role": "user", "content": "and what of it?"}
    whole = sizes[-1] <= taken
    assert played.text == ("ok" if whole else "")
    assert (played.ended.outcome, played.ended.key) == (
        ("finished", "") if whole else ("failed", "too_long")
    )


TOO_LONG = {"message": "too long", "code": "context_length_exceeded"}


def _has_picture(body: Mapping[str, Any]) -> bool:
    return "image_url" in json.dumps(body)


def test_a_prompt_whose_pictures_are_too_long_is_asked_without_them() -> None:
    """Of a few words and a picture there is nothing to squeeze."""

    def model(body: Mapping[str, Any]) -> Reply:
        return refuses(400, TOO_LONG) if _has_picture(body) else says("ok")

    asked = Message(Role.USER, (Text("look"), PICTURE))
    stage = Stage({"main": model}, abilities={"main": Abilities(vision=True)})
    assert play(stage, Task("main", asked)).text == "ok"
    assert len(stage.asked) == 2


def test_what_was_squeezed_for_the_sake_of_pictures_is_there_again_without_them() -> None:
    def model(body: Mapping[str, Any]) -> Reply:
        return refuses(400, TOO_LONG) if _has_picture(body) else says("ok")

    history = tuple(
        said(role, f"{n} " + "word " * 100)
        for n in range(20)
        for role in (Role.USER, Role.ASSISTANT)
    )
    asked = Message(Role.USER, (Text("look"), PICTURE))
    stage = Stage({"main": model}, abilities={"main": Abilities(vision=True)})
    assert play(stage, Task("main", asked, history=history)).text == "ok"
    sizes = [len(body["messages"]) for body in stage.bodies]
    assert sizes[-1] >= len(history)


def test_tools_that_are_too_long_to_tell_are_gone_without() -> None:
    @tool()
    async def wordy() -> str:
        return "done"

    wordy = replace(wordy, tool=replace(wordy.tool, description="word " * 50_000))

    def model(body: Mapping[str, Any]) -> Reply:
        return refuses(400, TOO_LONG) if "tools" in body else says("ok")

    assert play(Stage({"main": model}, [wordy]), task(tools=("wordy",))).text == "ok"


def test_a_persona_that_is_too_long_is_not_asked_again_in_vain() -> None:
    too_long = refuses(400, {"message": "too long", "code": "context_length_exceeded"})
    played = play(in_turn(too_long), task(persona="be brief. " * 5000))
    assert (played.ended.outcome, played.ended.key) == ("failed", "too_long")
    assert len(played.stage.asked) == 1


def test_a_model_that_takes_no_tools_is_asked_without() -> None:
    error = {"message": "tools are not supported", "code": "unsupported_parameter"}

    def plain(body: Mapping[str, Any]) -> Reply:
        return refuses(400, error) if "tools" in body else says("no tools, but words")

    played = play(Stage({"main": plain}, Desk().tools()), task(tools=ALL))
    assert played.text == "no tools, but words"


# Images.

PICTURE = Image(url="https://example.com/a.png")
ASKED = Message(Role.USER, (Text("what is it?"), PICTURE))


def test_images_go_to_a_model_that_sees() -> None:
    stage = Stage({"main": in_turn(says("a cat"))}, abilities={"main": Abilities(vision=True)})
    played = play(stage, replace(task(), asked=ASKED))
    assert played.stage.bodies[0]["messages"][0]["content"][1]["type"] == "image_url"
    assert not played.noted("image_unseen")


def test_a_model_that_does_not_see_is_told_and_so_is_the_person() -> None:
    played = play(in_turn(says("what image?")), replace(task(), asked=ASKED))
    (message,) = played.stage.bodies[0]["messages"]
    assert message["content"] == "what is it?[an image was sent here that you cannot see]"
    assert played.noted("image_unseen") == [{"route": "main"}]


def test_images_are_described_by_a_route_that_sees() -> None:
    stage = Stage(
        {"main": in_turn(says("a cat")), "eyes": in_turn(says("A grey cat."))},
        abilities={"eyes": Abilities(vision=True)},
    )
    played = play(stage, replace(task(caption_route="eyes"), asked=ASKED))
    (_, body) = stage.asked[-1]
    assert body["messages"][0]["content"] == "what is it?[image: A grey cat.]"
    assert not played.noted("image_unseen")


def test_a_description_that_cannot_be_had_is_no_failure() -> None:
    stage = Stage(
        {"main": in_turn(says("a cat")), "eyes": in_turn(refuses(401, {"message": "no"}))},
        abilities={"eyes": Abilities(vision=True)},
    )
    played = play(stage, replace(task(caption_route="eyes"), asked=ASKED))
    assert played.text == "a cat"
    assert played.noted("image_unseen")


# Long conversations.


def long_history(turns: int = 30) -> tuple[Message, ...]:
    return tuple(
        said(role, f"{n} " + "word " * 400)
        for n in range(turns)
        for role in (Role.USER, Role.ASSISTANT)
    )


SMALL = {"main": Abilities(context_tokens=8000), "short": Abilities(context_tokens=32_000)}


def test_the_oldest_turns_are_summarised_once() -> None:
    stage = Stage(
        {"main": in_turn(says("ok")), "short": in_turn(says("They spoke of words."))},
        abilities=SMALL,
    )
    history = long_history()
    asked = task(history=history, summary_route="short", persona="P")
    later = replace(asked, history=(*history, said(Role.USER, "x"), said(Role.ASSISTANT, "y")))
    journals = [MemoryJournal(), MemoryJournal()]

    async def main() -> None:
        for what, journal in zip((asked, later), journals, strict=True):
            await stage.runner.run(what, journal)
        await stage.executor.aclose()

    run_virtual(main())
    assert [host for host, _ in stage.asked] == ["short.invalid", "main.invalid", "main.invalid"]
    system = stage.bodies[1]["messages"][0]
    assert system["content"] == (
        "P\n\nWhat was said earlier in this conversation, in short:\nThey spoke of words."
    )
    assert stage.bodies[2]["messages"][0] == system
    assert any(entry["type"] == "noted" for entry in journals[0].entries)
    assert not any(entry["type"] == "noted" for entry in journals[1].entries)


def test_what_was_left_out_of_a_long_history_is_found_in_one_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A question in a conversation of years must not cost its square."""
    stage = Stage({"main": in_turn(says("ok"))}, abilities=SMALL)
    history = long_history(turns=200)
    walked: list[Message] = []

    def counted(message: Message) -> bytes:
        walked.append(message)
        return repr(message).encode()

    monkeypatch.setattr(memory, "_bytes_of", counted)
    play(stage, task(history=history))
    assert 0 < len(walked) <= 3 * len(history)


def test_a_summary_that_cannot_be_had_is_no_failure() -> None:
    stage = Stage(
        {"main": in_turn(says("ok")), "short": in_turn(refuses(401, {"message": "no"}))},
        abilities=SMALL,
    )
    played = play(stage, task(history=long_history(), summary_route="short"))
    assert played.text == "ok"
    assert played.noted("summary_failed") == [{"kind": "auth"}]
    assert played.noted("compacted")[0]["summarised"] is False
    assert "turns of this conversation are left out" in stage.bodies[-1]["messages"][0]["content"]


def test_a_summary_that_does_not_come_is_not_waited_for_forever() -> None:
    stage = Stage(
        {"main": in_turn(says("ok")), "short": in_turn(Reply(think=10_000.0))}, abilities=SMALL
    )
    played = play(stage, task(history=long_history(), summary_route="short"))
    assert played.text == "ok"
    assert played.seconds < 100


def test_an_answer_that_was_cut_in_another_turn_is_gone_on_with() -> None:
    whole = "The quick brown fox jumps over the lazy dog, and then goes home to sleep."
    played = play(in_turn(says(whole[16:])), task(released=whole[:40]))
    assert played.text == whole[40:]
    (step,) = [event for event in played.events if isinstance(event, StepEnded)]
    assert step.message.text == whole
    assert played.ended == Ended("finished")


# The end of a process, and of the person's patience.


def killed(stage: Stage, what: Any, seconds: float) -> MemoryJournal:
    """The journal of a turn whose process dies after so many seconds."""

    async def main() -> MemoryJournal:
        journal = MemoryJournal()
        running = asyncio.create_task(stage.runner.run(what, journal))
        asyncio.get_running_loop().call_later(seconds, running.cancel)
        with pytest.raises(asyncio.CancelledError):
            await running
        await stage.executor.aclose()
        return journal

    return run_virtual(main())


def test_an_answer_goes_on_in_another_life_from_what_was_read() -> None:
    whole = "The quick brown fox jumps over the lazy dog, and then goes home to sleep."
    first = killed(Desk().stage(breaks(whole[:40], 3600.0)), task(), 1.0)
    second = Desk().stage(says(whole[16:]))
    played = play(second, task(), first.after_kill(len(first.entries)))
    assert played.text == whole
    assert played.ended == Ended("finished")
    assert [e.why for e in played.events if isinstance(e, StepBegan)] == ["ask", "resumed"]
    assert len(second.asked) == 1


def test_a_tool_that_was_running_is_not_run_again() -> None:
    desk = Desk()
    made = calls(call("wire", {"seconds": 3}))
    first = killed(desk.stage(made), task(tools=ALL), 1.0)
    played = play(desk.stage(says("I don't know")), task(tools=ALL), first.after_kill())
    assert desk.sent == ["money"]
    assert [outcome for outcome, _ in played.answers] == ["unknown"]
    assert played.noted("tool_unknown") == [{"tool": "wire"}]
    assert played.text == "I don't know"


def letters(body: Mapping[str, Any]) -> Reply:
    """A model that sends a letter and says so, and goes on with what it had begun."""
    messages = body["messages"]
    begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    if any(message["role"] == "tool" for message in messages):
        return says("It is sent.".removeprefix(begun))
    return calls(call("send", {"to": "a"}), text="Sending.".removeprefix(begun))


def test_no_end_of_a_process_runs_a_tool_twice_or_loses_the_turn() -> None:
    """The process dies after each entry in turn, and another goes on from what is durable."""
    desk = Desk()
    whole = play(Stage({"main": letters}, desk.tools()), task(tools=ALL))
    assert (whole.text, desk.sent) == ("Sending.\n\nIt is sent.", ["a"])
    for kept in range(len(whole.journal.entries)):
        desk.sent.clear()
        past = whole.journal.after_kill(kept)
        begun = any(entry["type"] == "tool_asked" for entry in past.entries)
        stage = Stage({"main": letters}, desk.tools(), continuation=Continuation.PREFILL)
        played = play(stage, task(tools=ALL), past)
        assert len(desk.sent) == (0 if begun else 1), kept
        assert played.text == whole.text, kept
        assert played.ended == whole.ended, kept


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        ("It is blue.", "finished"),
        ("天空是蓝色的。", "finished"),
        ("It is done. 👩🏾‍🔬", "finished"),
        ("So it goes:\n\n`", "failed"),
        ("```py\nx\n```", "finished"),
        ("It is done 🎉", "failed"),
        ("It is done 👋🏽", "failed"),
        ("Look: `x = 1`", "finished"),
        ("So:\n$$x = 1.$$", "finished"),
        ("So:\n$$x = 1.", "failed"),
        ("It is", "failed"),
        ("First, ", "failed"),
        ("It is blue and:", "failed"),
        ("```py\nprint(1).", "failed"),
    ],
)
def test_whose_text_ends_and_who_has_nothing_to_add_has_said_all(read: str, outcome: str) -> None:
    """The process died between the last word and the end, and the model is silent now."""
    first = killed(Desk().stage(breaks(read, 3600.0)), task(), 1.0)
    silent = Reply((sse(chunk({}, "stop")),))

    def model(body: Mapping[str, Any]) -> Reply:
        begun = any(message["role"] == "assistant" for message in body["messages"])
        return silent if begun else says("Quite another answer.")

    stage = Stage({"main": model}, Desk().tools())
    played = play(stage, task(), first.after_kill(len(first.entries)))
    assert played.text == read
    assert played.ended.outcome == outcome


@pytest.mark.parametrize("said", [(), (sse(chunk({}, "stop")),)])
def test_an_upstream_that_says_nothing_to_anything_proves_nothing(said: tuple[bytes, ...]) -> None:
    first = killed(Desk().stage(breaks("It is blue.", 3600.0)), task(), 1.0)
    played = play(Desk().stage(Reply(said)), task(), first.after_kill(len(first.entries)))
    assert played.ended.outcome == "failed"


def test_the_person_may_stop_an_answer() -> None:
    async def main() -> MemoryJournal:
        stage = Stage({"main": in_turn(breaks("half an ans", 3600.0))})
        journal = MemoryJournal()
        running = asyncio.create_task(stage.runner.run(task(), journal, lambda: True))
        journal.on_add = lambda e: running.cancel() if e["type"] == "text_added" else None
        assert (await running).outcome == "stopped"
        await stage.executor.aclose()
        return journal

    journal = run_virtual(main())
    assert journal.events[-1] == Ended("stopped")
    assert journal.settled == len(journal.entries)


def test_a_stopped_tool_with_effects_has_an_unknown_outcome() -> None:
    async def main() -> MemoryJournal:
        desk = Desk()
        both = calls(call("wire", {"seconds": 4}, "a"), call("slow", {"seconds": 4}, "b"))
        stage = desk.stage(both)
        journal = MemoryJournal()
        stopping: list[bool] = []

        def stop() -> None:
            stopping.append(running.cancel())

        work = stage.runner.run(task(tools=ALL), journal, lambda: bool(stopping))
        running = asyncio.create_task(work)
        asyncio.get_running_loop().call_later(1, stop)
        assert (await running).outcome == "stopped"
        await stage.executor.aclose()
        return journal

    events = run_virtual(main()).events
    answers = {e.call_id: e.outcome for e in events if isinstance(e, ToolAnswered)}
    assert answers == {"a": "unknown", "b": "refused"}
    assert events[-1] == Ended("stopped")


def test_a_lost_lane_stops_the_turn_unheard() -> None:
    async def main() -> MemoryJournal:
        desk = Desk()
        stage = desk.stage(calls(call("send", {"to": "a"})), says("ok"))
        journal = MemoryJournal()

        async def lost() -> None:
            if any(isinstance(event, ToolAsked) for event in journal.events):
                raise LaneLost

        journal.on_settle = lost
        with pytest.raises(LaneLost):
            await stage.runner.run(task(tools=ALL), journal)
        await stage.executor.aclose()
        assert desk.sent == []
        return journal

    journal = run_virtual(main())
    assert not any(isinstance(event, Ended) for event in journal.events)


def test_a_process_that_stops_leaves_the_turn_to_the_next() -> None:
    async def main() -> MemoryJournal:
        stage = Stage({"main": in_turn(breaks("half", 3600.0))})
        journal = MemoryJournal()
        running = asyncio.create_task(stage.runner.run(task(), journal))
        while not any(e["type"] == "text_added" for e in journal.entries):
            await asyncio.sleep(0)
        await stage.executor.aclose()
        with pytest.raises(StreamFailed):
            await running
        return journal

    journal = run_virtual(main())
    assert not any(isinstance(event, Ended) for event in journal.events)


def test_a_turn_that_has_ended_is_not_run_again() -> None:
    first = play(in_turn(says("done")))
    again = play(in_turn(says("twice?")), journal=first.journal.after_kill())
    assert again.stage.asked == []
    assert again.text == "done"


def test_nothing_waits_past_the_deadline_of_a_call() -> None:
    stage = Stage({"main": in_turn(Reply(think=10_000.0))}, policy=Policy(deadline=20.0))
    played = play(stage)
    assert played.seconds <= 20.0
    assert (played.ended.outcome, played.ended.key) == ("failed", "deadline")


def test_a_connection_that_breaks_for_good_leaves_what_was_read() -> None:
    stage = Stage({"main": in_turn(breaks("Once upon a time", Broken.RESET))})
    played = play(stage)
    assert played.text.startswith("Once upon a time")
    assert played.ended.outcome == "failed"
    assert played.ended.values["released"] == len(played.text)


@pytest.mark.parametrize("replaceable", [True, False])
def test_an_answer_that_cannot_be_continued_is_told_anew_where_it_may(replaceable: bool) -> None:
    replies = in_turn(breaks("Once upon a", Broken.RESET), says("There was a king."))
    stage = Stage({"main": replies}, continuation=Continuation.NEVER)
    played = play(stage, task(replaceable=replaceable))
    if not replaceable:
        assert played.ended.outcome == "failed"
        assert Replaced() not in played.events
        return
    assert played.ended == Ended("finished")
    told = [e for e in played.events if isinstance(e, TextAdded | Replaced)]
    void = told.index(Replaced())
    assert told.count(Replaced()) == 1
    assert "".join(e.text for e in told[:void] if isinstance(e, TextAdded)) == "Once upon a"
    assert "".join(e.text for e in told[void:] if isinstance(e, TextAdded)) == "There was a king."
    (step,) = [event for event in played.events if isinstance(event, StepEnded)]
    assert step.message == said(Role.ASSISTANT, "There was a king.")
