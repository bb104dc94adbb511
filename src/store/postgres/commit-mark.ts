/** What a transaction wrote to the change log, by which it is found there when its commit was not answered. */

import type { Row, SqlValue } from "../command.ts";
import type { PlainQuery } from "./plain-query.ts";

/** The values of an entry in the order of its statement. */
export type LogEntry = readonly SqlValue[];

export interface CommitMark {
  /** All its entries come after this one. */
  readonly after: number;
  /** Of all its entries. */
  readonly at: SqlValue;
  readonly entries: ReadonlySet<string>;
}

/** By what one entry is told from all others. */
const ENTRY_KEY = ["at", "actor", "verb", "entity", "row_key", "part"];

export function markOf(columns: readonly string[], entries: readonly LogEntry[], after: number): CommitMark {
  const places = ENTRY_KEY.map((column) => columns.indexOf(column));
  const keys = entries.map((entry) => JSON.stringify(places.map((place) => entry[place] ?? null)));
  return { after, at: entries[0]?.[columns.indexOf("at")] ?? null, entries: new Set(keys) };
}

export function findMark({ after, at }: CommitMark): PlainQuery {
  const text = `select ${ENTRY_KEY.join(", ")} from changes
    where project_id = current_setting('perdure.project') and seq > $1 and at = $2`;
  return { text, values: [after, at] };
}

/** All of it, as another may have written the like of one entry in the same millisecond. */
export function isMarkIn({ entries }: CommitMark, rows: readonly Row[]): boolean {
  const found = new Set(rows.map((row) => JSON.stringify(ENTRY_KEY.map((column) => row[column]))));
  return entries.size > 0 && [...entries].every((entry) => found.has(entry));
}
