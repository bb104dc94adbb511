/** When a restored or forked session counts as being what it was: equal row by row, but for what had to stop. */

import type { Row } from "../../store/command.ts";
import { SESSION_TABLES } from "../../store/commands/session-state.ts";
import { stoppedExecution, stoppedTask } from "../../store/commands/stopped-rows.ts";
import type { TableDump } from "../table-dump.ts";

/** Rows by table, in the order they were made, without what may differ: fences only grow, `held` follows the session. */
export type ComparableRows = Readonly<Record<string, readonly Row[]>>;

/** The rows of a session in whatever state they are. */
export function comparableRows(tables: TableDump, sessionId: string): ComparableRows {
  return Object.fromEntries(SESSION_TABLES.map(({ name }) => [name, rowsOf(tables, name, sessionId).map(comparable)]));
}

/** What restoring the session at `now` to the point at which it held these rows has to bring. */
export function rowsOnceRestored(tables: TableDump, sessionId: string, now: number): ComparableRows {
  const executions = new Map(rowsOf(tables, "executions", sessionId).map((row) => [row.id, row]));
  const stopped = (name: string, row: Row): Row => {
    if (name === "executions") return stoppedExecution(row, now);
    return name === "tasks" ? stoppedTask(row, executions.get(row.execution_id ?? null), now) : row;
  };
  return Object.fromEntries(
    SESSION_TABLES.map(({ name }) => [
      name,
      rowsOf(tables, name, sessionId).map((row) => comparable(stopped(name, row))),
    ]),
  );
}

export function rowsOf(tables: TableDump, name: string, sessionId: string): readonly Row[] {
  const column = name === "sessions" ? "id" : "session_id";
  const found = (tables[name] ?? []).filter((row) => row[column] === sessionId);
  // Entries of working memory have a key and no order: one that was deleted may lose its place to another.
  if (name === "memory") return found;
  return found.toSorted((a, b) => Number(a.seq ?? 0) - Number(b.seq ?? 0));
}

function comparable(row: Row): Row {
  const { seq: _seq, fence: _fence, held: _held, ...rest } = row;
  return rest;
}
