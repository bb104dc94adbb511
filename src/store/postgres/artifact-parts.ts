/**
 * The content of artifacts in the database, in parts. Parts are stored in order and go all at once, so those that are there
 * are the first ones without a gap, and a content whose last part is there is there whole.
 *
 * Whoever puts a content makes it young, also where it was there already. A cleanup takes only what is old and what no change
 * refers to at that moment; the writers of a project take turns, so whichever of the two comes first the other sees it.
 */

import type { Millis } from "../../base/clock.ts";
import type { ListedFile } from "../artifact-files.ts";
import type { Command, CommandContext } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { hashesLoggedAfter } from "../commands/cleanup-log.ts";
import { integer, integerOrNull, text } from "../entity-rows.ts";

export interface PartPlace {
  readonly hash: string;
  readonly part: number;
}

export interface NewPart extends PartPlace {
  readonly isLast: boolean;
  /** In base64. */
  readonly content: string;
  readonly sizeBytes: number;
}

/** `false` when the part before it is not there (any more): then they have to be stored from the first on. */
export const storePart = defineWrite("store-artifact-part", function* (context, input: NewPart): Command<boolean> {
  const { hash, part, content, sizeBytes } = input;
  if (part > 0 && !(yield* isThere(context, { hash, part: part - 1 }))) return false;
  const sql = `insert into artifact_parts (project_id, hash, part, is_last, content, size_bytes, put_at)
    values (?, ?, ?, ?, ?, ?, ?) on conflict (project_id, hash, part) do update set put_at = excluded.put_at`;
  yield* rows(sql, context.projectId, hash, part, input.isLast ? 1 : 0, content, sizeBytes, context.now);
  return true;
});

function* isThere(context: CommandContext, { hash, part }: PartPlace): Command<boolean> {
  const sql = "select part from artifact_parts where project_id = ? and hash = ? and part = ?";
  return (yield* oneRow(sql, context.projectId, hash, part)) !== null;
}

/** Makes a content young. Returns whether it is there whole. */
export const renewContent = defineWrite(
  "renew-artifact-content",
  function* (context, { hash }: { readonly hash: string }): Command<boolean> {
    const sql = "update artifact_parts set put_at = ? where project_id = ? and hash = ? and is_last = 1 returning part";
    return (yield* oneRow(sql, context.now, context.projectId, hash)) !== null;
  },
);

export const hasContent = defineRead(
  "has-artifact-content",
  function* (context, { hash }: { readonly hash: string }): Command<boolean> {
    const sql = "select part from artifact_parts where project_id = ? and hash = ? and is_last = 1 limit 1";
    return (yield* oneRow(sql, context.projectId, hash)) !== null;
  },
);

export const readPart = defineRead("read-artifact-part", function* (context, input: PartPlace): Command<{
  readonly content: string;
  readonly isLast: boolean;
} | null> {
  const sql = "select is_last, content from artifact_parts where project_id = ? and hash = ? and part = ?";
  const row = yield* oneRow(sql, context.projectId, input.hash, input.part);
  return row === null ? null : { content: text(row.content), isLast: row.is_last === 1 };
});

/** Of every content there is, also of one that is not there whole, in the order of their hashes. */
export const listContents = defineRead(
  "list-artifact-contents",
  function* (context, input: { readonly after: string; readonly limit: number }): Command<readonly ListedFile[]> {
    const sql = `select hash, sum(size_bytes) as size_bytes, max(put_at) as put_at from artifact_parts
      where project_id = ? and hash > ? group by hash order by hash limit ?`;
    const found = yield* rows(sql, context.projectId, input.after, input.limit);
    return found.map((row) => ({
      hash: text(row.hash),
      // A sum is of a type with more digits.
      sizeBytes: Number(row.size_bytes),
      putAt: integer(row.put_at),
    }));
  },
);

export interface RemoveContent {
  readonly hash: string;
  /** One that was put since stays. */
  readonly before: Millis;
  /** The last change that was looked at; what a later one refers to stays. */
  readonly lookedThrough: number;
}

/** Returns whether it went. */
export const removeContent = defineWrite(
  "remove-artifact-content",
  function* (context, { hash, before, lookedThrough }: RemoveContent): Command<boolean> {
    const sql = "select max(put_at) as put_at from artifact_parts where project_id = ? and hash = ?";
    const putAt = integerOrNull((yield* oneRow(sql, context.projectId, hash))?.put_at);
    if (putAt === null || putAt >= before) return false;
    if ((yield* hashesLoggedAfter(context, lookedThrough)).has(hash)) return false;
    yield* rows("delete from artifact_parts where project_id = ? and hash = ?", context.projectId, hash);
    return true;
  },
);
