/** All that a store holds, read raw: for comparing it with itself before a refused call, or with another store. */

import type { Command, Row } from "../store/command.ts";
import { defineRead, rows } from "../store/command.ts";
import type { Store } from "../store/port.ts";
import { columnsOf, LOGGED_TABLES } from "../store/tables.ts";

/** Rows by table, in the order of their keys. Without `project_id`. */
export type TableDump = Readonly<Record<string, readonly Row[]>>;

const UNLOGGED: Readonly<Record<string, string>> = {
  changes: `select seq, session_id, task_id, at, actor, verb, entity, row_key, before, after, note, part
    from changes where project_id = ? order by seq`,
  session_loads: `select session_id, unfinished, memory_entries, memory_bytes
    from session_loads where project_id = ? order by session_id`,
  project_loads: "select facts from project_loads where project_id = ?",
  lanes: `select session_id, executor, labels, limit_key, priority, run_at, due_at from lanes where project_id = ?
    order by session_id, executor, labels, limit_key, priority`,
  limit_starts: "select id, starts, expires_at from limit_starts where project_id = ? order by id",
  workers: `select id, host, pid, start_token, label, registered_at, lease_expires_at
    from workers where project_id = ? order by id`,
};

const dump = defineRead("dump-tables", function* (context, names: readonly string[] | null): Command<TableDump> {
  const tables: Record<string, readonly Row[]> = {};
  const isWanted = (name: string): boolean => names === null || names.includes(name);
  for (const table of LOGGED_TABLES) {
    if (!isWanted(table.name)) continue;
    const sql = `select ${columnsOf(table)} from ${table.name} where project_id = ? order by ${table.key.join(", ")}`;
    tables[table.name] = plain(yield* rows(sql, context.projectId));
  }
  for (const [name, sql] of Object.entries(UNLOGGED))
    if (isWanted(name)) tables[name] = plain(yield* rows(sql, context.projectId));
  if (isWanted("blobs")) tables.blobs = plain(yield* rows("select hash, size_bytes from blobs order by hash"));
  return tables;
});

/** Drivers return rows with prototypes of their own, which a comparison would take for a difference. */
function plain(found: readonly Row[]): readonly Row[] {
  return found.map((row) => ({ ...row }));
}

export function dumpTables(store: Store): Promise<TableDump> {
  return store.execute(dump, null);
}

/** Only the tables of these names. */
export function dumpSome(store: Store, names: readonly string[]): Promise<TableDump> {
  return store.execute(dump, names);
}

const STATE = [...LOGGED_TABLES.map(({ name }) => name), ...Object.keys(UNLOGGED)].filter((name) => name !== "changes");

/** All but the change log and the contents, which are most of it and grow with everything that is done. */
export function dumpState(store: Store): Promise<TableDump> {
  return store.execute(dump, STATE);
}

/** Lanes are a hint: whatever they say, claims find the same, so they need not be the same after a rebuild. */
export function withoutHints(tables: TableDump): TableDump {
  const { lanes: _lanes, ...rest } = tables;
  return rest;
}

/** What a rebuild from the change log has to bring back: the logged tables, what is derived from them and no hint, and the log. */
export function withoutCoordination(tables: TableDump): TableDump {
  const { workers: _workers, blobs: _blobs, limit_starts: _starts, ...rest } = withoutHints(tables);
  return rest;
}
