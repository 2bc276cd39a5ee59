// What the page shows of a turn: the fold of its journal. Pure, and idempotent by sequence, so
// that a replay after a lost connection changes nothing.

export type ToolOutcome = "ok" | "error" | "timeout" | "unknown" | "refused";

export type TurnEvent =
  | { type: "step_began"; step: number }
  | { type: "text_added"; text: string }
  | { type: "reasoning_added"; text: string }
  | { type: "replaced" }
  | { type: "step_ended"; step: number }
  | { type: "tool_asked"; call_id: string; name: string; arguments: string }
  | { type: "tool_answered"; call_id: string; name: string; outcome: ToolOutcome; text: string; ms: number }
  | { type: "media_added"; call_id: string; media: Media[] }
  | { type: "noted"; sentence: string }
  | { type: "said"; text: string }
  | { type: "ended"; outcome: string; sentence: string; ref: string }
  | { type: "asked" };

// What buttons say to the bot.
export const RETRY = "/retry";
export const CONTINUE = "/continue";

export type Entry = { sequence: number; event: TurnEvent };

/** What a tool brought to be seen; `path` is behind that of its turn. Of old ones no size is known. */
export type Media = { path: string; kind: "image" | "voice" | "video" | "file"; name: string; size: number | null };

export type Tool = {
  kind: "tool";
  id: string;
  name: string;
  input: string;
  outcome: ToolOutcome | "running";
  output: string;
  ms: number;
  media: Media[];
};

export type Block =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "note"; text: string }
  | Tool;

export type Turn = {
  id: string;
  asked: string;
  blocks: Block[];
  last: number; // sequence of the last entry in it
  step: number;
  stepAt: number; // the block at which the present step began: `replaced` goes back to it
  ended: { outcome: string; sentence: string; ref: string } | null;
};

export function begin(id: string, asked: string): Turn {
  return { id, asked, blocks: [], last: 0, step: 0, stepAt: 0, ended: null };
}

export function fold(turn: Turn, entry: Entry): Turn {
  if (entry.sequence <= turn.last) return turn;
  return { ...turn, ...change(turn, entry.event), last: entry.sequence };
}

/** A command was answered, and no model asked. */
export function isCommand(turn: Turn): boolean {
  return turn.step === 0 && turn.blocks.length > 0;
}

/** The words of the answer, as they were written. */
export function answerOf(turn: Turn): string {
  return turn.blocks.flatMap((block) => (block.kind === "text" ? [block.text] : [])).join("\n\n");
}

function change(turn: Turn, event: TurnEvent): Partial<Turn> {
  const { blocks } = turn;
  switch (event.type) {
    case "step_began": // a step that begins again goes on with its text
      return event.step === turn.step ? {} : { step: event.step, stepAt: blocks.length };
    case "text_added":
      return { blocks: grown(blocks, turn.stepAt, "text", event.text) };
    case "reasoning_added":
      return { blocks: grown(blocks, turn.stepAt, "reasoning", event.text) };
    case "replaced":
      return { blocks: blocks.slice(0, turn.stepAt) };
    case "said":
      return { blocks: [...blocks, { kind: "text", text: event.text }] };
    case "noted":
      return event.sentence ? { blocks: [...blocks, { kind: "note", text: event.sentence }] } : {};
    case "tool_asked":
      return { blocks: [...blocks, asked(event)] };
    case "media_added":
      return { blocks: called(blocks, event.call_id, { media: event.media }) };
    case "tool_answered":
      return { blocks: called(blocks, event.call_id, { outcome: event.outcome, output: event.text, ms: event.ms }) };
    case "ended":
      return {
        blocks: blocks.map(halted),
        ended: { outcome: event.outcome, sentence: event.sentence, ref: event.ref },
      };
    default:
      return {};
  }
}

/** A text of one kind goes on in the last block of the present step, whatever was noted since. */
function grown(blocks: Block[], from: number, kind: "text" | "reasoning", more: string): Block[] {
  const at = blocks.findLastIndex((block) => block.kind !== "note");
  const last = blocks[at];
  if (last?.kind === kind && at >= from) {
    return blocks.with(at, { kind, text: last.text + more });
  }
  return [...blocks, { kind, text: more }];
}

function asked(event: Extract<TurnEvent, { type: "tool_asked" }>): Tool {
  const { call_id: id, name, arguments: input } = event;
  return { kind: "tool", id, name, input, outcome: "running", output: "", ms: 0, media: [] };
}

/** What became of a call. Vendors use an id again: it is that of the last call that has it. */
function called(blocks: Block[], id: string, became: Partial<Tool>): Block[] {
  const at = blocks.findLastIndex((block) => block.kind === "tool" && block.id === id);
  return at < 0 ? blocks : blocks.with(at, { ...(blocks[at] as Tool), ...became });
}

/** A turn that has ended runs nothing any more; what became of a call then is not known. */
function halted(block: Block): Block {
  return block.kind === "tool" && block.outcome === "running" ? { ...block, outcome: "unknown" } : block;
}
