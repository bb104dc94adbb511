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
