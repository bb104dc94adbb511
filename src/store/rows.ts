/**
 * Writing rows. The only way state is written: each function yields the statement and, in the same transaction, the
 * entry of the change log that says what it changed from what to what (INV-5).
 */

import { assert } from "../base/assert.ts";
import { leadsTo } from "../domain/state-machine.ts";
import type { Command, CommandContext, Row, SqlValue } from "./command.ts";
import { rows } from "./command.ts";
import { withoutImplied } from "./implied-columns.ts";
import type { Table } from "./tables.ts";

type Values = Readonly<Record<string, SqlValue>>;

interface ChangeMeta {
  /** What was done, in a word: `create`, `claim`, `complete`. */
  readonly verb: string;
  /** Why, in words, where the columns do not tell. */
  readonly note?: string | null;
}

interface UpdateMeta extends ChangeMeta {
  /** The row returns to what it was at a checkpoint: no state machine knows a way there. */
  readonly isReturn?: true;
}

const insertSql = new Map<Table, string>();

/** Inserts a row and logs it. Returns the row as stored, with its `seq` where the table has one. */
export function* insertRow(context: CommandContext, target: Table, values: Values, meta: ChangeMeta): Command<Row> {
  let sql = insertSql.get(target);
  const columns = target.columns.filter((column) => column !== "seq");
  if (sql === undefined) {
    sql = `insert into ${target.name} (project_id, ${columns.join(", ")}) values (?${", ?".repeat(columns.length)})${target.hasSeq ? " returning seq" : ""}`;
    insertSql.set(target, sql);
  }
  const params = columns.map((column) => values[column] ?? null);
  const [returned] = yield* rows(sql, context.projectId, ...params);
  const row: Row = returned === undefined ? values : { ...values, seq: returned.seq ?? null };
  const after = withoutImplied(target, withoutNulls(row), { ...subjectOf(target, row), at: context.now });
  yield* logChange(context, target, row, { before: null, after, ...meta });
  return row;
}

/**
 * Inserts a row that was there before, in its old place among the rows of its table: with the `seq` in `values`, or a new
 * one when another row has that by now.
 */
export function* reinsertRow(context: CommandContext, target: Table, values: Values, meta: ChangeMeta): Command<Row> {
  if (!target.hasSeq || typeof values.seq !== "number") return yield* insertRow(context, target, values, meta);
  const params = target.columns.map((column) => values[column] ?? null);
  const sql = `insert into ${target.name} (project_id, ${target.columns.join(", ")}) values (?${", ?".repeat(params.length)})
    on conflict do nothing returning seq`;
  const [inserted] = yield* rows(sql, context.projectId, ...params);
  // Whatever else is in the way refuses this one too, by name.
  if (inserted === undefined) return yield* insertRow(context, target, values, meta);
  yield* logChange(context, target, values, { before: null, after: withoutNulls(values), ...meta });
  return values;
}

/**
 * Updates the columns in which `patch` differs from `before`, the row as this transaction read it, and logs them.
 * Returns the row as it is now. Nothing is written when nothing differs.
 */
export function* updateRow(
  context: CommandContext,
  target: Table,
  before: Row,
  { patch, ...meta }: UpdateMeta & { readonly patch: Values },
): Command<Row> {
  const was: Record<string, SqlValue> = {};
  const becomes: Record<string, SqlValue> = {};
  const params: SqlValue[] = [];
  let assignments = "";
  for (const column of Object.keys(patch)) {
    const value = patch[column] ?? null;
    const present = before[column] ?? null;
    if (value === present) continue;
    was[column] = present;
    becomes[column] = value;
    params.push(value);
    assignments += `${assignments === "" ? "" : ", "}${column} = ?`;
  }
  if (params.length === 0) return before;
  if (meta.isReturn !== true) assertKnownTransition(target, { from: was.status, to: becomes.status });
  const { where, key } = locate(target, before);
  yield* rows(
    `update ${target.name} set ${assignments} where project_id = ?${where}`,
    ...params,
    context.projectId,
    ...key,
  );
  yield* logChange(context, target, before, { before: was, after: becomes, ...meta });
  return Object.assign({}, before, patch);
}

