/** Working memory as code uses it: that of one session, whatever keeps it. */

import { parseDurationMs } from "../base/duration.ts";
import type { SessionId } from "../domain/ids.ts";
import type { MemoryEntry, MemoryLimits, StoredMemory } from "../domain/memory-entry.ts";
import { checkMemoryKey, DEFAULT_IMPORTANCE } from "../domain/memory-entry.ts";
import type { MemoryPage } from "../store/commands/memory-queries.ts";
import type { EmbedDeps } from "./embedder.ts";
import type { MemoryBackend } from "./memory-backend.ts";
import type { MemorySummary, SummaryStrategy } from "./summary.ts";

export interface StoreOptions {
  /** 0–1; less important entries make room first. Default 0.5. */
  readonly importance?: number;
  /** How long it lives: milliseconds or a text such as `90m`; `null` is for ever. Default: as configured, else 24 hours. */
  readonly ttl?: number | string | null;
}

export interface ListMemoryOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string;
  /** `next` of the page before. */
  readonly after?: number;
  /** Default 20. */
  readonly limit?: number;
}

export interface MemorySummaryOptions {
  /** Default: as configured, else `important`. */
  readonly strategy?: SummaryStrategy;
  /** Never exceeded, counted with a tokenizer. Default: as configured, else 2,000. */
  readonly maxTokens?: number;
}

/** The working memory of one session: values by key that live for a while. Nothing in it is seen from another session. */
export interface WorkingMemory {
  readonly sessionId: SessionId;
  /**
   * Stores a value (anything with a JSON form) in place of the one with its key. When the session's memory is full,
   * expired entries make room, then those that are least important, and of these the least recently updated; they are
   * told in the result.
   *
   * @throws PerdureError `limit-reached` when all else is more important, or the value is too large; nothing has changed then. `invalid-input`
   */
  store(key: string, value: unknown, options?: StoreOptions): Promise<StoredMemory>;
  /** `null` where there is none, or it has expired. */
  retrieve(key: string): Promise<MemoryEntry | null>;
  /** In the order in which the keys were first stored, a page at a time. */
  list(options?: ListMemoryOptions): Promise<MemoryPage>;
  /** Whether there was one. */
  delete(key: string): Promise<boolean>;
  /** How many there were. */
  clear(): Promise<number>;
  /** What is in it, for a model or a person, within a budget of tokens; the same for the same entries at the same time. */
  getSummary(options?: MemorySummaryOptions): Promise<MemorySummary>;
}

export interface WorkingMemorySettings {
  readonly limits: MemoryLimits;
  readonly defaultTtlMs: number;
  readonly summaryStrategy: SummaryStrategy;
  readonly maxSummaryTokens: number;
}

export interface WorkingMemoryDeps extends EmbedDeps {
  readonly backend: MemoryBackend;
}

export function workingMemory(
  deps: WorkingMemoryDeps,
  sessionId: SessionId,
  settings: WorkingMemorySettings,
): WorkingMemory {
  const { backend } = deps;
  return {
    sessionId,
    async store(key, value, { importance = DEFAULT_IMPORTANCE, ttl = settings.defaultTtlMs } = {}) {
      const ttlMs = ttl === null ? null : parseDurationMs(ttl, "The time to live");
      return await backend.store({ sessionId, key, value, importance, ttlMs, limits: settings.limits });
    },
    async retrieve(key) {
      checkMemoryKey(key);
      return await backend.retrieve({ sessionId, key });
    },
    list: ({ prefix, after, limit } = {}) =>
      backend.list({ sessionId, prefix: prefix ?? null, after: after ?? null, limit: limit ?? 20 }),
    async delete(key) {
      checkMemoryKey(key);
      return await backend.delete({ sessionId, key });
    },
    clear: () => backend.clear({ sessionId }),
    async getSummary({ strategy = settings.summaryStrategy, maxTokens = settings.maxSummaryTokens } = {}) {
      const [{ summarizeMemory }, { loadTokenCounter }] = await Promise.all([
        import("./summary.ts"),
        import("../context/token-counter.ts"),
      ]);
      return await summarizeMemory({ ...deps, counter: await loadTokenCounter() }, { sessionId, strategy, maxTokens });
    },
  };
}
