/** Claiming: which tasks a worker gets next, and the execution it gets for each. */

import type { Millis } from "../../base/clock.ts";
import { PerdureError } from "../../base/errors.ts";
import type { Execution } from "../../domain/execution.ts";
import type { TaskId, WorkerId } from "../../domain/ids.ts";
import type { Task } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { integer, rowToExecution, rowToTask, text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { recursByText } from "../schedule-column.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";
import { withValues } from "../values.ts";
import { nameOfTask } from "./dependencies.ts";
import type { ClaimScope } from "./ready-tasks.ts";
import { isMoreComing, nextDue, readyTasks } from "./ready-tasks.ts";
import { executionRow, taskRow, transitionTask } from "./task-rows.ts";

export interface ClaimTasks extends ClaimScope {
  readonly workerId: WorkerId;
}

export interface Claimed {
  readonly task: Task;
  readonly execution: Execution;
  /** Whether it has a journal from before. */
  readonly isResumed: boolean;
}

export interface ClaimResult {
  /** The worker is not registered, or its lease ran out: it has to register again before it gets anything. */
  readonly isLeaseOver: boolean;
  readonly claimed: readonly Claimed[];
  /** Occurrences of recurring tasks that came due a while ago: what is missed has to be planned (`planOccurrence`) before they are claimed. */
  readonly overdue: readonly Task[];
  /** When the next task that is not due yet will be; `null` when there is none. Only looked up when less than `limit` was claimed. */
  readonly nextDueAt: Millis | null;
  /** Whether any of those still to come is more than the next occurrence of a recurring task. */
  readonly isMoreComing: boolean;
}

/** A recurring task this late is planned anew before it is claimed. */
const OVERDUE_MS = 500;

/**
 * Claims the most urgent ready tasks: by priority, then `runAt`, then creation. Atomic: no task is given to two callers.
 */
export const claimTasks = defineWrite("claim-tasks", function* (context, input: ClaimTasks): Command<ClaimResult> {
  yield* wakeWaiting(context);
  const candidates: Row[] = [];
  for (const executor of input.executors) candidates.push(...(yield* readyTasks(context, input, executor)));
  if (candidates.length > 0 && !(yield* hasLease(context, input.workerId))) {
    return { isLeaseOver: true, claimed: [], overdue: [], nextDueAt: null, isMoreComing: true };
  }
  candidates.sort(byUrgency);
  const claimed: Claimed[] = [];
  const overdue: Task[] = [];
  for (const row of candidates.slice(0, input.limit)) {
    if (yield* isOverdueOccurrence(context, row)) overdue.push(rowToTask(yield* withValues(row, ["input", "context"])));
    else claimed.push(yield* claimRow(context, row, input.workerId));
  }
  const isShort = claimed.length < input.limit;
  const nextDueAt = isShort ? yield* nextDue(context, input) : null;
  return {
    isLeaseOver: false,
    claimed,
    overdue,
    nextDueAt,
    isMoreComing: isShort && (yield* isMoreComing(context, input)),
  };
});

/** A claim by a worker that nobody could take over from later would be held for ever. */
function* hasLease(context: CommandContext, workerId: WorkerId): Command<boolean> {
  const sql = "select id from workers where project_id = ? and id = ? and lease_expires_at > ?";
  return (yield* oneRow(sql, context.projectId, workerId, context.now)) !== null;
}

function* isOverdueOccurrence(context: CommandContext, task: Row): Command<boolean> {
  if (!recursByText(task.schedule)) return false;
  if (context.now - integer(task.run_at) <= OVERDUE_MS) return false;
  if (task.execution_id === null) return true;
  const execution = yield* executionRow(context, text(task.execution_id));
  return execution.scheduled_for !== task.scheduled_for || execution.status === "completed";
}

export interface PlanOccurrence {
  readonly taskId: TaskId;
  /** The occurrence that was planned anew; nothing happens if another was chosen meanwhile. */
  readonly scheduledFor: Millis | null;
  readonly planned: {
    readonly scheduledFor: Millis;
    readonly runAt: Millis;
    readonly skipped: number;
    readonly missedUntil: Millis | null;
  };
}

/** Sets which occurrence an overdue recurring task runs next. */
export const planOccurrence = defineWrite("plan-occurrence", function* (context, input: PlanOccurrence): Command<void> {
  const task = yield* taskRow(context, input.taskId);
  if (task.status !== "pending" || task.scheduled_for !== input.scheduledFor) return;
  const { scheduledFor, runAt, skipped, missedUntil } = input.planned;
  yield* updateRow(context, TASKS, task, {
    verb: "plan_occurrence",
    note: skipped === 0 ? null : `${skipped} missed occurrences left out`,
    patch: {
      scheduled_for: scheduledFor,
      missed_until: missedUntil,
      run_at: Math.max(runAt, context.now),
      updated_at: context.now,
    },
  });
});

/** Claims one task by id, if it is ready and due. @throws PerdureError `wrong-state` from the caller's check. */
export function* claimRow(context: CommandContext, task: Row, workerId: WorkerId): Command<Claimed> {
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
  return {
    task: rowToTask(yield* withValues(claimedTask, ["input", "context"])),
    execution: rowToExecution(execution),
    isResumed: continues,
  };
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

/** Tasks whose wait for a signal has reached its time limit are ready. */
function* wakeWaiting(context: CommandContext): Command<void> {
  const due = yield* rows(
    `select project_id, ${columnsOf(TASKS)} from tasks
      where project_id = ? and status = 'blocked' and blocked_reason = 'waiting' and run_at <= ? order by run_at limit 100`,
    context.projectId,
    context.now,
  );
  for (const task of due) {
    yield* updateRow(context, TASKS, task, {
      verb: "unblock",
      note: "the wait reached its time limit",
      patch: { status: "pending", blocked_reason: null, blocked_note: null, waiting_on: 0, updated_at: context.now },
    });
  }
}

function byUrgency(a: Row, b: Row): number {
  return (
    integer(b.priority) - integer(a.priority) ||
    integer(a.run_at) - integer(b.run_at) ||
    integer(a.seq) - integer(b.seq)
  );
}

export interface ClaimTask {
  readonly taskId: TaskId;
  readonly workerId: WorkerId;
}

/** Claims one named task for somebody who asks for it. Refused with `wrong-state` unless it is pending in an active session. */
export const claimTask = defineWrite("claim-task", function* (context, input: ClaimTask): Command<Claimed> {
  const row = yield* taskRow(context, input.taskId);
  transitionTask(row, "claim");
  if (row.held === 1) throw sessionNotActive(row);
  return yield* claimRow(context, row, input.workerId);
});

function sessionNotActive(task: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Task ${nameOfTask(task)} cannot be claimed: its session is not active`,
    hint: "`perdure resume` lets its session go on.",
    details: { taskId: task.id, sessionId: task.session_id },
  });
}
