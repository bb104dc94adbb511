/** What people and agents do to a task from outside a worker: finish, fail, block, cancel, retry, interrupt it. */

import { PerdureError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { ExecutionId, SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { TaskError, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { noteChange, updateRow } from "../rows.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { isOfPresentOccurrence, startExecution } from "./claim-row.ts";
import type { Ended } from "./dependencies.ts";
import {
  countDependencies,
  dependencyState,
  heldBackByTasks,
  nameOfTask,
  reopenDependents,
  settleDependents,
} from "./dependencies.ts";
import type { NextOccurrence } from "./executions.ts";
import { endTask, errorText } from "./executions.ts";
import { keepOrder } from "./keep-order.ts";
import { openSessionForWork } from "./session-rows.ts";
import { executionRow, taskRow, transitionTask } from "./task-rows.ts";

export interface FinishTask {
  readonly taskId: TaskId;
  readonly outcome:
    | { readonly status: "completed"; readonly result: Json }
    | { readonly status: "failed"; readonly error: TaskError };
  /** When it recurs, its next occurrence. */
  readonly next: NextOccurrence | null;
  /** Also when it waits for dependencies: somebody did it out of order. What follows it by its place then waits for those. */
  readonly evenIfBlocked: boolean;
  /** For the change log. */
  readonly note?: string | null;
}

/** Says from outside how a task ended. Refused while a worker's process runs it, and for a group, which ends by its parts. */
export const finishTask = defineWrite("finish-task", function* (context, input: FinishTask): Command<void> {
  const task = yield* taskRow(context, input.taskId);
  transitionTask(task, input.outcome.status === "completed" ? "complete" : "fail");
  yield* refuseWhileWorked(context, task);
  if (!input.evenIfBlocked) yield* refuseWaiting(context, task);
  const execution = yield* ensureExecution(context, task);
  const ended = {
    worker_id: null,
    updated_at: context.now,
    ended_at: context.now,
    fence: integer(execution.fence) + 1,
  };
  if (input.outcome.status === "completed") {
    const result = yield* storeValue(input.outcome.result, `The result of task ${nameOfTask(task)}`);
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "complete",
      patch: { ...ended, status: "completed", result, error: null },
    });
  } else {
    const error = errorText(input.outcome.error);
    yield* updateRow(context, EXECUTIONS, execution, { verb: "fail", patch: { ...ended, status: "failed", error } });
  }
  const started = { ...task, execution_id: execution.id ?? null };
  const current = yield* updateRow(context, TASKS, task, {
    verb: "claim",
    patch: { execution_id: started.execution_id, started_at: task.started_at ?? context.now },
  });
  if (input.evenIfBlocked && input.outcome.status === "completed") yield* keepOrder(context, current);
  yield* endTask(context, current, { status: input.outcome.status, next: input.next, note: input.note ?? null });
});

function* refuseWaiting(context: CommandContext, task: Row): Command<void> {
  const isGroup = task.executor === GROUP_EXECUTOR;
  const isWaiting = task.status === "blocked" && integer(task.waiting_on) > 0;
  if (!isGroup && !isWaiting) return;
  const open = yield* heldBackByTasks(context, task);
  const named = open.slice(0, MOST_NAMED);
  const names =
    named.map(nameOfTask).join(", ") + (open.length > named.length ? ` and ${open.length - named.length} more` : "");
  throw new PerdureError("wrong-state", {
    message: isGroup
      ? `Task ${nameOfTask(task)} gathers other tasks and completes when they have; it waits for ${names}`
      : `Task ${nameOfTask(task)} still waits for ${names}`,
    hint: "Complete those first, or pass --force when it was done out of order.",
    details: {
      taskId: task.id,
      waitsFor: named.map(({ id, key }) => ({ id: text(id), key: textOrNull(key) })),
      waitingOn: open.length,
    },
  });
}

/** So many of what a task waits for are named. */
const MOST_NAMED = 10;

/** The execution an outcome from outside is recorded on: the present one, or a new one when nobody had claimed the task. */
function* ensureExecution(context: CommandContext, task: Row): Command<Row> {
  const present = task.execution_id === null ? null : yield* executionRow(context, text(task.execution_id));
  if (present !== null && isOfPresentOccurrence(task, present)) return present;
  return yield* startExecution(context, task, null);
}

function* refuseWhileWorked(context: CommandContext, task: Row): Command<void> {
  if (task.status !== "in_progress" || task.execution_id === null) return;
  const worker = yield* oneRow(
    `select w.label as label from executions e join workers w on w.project_id = e.project_id and w.id = e.worker_id
      where e.project_id = ? and e.id = ? and e.status = 'running' and w.by_hand = 0 and w.lease_expires_at > ?`,
    context.projectId,
    text(task.execution_id),
    context.now,
  );
  if (worker === null) return;
  throw new PerdureError("conflict", {
    message: `Task ${nameOfTask(task)} is being run by ${text(worker.label)}`,
    hint: "Interrupt or cancel it first: `perdure interrupt` or `perdure task cancel`.",
    details: { taskId: task.id },
  });
}

export interface BlockTask {
  readonly taskId: TaskId;
  readonly note: string;
}

/** Sets a task aside until someone retries it. */
export const blockTask = defineWrite("block-task", function* (context, input: BlockTask): Command<void> {
  const task = yield* taskRow(context, input.taskId);
  transitionTask(task, "block");
  yield* refuseWhileWorked(context, task);
  if (task.status === "in_progress") yield* endRunning(context, task, "interrupted");
  const patch = {
    status: "blocked",
    blocked_reason: "interrupted",
    blocked_note: input.note.slice(0, LIMITS.errorChars),
    updated_at: context.now,
  };
  yield* updateRow(context, TASKS, task, { verb: "block", note: input.note.slice(0, 200), patch });
});

/** Takes the execution from whoever holds it; what they write from now on changes nothing. */
export function* endRunning(
  context: CommandContext,
  task: Row,
  status: "interrupted" | "completed" | "failed",
  error?: TaskError,
): Command<void> {
  if (task.execution_id === null) return;
  const execution = yield* executionRow(context, text(task.execution_id));
  if (execution.status === "completed" || execution.status === "failed") return;
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: END_VERBS[status],
    patch: {
      status,
      fence: integer(execution.fence) + 1,
      worker_id: null,
      interrupt_requested: 0,
      updated_at: context.now,
      ...(status === "interrupted" ? {} : { ended_at: context.now }),
      ...(error === undefined ? {} : { error: errorText(error) }),
    },
  });
}

