/**
 * Rebuilding the state from the change log alone (INV-5). Changes are read raw here, their columns as the JSON text that
 * was logged, and applied to the tables one by one, each proving that the row is as the log says it was before.
 */

import { PerdureError } from "../base/errors.ts";
import { isJsonObject, parseStoredJson } from "../base/json.ts";
import type { Command, CommandContext, Row, SqlValue } from "./command.ts";
import { defineRead, defineWrite, oneRow, rows } from "./command.ts";
import { integer, text, textOrNull } from "./entity-rows.ts";
import { withImplied } from "./implied-columns.ts";
import type { Table } from "./tables.ts";
import { tableOf } from "./tables.ts";
import { insertBlob } from "./values.ts";

/** An entry of the change log as stored. */
export interface RawChange {
  readonly seq: number;
  readonly sessionId: string | null;
  readonly taskId: string | null;
  readonly at: number;
  readonly actor: string;
  readonly verb: string;
  readonly entity: string;
  readonly rowKey: string;
  /** A JSON object of columns; `null` for a new row. */
  readonly before: string | null;
  /** A JSON object of columns; `null` for a deleted row. */
  readonly after: string | null;
  readonly note: string | null;
  /** Its place among the changes of its command, from 0. */
  readonly part: number;
}

/** What it takes to apply a change, or to go back over it. */
export type AppliedChange = Omit<RawChange, "actor" | "note" | "part">;

/**
 * The condition for all changes of a project, in their order. Without one on `seq` SQLite reads the whole log by its project and
 * sorts it, even for the newest change alone.
 */
export const IN_LOG = "project_id = ? and seq > 0";

export const CHANGE_COLUMNS = "seq, session_id, task_id, at, actor, verb, entity, row_key, before, after, note, part";

export interface ReadRawChanges {
  /** Only changes with a greater `seq`. */
  readonly after: number;
  readonly limit: number;
}

/** In the order they were made. */
export const readRawChanges = defineRead("read-raw-changes", function* (context, input: ReadRawChanges): Command<
  readonly RawChange[]
> {
  const sql = `select ${CHANGE_COLUMNS} from changes where project_id = ? and seq > ? order by seq limit ?`;
  return (yield* rows(sql, context.projectId, input.after, input.limit)).map(rowToRawChange);
});

export function isSameChange(one: RawChange, other: RawChange): boolean {
  return (
    one.at === other.at &&
    one.actor === other.actor &&
    one.verb === other.verb &&
    one.entity === other.entity &&
    one.rowKey === other.rowKey &&
    one.sessionId === other.sessionId &&
    one.taskId === other.taskId &&
    one.note === other.note &&
    one.part === other.part &&
    one.before === other.before &&
    one.after === other.after
  );
}

export function rowToRawChange(row: Row): RawChange {
  return {
    seq: integer(row.seq),
    sessionId: textOrNull(row.session_id),
    taskId: textOrNull(row.task_id),
    at: integer(row.at),
    actor: text(row.actor),
    verb: text(row.verb),
    entity: text(row.entity),
    rowKey: text(row.row_key),
    before: textOrNull(row.before),
    after: textOrNull(row.after),
    note: textOrNull(row.note),
    part: integer(row.part),
  };
}

/**
 * Applies changes in order and appends them to the log as they were, so that a store that was empty ends up with the
 * same tables and the same log. A long log is handed over in batches. Blobs the changes refer to come along, and stay out
 * when they are there already.
 *
 * All or nothing per call. @throws PerdureError `store-damaged` naming the `seq` that does not fit what stands before it.
 */
export const rebuildFromChanges = defineWrite(
  "rebuild-from-changes",
  function* (
    context,
    input: {
      readonly changes: readonly RawChange[];
      /** Values the columns refer to, by the hash of their text. */
      readonly blobs?: ReadonlyMap<string, string>;
    },
  ): Command<void> {
    for (const [hash, content] of input.blobs ?? []) yield* insertBlob(hash, content);
    const last = yield* oneRow(`select max(seq) as seq from changes where ${IN_LOG}`, context.projectId);
    let previous = integer(last?.seq ?? 0);
    for (const change of input.changes) {
      if (change.seq <= previous) throw damagedChange(change, `comes after seq ${previous}`);
      previous = change.seq;
      yield* appendRawChange(context, change);
      yield* applyChange(context, change);
    }
  },
);

