/**
 * Reads the change log along with a run and proves the invariants from it: what each change says was before is what the
 * log made it, no recorded step changes, writes come from who holds the lease, and the tables are what the log adds up to.
 */

import { assert } from "../../base/assert.ts";
import { parseStoredJson } from "../../base/json.ts";
import type { DependencyFailurePolicy, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, Row, SqlValue } from "../../store/command.ts";
import { defineRead, oneRow, rows } from "../../store/command.ts";
import type { EdgeKind } from "../../store/commands/dependencies.ts";
import { isSatisfied } from "../../store/commands/dependencies.ts";
import { withImplied } from "../../store/implied-columns.ts";
import type { Store } from "../../store/port.ts";
import type { RawChange } from "../../store/rebuild.ts";
import { keyIn, readRawChanges } from "../../store/rebuild.ts";
import { rowKeyText } from "../../store/rows.ts";
import type { Table } from "../../store/tables.ts";
import { LOGGED_TABLES } from "../../store/tables.ts";

/** Rows by table. */
export type Tables = Readonly<Record<string, readonly Row[]>>;

export interface Audit {
  /** Reads what was logged since the last look and compares the tables with it. @throws AssertionError naming what does not hold. */
  compareTables(): Promise<Tables>;
}

export interface AuditOptions {
  readonly store: Store;
  /** Of each worker. */
  readonly concurrency: number;
}

/** What a worker writes for an execution only while it holds it. */
const HELD_VERBS = new Set(["complete", "fail", "fail_attempt", "suspend", "interrupt", "release", "progress", "note"]);

export function createAudit({ store, concurrency }: AuditOptions): Audit {
  const state = new Map<string, Map<string, Row>>(LOGGED_TABLES.map((table) => [table.name, new Map()]));
  let after = 0;
  let last: { readonly writes: number | null; readonly tables: Tables } | null = null;

  return {
    async compareTables() {
      // Most looks are at a store to which nobody has written since the last one.
      const writes = await store.execute(countWrites, null);
      if (writes !== null && last?.writes === writes) return last.tables;
      const { changes, tables } = await store.execute(readState, { after });
      for (const change of changes) {
        check(state, change, concurrency);
        apply(state, change);
        after = change.seq;
      }
      for (const table of LOGGED_TABLES) compareTable(table, rowsOf(state, table.name), tables[table.name] ?? []);
      checkCounters(state, tables);
      last = { writes, tables };
      return tables;
    },
  };
}

/** Rows written to this database so far, logged or not; `null` where it does not tell. */
const countWrites = defineRead("count-writes", function* (context): Command<number | null> {
  if (context.dialect === "postgres") return null;
  return Number((yield* oneRow("select total_changes() as n"))?.n);
});

interface StateRead {
  readonly changes: readonly RawChange[];
  readonly tables: Tables;
}

/** In one command, so that nothing comes between the log and the tables. */
const readState = defineRead("read-state", function* (context, input: { readonly after: number }): Command<StateRead> {
  const changes = yield* readRawChanges.perform(context, { ...input, limit: 1e9 });
  const tables: Record<string, readonly Row[]> = {};
  for (const { name, columns } of [...LOGGED_TABLES, SESSION_LOADS]) {
    tables[name] = yield* rows(`select ${columns.join(", ")} from ${name} where project_id = ?`, context.projectId);
  }
  return { changes, tables };
});

const SESSION_LOADS = { name: "session_loads", columns: ["session_id", "unfinished"] };

type State = ReadonlyMap<string, Map<string, Row>>;

function rowsOf(state: State, table: string): Map<string, Row> {
  const found = state.get(table);
  assert(found !== undefined, `${table} is a logged table`);
  return found;
}

function columnsOf(text: string | null, change: RawChange): Readonly<Record<string, SqlValue>> {
  if (text === null) return {};
  return parseStoredJson(text, `change ${change.seq}`) as Readonly<Record<string, SqlValue>>;
}

