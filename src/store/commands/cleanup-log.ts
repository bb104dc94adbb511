/**
 * Cutting off the beginning of the change log, and removing blobs nothing refers to any more. The log is cut only where
 * its mirror holds what goes and no checkpoint needs it, and where it begins from then on is itself a logged fact.
 */

import type { Millis } from "../../base/clock.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, textOrNull } from "../entity-rows.ts";
import { IN_LOG } from "../rebuild.ts";
import { insertRow } from "../rows.ts";
import { CLEANUPS, LOGGED_TABLES } from "../tables.ts";
import { blobHashOf } from "../values.ts";

export interface TrimRule {
  /** Only changes made before this. */
  readonly before: Millis;
  /** The last change the mirror holds durably. */
  readonly mirroredSeq: number;
}

/** The last change that may go; `null` when none may. */
export const findTrimPoint = defineRead("find-trim-point", function* (context, rule: TrimRule): Command<TrimPoint> {
  return yield* trimPoint(context, rule);
});

export interface TrimPoint {
  readonly through: number | null;
  /** How many changes go. */
  readonly count: number;
}

function* trimPoint(context: CommandContext, rule: TrimRule): Command<TrimPoint> {
  const young = yield* bound(context, `select min(seq) as seq from changes where ${IN_LOG} and at >= ?`, rule.before);
  // A checkpoint needs the change it names, which its checksum covers, and all after it.
  const needed = yield* bound(context, "select min(position) as seq from checkpoints where project_id = ?");
  // The last change stays, or the database would give its number away again.
  const newest = yield* bound(context, `select max(seq) as seq from changes where ${IN_LOG}`);
  const first = Math.min(young, needed, newest, rule.mirroredSeq + 1);
  // Whole commands only: what stands before the beginning of the first that stays.
  const boundary = yield* oneRow(
    "select max(seq) as seq from changes where project_id = ? and seq <= ? and part = 0",
    context.projectId,
    first,
  );
  const through = integerOrNull(boundary?.seq) === null ? 0 : integer(boundary?.seq) - 1;
  const count = yield* oneRow(
    "select count(*) as n from changes where project_id = ? and seq <= ?",
    context.projectId,
    through,
  );
  return integer(count?.n) === 0 ? { through: null, count: 0 } : { through, count: integer(count?.n) };
}

function* bound(context: CommandContext, sql: string, ...params: readonly number[]): Command<number> {
  const found = yield* oneRow(sql, context.projectId, ...params);
  return integerOrNull(found?.seq) ?? Number.MAX_SAFE_INTEGER;
}

/** Where the log begins, decided and recorded before the first change goes. @returns the last that goes, or `null` */
export const beginTrim = defineWrite("begin-trim", function* (context, rule: TrimRule): Command<number | null> {
  const { through, count } = yield* trimPoint(context, rule);
  if (through === null) return null;
  yield* insertCleanup(context, { trimmedThrough: through, removed: { changes: count } });
  return through;
});

/** Removes changes up to the recorded beginning of the log, a batch at a time. Returns how many went; 0 when none is left. */
export const trimChanges = defineWrite(
  "trim-changes",
  function* (context, input: { readonly limit: number }): Command<number> {
    const through = yield* logBeginsAfter(context);
    const first = yield* oneRow(`select min(seq) as seq from changes where ${IN_LOG}`, context.projectId);
    const from = integerOrNull(first?.seq);
    if (from === null || from > through) return 0;
    const last = Math.min(through, from + input.limit - 1);
    const gone = yield* rows(
      "delete from changes where project_id = ? and seq <= ? returning seq",
      context.projectId,
      last,
    );
    return gone.length;
  },
);

/** The last change of which the mirror alone tells; 0 when the log is whole. */
export const findLogBeginning = defineRead("find-log-beginning", function* (context): Command<number> {
  return yield* logBeginsAfter(context);
});

function* logBeginsAfter(context: CommandContext): Command<number> {
  const sql = "select max(trimmed_through) as seq from cleanups where project_id = ?";
  return integerOrNull((yield* oneRow(sql, context.projectId))?.seq) ?? 0;
}

/** Remembers that a cleanup took place, and what it removed. */
export const recordCleanup = defineWrite(
  "record-cleanup",
  function* (context, input: { readonly removed: Readonly<Record<string, number>> }): Command<void> {
    yield* insertCleanup(context, { trimmedThrough: null, removed: input.removed });
  },
);

