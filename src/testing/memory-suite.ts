/** The memory suite: what every backend of working memory does, as vitest tests. */

import { afterEach, describe, expect, it } from "vitest";

import type { Random } from "../base/random.ts";
import { seededRandom } from "../base/random.ts";
import type { SessionId } from "../domain/ids.ts";
import type { MemoryEntry } from "../domain/memory-entry.ts";
import type { MemoryBackend } from "../memory/memory-backend.ts";
import type { StoreMemory } from "../store/commands/memory.ts";
import type { FakeClock } from "./fake-clock.ts";

export interface MemoryBench {
  readonly memory: MemoryBackend;
  readonly clock: FakeClock;
  /** Two sessions that exist. */
  readonly sessions: readonly [SessionId, SessionId];
}

export interface MemorySuiteOptions {
  readonly name: string;
  /** A backend that holds nothing. */
  readonly open: () => Promise<MemoryBench>;
}

const ROOMY = { maxEntries: 1_000, maxSizeBytes: 1 << 20 };

export function memorySuite({ name, open }: MemorySuiteOptions): void {
  const opened: MemoryBackend[] = [];
  const bench = async (): Promise<MemoryBench & { put(sketch: Sketch): ReturnType<MemoryBackend["store"]> }> => {
    const made = await open();
    opened.push(made.memory);
    return { ...made, put: (sketch) => made.memory.store(anEntry(made.sessions[0], sketch)) };
  };
  afterEach(async () => {
    for (const memory of opened.splice(0)) await memory.close();
  });

  describe(`working memory in ${name}`, () => {
    it("gives back what was stored, in place of what had the key before", async () => {
      const { memory, clock, sessions, put } = await bench();
      const [sessionId] = sessions;
      const first = await put({ key: "a", value: { text: "é 東京 👩‍👩‍👧", list: [1, null, true] }, importance: 0.25 });
      expect(await memory.retrieve({ sessionId, key: "a" })).toEqual(first.entry);
      clock.advance(1_000);
      const { entry } = await put({ key: "a", value: "second", ttlMs: null });
      expect(entry).toEqual({
        sessionId,
        key: "a",
        value: "second",
        importance: 0.5,
        sizeBytes: 8,
        expiresAt: null,
        createdAt: first.entry.createdAt,
        updatedAt: first.entry.createdAt + 1_000,
      });
      expect(await memory.retrieve({ sessionId, key: "a" })).toEqual(entry);
      expect(await memory.retrieve({ sessionId, key: "b" })).toBeNull();
    });

    it("keeps sessions apart, whatever their keys", async () => {
      const { memory, sessions, put } = await bench();
      const [mine, other] = sessions;
      const keys = ["a", ":", "a:b", "}", "{x}", "%", "_", "*", "'; drop table memory", "|", "ä", "👩‍👩‍👧", `${other}:a`];
      for (const key of keys) await put({ key, value: key });
      expect((await memory.list({ sessionId: other, prefix: null, after: null, limit: 100 })).entries).toEqual([]);
      for (const key of keys) {
        expect(await memory.retrieve({ sessionId: other, key })).toBeNull();
        expect(await memory.delete({ sessionId: other, key })).toBe(false);
      }
      expect(await memory.clear({ sessionId: other })).toBe(0);
      for (const key of keys) expect((await memory.retrieve({ sessionId: mine, key }))?.value).toBe(key);
      const byPrefix = await memory.list({ sessionId: mine, prefix: "%", after: null, limit: 100 });
      expect(byPrefix.entries.map(({ key }) => key)).toEqual(["%"]);
    });

    it("lists in order of creation, each entry once, a page at a time", async () => {
      const { memory, sessions, put } = await bench();
      const [sessionId] = sessions;
      for (const key of ["c", "a", "b", "d", "e"]) await put({ key });
      await put({ key: "c", value: "again" });
      const seen: string[] = [];
      for (let after: number | null = null; ;) {
        const page = await memory.list({ sessionId, prefix: null, after, limit: 2 });
        seen.push(...page.entries.map(({ key }) => key));
        if (page.next === null) break;
        after = page.next;
      }
      expect(seen).toEqual(["c", "a", "b", "d", "e"]);
    });

    it("never reads what has expired, and removes it on occasion", async () => {
      const { memory, clock, sessions, put } = await bench();
      const [sessionId] = sessions;
      await put({ key: "short", ttlMs: 1_000 });
      await put({ key: "long", ttlMs: 60_000 });
      clock.advance(999);
      expect(await memory.retrieve({ sessionId, key: "short" })).not.toBeNull();
      clock.advance(1);
      expect(await memory.retrieve({ sessionId, key: "short" })).toBeNull();
      expect(await keysOf(memory, sessionId)).toEqual(["long"]);
      expect((await memory.outline({ sessionId, order: "recent", limit: 9, previewChars: 9 })).total).toBe(1);
      expect(await memory.expire({ limit: 100 })).toBe(1);
      expect(await memory.expire({ limit: 100 })).toBe(0);
      clock.advance(60_000);
      const { expired } = await put({ key: "new" });
      expect(expired.map(({ key }) => key)).toEqual(["long"]);
      expect(await keysOf(memory, sessionId)).toEqual(["new"]);
    });

    it("does not continue an entry that has expired", async () => {
      const { clock, put } = await bench();
      await put({ key: "a", ttlMs: 10 });
      clock.advance(10);
      const { entry, expired } = await put({ key: "a" });
      expect([entry.createdAt, expired.map(({ key }) => key)]).toEqual([clock.now(), ["a"]]);
    });

    it("makes room by expiry, then importance, then age", async () => {
      const { memory, clock, sessions, put } = await bench();
      const limits = { maxEntries: 4, maxSizeBytes: 1_000 };
      await put({ key: "old low", importance: 0.1, limits });
      clock.advance(1);
      await put({ key: "new low", importance: 0.1, limits });
      await put({ key: "high", importance: 0.9, limits });
      await put({ key: "brief", importance: 1, ttlMs: 5, limits });
      clock.advance(5);
      const first = await put({ key: "e", limits });
      expect([first.expired, first.evicted].map((gone) => gone.map(({ key }) => key))).toEqual([["brief"], []]);
      const second = await put({ key: "f", limits });
      expect(second.evicted).toEqual([{ key: "old low", importance: 0.1, sizeBytes: 3 }]);
      const third = await put({ key: "g", limits });
      expect(third.evicted.map(({ key }) => key)).toEqual(["new low"]);
      expect(await keysOf(memory, sessions[0])).toEqual(["high", "e", "f", "g"]);
    });

    it("refuses at the limit what is less important than all there is, and loses nothing", async () => {
      const { memory, sessions, put } = await bench();
      const limits = { maxEntries: 2, maxSizeBytes: 40 };
      await put({ key: "a", value: "0123456789", importance: 0.5, limits });
      await put({ key: "b", value: "0123456789", importance: 0.8, limits });
      const full = { code: "limit-reached" };
      await expect(put({ key: "c", importance: 0.4, limits })).rejects.toMatchObject(full);
      // One of the two could go, and both would have to.
      await expect(put({ key: "c", value: "x".repeat(36), importance: 0.6, limits })).rejects.toMatchObject(full);
      await expect(put({ key: "c", value: "x".repeat(39), importance: 1, limits })).rejects.toMatchObject(full);
      expect(await keysOf(memory, sessions[0])).toEqual(["a", "b"]);
      // An entry's own bytes are room for its successor.
      await put({ key: "a", value: "x".repeat(26), importance: 0, limits });
      await expect(put({ key: "a", value: "x".repeat(27), importance: 0, limits })).rejects.toMatchObject(full);
      expect((await memory.retrieve({ sessionId: sessions[0], key: "a" }))?.sizeBytes).toBe(28);
    });

    it.each([
      ["an empty key", { key: "" }],
      ["a key that is too long", { key: "x".repeat(501) }],
      ["a key with a line break", { key: "a\nb" }],
      ["half a character in a key", { key: "\ud800" }],
      ["importance over 1", { importance: 1.1 }],
      ["importance that is no number", { importance: Number.NaN }],
      ["no time to live", { ttlMs: 0 }],
      ["a time to live beyond all dates", { ttlMs: Number.MAX_SAFE_INTEGER }],
      ["a value without a JSON form", { value: () => 1 }],
    ] as const)("refuses %s", async (_, sketch) => {
      const { put } = await bench();
      await expect(put({ key: "a", ...sketch })).rejects.toMatchObject({ code: "invalid-input" });
    });

    it("outlines by recency and by importance, cutting values between characters", async () => {
      const { memory, clock, sessions, put } = await bench();
      const [sessionId] = sessions;
      for (const [key, importance] of [
        ["a", 0.2],
        ["b", 0.9],
        ["c", 0.2],
      ] as const) {
        await put({ key, importance, value: "👩東é".repeat(300) });
        clock.advance(1);
      }
      const shape = { sessionId, limit: 2, previewChars: 3 } as const;
      const recent = await memory.outline({ ...shape, order: "recent" });
      expect([recent.total, recent.entries.map(({ key }) => key)]).toEqual([3, ["c", "b"]]);
      expect(recent.entries[0]).toMatchObject({ preview: '"👩東', isWhole: false });
      const important = await memory.outline({ ...shape, order: "important" });
      expect(important.entries.map(({ key }) => key)).toEqual(["b", "c"]);
    });

    it.each([1, 2, 3, 4, 5, 6])(
      "keeps its limits and evicts nothing more important, whatever is done (seed %i)",
      async (seed) => {
        const { memory, clock, sessions, put } = await bench();
        const random = seededRandom(seed);
        const limits = { maxEntries: 5, maxSizeBytes: 60 };
        const outcomes = { stored: 0, refused: 0, evicting: 0 };
        for (let act = 0; act < 120; act += 1) {
          clock.advance(pick(random, [0, 1, 900]));
          const key = pick(random, ["a", "b", "c", "d", "e", "f", "g"]);
          const importance = pick(random, [0, 0.3, 0.5, 0.7, 1]);
          const value = "x".repeat(Math.floor(random.next() * 65));
          const ttlMs = pick(random, [null, 1_000, 5_000]);
          const before = await entriesOf(memory, sessions[0]);
          const outcome = await put({ key, importance, value, ttlMs, limits }).catch(() => null);
          const after = await entriesOf(memory, sessions[0]);
          expect(after.length).toBeLessThanOrEqual(limits.maxEntries);
          expect(after.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(limits.maxSizeBytes);
          outcomes[outcome === null ? "refused" : "stored"] += 1;
          if (outcome === null) expect(after).toEqual(before);
          else {
            const isThere = (entry: MemoryEntry): boolean => after.some((left) => left.key === entry.key);
            const gone = before.filter((entry) => entry.key !== key && !isThere(entry));
            expect(outcome.evicted.map((entry) => entry.key).toSorted()).toEqual(
              gone.map((entry) => entry.key).toSorted(),
            );
            expect(outcome.evicted.every((entry) => entry.importance <= importance)).toBe(true);
            if (gone.length > 0) outcomes.evicting += 1;
          }
        }
        expect(Object.values(outcomes).every((count) => count > 5)).toBe(true);
      },
    );
  });
}

function pick<T>(random: Random, [first, ...others]: readonly [T, ...T[]]): T {
  return [first, ...others][Math.floor(random.next() * (others.length + 1))] ?? first;
}

type Sketch = Partial<StoreMemory> & { readonly key: string };

function anEntry(sessionId: SessionId, sketch: Sketch): StoreMemory {
  return { sessionId, value: 123, importance: 0.5, ttlMs: 3_600_000, limits: ROOMY, ...sketch };
}

async function entriesOf(memory: MemoryBackend, sessionId: SessionId) {
  return (await memory.list({ sessionId, prefix: null, after: null, limit: 100 })).entries;
}

async function keysOf(memory: MemoryBackend, sessionId: SessionId): Promise<readonly string[]> {
  return (await entriesOf(memory, sessionId)).map(({ key }) => key);
}
