/** Looking through a session's working memory: pages of it, its outline for a summary, and what the session is at. */

import type { Millis } from "../../base/clock.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { MemoryEntry } from "../../domain/memory-entry.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { columnsOf, MEMORY } from "../tables.ts";
import { blobHashOf } from "../values.ts";
import { loadEntry } from "./memory.ts";
import { sessionRow } from "./session-rows.ts";

export interface ListMemory {
  readonly sessionId: SessionId;
  /** Only keys that begin with it, letter by letter. */
  readonly prefix: string | null;
  /** `next` of the page before. */
  readonly after: number | null;
  readonly limit: number;
}

export interface MemoryPage {
  readonly entries: readonly MemoryEntry[];
  readonly next: number | null;
}

const LIVE = "project_id = ? and session_id = ? and (expires_at is null or expires_at > ?)";

/** In the order in which the keys were first stored. */
export const listMemory = defineRead("list-memory", function* (context, input: ListMemory): Command<MemoryPage> {
  const { sessionId, limit } = input;
  const prefix = input.prefix ?? "";
  const sql = `select ${columnsOf(MEMORY)} from memory where ${LIVE} and seq > ? and substr(key, 1, length(?)) = ?
    order by seq limit ?`;
  const found = yield* rows(
    sql,
    context.projectId,
    sessionId,
    context.now,
    input.after ?? 0,
    prefix,
    prefix,
    limit + 1,
  );
  const page = found.slice(0, limit);
  const entries: MemoryEntry[] = [];
  for (const row of page) entries.push(yield* loadEntry(row));
  return { entries, next: found.length > limit ? integer(page.at(-1)?.seq) : null };
});

export type MemoryOrder = "recent" | "important";

export interface OutlineMemory {
  readonly sessionId: SessionId;
  /** `recent`: the last updated first. `important`: the most important first, of these the last updated. */
  readonly order: MemoryOrder;
  readonly limit: number;
  /** Of each value's JSON. */
  readonly previewChars: number;
}

/** An entry with the beginning of its value. */
export interface MemoryPreview {
  readonly key: string;
  /** The beginning of its JSON. */
  readonly preview: string;
  readonly isWhole: boolean;
  readonly sizeBytes: number;
  readonly importance: number;
  readonly updatedAt: Millis;
}

export interface MemoryOutline {
  /** Of all that have not expired. */
  readonly total: number;
  readonly entries: readonly MemoryPreview[];
}

const ORDERS: Readonly<Record<MemoryOrder, string>> = {
  recent: "updated_at desc, seq desc",
  important: "importance desc, updated_at desc, seq desc",
};

export const outlineMemory = defineRead(
  "outline-memory",
  function* (context, input: OutlineMemory): Command<MemoryOutline> {
    const live = [context.projectId, input.sessionId, context.now] as const;
    const counted = yield* oneRow(`select count(*) as n from memory where ${LIVE}`, ...live);
    const sql = `select key, substr(value, 1, ?) as preview, length(value) as chars, size_bytes, importance, updated_at
      from memory where ${LIVE} order by ${ORDERS[input.order]} limit ?`;
    const entries: MemoryPreview[] = [];
    for (const row of yield* rows(sql, Math.max(input.previewChars, BLOB_REFERENCE_CHARS), ...live, input.limit))
      entries.push(yield* toPreview(row, input.previewChars));
    return { total: integer(counted?.n), entries };
  },
);

const BLOB_REFERENCE_CHARS = 80;

function* toPreview(row: Row, previewChars: number): Command<MemoryPreview> {
  let preview = text(row.preview);
  let chars = integer(row.chars);
  const hash = blobHashOf(preview);
  if (hash !== null) {
    const sql = "select substr(content, 1, ?) as preview, length(content) as chars from blobs where hash = ?";
    const blob = yield* oneRow(sql, previewChars, hash);
    preview = text(blob?.preview ?? "");
    chars = integer(blob?.chars ?? 0);
  }
  return {
    key: text(row.key),
    // The database counts whole characters, as must be done here.
    preview: preview.length <= previewChars ? preview : [...preview].slice(0, previewChars).join(""),
    isWhole: chars <= previewChars,
    sizeBytes: integer(row.size_bytes),
    importance: Number(row.importance),
    updatedAt: integer(row.updated_at),
  };
}

/** How many tasks of each kind say what the session is at. */
const FOCUS_TASKS = 5;

/** What a session is at, in its own words: its goal, what runs, what is next. For ranking by relevance. */
export const describeFocus = defineRead(
  "describe-focus",
  function* (context, input: { readonly sessionId: SessionId }): Command<readonly string[]> {
    const session = yield* sessionRow(context, input.sessionId);
    const running = yield* focusTasks(context, input.sessionId, "status = 'in_progress' order by seq");
    const next = yield* focusTasks(context, input.sessionId, "status = 'pending' order by priority desc, run_at, seq");
    return [textOrNull(session.goal) ?? "", ...running, ...next].filter((said) => said !== "");
  },
);

function* focusTasks(context: CommandContext, sessionId: SessionId, which: string): Command<readonly string[]> {
  const sql = `select key, title, substr(description, 1, 1000) as description from tasks
    where project_id = ? and session_id = ? and ${which} limit ${FOCUS_TASKS}`;
  const found = yield* rows(sql, context.projectId, sessionId);
  return found.map((row) => [row.key, row.title, row.description].filter((part) => part !== null).join(" "));
}