const APPEND_SQL = `insert into changes (project_id, ${CHANGE_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

function* appendRawChange(context: CommandContext, change: RawChange): Command<void> {
  const { seq, sessionId, taskId, at, actor, verb, entity, rowKey, before, after, note, part } = change;
  const { projectId } = context;
  yield* rows(
    APPEND_SQL,
    projectId,
    seq,
    sessionId,
    taskId,
    at,
    actor,
    verb,
    entity,
    rowKey,
    before,
    after,
    note,
    part,
  );
}

/**
 * Makes one logged change to the tables, without logging it.
 *
 * @throws PerdureError `store-damaged` when the row to change is not there or not as the change says it was.
 */
export function* applyChange(context: CommandContext, change: RawChange): Command<void> {
  const table = tableOf(change.entity);
  if (table === undefined) throw damagedChange(change, `is of an unknown table ${JSON.stringify(change.entity)}`);
  const before = columnsIn(change, table, change.before);
  const after = columnsIn(change, table, change.after);
  if (before === null && after === null) throw damagedChange(change, "has neither a before nor an after");
  if (before === null && after !== null) return yield* insertAgain(context, { change, table, after });
  const key = keyIn(change, table);
  const matches = yield* rowMatches(context, { table, key, before: before ?? {} });
  if (!matches)
    throw damagedChange(change, `does not fit ${table.name} ${change.rowKey}: that row is missing or different`);
  if (after === null) yield* deleteAgain(context, { table, key });
  else yield* updateAgain(context, { table, key, after });
}

export type Values = Readonly<Record<string, SqlValue>>;

function* insertAgain(
  context: CommandContext,
  { change, table, after }: { readonly change: RawChange; readonly table: Table; readonly after: Values },
): Command<void> {
  const columns = Object.keys(after);
  const marks = columns.map(() => ", ?").join("");
  const sql = `insert into ${table.name} (project_id, ${columns.join(", ")}) values (?${marks})
    on conflict do nothing returning project_id`;
  const inserted = yield* rows(sql, context.projectId, ...Object.values(after));
  if (inserted.length === 0) throw damagedChange(change, `adds a row to ${table.name} that is there already`);
}

interface Target {
  readonly table: Table;
  readonly key: readonly SqlValue[];
}

function* updateAgain(
  context: CommandContext,
  { table, key, after }: Target & { readonly after: Values },
): Command<void> {
  const columns = Object.keys(after);
  if (columns.length === 0) return;
  const sql = `update ${table.name} set ${columns.map((column) => `${column} = ?`).join(", ")} where ${whereKey(table)}`;
  yield* rows(sql, ...Object.values(after), context.projectId, ...key);
}

function* deleteAgain(context: CommandContext, { table, key }: Target): Command<void> {
  yield* rows(`delete from ${table.name} where ${whereKey(table)}`, context.projectId, ...key);
}

function* rowMatches(
  context: CommandContext,
  { table, key, before }: Target & { readonly before: Values },
): Command<boolean> {
  const same = Object.keys(before).map((column) => ` and ${column} is not distinct from ?`);
  const sql = `select project_id from ${table.name} where ${whereKey(table)}${same.join("")}`;
  return (yield* oneRow(sql, context.projectId, ...key, ...Object.values(before))) !== null;
}

export function whereKey(table: Table): string {
  return `project_id = ?${table.key.map((column) => ` and ${column} = ?`).join("")}`;
}

/** The logged columns; refused unless each is one of the table's, since a log may come from a file. */
export function columnsIn(change: AppliedChange, table: Table, logged: string | null): Values | null {
  if (logged === null) return null;
  const parsed = parseStoredJson(logged, `Change ${change.seq}`);
  if (!isJsonObject(parsed)) throw damagedChange(change, "does not hold columns");
  const values: Record<string, SqlValue> = {};
  for (const [column, value] of Object.entries(parsed)) {
    if (!table.columns.includes(column))
      throw damagedChange(change, `names an unknown column ${JSON.stringify(column)}`);
    if (value !== null && typeof value !== "string" && typeof value !== "number") {
      throw damagedChange(change, `holds no column value in ${column}`);
    }
    values[column] = value;
  }
  const isOfNewRow = change.before === null && logged === change.after;
  return isOfNewRow ? withImplied(table, values, { ...change, key: keyIn(change, table) }) : values;
}

/** The key of `rowKeyText`, read back. */
export function keyIn(change: AppliedChange, table: Table): readonly SqlValue[] {
  if (table.key.length === 1) return [change.rowKey];
  const parsed = parseStoredJson(change.rowKey, `The row key of change ${change.seq}`);
  const isKey =
    Array.isArray(parsed) &&
    parsed.length === table.key.length &&
    parsed.every((part) => typeof part === "string" || typeof part === "number");
  if (!isKey) throw damagedChange(change, `has no key of ${table.name}: ${change.rowKey}`);
  return parsed as readonly (string | number)[];
}

export function damagedChange(change: AppliedChange, what: string): PerdureError {
  return new PerdureError("store-damaged", {
    message: `The change log does not add up: change ${change.seq} (${change.verb} ${change.entity}) ${what}`,
    hint: "The log is not the one this state was made by, or an entry is missing. `perdure repair` mends it; `perdure doctor --deep` tells more.",
    details: { seq: change.seq, entity: change.entity, rowKey: change.rowKey },
  });
}
