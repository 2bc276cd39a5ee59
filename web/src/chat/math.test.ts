import { describe, expect, it } from "vitest";

import { MARK, withFormulas } from "./math";

const inline = (formula: string) => `\`${MARK}${formula}\``;

describe("formulas", () => {
  it.each([
    ["\\(E = mc^2\\) holds", `${inline("E = mc^2")} holds`],
    ["so $a_1 + b_1$, and $x$。", `so ${inline("a_1 + b_1")}, and ${inline("x")}。`],
    ["由$x$可得", `由${inline("x")}可得`],
    ["inline $$a_1$$ here", `inline ${inline("a_1")} here`],
    ["\\[\nx_1\n\\]", "```math\nx_1\n```"],
    ["$$\nx\n$$\n", "```math\nx\n```\n"],
    ["1. so\n   \\[ a \\]\n", "1. so\n   ```math\n   a\n   ```\n"],
    ["a `b`c $`x`$", `a \`b\`c \`\`${MARK}\`x\` \`\``],
  ])("of %j are code that is marked", (source, told) => {
    expect(withFormulas(source)).toBe(told);
  });

  it.each([
    "It costs $5 and then $10 more.",
    "US$5, then A$6.",
    "$5到$10之间",
    "echo $HOME:$PATH",
    "`\\(code\\)` and ``$x$ ` $y$``",
    "```tex\n\\[ x \\]\n$$y$$\n```",
    "~~~\n$x$\nnot closed yet",
    "a \\$1 and \\$2",
    "\\\\(no\\\\)",
  ])("are not found in %j", (source) => {
    expect(withFormulas(source)).toBe(source);
  });

  it("that are not at their end are shown as they are", () => {
    expect(withFormulas("so \\[ x_1 = ")).toBe("so \\\\[ x_1 = ");
  });
});
