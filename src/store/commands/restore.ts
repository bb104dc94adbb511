/**
 * Returning a session to a checkpoint: what its rows were then is written as new, logged changes (INV-6), in one command,
 * after a checkpoint of what is replaced. O(changes since); undone by restoring that checkpoint.
 */

import { assert } from "../../base/assert.ts";
import type { Checkpoint, RepeatedEffect } from "../../domain/checkpoint.ts";
import type { EnvironmentFingerprint } from "../../domain/environment.ts";
import type { CheckpointId, ExecutionId, SessionId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import type { Values } from "../rebuild.ts";
import { deleteRow, noteChange, reinsertRow, updateRow } from "../rows.ts";
import type { Table } from "../tables.ts";
import { columnsOf, EXECUTIONS, LOGGED_TABLES, SESSIONS, STEPS, TASKS } from "../tables.ts";
import { checkpointRow, loadCheckpoint } from "./checkpoint-rows.ts";
import { historySinceCheckpoint } from "./checkpoint-soundness.ts";
import { insertCheckpoint } from "./checkpoints.ts";
import { nameOfTask } from "./dependencies.ts";
import type { RowHistory, SessionHistory } from "./session-history.ts";
import { historyKey } from "./session-history.ts";
import { loadSession, sessionRow } from "./session-rows.ts";
import { stoppedExecution, stoppedTask } from "./stopped-rows.ts";
import { taskRow } from "./task-rows.ts";
import { releaseExecution } from "./workers.ts";

export interface RestoreCheckpoint {
  readonly checkpointId: CheckpointId;
  /** Of the checkpoint that is made of what is replaced. */
  readonly environment: EnvironmentFingerprint;
  /** The snapshot of the workspace that goes with it; `null` without one. */
  readonly workspace: string | null;
  /** A session that was active then is paused now: it was being worked, and whoever asked for the restore says when it goes on. */
  readonly pausesActive: boolean;
}

export interface Restored {
  readonly session: Session;
  readonly checkpoint: Checkpoint;
  /** Of what was replaced. Restoring it undoes this. */
  readonly undo: Checkpoint;
  /** Rows written, by what was done to them. */
  readonly rows: { readonly added: number; readonly changed: number; readonly removed: number };
  /** Still running when everything was ready: taken from their workers, which lose their lease. */
  readonly cutOff: readonly ExecutionId[];
  /** Executions there were not: nobody will run them again and find what processes they left. */
  readonly removed: readonly ExecutionId[];
  /** Tasks that were completed and are not any more. */
  readonly reopenedTasks: number;
  readonly repeats: readonly RepeatedEffect[];
}

/**
 * Atomic. What runs is cut off (INV-3), so whoever calls interrupts it in good order before.
 *
 * @throws PerdureError `not-found`; `store-damaged` for a damaged checkpoint, naming the newest sound one.
 */
export const restoreCheckpoint = defineWrite(
  "restore-checkpoint",
  function* (context, input: RestoreCheckpoint): Command<Restored> {
    const target = yield* checkpointRow(context, input.checkpointId);
    const sessionId = asId<SessionId>(text(target.session_id));
    const checkpoint = yield* loadCheckpoint(context, target);
    yield* sessionRow(context, sessionId);
    const name = `${checkpoint.label} (${checkpoint.id.slice(0, 8)})`;
    const cutOff = yield* cutOffRunning(context, sessionId, `the session returns to checkpoint ${name}`);
    const history = yield* historySinceCheckpoint(context, target);
    const undo = yield* insertCheckpoint(context, {
      sessionId,
      label: `before restoring ${checkpoint.label}`.slice(0, 200),
      kind: "before_restore",
      environment: input.environment,
      workspace: input.workspace,
    });
    const repeats = yield* repeatedEffects(context, history);
    const written = yield* writeBack(context, { sessionId, history, name, pausesActive: input.pausesActive });
    return {
      session: yield* loadSession(yield* sessionRow(context, sessionId)),
      checkpoint,
      undo: yield* loadCheckpoint(context, undo),
      rows: written,
      cutOff,
      ...countLost(history),
      repeats,
    };
  },
);

const RUNNING_SQL = `select project_id, ${columnsOf(EXECUTIONS)} from executions
  where project_id = ? and session_id = ? and status = 'running' order by seq`;

function* cutOffRunning(context: CommandContext, sessionId: SessionId, why: string): Command<readonly ExecutionId[]> {
  const cutOff: ExecutionId[] = [];
  for (const execution of yield* rows(RUNNING_SQL, context.projectId, sessionId)) {
    yield* releaseExecution(context, execution, { verb: "interrupt", why });
    cutOff.push(asId(text(execution.id)));
  }
  return cutOff;
}

/** Running executions of a session, and whether a process of ours has each that can still stop it in good order. */
export const listRunning = defineRead(
  "list-running",
  function* (
    context,
    input: { readonly sessionId: SessionId },
  ): Command<readonly { readonly executionId: ExecutionId; readonly workerId: WorkerId | null }[]> {
    const running = yield* rows(RUNNING_SQL, context.projectId, input.sessionId);
    return running.map((row) => ({
      executionId: asId(text(row.id)),
      workerId: row.worker_id === null ? null : asId<WorkerId>(text(row.worker_id)),
    }));
  },
);

function countLost({ rows: histories }: SessionHistory): Pick<Restored, "removed" | "reopenedTasks"> {
  const removed: ExecutionId[] = [];
  let reopenedTasks = 0;
  for (const { table, is, wasThere, changed } of histories.values()) {
    if (table === EXECUTIONS && is !== null && !wasThere) removed.push(asId(text(is.id)));
    if (table === TASKS && is?.status === "completed" && wasThere && (changed.status ?? is.status) !== is.status) {
      reopenedTasks += 1;
    }
  }
  return { removed, reopenedTasks };
}

interface WriteBack {
  readonly sessionId: SessionId;
  readonly history: SessionHistory;
  readonly name: string;
  readonly pausesActive: boolean;
}

/**
 * What must go, what changes, what comes back. The session before its tasks change, since triggers hold them back by its
 * status; after tasks go, or the log would tell of those as they were before that.
 */
function* writeBack(context: CommandContext, input: WriteBack): Command<Restored["rows"]> {
  const { history } = input;
  const meta = { verb: "restore" } as const;
  const ofTable = Map.groupBy(history.rows.values(), ({ table }) => table);
  const tables = LOGGED_TABLES.filter((table) => table !== SESSIONS && ofTable.has(table));
  let [added, changed, removed] = [0, 0, 0];
  for (const table of tables.toReversed()) {
    for (const { is, wasThere } of ofTable.get(table) ?? []) {
      if (is === null || wasThere) continue;
      yield* deleteRow(context, table, is, meta);
      removed += 1;
    }
  }
  const session = yield* writeSession(context, input);
  for (const table of tables) {
    for (const row of ofTable.get(table) ?? []) {
      const { is, wasThere } = row;
      if (is === null || !wasThere) continue;
      const patch = patchTo(columnsToReturn(context, row, history), is);
      if (patch === null) continue;
      yield* updateRow(context, table, is, { ...meta, patch: { ...patch, ...newFence(row) }, isReturn: true });
      changed += 1;
    }
  }
  for (const table of tables) {
    const gone = (ofTable.get(table) ?? []).filter(({ is, wasThere }) => is === null && wasThere);
    yield* reinsert(context, { table, gone, history, isHeld: session.status !== "active" });
    added += gone.length;
  }
  return { added, changed, removed };
}

function* writeSession(context: CommandContext, input: WriteBack): Command<Row> {
  const { sessionId, history, name, pausesActive } = input;
  const meta = { verb: "restore", note: `to checkpoint ${name}` } as const;
  const is = yield* sessionRow(context, sessionId);
  const was = history.rows.get(historyKey(SESSIONS, sessionId))?.was ?? is;
  const target = pausesActive && was.status === "active" ? { ...was, status: "paused" } : was;
  const patch = patchTo(target, is);
  if (patch === null) yield* noteChange(context, SESSIONS, is, meta);
  else yield* updateRow(context, SESSIONS, is, { ...meta, patch, isReturn: true });
  return target;
}

/** Those that were changed since, as they were; or all of a row that ran, since not all of it comes back. */
function columnsToReturn(context: CommandContext, row: RowHistory, history: SessionHistory): Values {
  const { table, changed } = row;
  const ran =
    (table === EXECUTIONS && changed.status === "running") || (table === TASKS && changed.status === "in_progress");
  return ran ? asRestored(context, row, history) : changed;
}

/** The row as it was, but for what ran. */
function asRestored(context: CommandContext, { table, was }: RowHistory, history: SessionHistory): Row {
  assert(was !== null, "only what was there is brought back");
  if (table === EXECUTIONS) return stoppedExecution(was, context.now);
  if (table !== TASKS || was.execution_id === null) return was;
  const execution = history.rows.get(historyKey(EXECUTIONS, text(was.execution_id)))?.was;
  return stoppedTask(was, execution ?? undefined, context.now);
}

/** The columns in which a row differs from what it was; `null` when in none. Its place and what triggers keep stay. */
function patchTo(was: Values, is: Row): Values | null {
  const patch: Record<string, SqlValue> = {};
  for (const column of Object.keys(was)) {
    if (column === "seq" || column === "held" || column === "fence") continue;
    const value = was[column] ?? null;
    if (value !== (is[column] ?? null)) patch[column] = value;
  }
  return Object.keys(patch).length === 0 ? null : patch;
}

/** Whoever held the execution since cannot write for it any more, nor ever be taken for who claims it next (INV-3). */
function newFence({ table, greatestFence, is }: RowHistory): { readonly fence?: number } {
  if (table !== EXECUTIONS) return {};
  return { fence: Math.max(greatestFence, integer(is?.fence ?? 0)) + 1 };
}

interface Reinsert {
  readonly table: Table;
  readonly gone: readonly RowHistory[];
  readonly history: SessionHistory;
  readonly isHeld: boolean;
}

/** In the order in which they were, each in its old place while that is free; after the first that has lost it, none has. */
function* reinsert(context: CommandContext, { table, gone, history, isHeld }: Reinsert): Command<void> {
  let keepsPlace = true;
  for (const row of gone.toSorted((a, b) => integer(a.was?.seq ?? 0) - integer(b.was?.seq ?? 0))) {
    const restored = asRestored(context, row, history);
    const isUnfinished = table === TASKS && !isTerminalTask(text(restored.status) as TaskStatus);
    const values: Values = {
      ...restored,
      ...newFence(row),
      ...(isUnfinished ? { held: isHeld ? 1 : 0 } : {}),
      ...(keepsPlace ? {} : { seq: null }),
    };
    const inserted: Row = yield* reinsertRow(context, table, values, { verb: "restore" });
    keepsPlace &&= inserted.seq === restored.seq;
  }
}

/** Steps with an effect outside that are recorded now and were not then. */
function* repeatedEffects(context: CommandContext, history: SessionHistory): Command<readonly RepeatedEffect[]> {
  const effects: RepeatedEffect[] = [];
  for (const row of history.rows.values()) {
    const { table, is } = row;
    if (table !== STEPS || is === null || is.effect !== "once" || is.status === "failed") continue;
    // One that had begun at the checkpoint is of unknown outcome again: somebody is asked before it is done once more.
    if (row.wasThere && row.was?.status !== "failed") continue;
    const task = yield* taskRow(context, text(is.task_id));
    const outcome = is.status === "completed" ? "completed" : "unknown";
    effects.push({ taskId: text(task.id), task: nameOfTask(task), step: text(is.name), outcome });
  }
  return effects;
}
