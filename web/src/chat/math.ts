// Formulas as models write them, put so that Markdown leaves them alone: it would take their
// backslashes and underscores for its own. A formula becomes code, which `Markdown` shows as one.
// Pure.

export const MARK = "\uE000"; // before a formula within a line, as code
export const MATH = "math"; // the language of a block of code that is a formula

const PATTERNS = [
  /(?<fence>(?:^|(?<=\n))[ >]*(?<marks>`{3,}|~{3,})[^\n]*(?:\n(?![ >]*\k<marks>)[^\n]*)*)/,
  /(?<code>(?<ticks>`+)(?!`)[^]*?[^`]\k<ticks>(?!`))/,
  /(?<!\\)\\\[(?<bracketed>[^]+?)\\\]/,
  /\$\$(?<doubled>[^$]+?)\$\$/,
  /(?<!\\)\\\((?<inline>[^\n]+?)\\\)/,
  // As Pandoc has it, so that prices are none: no space inside, no digit behind.
  /(?<![\\$\w])\$(?<single>(?![\s$])[^\n$]*?[^\s\\$])\$(?![$\w])/,
  /(?<open>(?<!\\)\\[[(])/,
];
const FORMULA = new RegExp(PATTERNS.map(({ source }) => source).join("|"), "g");

export function withFormulas(source: string): string {
  if (!/[$\\]/.test(source)) return source;
  return source.replace(FORMULA, (...found) => {
    const whole = found[0] as string;
    const [at, all, groups] = found.slice(-3) as [number, string, Record<string, string | undefined>];
    const { bracketed, doubled, inline, single, open } = groups;
    if (open) return `\\${open}`; // the end is still to come, or there is none: shown as it is
    const display = bracketed ?? doubled;
    const formula = (display ?? inline ?? single)?.trim();
    if (!formula) return whole;
    return display && stands(all, at, whole.length) ? block(formula, indent(all, at)) : span(formula);
  });
}

/** Whether nothing else is on the lines of it: then it is a block. */
function stands(all: string, at: number, length: number): boolean {
  return !indent(all, at).trim() && /^[ \t]*(\n|$)/.test(all.slice(at + length));
}

function indent(all: string, at: number): string {
  return all.slice(all.lastIndexOf("\n", at - 1) + 1, at);
}

function block(formula: string, before: string): string {
  const lines = ["```" + MATH, ...formula.split("\n").map((line) => line.trim()), "```"];
  return lines.join(`\n${before}`);
}

function span(formula: string): string {
  const ticks = "`".repeat(1 + Math.max(0, ...(formula.match(/`+/g) ?? []).map(({ length }) => length)));
  return `${ticks}${MARK}${formula.replace(/\n/g, " ")}${formula.endsWith("`") ? " " : ""}${ticks}`;
}
