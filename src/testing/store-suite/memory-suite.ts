/** Working memory in a store: the memory suite, and that all of it is in the change log. */

import { describe, expect, it } from "vitest";

import { LIMITS } from "../../domain/limits.ts";
import { storeBackend } from "../../memory/store-backend.ts";
import { listChanges } from "../../store/commands/changes.ts";
import { expireMemory, retrieveMemory, storeMemory } from "../../store/commands/memory.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import { aSession } from "../builders.ts";
import { memorySuite } from "../memory-suite.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { readLog } from "./log-suite.ts";

const LIMITED = { maxEntries: 2, maxSizeBytes: 1 << 20 };

export function storeMemorySuite(suite: Suite): void {
  memorySuite({
    name: "the store",
    open: async () => {
      const { store, clock, session } = await suite.open();
      const other = await store.execute(createSession, aSession({ name: "other" }));
      return { memory: storeBackend({ store }), clock, sessions: [session.id, other.id] };
    },
  });

  describe("storeMemory", () => {
    it("logs what made room and what expired, and the log alone rebuilds all of it", async () => {
      const { store, clock, session } = await suite.open();
      const put = (key: string, ttlMs: number | null) =>
        store.execute(storeMemory, { sessionId: session.id, key, value: key, importance: 0.5, ttlMs, limits: LIMITED });
      await put("a", null);
      await put("b", 10);
      clock.advance(1);
      await put("c", null);
      clock.advance(10);
      await store.execute(expireMemory, { limit: 10 });
      await put("large", 10);
      const kinds = {
        sessionId: session.id,
        taskId: null,
        kind: "memory",
        after: null,
        from: "oldest",
        limit: 50,
      } as const;
      const changes = await store.execute(listChanges, kinds);
      expect(changes.map(({ verb, note }) => [verb, note])).toEqual([
        ["store", null],
        ["store", null],
        ["evict", "made room for c"],
        ["store", null],
        ["expire", null],
        ["store", null],
      ]);
      const rebuilt = await suite.openEmpty();
      await rebuilt.execute(rebuildFromChanges, { changes: await readLog(store) });
      expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(await dumpTables(store)));
    });

    it("changes nothing when there is no room, no such session, or the value is too large", async () => {
      const bench = await suite.open();
      const { store, session } = bench;
      const entry = { sessionId: session.id, value: 1, importance: 0.5, ttlMs: 5, limits: LIMITED };
      await store.execute(storeMemory, { ...entry, key: "a" });
      await store.execute(storeMemory, { ...entry, key: "b" });
      const put = (sketch: object) => () => store.execute(storeMemory, { ...entry, key: "c", ...sketch });
      await expectRefused(bench, "limit-reached", put({ importance: 0.1 }));
      await expectRefused(bench, "limit-reached", put({ value: "x".repeat(LIMITED.maxSizeBytes) }));
      await expectRefused(bench, "not-found", put({ sessionId: "00000000-0000-4000-8000-000000000000" }));
      bench.clock.advance(10);
      await expectRefused(bench, "limit-reached", put({ value: "x".repeat(LIMITED.maxSizeBytes) }));
    });

    it("keeps large values whole, once", async () => {
      const { store, session } = await suite.open();
      const value = "é".repeat(LIMITS.inlineBytes);
      const limits = { maxEntries: 9, maxSizeBytes: 1 << 20 };
      for (const key of ["a", "b"])
        await store.execute(storeMemory, { sessionId: session.id, key, value, importance: 0.5, ttlMs: null, limits });
      expect(await store.execute(retrieveMemory, { sessionId: session.id, key: "b" })).toMatchObject({ value });
      expect((await dumpTables(store)).blobs).toHaveLength(1);
      const outline = await storeBackend({ store }).outline({
        sessionId: session.id,
        order: "recent",
        limit: 1,
        previewChars: 5,
      });
      expect(outline.entries).toMatchObject([{ preview: '"éééé', isWhole: false }]);
    });
  });
}
