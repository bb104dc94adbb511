/**
 * Working memory in the session's store: writing entries within the limits, reading and removing them. An entry that has
 * expired is never read, whether or not it is still there. What had to go is deleted with a logged change that says why.
 */

import type { SessionId } from "../../domain/ids.ts";
import type { GoneEntry, MemoryEntry, NewMemory, StoredMemory } from "../../domain/memory-entry.ts";
import { checkedEntry, noRoom } from "../../domain/memory-entry.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, text } from "../entity-rows.ts";
import { deleteRow, insertRow, updateRow } from "../rows.ts";
import { columnsOf, MEMORY } from "../tables.ts";
import { loadValue, storeValue } from "../values.ts";
import { sessionRow } from "./session-rows.ts";

export interface StoreMemory extends NewMemory {
  readonly sessionId: SessionId;
}

const ENTRY_SQL = `select ${columnsOf(MEMORY)} from memory where project_id = ? and session_id = ? and key = ?`;

/**
 * Stores an entry, in place of the one with its key. Room is made by removing what has expired, then the least important,
 * of these the least recently updated, and never one more important than the new entry.
 *
 * @throws PerdureError `limit-reached` when that does not make enough room; nothing has changed then. `invalid-input`, `not-found`
 */
export const storeMemory = defineWrite("store-memory", function* (context, input: StoreMemory): Command<StoredMemory> {
  const { sizeBytes, expiresAt } = checkedEntry(input, context.now);
  yield* sessionRow(context, input.sessionId);
  const expired = yield* removeExpired(context, { sessionId: input.sessionId, limit: EXPIRED_PER_WRITE });
  const before = yield* liveOrRemoved(context, input, expired);
  const own = before === null ? null : integer(before.size_bytes);
  const evicted = yield* makeRoom(context, input, { sizeBytes, own, expired });
  const values = {
    session_id: input.sessionId,
    key: input.key,
    value: yield* storeValue(input.value, "A memory entry"),
    importance: input.importance,
    size_bytes: sizeBytes,
    expires_at: expiresAt,
    updated_at: context.now,
  };
  const row =
    before === null
      ? yield* insertRow(context, MEMORY, { ...values, created_at: context.now }, { verb: "store" })
      : yield* updateRow(context, MEMORY, before, { verb: "store", patch: values });
  return { entry: yield* loadEntry(row), evicted, expired };
});

/** The row of the key; one that has expired is removed first, so that the new entry does not continue it. */
function* liveOrRemoved(
  context: CommandContext,
  { sessionId, key }: MemoryKey,
  expired: GoneEntry[],
): Command<Row | null> {
  const row = yield* oneRow(ENTRY_SQL, context.projectId, sessionId, key);
  if (row === null || !isExpired(row, context)) return row;
  yield* deleteRow(context, MEMORY, row, { verb: "expire" });
  expired.push(toGone(row));
  return null;
}

/** Enough that entries do not pile up, and few enough that no write is held up by them. */
const EXPIRED_PER_WRITE = 20;
const CANDIDATES = 50;

function* makeRoom(
  context: CommandContext,
  { sessionId, key, importance, limits }: StoreMemory,
  entry: { readonly sizeBytes: number; readonly own: number | null; readonly expired: GoneEntry[] },
): Command<readonly GoneEntry[]> {
  const evicted: GoneEntry[] = [];
  const load = yield* oneRow(
    "select memory_entries, memory_bytes from session_loads where project_id = ? and session_id = ?",
    context.projectId,
    sessionId,
  );
  let tooMany = integer(load?.memory_entries) + (entry.own === null ? 1 : 0) - limits.maxEntries;
  let tooLarge = integer(load?.memory_bytes) - (entry.own ?? 0) + entry.sizeBytes - limits.maxSizeBytes;
  const isFull = (): boolean => tooMany > 0 || tooLarge > 0;
  const count = (gone: GoneEntry): void => {
    tooMany -= 1;
    tooLarge -= gone.sizeBytes;
  };
  while (isFull()) {
    const gone = yield* removeExpired(context, { sessionId, limit: CANDIDATES });
    if (gone.length === 0) break;
    gone.forEach(count);
    entry.expired.push(...gone);
  }
  while (isFull()) {
    const sql = `select ${columnsOf(MEMORY)} from memory where project_id = ? and session_id = ? and importance <= ? and key <> ?
      order by importance, updated_at, seq limit ?`;
    const candidates = yield* rows(sql, context.projectId, sessionId, importance, key, CANDIDATES);
    if (candidates.length === 0) throw noRoom({ key, importance, limits, sizeBytes: entry.sizeBytes });
    for (const candidate of candidates) {
      if (!isFull()) break;
      const note = `made room for ${key}`;
      yield* deleteRow(context, MEMORY, candidate, { verb: "evict", note });
      evicted.push(toGone(candidate));
      count(toGone(candidate));
    }
  }
  return evicted;
}

