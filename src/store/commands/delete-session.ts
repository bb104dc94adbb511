/**
 * Deleting a session: piece by piece, so that a large one holds nobody up, each piece leaving what refers to nothing that
 * is gone. What is left after a crash is a cancelled session; deleting it again goes on. Contents of artifacts and blobs
 * stay until the cleanup finds that nothing refers to them.
 */

import { PerdureError } from "../../base/errors.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import { discardRow } from "../rows.ts";
import type { Table } from "../tables.ts";
import {
  ARTIFACTS,
  CHECKPOINTS,
  columnsOf,
  DEPENDENCIES,
  EXECUTIONS,
  MEMORY,
  MESSAGES,
  SESSIONS,
  SIGNALS,
  STEPS,
  TASKS,
} from "../tables.ts";
import { changeSessionStatus, sessionRow } from "./session-rows.ts";
import { cancelUnfinished } from "./sessions.ts";

const META = { verb: "delete" } as const;

/**
 * Closes a session for good: it is cancelled with all that is unfinished in it, whatever it had come to.
 *
 * @throws PerdureError `not-found`; `conflict` while work runs in it
 */
export const discardSession = defineWrite(
  "discard-session",
  function* (context, input: { readonly sessionId: SessionId }): Command<void> {
    const session = yield* sessionRow(context, input.sessionId);
    yield* refuseWhileWorked(context, session);
    if (session.status !== "cancelled") yield* changeSessionStatus(context, session, "discard");
    yield* cancelUnfinished(context, input.sessionId, "the session is deleted");
  },
);

function* refuseWhileWorked(context: CommandContext, session: Row): Command<void> {
  const worker = yield* oneRow(
    `select w.label as label from tasks t
      join executions e on e.project_id = t.project_id and e.id = t.execution_id and e.status = 'running'
      join workers w on w.project_id = e.project_id and w.id = e.worker_id and w.lease_expires_at > ?
      where t.project_id = ? and t.session_id = ? and t.status = 'in_progress' limit 1`,
    context.now,
    context.projectId,
    text(session.id),
  );
  if (worker === null) return;
  throw new PerdureError("conflict", {
    message: `Session ${text(session.name)} cannot be deleted: ${text(worker.label)} works in it`,
    hint: "Stop it first: `perdure session pause` or `perdure session cancel`.",
    details: { sessionId: session.id },
  });
}

export interface DeletedPiece {
  readonly rows: number;
  /** Nothing is left, the session included. */
  readonly isDone: boolean;
}

/**
 * Deletes up to `limit` rows of a session that was discarded (a few more where they belong together), the newest first.
 *
 * @throws PerdureError `not-found` when it is gone; `wrong-state` when it was not discarded
 */
export const deleteSessionPiece = defineWrite(
  "delete-session-piece",
  function* (context, input: { readonly sessionId: SessionId; readonly limit: number }): Command<DeletedPiece> {
    const session = yield* sessionRow(context, input.sessionId);
    if (session.status !== "cancelled") {
      throw new PerdureError("wrong-state", {
        message: `Session ${text(session.name)} is ${text(session.status)} and was not discarded`,
        hint: "Delete it with `perdure session delete`.",
        details: { sessionId: input.sessionId },
      });
    }
    let left = input.limit;
    for (const [table, order] of OF_SESSION) {
      left -= yield* deleteWhere(context, {
        table,
        where: `session_id = ? order by ${order} desc`,
        of: [input.sessionId],
        limit: left,
      });
      if (left <= 0) return { rows: input.limit - left, isDone: false };
    }
    while (left > 0) {
      const tasks = yield* rows(NEWEST_TASKS_SQL, context.projectId, context.projectId, input.sessionId, TASKS_AT_ONCE);
      if (tasks.length === 0) {
        yield* discardRow(context, SESSIONS, session, META);
        return { rows: input.limit - left + 1, isDone: true };
      }
      for (const task of tasks) {
        left -= yield* deleteTask(context, task, left);
        if (left <= 0) break;
      }
    }
    return { rows: input.limit - left, isDone: false };
  },
);

