import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadTokenCounter } from "../context/token-counter.ts";
import type { Fact } from "../domain/fact.ts";
import { asId } from "../domain/ids.ts";
import { answerOf } from "./recall.ts";
import { renderSummary } from "./summary.ts";

const counter = await loadTokenCounter();

const PIECES = fc.constantFrom(
  "a",
  "word ",
  "東京",
  "👩‍👩‍👧",
  "é",
  "\\n",
  "<|endoftext|>",
  "x".repeat(300),
  "   ",
  "{}",
  "9",
  "\u2028",
  "ﷺ",
);
const TEXT = fc.array(PIECES, { maxLength: 30 }).map((pieces) => pieces.join(""));

describe("renderSummary", () => {
  const ENTRY = fc.record({ key: TEXT.map((text) => text.slice(0, 100).toWellFormed()), value: TEXT });

  test("is never over its budget, says what is left out, and is the same again", () => {
    fc.assert(
      fc.property(fc.array(ENTRY, { maxLength: 30 }), fc.integer({ min: 1, max: 400 }), (said, maxTokens) => {
        const entries = said.map(({ key, value }, at) => {
          const preview = JSON.stringify(value);
          return { key, preview, isWhole: at % 3 > 0, sizeBytes: preview.length, importance: 0.5, updatedAt: at };
        });
        const input = { outline: { total: entries.length + 2, entries }, strategy: "recent", maxTokens } as const;
        const summary = renderSummary(counter, input);
        expect(counter.count(summary.text)).toBeLessThanOrEqual(maxTokens);
        expect(summary.tokenCount).toBe(counter.count(summary.text));
        expect(summary.included + summary.leftOut).toBe(entries.length + 2);
        expect(summary.text === "" || summary.text.split("\n").length === summary.included + 1).toBe(true);
        expect(summary.text.isWellFormed()).toBe(true);
        if (summary.text !== "") expect(summary.text).toContain(`${summary.leftOut} left out`);
        expect(renderSummary(counter, input)).toEqual(summary);
      }),
      { numRuns: 300 },
    );
  });

  test("shows all when there is room, and shortens a long value rather than leaving it out", () => {
    const entry = (key: string, value: string) => {
      const preview = JSON.stringify(value);
      return { key, preview, isWhole: true, sizeBytes: preview.length, importance: 0.5, updatedAt: 1 };
    };
    const entries = [entry("long", "many words ".repeat(100)), entry("short", "one")];
    const summary = renderSummary(counter, { outline: { total: 2, entries }, strategy: "important", maxTokens: 80 });
    expect(summary).toMatchObject({ included: 2, leftOut: 0 });
    expect(summary.text).toMatch(
      /^Working memory: 2 of 2 entries, the most important first\n- long: "many .*… \(1102 bytes\)\n- short: "one"$/,
    );
  });
});

describe("answerOf", () => {
  test("is never over its budget, and shows whole lines with their sources", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(TEXT, TEXT), { maxLength: 20 }),
        fc.integer({ min: 1, max: 300 }),
        (said, maxTokens) => {
          const facts = said.map(([text, source], at) => aFact(at, { text: `f${text}`, source: `s${source}` }));
          const answer = answerOf(counter, facts, maxTokens);
          expect(counter.count(answer.text)).toBeLessThanOrEqual(maxTokens);
          expect(answer.tokenCount).toBe(counter.count(answer.text));
          const lines = answer.text === "" ? [] : answer.text.split("\n");
          expect(lines).toHaveLength(answer.facts.length);
          for (const [at, line] of lines.entries())
            expect(line.endsWith(`; ${answer.facts[at]?.id.slice(0, 8)})`)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("cuts the best fact when not even it fits", () => {
    const answer = answerOf(counter, [aFact(1, { text: "some words of a long fact ".repeat(40), source: "x" })], 60);
    expect(answer.facts).toHaveLength(1);
    expect(answer.text).toMatch(/^- \[finding\] some words .*… \(source: x; 00000001\)$/);
  });
});

function aFact(at: number, { text, source }: { readonly text: string; readonly source: string }): Fact {
  return {
    id: asId(`${String(at).padStart(8, "0")}-0000-4000-8000-000000000000`),
    kind: "finding",
    text,
    source,
    trust: 1,
    status: "active",
    statusNote: null,
    supersedesId: null,
    dependsOn: [],
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  };
}
