import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { loadTokenCounter } from "./token-counter.ts";

const counter = await loadTokenCounter();

describe("count", () => {
  it("counts as the tokenizer does", () => {
    expect(counter.count("")).toBe(0);
    expect(counter.count("hello world, this is a test")).toBe(7);
  });

  it("takes markers of models for text", () => {
    expect(counter.count("<|endoftext|>")).toBeGreaterThan(1);
  });

  it("takes time that grows with the text, also without spaces", () => {
    expect(counter.count("a".repeat(200_000))).toBeGreaterThan(10_000);
  });
});

describe("fits", () => {
  it.each(["", "one", "a word or two. ".repeat(30), "x".repeat(2_000), "東京 <|endoftext|> ".repeat(40)])(
    "agrees with the count of %j",
    (text) => {
      const tokens = counter.count(text);
      expect([tokens - 1, tokens, tokens + 1].map((budget) => counter.fits(text, budget))).toEqual([false, true, true]);
    },
  );
});

describe("countLines", () => {
  const line = fc
    .oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("", "## Blocked (2 of 450)", '- "a" (from "x")', "x".repeat(600), "漢字".repeat(200)),
      fc.array(fc.string({ unit: "grapheme" }), { minLength: 30, maxLength: 60 }).map((words) => words.join(" ")),
    )
    .map((text) => text.replaceAll(/[\n\r]/g, "/"))
    .filter((text) => !/^[\s/]/.test(text));

  it("comes to what the lines together are counted as", () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
        expect(counter.countLines(lines, Number.MAX_SAFE_INTEGER)).toBe(counter.count(lines.join("\n")));
      }),
      { numRuns: 200 },
    );
  });

  it("stops once it is over the budget", () => {
    const lines = ["one two", "", "three four five"];
    const tokens = counter.count(lines.join("\n"));
    expect([tokens - 1, tokens].map((budget) => counter.countLines(lines, budget))).toEqual([false, tokens]);
  });
});

describe("cut", () => {
  it.each([0, 1, 5, 17, 100])("keeps within %i tokens", (budget) => {
    const text = "Ärger in 東京 👩‍👩‍👧 and some more words. ".repeat(20);
    const cut = counter.cut(text, budget);
    expect(text.startsWith(cut)).toBe(true);
    expect(counter.count(cut)).toBeLessThanOrEqual(budget);
    expect(cut.isWellFormed()).toBe(true);
  });

  it("leaves alone what fits", () => {
    expect(counter.cut("short", 10)).toBe("short");
  });
});