/** Deletes a row and logs all it held. */
export function* deleteRow(context: CommandContext, target: Table, before: Row, meta: ChangeMeta): Command<void> {
  const { where, key } = locate(target, before);
  yield* rows(`delete from ${target.name} where project_id = ?${where}`, context.projectId, ...key);
  yield* logChange(context, target, before, { before: withoutNulls(before), after: null, ...meta });
}

/** Deletes a row for good: the log keeps that it was and who deleted it, and no second copy of what it held. */
export function* discardRow(context: CommandContext, target: Table, before: Row, meta: ChangeMeta): Command<void> {
  const { where, key } = locate(target, before);
  yield* rows(`delete from ${target.name} where project_id = ?${where}`, context.projectId, ...key);
  yield* logChange(context, target, before, { before: {}, after: null, ...meta });
}

/** An entry that changes no column: something said about a task, for those who read the log. */
export function* noteChange(context: CommandContext, target: Table, row: Row, meta: ChangeMeta): Command<void> {
  yield* logChange(context, target, row, { before: {}, after: {}, ...meta });
}

interface LoggedChange extends ChangeMeta {
  readonly before: Values | null;
  readonly after: Values | null;
}

const LOG_SQL = `insert into changes (project_id, session_id, task_id, at, actor, verb, entity, row_key, before, after, note, part)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

function* logChange(context: CommandContext, target: Table, row: Row, change: LoggedChange): Command<void> {
  const { sessionId, taskId } = subjectOf(target, row);
  context.noteChange?.({ entity: target.name, row, before: change.before, after: change.after });
  yield* rows(
    LOG_SQL,
    context.projectId,
    sessionId,
    taskId,
    context.now,
    context.actor,
    change.verb,
    target.name,
    rowKeyText(target, row),
    change.before === null ? null : JSON.stringify(change.before),
    change.after === null ? null : JSON.stringify(change.after),
    change.note ?? null,
    context.nextPart(),
  );
}

function subjectOf(target: Table, row: Row): { readonly sessionId: SqlValue; readonly taskId: SqlValue } {
  return {
    sessionId: (target.name === "sessions" ? row.id : row.session_id) ?? null,
    taskId: (target.name === "tasks" ? row.id : row.task_id) ?? null,
  };
}

function assertKnownTransition(
  { machine }: Table,
  { from, to }: { readonly from: SqlValue | undefined; readonly to: SqlValue | undefined },
): void {
  if (machine === undefined || to === undefined) return;
  assert(
    leadsTo(machine, String(from), String(to)),
    `a ${machine.noun} that is ${String(from)} does not become ${String(to)}`,
  );
}

/** The condition that finds a row again: by `seq` where there is one, which is cheaper than by id. */
function locate(target: Table, row: Row): { readonly where: string; readonly key: readonly SqlValue[] } {
  const { seq } = row;
  if (target.hasSeq && typeof seq === "number") return { where: " and seq = ?", key: [seq] };
  return { where: target.key.map((column) => ` and ${column} = ?`).join(""), key: keyOf(target, row) };
}

/** A row's key as the change log writes it: the value itself, or a JSON array when it takes several. */
export function rowKeyText(target: Table, row: Row): string {
  const key = keyOf(target, row);
  return key.length === 1 ? String(key[0]) : JSON.stringify(key);
}

function keyOf(target: Table, row: Row): readonly SqlValue[] {
  return target.key.map((column) => {
    const value = row[column];
    assert(value !== undefined && value !== null, `a row of ${target.name} has its key column ${column}`);
    return value;
  });
}

function withoutNulls(values: Values): Values {
  const kept: Record<string, SqlValue> = {};
  for (const column of Object.keys(values)) {
    const value = values[column];
    if (value !== null && value !== undefined && column !== "project_id") kept[column] = value;
  }
  return kept;
}
