/**
 * Working memory on a Redis server, for sessions that several machines share. The limits are kept by scripts that Redis runs
 * whole (redis-scripts.ts). Expiry goes by this program's clock like everywhere else; Redis besides drops the values itself.
 * It is not in the change log, and checkpoints do not hold it.
 */

import type { ClockDep } from "../../base/clock.ts";
import { parseStoredJson } from "../../base/json.ts";
import type { RedisConnection } from "../../base/redis-connection.ts";
import { connectRedis } from "../../base/redis-connection.ts";
import type { ProjectId, SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { GoneEntry, MemoryEntry } from "../../domain/memory-entry.ts";
import { checkedEntry, noRoom } from "../../domain/memory-entry.ts";
import type { MemoryPreview, OutlineMemory } from "../../store/commands/memory-queries.ts";
import type { MemoryBackend } from "../memory-backend.ts";
import {
  CLEAR_SCRIPT,
  DELETE_SCRIPT,
  EXPIRE_SCRIPT,
  RETRIEVE_SCRIPT,
  STORE_SCRIPT,
  VALUES_SCRIPT,
} from "./redis-scripts.ts";

export interface OpenRedisBackend extends ClockDep {
  /** `redis://user:password@host:port/database`. */
  readonly url: string | null;
  readonly projectId: ProjectId;
}

const USE = { purpose: "Working memory", setting: "supervisor.session.working_memory.redis_url" };
const EXPIRED_PER_WRITE = "20";
const BATCH = "50";

/** @throws PerdureError `invalid-config`, `unsupported`, `store-unreachable` */
export async function openRedisBackend({ url, projectId, clock }: OpenRedisBackend): Promise<MemoryBackend> {
  const redis = await connectRedis({ url, ...USE });
  const sessions = `perdure:${encodeURIComponent(projectId)}:sessions`;
  // Encoded, an id holds no colon and no brace, so that no session's keys begin with those of another.
  const base = (sessionId: string): string =>
    `perdure:{${encodeURIComponent(projectId)}:${encodeURIComponent(sessionId)}}`;
  const run = (script: string, sessionId: string, ...values: readonly string[]): Promise<unknown> =>
    redis.evaluate(script, base(sessionId), values);
  const now = (): string => String(clock.now());

  return {
    async store(input) {
      const { sessionId, key, importance, ttlMs, limits } = input;
      const at = clock.now();
      const { text, sizeBytes, expiresAt } = checkedEntry(input, at);
      await redis.call(["SADD", sessions, sessionId]);
      const reply = await run(
        STORE_SCRIPT,
        sessionId,
        String(at),
        key,
        text,
        String(importance),
        importance.toFixed(20),
        String(sizeBytes),
        expiresAt === null ? "" : String(expiresAt),
        ttlMs === null ? "" : String(ttlMs),
        String(limits.maxEntries),
        String(limits.maxSizeBytes),
        EXPIRED_PER_WRITE,
        BATCH,
      );
      const [outcome, createdAt, expired, evicted] = asList(reply);
      if (outcome === "full") throw noRoom({ key, importance, sizeBytes, limits });
      const value = parseStoredJson(text, "a memory entry");
      const times = { expiresAt, createdAt: Number(createdAt), updatedAt: at };
      return {
        entry: { sessionId, key, value, importance, sizeBytes, ...times },
        expired: toGone(expired),
        evicted: toGone(evicted),
      };
    },
    async retrieve({ sessionId, key }) {
      const [packed, value] = asList(await run(RETRIEVE_SCRIPT, sessionId, now(), key));
      return packed === undefined ? null : toEntry(sessionId, { key, packed: String(packed), value: String(value) });
    },
    async list({ sessionId, prefix, after, limit }) {
      const live = (await entriesOf(redis, base(sessionId), clock.now()))
        .filter(({ key, seq }) => key.startsWith(prefix ?? "") && seq > (after ?? 0))
        .toSorted((a, b) => a.seq - b.seq);
      const page = live.slice(0, limit);
      const values = await valuesOf(redis, base(sessionId), { keys: page.map(({ key }) => key), mostBytes: 0 });
      const entries = page.flatMap(({ key, packed }, index) => {
        const value = values[index] ?? "";
        return value === "" ? [] : [toEntry(sessionId, { key, packed, value })];
      });
      return { entries, next: live.length > limit ? (page.at(-1)?.seq ?? null) : null };
    },
    delete: async ({ sessionId, key }) => (await run(DELETE_SCRIPT, sessionId, now(), key)) === 1,
    clear: async ({ sessionId }) => Number(await run(CLEAR_SCRIPT, sessionId, now())),
    outline: async (input) => ({ ...(await outlineOf(redis, base(input.sessionId), { ...input, now: clock.now() })) }),
    async expire({ limit }) {
      let removed = 0;
      for (const sessionId of asList(await redis.call(["SMEMBERS", sessions])).map(String)) {
        if (removed >= limit) break;
        const reply = asList(await run(EXPIRE_SCRIPT, sessionId, now(), String(limit - removed)));
        removed += Number(reply[0]);
        if (reply[1] === 0) await redis.call(["SREM", sessions, sessionId]);
      }
      return removed;
    },
    close: () => redis.close(),
  };
}

interface KeptEntry {
  readonly key: string;
  readonly packed: string;
  readonly seq: number;
  readonly importance: number;
  readonly sizeBytes: number;
  readonly updatedAt: number;
}

/** Those that have not expired. */
async function entriesOf(redis: RedisConnection, base: string, now: number): Promise<readonly KeptEntry[]> {
  const flat = asList(await redis.call(["HGETALL", `${base}:meta`])).map(String);
  const entries: KeptEntry[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    const packed = flat[at + 1] ?? "";
    const [seq, importance, sizeBytes, expires, , updatedAt] = packed.split("|");
    if (expires !== "" && Number(expires) <= now) continue;
    entries.push({
      key: flat[at] ?? "",
      packed,
      seq: Number(seq),
      importance: Number(importance),
      sizeBytes: Number(sizeBytes),
      updatedAt: Number(updatedAt),
    });
  }
  return entries;
}

/** In the order of `keys`; empty for one that is gone. `mostBytes` 0 is all of a value. */
async function valuesOf(
  redis: RedisConnection,
  base: string,
  { keys, mostBytes }: { readonly keys: readonly string[]; readonly mostBytes: number },
): Promise<readonly string[]> {
  if (keys.length === 0) return [];
  return asList(await redis.evaluate(VALUES_SCRIPT, base, [String(mostBytes), ...keys])).map(String);
}

const MOST_BYTES_PER_CHARACTER = 4;

async function outlineOf(
  redis: RedisConnection,
  base: string,
  { order, limit, previewChars, now }: OutlineMemory & { readonly now: number },
): Promise<{ readonly total: number; readonly entries: readonly MemoryPreview[] }> {
  const live = await entriesOf(redis, base, now);
  const newestFirst = live.toSorted((a, b) => b.updatedAt - a.updatedAt || b.seq - a.seq);
  const ordered = order === "recent" ? newestFirst : newestFirst.toSorted((a, b) => b.importance - a.importance);
  const chosen = ordered.slice(0, limit);
  const mostBytes = previewChars * MOST_BYTES_PER_CHARACTER;
  const values = await valuesOf(redis, base, { keys: chosen.map(({ key }) => key), mostBytes });
  const entries = chosen.flatMap(({ key, sizeBytes, importance, updatedAt }, at) => {
    const value = values[at] ?? "";
    if (value === "") return [];
    const characters = [...value];
    const preview = characters.slice(0, previewChars).join("");
    const isWhole = sizeBytes <= mostBytes && characters.length <= previewChars;
    return [{ key, preview, isWhole, sizeBytes, importance, updatedAt }];
  });
  return { total: live.length, entries };
}

function toEntry(
  sessionId: SessionId,
  { key, packed, value }: { readonly key: string; readonly packed: string; readonly value: string },
): MemoryEntry {
  const [, importance, sizeBytes, expires, createdAt, updatedAt] = packed.split("|");
  return {
    sessionId: asId(sessionId),
    key,
    value: parseStoredJson(value, "a memory entry"),
    importance: Number(importance),
    sizeBytes: Number(sizeBytes),
    expiresAt: expires === "" ? null : Number(expires),
    createdAt: Number(createdAt),
    updatedAt: Number(updatedAt),
  };
}

function toGone(reply: unknown): readonly GoneEntry[] {
  const flat = asList(reply);
  const gone: GoneEntry[] = [];
  for (let at = 0; at < flat.length; at += 3)
    gone.push({ key: String(flat[at]), importance: Number(flat[at + 1]), sizeBytes: Number(flat[at + 2]) });
  return gone;
}

function asList(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