function apply(state: State, change: RawChange): void {
  const table = rowsOf(state, change.entity);
  const present = table.get(change.rowKey);
  if (change.after === null) table.delete(change.rowKey);
  else
    table.set(
      change.rowKey,
      present === undefined ? newRowOf(change) : { ...present, ...columnsOf(change.after, change) },
    );
}

function newRowOf(change: RawChange): Row {
  const table = LOGGED_TABLES.find(({ name }) => name === change.entity);
  assert(table !== undefined, `${change.entity} is a logged table`);
  return withImplied(table, columnsOf(change.after, change), { ...change, key: keyIn(change, table) });
}

function check(state: State, change: RawChange, concurrency: number): void {
  const present = rowsOf(state, change.entity).get(change.rowKey);
  const named = `change ${change.seq} (${change.verb} ${change.entity} ${change.rowKey} by ${change.actor})`;
  if (change.before === null) assert(present === undefined, `${named} creates what was not there (INV-5)`);
  else {
    assert(present !== undefined, `${named} is of a row that is there (INV-5)`);
    for (const [column, value] of Object.entries(columnsOf(change.before, change))) {
      assert((present[column] ?? null) === value, `${named} says truly what ${column} was (INV-5)`);
    }
  }
  const columns = columnsOf(change.after, change);
  if (change.entity === "steps") checkStep(state, change, { present, columns, named });
  if (change.entity === "executions") checkExecution(state, change, { present, columns, named, concurrency });
  if (change.entity === "tasks" && change.verb === "claim" && present !== undefined) {
    checkStart(state, present, named);
    checkLimit(state, present, named);
  }
}

interface Checked {
  readonly present: Row | undefined;
  readonly columns: Readonly<Record<string, SqlValue>>;
  readonly named: string;
}

function checkStep(state: State, change: RawChange, { present, columns, named }: Checked): void {
  assert(present?.status !== "completed", `${named} leaves a recorded step as it is (INV-2)`);
  const executionId = String(present?.execution_id ?? columns.execution_id);
  checkHolder(state, change, executionId, named);
}

function checkExecution(
  state: State,
  change: RawChange,
  { present, columns, named, concurrency }: Checked & { readonly concurrency: number },
): void {
  if (change.verb === "claim") {
    assert(present?.status !== "running", `${named} takes over only what nobody runs (INV-3)`);
    if (present !== undefined)
      assert(Number(columns.fence) > Number(present.fence), `${named} raises the token (INV-3)`);
    const held = [...rowsOf(state, "executions").values()].filter(
      (row) => row.status === "running" && row.worker_id === columns.worker_id,
    );
    assert(held.length < concurrency, `${named} keeps within the worker's concurrency`);
  }
  if (present !== undefined && HELD_VERBS.has(change.verb)) checkHolder(state, change, change.rowKey, named);
  if ("retry_count" in columns && present !== undefined) {
    const isRetry = change.verb === "fail_attempt" || change.verb === "retry";
    assert(isRetry, `${named} costs no retry`);
  }
}

function checkHolder(state: State, change: RawChange, executionId: string, named: string): void {
  if (!change.actor.startsWith("worker:")) return;
  const execution = rowsOf(state, "executions").get(executionId);
  // A failure marks the steps it handles in the same transaction, before it ends the hold.
  const isHolder =
    execution?.status === "running" && String(execution.worker_id).startsWith(change.actor.slice("worker:".length));
  assert(isHolder, `${named} is by the holder of ${executionId} (INV-3)`);
}

function checkStart(state: State, task: Row, named: string): void {
  for (const { edge, target } of edgesOf(state, task)) {
    if (edge === "child") continue;
    const isFree = isSatisfied(
      edge,
      target.status as TaskStatus,
      task.on_dependency_failure as DependencyFailurePolicy,
    );
    assert(isFree, `${named} starts after ${String(target.title)}, which is ${String(target.status)} (INV-4)`);
  }
}

function checkLimit(state: State, task: Row, named: string): void {
  if (task.limit_key === null || task.limit_key === undefined) return;
  const running = [...rowsOf(state, "tasks").values()].filter(
    (row) => row.status === "in_progress" && row.limit_key === task.limit_key,
  );
  assert(running.length < Number(task.limit_concurrency), `${named} keeps within the limit of key ${task.limit_key}`);
}

