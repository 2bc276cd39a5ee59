import { describe, expect, it } from "vitest";

import { Events } from "./sse";
import { begin, fold, isCommand, type TurnEvent } from "./turn";

function told(...events: TurnEvent[]) {
  return events.map((event, index) => ({ sequence: index + 1, event })).reduce(fold, begin("t", "hi"));
}

describe("a turn on the page", () => {
  it("grows by its text", () => {
    const turn = told({ type: "step_began", step: 1 }, { type: "text_added", text: "a" }, { type: "text_added", text: "b" });
    expect(turn.blocks).toEqual([{ kind: "text", text: "ab" }]);
  });

  it("is not changed by a replay", () => {
    const entry = { sequence: 1, event: { type: "text_added", text: "a" } as const };
    const once = fold(begin("t", "hi"), entry);
    expect(fold(once, entry)).toBe(once);
  });

  it("forgets the text of the step that is told anew, and no other", () => {
    const turn = told(
      { type: "step_began", step: 1 },
      { type: "text_added", text: "kept" },
      { type: "step_began", step: 2 },
      { type: "text_added", text: "void" },
      { type: "replaced" },
      { type: "text_added", text: "new" },
    );
    expect(turn.blocks).toEqual([
      { kind: "text", text: "kept" },
      { kind: "text", text: "new" },
    ]);
  });

  it("goes on with the text of a step that began again", () => {
    const turn = told(
      { type: "step_began", step: 1 },
      { type: "text_added", text: "half a wo" },
      { type: "noted", sentence: "held on to" },
      { type: "step_began", step: 1 },
      { type: "text_added", text: "rd" },
    );
    expect(turn.blocks).toEqual([
      { kind: "text", text: "half a word" },
      { kind: "note", text: "held on to" },
    ]);
  });

  it("gives each tool its own result", () => {
    const ask = (id: string): TurnEvent => ({ type: "tool_asked", call_id: id, name: id, arguments: "{}" });
    const turn = told(ask("a"), ask("b"), {
      type: "tool_answered",
      call_id: "b",
      name: "b",
      outcome: "ok",
      text: "42",
      ms: 7,
    });
    expect(turn.blocks.map((block) => (block.kind === "tool" ? block.outcome : ""))).toEqual(["running", "ok"]);
  });

  it("shows what a tool brought at its own step", () => {
    const media = [{ path: "media/2/0", kind: "image" as const, name: "a.png", size: 7 }];
    const turn = told(
      { type: "tool_asked", call_id: "a", name: "a", arguments: "{}" },
      { type: "media_added", call_id: "a", media },
      { type: "tool_answered", call_id: "a", name: "a", outcome: "ok", text: "", ms: 7 },
    );
    expect(turn.blocks).toMatchObject([{ kind: "tool", outcome: "ok", media }]);
  });

  it("gives a result to the last call of its id", () => {
    const ask: TurnEvent = { type: "tool_asked", call_id: "call_0", name: "a", arguments: "{}" };
    const answer = (text: string): TurnEvent => ({
      type: "tool_answered",
      call_id: "call_0",
      name: "a",
      outcome: "ok",
      text,
      ms: 7,
    });
    const turn = told(ask, answer("first"), ask, answer("second"));
    expect(turn.blocks).toMatchObject([{ output: "first" }, { output: "second" }]);
  });

  it("leaves no tool running when it ends", () => {
    const turn = told(
      { type: "tool_asked", call_id: "a", name: "a", arguments: "{}" },
      { type: "ended", outcome: "failed", sentence: "No.", ref: "01J" },
    );
    expect(turn.blocks).toMatchObject([{ outcome: "unknown" }]);
  });

  it("ends once with its sentence", () => {
    const turn = told({ type: "ended", outcome: "failed", sentence: "No.", ref: "01J" });
    expect(turn.ended).toEqual({ outcome: "failed", sentence: "No.", ref: "01J" });
    expect(isCommand(turn)).toBe(false);
  });

  it("is a command's where no model was asked", () => {
    const reply: TurnEvent = { type: "said", text: "Model: demo" };
    expect(isCommand(told(reply))).toBe(true);
    expect(isCommand(told({ type: "step_began", step: 1 }, reply))).toBe(false);
  });
});

describe("server-sent events", () => {
  const stream = ': hb\nid: 1\ndata: {"a":1}\r\n\r\ndata: x\ndata: y\n\n';

  it("are the same however they were cut", () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const events = new Events();
      expect([...events.feed(stream.slice(0, cut)), ...events.feed(stream.slice(cut))]).toEqual(['{"a":1}', "x\ny"]);
    }
  });
});