const END_VERBS = { interrupted: "interrupt", completed: "complete", failed: "cancel" } as const;

/** Cancels a task and every unfinished one below it. A running one stops: its worker finds its hold gone. Returns how many were cancelled. */
export const cancelTask = defineWrite(
  "cancel-task",
  function* (context, input: { readonly taskId: TaskId; readonly note: string | null }): Command<number> {
    const root = yield* taskRow(context, input.taskId);
    transitionTask(root, "cancel");
    return yield* cancelTree(context, root, input.note);
  },
);

export function* cancelTree(context: CommandContext, root: Row, note: string | null): Command<number> {
  const queue = [root];
  const ended: Ended[] = [];
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    const below = `select project_id, ${columnsOf(TASKS)} from tasks
      where project_id = ? and parent_id = ? and status in ('pending', 'blocked', 'in_progress')`;
    queue.push(...(yield* rows(below, context.projectId, text(task.id))));
    yield* endRunning(context, task, "failed", { code: "cancelled", message: note ?? "The task was cancelled" });
    yield* updateRow(context, TASKS, task, {
      verb: "cancel",
      note,
      patch: {
        status: "cancelled",
        blocked_reason: null,
        blocked_note: note,
        waiting_on: 0,
        updated_at: context.now,
        completed_at: context.now,
      },
    });
    ended.push({
      id: text(task.id),
      status: "cancelled",
      previous: text(task.status) as TaskStatus,
      name: nameOfTask(task),
    });
  }
  yield* settleDependents(context, ended);
  return ended.length;
}

/**
 * Lets a failed, cancelled or blocked task be tried again, from its journal: recorded steps stay recorded. Its retries
 * count anew. One that waits for dependencies goes on waiting for them.
 */
export const retryTask = defineWrite(
  "retry-task",
  function* (context, input: { readonly taskId: TaskId }): Command<void> {
    const task = yield* taskRow(context, input.taskId);
    transitionTask(task, "retry");
    if (task.blocked_reason === "unknown_outcome") {
      throw new PerdureError("wrong-state", {
        message: `Task ${nameOfTask(task)} has a step whose outcome is unknown; retrying could repeat its effect`,
        hint: "Find out whether it took place, then `perdure task resolve --done`, `--retry` or `--skip`.",
        details: { taskId: input.taskId },
      });
    }
    yield* retryRow(context, task);
  },
);

