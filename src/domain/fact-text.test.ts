import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { echoesOf, factLine, factTextOf, normalizedText } from "./fact-text.ts";
import type { Fact } from "./fact.ts";
import { FACT_KINDS, FACT_STATUSES } from "./fact.ts";
import { asId } from "./ids.ts";

describe("normalizedText", () => {
  test.each([
    ["We use  SQLite.", "we use sqlite"],
    ["“We use SQLite”!", "we use sqlite"],
    ["- We *use* (SQLite)", "we use sqlite"],
    ["ＷＥ use SQLite", "we use sqlite"],
    ["-5 < x", "-5 < x"],
    ["C# and .env", "c# and .env"],
    ["1.5", "1.5"],
    ["!!!", "!!!"],
  ])("makes %j %j", (said, normalized) => {
    expect(normalizedText(said)).toBe(normalized);
  });

  test("is the same again, and never empty for a text that is not", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (said) => {
        fc.pre(said.trim() !== "");
        expect(normalizedText(said)).not.toBe("");
        expect(normalizedText(`  ${said.replaceAll(" ", "\n ")} `)).toBe(normalizedText(said));
      }),
    );
  });
});

describe("a recalled line handed back", () => {
  const FACT = fc.record({
    kind: fc.constantFrom(...FACT_KINDS),
    status: fc.constantFrom(...FACT_STATUSES),
    statusNote: fc.option(fc.string({ unit: "grapheme" })),
    text: fc.lorem({ maxCount: 8 }),
    source: fc.string({ unit: "grapheme", minLength: 1 }),
  });
  const aFact = (
    said: Omit<Fact, "id" | "trust" | "supersedesId" | "dependsOn" | "version" | "createdAt" | "updatedAt">,
  ) => ({
    ...said,
    id: asId<Fact["id"]>("3f2a91c0-0000-4000-8000-000000000000"),
  });

  test("is one line, and an echo of its fact whatever its source and note hold", () => {
    fc.assert(
      fc.property(FACT, (said) => {
        const line = factLine(aFact(said));
        expect(line).not.toMatch(/[\n\r\u2028\u2029]/);
        expect(echoesOf(line).whole).toContain(normalizedText(said.text));
        expect(normalizedText(factTextOf(line))).toBe(normalizedText(said.text));
      }),
    );
  });

  test("of several, each is told apart", () => {
    const lines = ["one", "two"].map((text) =>
      factLine(aFact({ kind: "finding", status: "active", statusNote: null, text, source: "x" })),
    );
    expect(echoesOf(`Facts:\n${lines.join("\n")}`).lines).toEqual(["one", "two"]);
    expect(echoesOf(`Ports:\n${lines.join("\n")}`).lines).toEqual(["ports", "one", "two"]);
    expect(echoesOf(lines.join("\n")).lines).toEqual(["one", "two"]);
  });

  test("leaves alone what only looks a little like one", () => {
    expect(factTextOf("Fixed in (3f2a91c0)")).toBe("Fixed in (3f2a91c0)");
    expect(factTextOf("Note that tabs are used")).toBe("Note that tabs are used");
  });
});
