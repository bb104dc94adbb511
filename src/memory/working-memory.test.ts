import { describe, expect, onTestFinished, test } from "vitest";

import { seededRandom } from "../base/random.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { createSession } from "../store/commands/sessions.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { aSession, aTask } from "../testing/builders.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import type { Embedder } from "./embedder.ts";
import { startMemoryCleanup } from "./memory-cleanup.ts";
import { storeBackend } from "./store-backend.ts";
import { anEmbedder } from "./testing/an-embedder.ts";
import { workingMemory } from "./working-memory.ts";

async function aMemory(embedder: Embedder | null = null) {
  const clock = fakeClock();
  const store = openSqliteStore({ path: ":memory:", projectName: "t", actor: "test", clock, random: seededRandom(5) });
  onTestFinished(() => store.close());
  const session = await store.execute(createSession, aSession({ goal: "Ship the billing page" }));
  await store.execute(createTasks, {
    sessionId: session.id,
    tasks: [aTask({ ref: "invoice-pdf", title: "Render invoices as PDF" })],
  });
  const settings = {
    limits: { maxEntries: 1_000, maxSizeBytes: 1 << 20 },
    defaultTtlMs: 3_600_000,
    summaryStrategy: "important",
    maxSummaryTokens: 500,
  } as const;
  const backend = storeBackend({ store });
  return { clock, backend, memory: workingMemory({ store, clock, embedder, backend }, session.id, settings) };
}

describe("getSummary", () => {
  test.each([
    ["recent", ["c", "b", "invoiceFont"]],
    ["important", ["b", "c", "invoiceFont"]],
    ["semantic", ["invoiceFont", "b", "c"]],
  ] as const)("orders by %s", async (strategy, expected) => {
    const { memory, clock } = await aMemory();
    for (const [key, value, importance] of [
      ["invoiceFont", "Inter", 0.1],
      ["b", "lunch", 0.9],
      ["c", "weather", 0.3],
    ] as const) {
      await memory.store(key, value, { importance });
      clock.advance(1);
    }
    const summary = await memory.getSummary({ strategy });
    expect([...summary.text.matchAll(/^- (\w+):/gm)].map(([, key]) => key)).toEqual(expected);
    expect(summary).toEqual(await memory.getSummary({ strategy }));
  });

  test("ranks by meaning when there is a model, and by words when it fails", async () => {
    let isAway = false;
    const { memory } = await aMemory(anEmbedder(() => isAway));
    await memory.store("a", "green and red");
    await memory.store("b", "the price is in cents");
    await memory.store("c", "sign in by link");
    const ranked = await memory.getSummary({ strategy: "semantic" });
    expect(ranked.text.split("\n")[1]).toContain("price");
    isAway = true;
    await memory.store("d", "something new");
    const { notices, included } = await memory.getSummary({ strategy: "semantic" });
    expect([notices.length, included]).toEqual([1, 4]);
  });

  test("says so when there is nothing", async () => {
    const { memory } = await aMemory();
    expect(await memory.getSummary()).toMatchObject({ text: "Working memory is empty.", included: 0, leftOut: 0 });
  });
});

describe("store", () => {
  test("takes its time to live from the settings, a text, or never ends", async () => {
    const { memory, clock } = await aMemory();
    const lives = async (ttl?: number | string | null) =>
      (await memory.store("k", 1, ttl === undefined ? {} : { ttl })).entry.expiresAt;
    expect(await lives()).toBe(clock.now() + 3_600_000);
    expect(await lives("90m")).toBe(clock.now() + 5_400_000);
    expect(await lives(null)).toBeNull();
    await expect(lives("soon")).rejects.toMatchObject({ code: "invalid-input" });
  });
});

test("cleanup removes what has expired, now and after every interval, until it is stopped", async () => {
  const { memory, backend, clock } = await aMemory();
  const left = async () =>
    (await backend.outline({ sessionId: memory.sessionId, order: "recent", limit: 9, previewChars: 1 })).total;
  const expired: number[] = [];
  const watched = {
    ...backend,
    expire: async (input: { readonly limit: number }) => {
      const removed = await backend.expire(input);
      expired.push(removed);
      return removed;
    },
  };
  const rounds = async (count: number): Promise<void> => {
    while (expired.length < count) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  await memory.store("a", 1, { ttl: 1_000 });
  const stop = startMemoryCleanup({ clock, loadMemory: () => Promise.resolve(watched) }, 60_000);
  await rounds(1);
  clock.advance(60_000);
  await rounds(2);
  stop();
  clock.advance(60_000);
  expect([expired, await left()]).toEqual([[0, 1], 0]);
});
