/** Giving the rows of a session other ids, everywhere they stand: keys, references, and the children a step waits for. */

import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { Row, SqlValue } from "./command.ts";
import type { RawChange } from "./rebuild.ts";
import type { Table } from "./tables.ts";
import { tableOf } from "./tables.ts";

/** From an id to the one that stands for it now. Ids that are not in it stay. */
export type IdMap = ReadonlyMap<string, string>;

type Values = Readonly<Record<string, SqlValue>>;

const REFERENCES: ReadonlySet<string> = new Set([
  "id",
  "session_id",
  "task_id",
  "parent_id",
  "execution_id",
  "depends_on_id",
]);

export function mapIds(values: Values, ids: IdMap): Record<string, SqlValue> {
  const mapped: Record<string, SqlValue> = {};
  for (const [column, value] of Object.entries(values)) {
    mapped[column] = REFERENCES.has(column) && typeof value === "string" ? (ids.get(value) ?? value) : value;
  }
  return mapped;
}

/** The text of a step's kind; those that wait for children name them. */
export function mapStepKind(text: string, ids: IdMap): string {
  const kind = JSON.parse(text) as Json;
  if (!isJsonObject(kind) || !Array.isArray(kind.taskIds)) return text;
  const taskIds = kind.taskIds.map((id) => (typeof id === "string" ? (ids.get(id) ?? id) : id));
  return JSON.stringify({ ...kind, taskIds });
}

/** The ids a session's rows and history make: those that nothing else may have. */
export function idsMadeIn(
  rows: readonly (readonly [table: string, rows: readonly Row[]])[],
  history: readonly RawChange[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const made = new Map<string, Set<string>>();
  const add = (table: Table | undefined, id: SqlValue | undefined): void => {
    if (table === undefined || table.key.length !== 1 || table.key[0] !== "id" || typeof id !== "string") return;
    const known = made.get(table.name);
    if (known === undefined) made.set(table.name, new Set([id]));
    else known.add(id);
  };
  for (const [name, found] of rows) for (const row of found) add(tableOf(name), row.id);
  for (const { entity, rowKey, before } of history) if (before === null) add(tableOf(entity), rowKey);
  return made;
}

/** The first reference in a row that leads out of its session; `null` when none does (INV-7). */
export function foreignReference(
  table: Table,
  values: Values,
  session: { readonly id: string; readonly made: ReadonlySet<string> },
): string | null {
  for (const [column, value] of Object.entries(values)) {
    if (!REFERENCES.has(column) || value === null) continue;
    const isOfSession =
      column === "session_id" || table.name === "sessions" ? value === session.id : isMade(session, value);
    if (!isOfSession) return `${column} ${String(value)}`;
  }
  return null;
}

function isMade({ made }: { readonly made: ReadonlySet<string> }, value: SqlValue): boolean {
  return typeof value === "string" && made.has(value);
}
