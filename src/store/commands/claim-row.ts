/** Gives one task to a worker: its execution, new or taken up, and the task itself. */

import type { Execution } from "../../domain/execution.ts";
import type { WorkerId } from "../../domain/ids.ts";
import type { Task } from "../../domain/task.ts";
import type { Command, CommandContext, Row, Running } from "../command.ts";
import { oneRow } from "../command.ts";
import { integer, rowToExecution, rowToTask, text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { EXECUTIONS, TASKS } from "../tables.ts";
import { withValues } from "../values.ts";
import { executionRow } from "./task-rows.ts";

export interface Claimed {
  readonly task: Task;
  readonly execution: Execution;
  /** Whether it has a journal from before. */
  readonly isResumed: boolean;
}

/** Claims one task by id, if it is ready and due. @throws PerdureError `wrong-state` from the caller's check. */
export function* claimRow(context: CommandContext, task: Row, workerId: WorkerId): Command<Claimed> {
  return yield* toClaimed(yield* claimRows(context, task, workerId));
}

interface ClaimedRows extends Running {
  readonly isResumed: boolean;
}

export function* claimRows(context: CommandContext, task: Row, workerId: WorkerId): Command<ClaimedRows> {
  const existing = task.execution_id === null ? null : yield* executionRow(context, text(task.execution_id));
  const continues = existing !== null && isOfPresentOccurrence(task, existing);
  const execution = continues
    ? yield* takeUp(context, existing, workerId)
    : yield* startExecution(context, task, workerId);
  const claimedTask = yield* updateRow(context, TASKS, task, {
    verb: "claim",
    patch: {
      status: "in_progress",
      execution_id: text(execution.id),
      started_at: task.started_at ?? context.now,
      updated_at: context.now,
    },
  });
  return { task: claimedTask, execution, isResumed: continues };
}

export function* toClaimed({ task, execution, isResumed }: ClaimedRows): Command<Claimed> {
  const whole = yield* withValues(task, ["input", "context"]);
  return { task: rowToTask(whole), execution: rowToExecution(execution), isResumed };
}

/** Whether a task goes on with this execution, or begins a new one: for its next occurrence, or because this one is done. */
export function isOfPresentOccurrence(task: Row, execution: Row): boolean {
  return execution.status !== "completed" && execution.scheduled_for === task.scheduled_for;
}

/** A new execution of a task, held by `workerId`, or by nobody when its outcome is recorded at once. */
export function* startExecution(context: CommandContext, task: Row, workerId: WorkerId | null): Command<Row> {
  const values = {
    id: context.uuid(),
    session_id: text(task.session_id),
    task_id: text(task.id),
    kind: text(task.kind),
    status: "running",
    attempt: 1,
    retry_count: 0,
    fence: 1,
    worker_id: workerId,
    scheduled_for: task.scheduled_for ?? null,
    interrupt_requested: 0,
    started_at: context.now,
    updated_at: context.now,
  };
  return yield* insertRow(context, EXECUTIONS, values, { verb: "claim" });
}

/** The same attempt goes on where it was, or the one that a failure made next begins; the log says which, and after which step. */
function* takeUp(context: CommandContext, execution: Row, workerId: WorkerId): Command<Row> {
  const lastStep = yield* oneRow(LAST_STEP_SQL, context.projectId, text(execution.id));
  const after = lastStep === null ? "with no step recorded" : `after step ${text(lastStep.name)}`;
  return yield* updateRow(context, EXECUTIONS, execution, {
    verb: "claim",
    note: `attempt ${integer(execution.attempt)}, ${after}`,
    patch: {
      status: "running",
      worker_id: workerId,
      fence: integer(execution.fence) + 1,
      interrupt_requested: 0,
      ended_at: null,
      updated_at: context.now,
    },
  });
}

const LAST_STEP_SQL = `select name from steps
  where project_id = ? and execution_id = ? and status = 'completed' order by position desc limit 1`;