function edgesOf(state: State, task: Row): readonly { readonly edge: EdgeKind; readonly target: Row }[] {
  return [...rowsOf(state, "dependencies").values()]
    .filter((row) => row.task_id === task.id)
    .map((row) => {
      const target = rowsOf(state, "tasks").get(String(row.depends_on_id));
      assert(target !== undefined, `what ${String(task.title)} depends on exists`);
      return { edge: row.kind as EdgeKind, target };
    });
}

/** `held` is derived by the database and not logged. */
function compareTable(table: Table, logged: ReadonlyMap<string, Row>, stored: readonly Row[]): void {
  assert(stored.length === logged.size, `the log has all rows of ${table.name} and no others (INV-5)`);
  for (const row of stored) {
    const key = rowKeyText(table, row);
    for (const column of table.columns) {
      if (column === "held") continue;
      const isSame = (logged.get(key)?.[column] ?? null) === row[column];
      assert(isSame, `column ${column} of ${table.name} ${key} is what the log makes it (INV-5)`);
    }
  }
}

function checkCounters(state: State, tables: Tables): void {
  const tasks = tables.tasks ?? [];
  const sessions = new Map((tables.sessions ?? []).map((row) => [row.id, row]));
  const executions = new Map((tables.executions ?? []).map((row) => [row.id, row]));
  const unfinished = new Map<SqlValue, number>();
  for (const task of tasks) {
    if (!["pending", "blocked", "in_progress"].includes(String(task.status))) continue;
    const sessionId = task.session_id ?? null;
    unfinished.set(sessionId, (unfinished.get(sessionId) ?? 0) + 1);
    const isHeld = sessions.get(sessionId)?.status !== "active";
    assert(task.held === (isHeld ? 1 : 0), `held of ${String(task.title)} goes by its session`);
    checkWaiting(state, task);
    const execution = executions.get(task.execution_id ?? null);
    const isRun = execution?.status === "running";
    assert((task.status === "in_progress") === isRun, `${String(task.title)} is in progress while its execution runs`);
  }
  for (const execution of executions.values()) {
    const isHeld = execution.worker_id !== null;
    assert(isHeld === (execution.status === "running"), `execution ${String(execution.id)} is held while it runs`);
  }
  for (const load of tables.session_loads ?? []) {
    const count = unfinished.get(load.session_id ?? null) ?? 0;
    assert(
      load.unfinished === count,
      `the session counts its ${count} unfinished tasks and not ${String(load.unfinished)}`,
    );
  }
}

/** A task that waits for others counts them; one that waits for children is woken by the first of them that a wait is over for. */
function checkWaiting(state: State, task: Row): void {
  const policy = task.on_dependency_failure as DependencyFailurePolicy;
  const open = edgesOf(state, task).filter(
    ({ edge, target }) => !isSatisfied(edge, target.status as TaskStatus, policy),
  );
  const openChildren = open.filter(({ edge }) => edge === "child").length;
  const waitingOn = Number(task.waiting_on);
  const named = `${String(task.title)} (${String(task.status)}, ${String(task.blocked_reason)})`;
  if (task.status !== "blocked") {
    const isGroup = task.executor === GROUP_EXECUTOR;
    assert(waitingOn === 0 && !isGroup, `${named} is not blocked and so waits for nothing`);
    assert(open.length === openChildren, `${named} has nothing left to wait for (INV-4)`);
  } else if (openChildren === 0) {
    assert(waitingOn === open.length, `${named} counts ${open.length} it waits for, and not ${waitingOn}`);
  } else {
    assert(waitingOn <= open.length, `${named} counts at most the ${open.length} it waits for, and not ${waitingOn}`);
  }
  const waits = task.status === "blocked" && String(task.blocked_reason).startsWith("dependenc");
  assert(!waits || waitingOn > 0, `${named} waits for something`);
}
