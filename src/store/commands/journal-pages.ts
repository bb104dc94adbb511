/** Reading the change log for the journal: a bounded piece of it, with the values its columns refer to. */

import type { Command, CommandContext } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import type { JournalHeader } from "../journal-line.ts";
import { blobsOfChange } from "../journal-line.ts";
import type { RawChange } from "../rebuild.ts";
import { CHANGE_COLUMNS, rowToRawChange } from "../rebuild.ts";

export interface ReadJournalPage {
  /** Only changes with a greater `seq`. */
  readonly after: number;
  readonly limit: number;
  /** Of the columns; the first change is given whatever its size. */
  readonly maxBytes: number;
  /** Values up to this many bytes are read along. */
  readonly inlineBytes: number;
}

export interface JournalPage {
  /** In the order they were made. */
  readonly changes: readonly RawChange[];
  /** Whether the last of them is the last of its command. */
  readonly endsCommand: boolean;
  /** Whether there are more. */
  readonly hasMore: boolean;
  /** By hash, values up to `inlineBytes`. */
  readonly blobs: ReadonlyMap<string, string>;
  /** Hashes of the larger ones. */
  readonly largeBlobs: readonly string[];
}

export const readJournalPage = defineRead(
  "read-journal-page",
  function* (context, input: ReadJournalPage): Command<JournalPage> {
    const { last, next } = yield* pageEnd(context, input);
    const sql = `select ${CHANGE_COLUMNS} from changes where project_id = ? and seq > ? and seq <= ? order by seq`;
    const changes = (yield* rows(sql, context.projectId, input.after, last)).map(rowToRawChange);
    const blobs = new Map<string, string>();
    const largeBlobs = new Set<string>();
    for (const hash of changes.flatMap(blobsOfChange)) {
      if (blobs.has(hash) || largeBlobs.has(hash)) continue;
      const blob = yield* oneRow(
        "select size_bytes, case when size_bytes <= ? then content end as content from blobs where hash = ?",
        input.inlineBytes,
        hash,
      );
      const content = textOrNull(blob?.content ?? null);
      if (content !== null) blobs.set(hash, content);
      else if (blob !== null) largeBlobs.add(hash);
    }
    return {
      changes,
      // Within one snapshot the newest change of all is the last of its command too.
      endsCommand: next === null || next.part === 0,
      hasMore: next !== null,
      blobs,
      largeBlobs: [...largeBlobs],
    };
  },
);

/** The `seq` of the last change of the page, and what follows it. */
function* pageEnd(
  context: CommandContext,
  { after, limit, maxBytes }: ReadJournalPage,
): Command<{ readonly last: number; readonly next: { readonly part: number } | null }> {
  const sizes = yield* rows(
    `select seq, part, coalesce(octet_length(before), 0) + coalesce(octet_length(after), 0) as bytes
      from changes where project_id = ? and seq > ? order by seq limit ?`,
    context.projectId,
    after,
    limit + 1,
  );
  let last = after;
  let bytes = 0;
  for (const [index, row] of sizes.entries()) {
    bytes += integer(row.bytes);
    if (index === limit || (index > 0 && bytes > maxBytes)) return { last, next: { part: integer(row.part) } };
    last = integer(row.seq);
  }
  return { last, next: null };
}

/** The text of a blob; `null` when it is missing. */
export const readBlobText = defineRead(
  "read-blob-text",
  function* (_context, input: { readonly hash: string }): Command<string | null> {
    return textOrNull((yield* oneRow("select content from blobs where hash = ?", input.hash))?.content ?? null);
  },
);

/** What the first line of every file of the journal says. */
export const readJournalHeader = defineRead("read-journal-header", function* (context): Command<JournalHeader> {
  const row = yield* oneRow("select name, created_at from projects where id = ?", context.projectId);
  return {
    projectId: context.projectId,
    projectName: text(row?.name),
    projectCreatedAt: integer(row?.created_at),
  };
});