/** Tables in which nothing of others refers to a row, with what orders them. */
const OF_SESSION: readonly (readonly [Table, string])[] = [
  [CHECKPOINTS, "seq"],
  // The newest first: positions of what is left have no gap.
  [MESSAGES, "position"],
  [MEMORY, "seq"],
  [SIGNALS, "seq"],
];

const TASKS_AT_ONCE = 100;

/** Those that were made by others, and those that need others, come after them. */
const NEWEST_TASKS_SQL = `select project_id, ${columnsOf(TASKS)} from tasks
  where project_id = ? and seq in
    (select seq from tasks where project_id = ? and session_id = ? order by seq desc limit ?)
  order by seq desc`;

/** A task with all that belongs to it, or as much of that as `limit` allows. Returns how many rows went. */
function* deleteTask(context: CommandContext, task: Row, limit: number): Command<number> {
  let left = limit;
  const id = text(task.id);
  const remove = function* (table: Table, where: string, ...of: readonly string[]): Command<boolean> {
    left -= yield* deleteWhere(context, { table, where, of, limit: left });
    return left > 0;
  };
  const executions = yield* executionsOf(context, task);
  for (const execution of executions)
    if (!(yield* remove(STEPS, "execution_id = ? order by position desc", text(execution.id)))) return limit - left;
  if (!(yield* remove(ARTIFACTS, "task_id = ?", id))) return limit - left;
  if (!(yield* remove(DEPENDENCIES, "task_id = ?", id))) return limit - left;
  if (!(yield* remove(DEPENDENCIES, "depends_on_id = ?", id))) return limit - left;
  for (const execution of executions) {
    // The last one goes with its task, which names it.
    if (execution.id === task.execution_id) continue;
    yield* deleteExecution(context, execution);
    left -= 1;
    if (left <= 0) return limit - left;
  }
  const present = executions.find((execution) => execution.id === task.execution_id);
  yield* discardRow(context, TASKS, task, META);
  if (present !== undefined) yield* deleteExecution(context, present);
  return limit - left + (present === undefined ? 1 : 2);
}

function* executionsOf(context: CommandContext, task: Row): Command<readonly Row[]> {
  const select = `select project_id, ${columnsOf(EXECUTIONS)} from executions`;
  const recurring = yield* rows(
    `${select} where project_id = ? and task_id = ? and scheduled_for is not null order by seq`,
    context.projectId,
    text(task.id),
  );
  if (task.execution_id === null || recurring.some(({ id }) => id === task.execution_id)) return recurring;
  const present = yield* rows(`${select} where project_id = ? and id = ?`, context.projectId, text(task.execution_id));
  return [...recurring, ...present];
}

function* deleteExecution(context: CommandContext, execution: Row): Command<void> {
  // What runs on some machine is no state; whoever looks for it finds that its execution is gone.
  yield* rows("delete from processes where project_id = ? and execution_id = ?", context.projectId, text(execution.id));
  yield* discardRow(context, EXECUTIONS, execution, META);
}

interface DeleteWhere {
  readonly table: Table;
  readonly where: string;
  readonly of: readonly string[];
  readonly limit: number;
}

function* deleteWhere(context: CommandContext, { table, where, of, limit }: DeleteWhere): Command<number> {
  // All that is needed of them is what they are found by and told as.
  const columns = new Set([
    ...table.key,
    "session_id",
    ...["seq", "task_id"].filter((name) => table.columns.includes(name)),
  ]);
  const sql = `select project_id, ${[...columns].join(", ")} from ${table.name} where project_id = ? and ${where} limit ?`;
  const found = yield* rows(sql, context.projectId, ...of, limit);
  for (const row of found) yield* discardRow(context, table, row, META);
  return found.length;
}