function* insertCleanup(
  context: CommandContext,
  cleanup: { readonly trimmedThrough: number | null; readonly removed: Readonly<Record<string, number>> },
): Command<void> {
  const values = {
    id: context.uuid(),
    trimmed_through: cleanup.trimmedThrough,
    removed: JSON.stringify(cleanup.removed),
    created_at: context.now,
  };
  yield* insertRow(context, CLEANUPS, values, { verb: "clean_up" });
}

/** When something was last cleaned up. */
export const findLastCleanup = defineRead("find-last-cleanup", function* (context): Command<Millis | null> {
  const sql = "select max(created_at) as at from cleanups where project_id = ? and trimmed_through is null";
  return integerOrNull((yield* oneRow(sql, context.projectId))?.at);
});

export interface References {
  /** Of blobs and of artifacts. */
  readonly hashes: readonly string[];
  /** To go on after; `null` at the end of the log. */
  readonly next: number | null;
  /** The last change looked at. */
  readonly through: number;
}

/** What the kept changes refer to, a page of the log at a time. */
export const listLoggedReferences = defineRead(
  "list-logged-references",
  function* (context, input: { readonly after: number; readonly limit: number }): Command<References> {
    const sql = `select seq, before, after from changes where project_id = ? and seq > ? order by seq limit ?`;
    const found = yield* rows(sql, context.projectId, input.after, input.limit);
    const through = found.length === 0 ? input.after : integer(found.at(-1)?.seq);
    return { hashes: hashesIn(found), next: found.length < input.limit ? null : through, through };
  },
);

const HASH = /\b[0-9a-f]{64}\b/g;

/** Any hash in what was logged, whatever it is of: to take one for a reference only keeps something. */
function hashesIn(changes: readonly Row[]): readonly string[] {
  return changes.flatMap(({ before, after }) =>
    [before, after].flatMap((columns) => (textOrNull(columns) ?? "").match(HASH) ?? []),
  );
}

/** What the rows themselves refer to: all there is to go by where the log has been cut off. */
export const listStoredReferences = defineRead("list-stored-references", function* (context): Command<
  readonly string[]
> {
  const hashes: string[] = [];
  for (const table of LOGGED_TABLES) {
    for (const column of table.json) {
      const sql = `select distinct ${column} as value from ${table.name} where project_id = ? and ${column} like '@sha256:%'`;
      for (const { value } of yield* rows(sql, context.projectId)) hashes.push(blobHashOf(value) ?? "");
    }
  }
  const artifacts = yield* rows("select distinct hash as value from artifacts where project_id = ?", context.projectId);
  for (const { value } of artifacts) hashes.push(textOrNull(value) ?? "");
  return hashes;
});

export interface BlobPage {
  readonly blobs: readonly { readonly hash: string; readonly sizeBytes: number }[];
  readonly next: string | null;
}

/** Every blob there is, by hash. */
export const listBlobs = defineRead(
  "list-blobs",
  function* (_context, input: { readonly after: string; readonly limit: number }): Command<BlobPage> {
    const sql = "select hash, size_bytes from blobs where hash > ? order by hash limit ?";
    const found = yield* rows(sql, input.after, input.limit);
    const blobs = found.map((row) => ({ hash: String(row.hash), sizeBytes: integer(row.size_bytes) }));
    return { blobs, next: found.length < input.limit ? null : (blobs.at(-1)?.hash ?? null) };
  },
);

export interface RemoveBlobs {
  readonly hashes: readonly string[];
  /** The last change that was looked at; what a later one refers to stays. */
  readonly lookedThrough: number;
}

/** Returns those that went. They are no part of the log: it names values by hash. */
export const removeBlobs = defineWrite("remove-blobs", function* (context, input: RemoveBlobs): Command<
  readonly string[]
> {
  if (yield* mayBeOthers(context)) return [];
  const inUse = yield* hashesLoggedAfter(context, input.lookedThrough);
  const gone = input.hashes.filter((hash) => !inUse.has(hash));
  for (const hash of gone) yield* rows("delete from blobs where hash = ?", hash);
  return gone;
});

/** In a database of files blobs belong to no project, and what another one refers to is not seen from here. */
function* mayBeOthers({ dialect }: CommandContext): Command<boolean> {
  if (dialect === "postgres") return false;
  return integer((yield* oneRow("select count(*) as n from projects"))?.n) > 1;
}

/** What changes after `seq` refer to. Reads them all, so whoever asks has looked at most of the log before. */
export function* hashesLoggedAfter(context: CommandContext, seq: number): Command<ReadonlySet<string>> {
  const sql = "select before, after from changes where project_id = ? and seq > ?";
  return new Set(hashesIn(yield* rows(sql, context.projectId, seq)));
}