export function* retryRow(context: CommandContext, task: Row): Command<void> {
  yield* openSessionForWork(context, text(task.session_id));
  const wasEnded = task.status === "failed" || task.status === "cancelled";
  if (wasEnded && task.execution_id !== null) {
    const execution = yield* executionRow(context, text(task.execution_id));
    const patch = {
      status: "interrupted",
      attempt: integer(execution.attempt) + 1,
      retry_count: 0,
      ended_at: null,
      updated_at: context.now,
    };
    if (execution.status === "failed") yield* updateRow(context, EXECUTIONS, execution, { verb: "retry", patch });
  }
  // Children are left out: the task asks for them again from its journal, and then waits anew.
  const count = yield* countDependencies(context, task, { withChildren: false });
  const completes = task.executor === GROUP_EXECUTOR && count.waitingOn === 0;
  const state = completes ? { ...dependencyState(count), status: "completed" } : dependencyState(count);
  yield* updateRow(context, TASKS, task, {
    verb: "retry",
    patch: {
      ...state,
      completed_at: completes ? context.now : null,
      run_at: Math.min(integer(task.run_at), context.now),
      updated_at: context.now,
    },
  });
  const previous = text(task.status) as TaskStatus;
  if (completes)
    yield* settleDependents(context, [{ id: text(task.id), status: "completed", previous, name: nameOfTask(task) }]);
  else if (wasEnded) yield* reopenDependents(context, text(task.id));
}

/** Asks running executions to stop at their next step boundary, and stops suspended ones. Returns those it asked. */
export const requestInterrupt = defineWrite(
  "request-interrupt",
  function* (
    context,
    input: { readonly executionId: ExecutionId } | { readonly sessionId: SessionId },
  ): Command<readonly ExecutionId[]> {
    const running =
      "executionId" in input
        ? [yield* executionRow(context, input.executionId)]
        : yield* runningIn(context, input.sessionId);
    const asked: ExecutionId[] = [];
    for (const execution of running) {
      if (!(yield* askToStop(context, execution))) {
        throw new PerdureError("wrong-state", {
          message: `Execution ${text(execution.id)} is ${text(execution.status)} and cannot be interrupted`,
          hint: "Only a running or suspended execution can be.",
          details: { executionId: execution.id, status: execution.status },
        });
      }
      asked.push(asId(text(execution.id)));
    }
    return asked;
  },
);

/** `false` when there is nothing to stop. */
function* askToStop(context: CommandContext, execution: Row): Command<boolean> {
  if (execution.status === "suspended") return yield* interruptSuspended(context, execution);
  if (execution.status !== "running") return false;
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "request_interrupt",
    patch: { interrupt_requested: 1, updated_at: context.now },
  });
  return true;
}

function* runningIn(context: CommandContext, sessionId: SessionId): Command<readonly Row[]> {
  const sql = `select e.project_id as project_id, ${columnsOf(EXECUTIONS, "e")} from tasks t
    join executions e on e.project_id = t.project_id and e.id = t.execution_id
    where t.project_id = ? and t.session_id = ? and t.status = 'in_progress' and e.status = 'running' order by e.seq`;
  return yield* rows(sql, context.projectId, sessionId);
}

/** `false` when there is nothing to interrupt: its task has ended, or waits for someone anyway. */
function* interruptSuspended(context: CommandContext, execution: Row): Command<boolean> {
  const task = yield* taskRow(context, text(execution.task_id));
  const goesOnByItself =
    task.execution_id === execution.id &&
    (task.status === "pending" || task.blocked_reason === "waiting" || task.blocked_reason === "dependencies");
  if (!goesOnByItself) return false;
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "interrupt",
    patch: { status: "interrupted", updated_at: context.now },
  });
  yield* updateRow(context, TASKS, task, {
    verb: "block",
    patch: { status: "blocked", blocked_reason: "interrupted", blocked_note: null, updated_at: context.now },
  });
  return true;
}

/** A remark for the record. */
export const noteTask = defineWrite(
  "note-task",
  function* (context, input: { readonly taskId: TaskId; readonly note: string }): Command<void> {
    const task = yield* taskRow(context, input.taskId);
    yield* noteChange(context, TASKS, task, { verb: "note", note: input.note.slice(0, LIMITS.errorChars) });
  },
);
