import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { seededRandom } from "../base/random.ts";
import type { RememberFact } from "../store/commands/facts.ts";
import { forgetFact, rememberFact } from "../store/commands/facts.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import type { Embedder } from "./embedder.ts";
import type { RecallFacts } from "./recall.ts";
import { recallFacts } from "./recall.ts";
import { anEmbedder } from "./testing/an-embedder.ts";

function aProject(embedder: Embedder | null = null) {
  const clock = fakeClock();
  const store = openSqliteStore({ path: ":memory:", projectName: "t", actor: "test", clock, random: seededRandom(3) });
  onTestFinished(() => store.close());
  return {
    store,
    remember: async (text: string, sketch: Partial<RememberFact> = {}) => {
      const input = {
        kind: "finding",
        source: "person",
        trust: 1,
        supersedes: null,
        dependsOn: [],
        again: false,
      } as const;
      return (await store.execute(rememberFact, { ...input, ...sketch, text })).fact;
    },
    recall: (query: string, sketch: Partial<RecallFacts> = {}) =>
      recallFacts(
        { store, clock, embedder },
        { query, maxTokens: 1_000, kinds: null, statuses: ["active", "questioned"], limit: 20, ...sketch },
      ),
  };
}

describe("recallFacts", () => {
  test("finds by words and their endings, the best first, each line with its source", async () => {
    const { remember, recall } = aProject();
    await remember("The cache holds pages for an hour", { kind: "decision", source: "docs/cache.md" });
    await remember("Nothing about that");
    const both = await remember("Caching of images is off while the cache is cold", { source: "task build" });
    const { text, facts, leftOut } = await recall("cached images?");
    expect(facts[0]?.id).toBe(both.id);
    expect(facts).toHaveLength(2);
    expect(leftOut).toBe(0);
    expect(text.split("\n")[1]).toBe(
      `- [decision] The cache holds pages for an hour (source: docs/cache.md; ${facts[1]?.id.slice(0, 8)})`,
    );
  });

  test("puts questioned facts last and marks them, and leaves out what has fallen unless asked", async () => {
    const { store, remember, recall } = aProject();
    const base = await remember("The server runs on port 80");
    await remember("The server server server is one process", { dependsOn: [base.id] });
    await remember("The server is rented");
    await store.execute(forgetFact, { factId: base.id, reason: "moved" });
    const { text, facts } = await recall("server");
    expect(facts.map(({ text: said }) => said)).toEqual([
      "The server is rented",
      "The server server server is one process",
    ]);
    expect(text).toContain("- [finding, questioned: built on");
    const all = await recall("server port", { statuses: ["retired"] });
    expect(all.facts.map(({ id }) => id)).toEqual([base.id]);
  });

  test("trusts the more trusted of equals, and filters by kind", async () => {
    const { remember, recall } = aProject();
    await remember("Tabs indent code here", { trust: 0.2 });
    await remember("Spaces indent code here", { trust: 0.9, kind: "pattern" });
    expect((await recall("indent code")).facts.map(({ trust }) => trust)).toEqual([0.9, 0.2]);
    expect((await recall("indent code", { kinds: ["finding"] })).facts.map(({ trust }) => trust)).toEqual([0.2]);
  });

  test("finds an old fact among thousands that hold its words one by one", async () => {
    const { remember, recall } = aProject();
    const old = await remember("alpha beta gamma");
    for (let at = 0; at < 1_500; at += 1) await remember(`${["alpha", "beta", "gamma"][at % 3]} filler ${at}`);
    expect((await recall("gamma beta alpha", { limit: 1 })).facts[0]?.id).toBe(old.id);
  });

  test("finds parts of texts without spaces, and beginnings of words", async () => {
    const { remember, recall } = aProject();
    await remember("東京の天気は晴れです");
    await remember("Authentication is by key");
    expect((await recall("天気")).facts).toHaveLength(1);
    expect((await recall("auth")).facts).toHaveLength(1);
  });

  test("takes any query for words", async () => {
    const { remember, recall } = aProject();
    await remember("plain words AND operators NEAR each other");
    const hostile = [
      '"',
      '" OR "',
      "text:",
      "NEAR(",
      "a AND",
      "* ^ -",
      "')--",
      "col : x",
      "\u0000",
      "{a b}",
      "NOT NOT",
      "🙂",
      "\ud800",
      "‮",
    ];
    for (const query of [...hostile, "AND", "operators"]) await recall(query);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (query) => {
        await recall(query);
        await recall(`operators ${query}"*`);
      }),
      { numRuns: 300 },
    );
    expect((await recall("operators OR ***")).facts).toHaveLength(1);
  });

  test("is the same for the same facts", async () => {
    const { remember, recall } = aProject();
    for (let at = 0; at < 50; at += 1) await remember(`rule ${at} of the house`);
    expect(await recall("house rule", { maxTokens: 200 })).toEqual(await recall("house rule", { maxTokens: 200 }));
  });
});

describe("with an embedding model", () => {
  test("finds by meaning what no word finds, and embeds each text once", async () => {
    const embedder = anEmbedder();
    const { remember, recall } = aProject(embedder);
    const meant = await remember("All storage is in one file");
    for (const text of ["The price has cents", "Green means good", "Sign in by link"]) await remember(text);
    const { facts, notices } = await recall("which database");
    expect([facts[0]?.id, notices]).toEqual([meant.id, []]);
    expect(embedder.embedded()).toBe(5);
    await remember("Invoices are monthly");
    expect((await recall("which database")).facts[0]?.id).toBe(meant.id);
    expect(embedder.embedded()).toBe(6);
    expect((await recall("bill", { kinds: ["decision"] })).facts).toEqual([]);
  });

  test("goes by words alone, and says so, when the model fails", async () => {
    const { remember, recall } = aProject(anEmbedder(() => true));
    await remember("We use SQLite");
    const { facts, notices } = await recall("sqlite");
    expect(facts).toHaveLength(1);
    expect(notices).toEqual(["Ranked by words alone: the embedding model failed (the model is away)"]);
  });

  test("takes vectors that are none for a failure", async () => {
    const bad: readonly Embedder["embed"][] = [
      () => Promise.resolve([]),
      (texts) => Promise.resolve(texts.map(() => new Float32Array())),
      (texts) => Promise.resolve(texts.map(() => Float32Array.of(Number.NaN, 1))),
    ];
    for (const embed of bad) {
      const { remember, recall } = aProject({ model: "bad", embed });
      await remember("We use SQLite");
      expect(await recall("sqlite")).toMatchObject({ facts: [{}], notices: [expect.stringContaining("failed")] });
    }
  });
});
