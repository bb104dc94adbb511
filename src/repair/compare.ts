/** Whether a database holds what it should: compared row by row with one that was made from its log. */

import { DatabaseSync } from "node:sqlite";

import { sha256 } from "../base/sha256.ts";
import type { Row } from "../store/command.ts";
import { columnsOf, LOGGED_TABLES } from "../store/tables.ts";

export interface Difference {
  readonly table: string;
  /** How many rows are missing, additional or different. */
  readonly rows: number;
}

interface Compared {
  readonly name: string;
  readonly columns: string;
  readonly order: string;
  /** Rows that need not be in both. */
  readonly where?: string;
}

const LOG_COLUMNS = "project_id, seq, session_id, task_id, at, actor, verb, entity, row_key, before, after, note, part";

/** `from` is the least `seq` of the log that both must have. @throws when one of them cannot be read */
export function compareDatabases(path: string, other: string, from: number): readonly Difference[] {
  const compared: readonly Compared[] = [
    ...LOGGED_TABLES.map((table) => ({
      name: table.name,
      columns: `project_id, ${columnsOf(table)}`,
      order: table.key.join(", "),
    })),
    { name: "changes", columns: LOG_COLUMNS, order: "seq", where: `seq >= ${from}` },
    {
      name: "session_loads",
      columns: "project_id, session_id, unfinished, memory_entries, memory_bytes",
      order: "session_id",
    },
    { name: "project_loads", columns: "project_id, facts", order: "project_id" },
    { name: "projects", columns: "id, name, created_at", order: "id" },
  ];
  const [one, two] = [new DatabaseSync(path), new DatabaseSync(other)];
  try {
    const differences = compared.map((table) => ({ table: table.name, rows: countDifferent(one, two, table) }));
    const blobs = { table: "blobs", rows: countDamagedBlobs(one) };
    return [...differences, blobs].filter(({ rows }) => rows > 0);
  } finally {
    one.close();
    two.close();
  }
}

function countDifferent(one: DatabaseSync, two: DatabaseSync, { name, columns, order, where }: Compared): number {
  const sql = `select ${columns} from ${name} ${where === undefined ? "" : `where ${where}`} order by ${order}`;
  const others = two.prepare(sql).iterate();
  let count = 0;
  for (const row of one.prepare(sql).iterate()) {
    const { value, done } = others.next();
    if (done === true || !isEqual(row as Row, value as Row)) count += 1;
  }
  while (others.next().done !== true) count += 1;
  return count;
}

function isEqual(one: Row, other: Row): boolean {
  for (const column in one) if (one[column] !== other[column]) return false;
  return true;
}

/** Of those the rows refer to, a missing one shows elsewhere. */
function countDamagedBlobs(database: DatabaseSync): number {
  let count = 0;
  for (const row of database.prepare("select hash, size_bytes, content from blobs").iterate()) {
    const { hash, size_bytes: sizeBytes, content } = row as Row;
    const text = String(content);
    const isWhole = sha256().update(text).digest("hex") === hash && sizeBytes === Buffer.byteLength(text);
    if (!isWhole) count += 1;
  }
  return count;
}