function* removeExpired(
  context: CommandContext,
  { sessionId, limit }: { readonly sessionId: SessionId | string; readonly limit: number },
): Command<GoneEntry[]> {
  const sql = `select ${columnsOf(MEMORY)} from memory where project_id = ? and session_id = ? and expires_at <= ?
    order by expires_at, seq limit ?`;
  const gone: GoneEntry[] = [];
  for (const row of yield* rows(sql, context.projectId, sessionId, context.now, limit)) {
    yield* deleteRow(context, MEMORY, row, { verb: "expire" });
    gone.push(toGone(row));
  }
  return gone;
}

function toGone(row: Row): GoneEntry {
  return { key: text(row.key), importance: Number(row.importance), sizeBytes: integer(row.size_bytes) };
}

/** Removes entries that have expired, of any session, at most so many. Returns how many it removed. */
export const expireMemory = defineWrite(
  "expire-memory",
  function* (context, input: { readonly limit: number }): Command<number> {
    const sql = `select session_id, min(expires_at) as first from memory where project_id = ? and expires_at <= ?
      group by session_id order by first limit ?`;
    let removed = 0;
    for (const { session_id } of yield* rows(sql, context.projectId, context.now, input.limit)) {
      if (removed >= input.limit) break;
      const gone = yield* removeExpired(context, { sessionId: text(session_id), limit: input.limit - removed });
      removed += gone.length;
    }
    return removed;
  },
);

export interface MemoryKey {
  readonly sessionId: SessionId;
  readonly key: string;
}

/** `null` where there is none, or it has expired. */
export const retrieveMemory = defineRead(
  "retrieve-memory",
  function* (context, input: MemoryKey): Command<MemoryEntry | null> {
    const row = yield* oneRow(ENTRY_SQL, context.projectId, input.sessionId, input.key);
    return row === null || isExpired(row, context) ? null : yield* loadEntry(row);
  },
);

/** Whether there was one that had not expired. */
export const deleteMemory = defineWrite("delete-memory", function* (context, input: MemoryKey): Command<boolean> {
  const row = yield* oneRow(ENTRY_SQL, context.projectId, input.sessionId, input.key);
  if (row === null) return false;
  const wasExpired = isExpired(row, context);
  yield* deleteRow(context, MEMORY, row, { verb: wasExpired ? "expire" : "delete" });
  return !wasExpired;
});

/** Removes every entry of a session. Returns how many of them had not expired. */
export const clearMemory = defineWrite(
  "clear-memory",
  function* (context, input: { readonly sessionId: SessionId }): Command<number> {
    const sql = `select ${columnsOf(MEMORY)} from memory where project_id = ? and session_id = ? order by seq`;
    let cleared = 0;
    for (const row of yield* rows(sql, context.projectId, input.sessionId)) {
      const wasExpired = isExpired(row, context);
      yield* deleteRow(context, MEMORY, row, { verb: wasExpired ? "expire" : "delete" });
      if (!wasExpired) cleared += 1;
    }
    return cleared;
  },
);

function isExpired(row: Row, { now }: CommandContext): boolean {
  const expiresAt = integerOrNull(row.expires_at);
  return expiresAt !== null && expiresAt <= now;
}

export function* loadEntry(row: Row): Command<MemoryEntry> {
  return {
    sessionId: text(row.session_id) as SessionId,
    key: text(row.key),
    value: yield* loadValue(row.value, "a memory entry"),
    importance: Number(row.importance),
    sizeBytes: integer(row.size_bytes),
    expiresAt: integerOrNull(row.expires_at),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  };
}
