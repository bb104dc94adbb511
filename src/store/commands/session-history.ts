/**
 * How the rows of a session have changed since a point in the change log: what each was then and is now. Read backwards
 * from the present, so it takes O(changes since), however much the session holds. Reads only.
 */

import type { SessionId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import type { AppliedChange, Values } from "../rebuild.ts";
import { columnsIn, damagedChange, keyIn, whereKey } from "../rebuild.ts";
import type { Table } from "../tables.ts";
import { columnsOf, tableOf } from "../tables.ts";

/** A row that the log names since the point. */
export interface RowHistory {
  readonly table: Table;
  /** As the change log writes it. */
  readonly rowKey: string;
  readonly wasThere: boolean;
  /** What the columns that were changed since held at the point. */
  readonly changed: Values;
  /** The whole row as it was at the point; `null` when there was none. Put together when it is asked for. */
  readonly was: Row | null;
  readonly is: Row | null;
  /** The greatest fencing token it has had since; 0 for what has none. */
  readonly greatestFence: number;
}

export interface SessionHistory {
  /** By `historyKey`. Only rows of tables that a restore brings back. */
  readonly rows: ReadonlyMap<string, RowHistory>;
  /** How many changes were read. */
  readonly changeCount: number;
}

export function historyKey(table: Table, rowKey: string): string {
  return `${table.name} ${rowKey}`;
}

/** Changes read at once. */
const PAGE = 2_000;

const PAGE_SQL = `select seq, session_id, task_id, at, verb, entity, row_key, before, after from changes
  where project_id = ? and session_id = ? and seq > ? order by seq limit ?`;

/**
 * @throws PerdureError `store-damaged` when a change does not fit the one before it, or a row is not as its last change
 * left it: then nobody knows what it was.
 */
export function* historySince(
  context: CommandContext,
  { sessionId, position }: { readonly sessionId: SessionId | string; readonly position: number },
): Command<SessionHistory> {
  const traces = new Map<string, Trace>();
  let changeCount = 0;
  for (let after = position, isMore = true; isMore;) {
    const page = (yield* rows(PAGE_SQL, context.projectId, sessionId, after, PAGE)).map(rowToChange);
    for (const change of page) follow(traces, change);
    changeCount += page.length;
    after = page.at(-1)?.seq ?? after;
    isMore = page.length === PAGE;
  }
  const histories = new Map<string, RowHistory>();
  for (const [key, trace] of traces) histories.set(key, yield* compareWithPresent(context, trace));
  return { rows: histories, changeCount };
}

function rowToChange(row: Row): AppliedChange {
  return {
    seq: integer(row.seq),
    sessionId: textOrNull(row.session_id),
    taskId: textOrNull(row.task_id),
    at: integer(row.at),
    verb: text(row.verb),
    entity: text(row.entity),
    rowKey: text(row.row_key),
    before: textOrNull(row.before),
    after: textOrNull(row.after),
  };
}

/** What the changes of one row say, before the row itself is looked at. */
interface Trace {
  readonly table: Table;
  readonly key: readonly SqlValue[];
  readonly wasThere: boolean;
  /** What the columns that were changed since held at the point. */
  readonly was: Record<string, SqlValue>;
  /** Whether and with what the row is there after the last change, as far as the changes tell. */
  isThere: boolean;
  last: Record<string, SqlValue>;
  lastChange: AppliedChange;
  greatestFence: number;
}

function follow(traces: Map<string, Trace>, change: AppliedChange): void {
  const table = tableOf(change.entity);
  if (table === undefined) throw damagedChange(change, `is of an unknown table ${JSON.stringify(change.entity)}`);
  if (!table.isRestored) return;
  const before = columnsIn(change, table, change.before);
  const after = columnsIn(change, table, change.after);
  const key = historyKey(table, change.rowKey);
  let trace = traces.get(key);
  if (trace === undefined) {
    const wasThere = before !== null;
    trace = {
      table,
      key: keyIn(change, table),
      wasThere,
      was: {},
      isThere: wasThere,
      last: {},
      lastChange: change,
      greatestFence: 0,
    };
    traces.set(key, trace);
  }
  if (trace.isThere !== (before !== null)) {
    throw damagedChange(change, before === null ? "adds a row that is there already" : "is of a row that is not there");
  }
  if (before !== null) goBack(trace, change, before, after === null);
  goOn(trace, before, after);
  trace.lastChange = change;
  for (const fence of [before?.fence, after?.fence]) {
    if (typeof fence === "number") trace.greatestFence = Math.max(trace.greatestFence, fence);
  }
}

/** Takes from a change what the row was before it. A deletion names all the row held. */
function goBack(trace: Trace, change: AppliedChange, before: Values, isDeletion: boolean): void {
  const { table, wasThere, was, last } = trace;
  for (const column of isDeletion ? table.columns : Object.keys(before)) {
    const value = before[column] ?? null;
    if (column in last) {
      if (last[column] !== value && !isDerived(table, column)) {
        throw damagedChange(change, `does not fit the change before it in ${column}`);
      }
    } else if (wasThere && !(column in was)) was[column] = value;
  }
}

function goOn(trace: Trace, before: Values | null, after: Values | null): void {
  if (after === null) {
    trace.isThere = false;
    // Had it been there since the point, all of it is known by now; else nothing of it counts.
    trace.last = {};
    return;
  }
  trace.isThere = true;
  if (before === null) for (const column of trace.table.columns) trace.last[column] = null;
  Object.assign(trace.last, after);
}

function* compareWithPresent(context: CommandContext, trace: Trace): Command<RowHistory> {
  const { table, key, wasThere, isThere, last, lastChange, greatestFence } = trace;
  const is = yield* oneRow(presentSql(table), context.projectId, ...key);
  if ((is !== null) !== isThere) {
    throw damagedChange(lastChange, is === null ? "left a row that is gone" : "left no row, and there is one");
  }
  for (const [column, value] of Object.entries(is === null ? {} : last)) {
    if ((is?.[column] ?? null) !== value && !isDerived(table, column)) {
      throw damagedChange(lastChange, `left ${table.name} ${lastChange.rowKey} with another ${column} than it has`);
    }
  }
  const { projectId } = context;
  return {
    table,
    rowKey: lastChange.rowKey,
    wasThere,
    changed: trace.was,
    get was() {
      return wasThere ? { ...is, ...trace.was, project_id: projectId } : null;
    },
    is,
    greatestFence,
  };
}

const presentSqls = new Map<Table, string>();

function presentSql(table: Table): string {
  let sql = presentSqls.get(table);
  if (sql === undefined) {
    sql = `select project_id, ${columnsOf(table)} from ${table.name} where ${whereKey(table)}`;
    presentSqls.set(table, sql);
  }
  return sql;
}

/** `held` follows the session's status by triggers, and is not logged when it does. */
function isDerived(table: Table, column: string): boolean {
  return table.name === "tasks" && column === "held";
}
