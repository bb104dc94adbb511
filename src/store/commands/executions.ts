/** How a worker ends its hold on an execution: completed, failed, suspended, interrupted, released. Each proves the fencing token (INV-3). */

import type { Millis } from "../../base/clock.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { ReportedProgress } from "../../domain/progress.ts";
import type { StepKind } from "../../domain/step.ts";
import type { TaskError } from "../../domain/task.ts";
import type { Command, CommandContext, Row, Running, SqlValue } from "../command.ts";
import { both, defineWrite, notingReady, oneRow, together } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { noteChange, updateRow } from "../rows.ts";
import { EXECUTIONS, STEPS, TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { NEVER } from "./ready-tasks.ts";
import { insertEdge } from "./create-tasks.ts";
import type { Ended } from "./dependencies.ts";
import { dependentsOfExecution, nameOfTask, settleDependents } from "./dependencies.ts";
import { stepRow } from "./step-rows.ts";
import type { Hold } from "./task-rows.ts";
import { heldExecution, heldTask, taskRow } from "./task-rows.ts";
import { INTERRUPTED, releaseExecution } from "./workers.ts";

/** When a recurring task runs next, worked out by the caller from its schedule. */
export interface NextOccurrence {
  readonly scheduledFor: Millis;
  readonly runAt: Millis;
  /** Occurrences left out before it, as its `overlap` and `catchUp` say. */
  readonly skipped: number;
  readonly missedUntil: Millis | null;
}

export interface CompleteExecution {
  readonly hold: Hold;
  readonly result: unknown;
  /** `null` when the task does not recur. */
  readonly next: NextOccurrence | null;
}

/** Atomic: the result, the task's end and the release of its dependents. */
export const completeExecution = notingReady(
  defineWrite(
    "complete-execution",
    function* (context, input: CompleteExecution): Command<void> {
      const ended = yield* complete(context, input);
      if (ended !== null) yield* settleDependents(context, [ended]);
    },
    function* (context, inputs): Command<readonly void[]> {
      // Of two that hold the same execution one is refused, and which one depends on the order.
      const executionIds = new Set(inputs.map(({ hold }) => hold.executionId));
      if (executionIds.size < inputs.length) {
        for (const input of inputs) yield* completeExecution.perform(context, input);
        return inputs.map(() => undefined);
      }
      const ended = yield* together(inputs.map((input) => complete(context, input)));
      yield* settleDependents(
        context,
        ended.filter((end) => end !== null),
      );
      return inputs.map(() => undefined);
    },
  ),
);

/** All but telling those that depend on the task. Returns it when it ended by that. */
function* complete(context: CommandContext, input: CompleteExecution): Command<Ended | null> {
  const { execution, task, dependents } = recallHeld(context, input.hold) ?? (yield* readHeld(context, input.hold));
  const result = yield* storeValue(input.result, `The result of task ${nameOfTask(task)}`);
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "complete",
    // An attempt before may have failed; that is in the log, and not how this ended.
    patch: {
      status: "completed",
      result,
      error: null,
      worker_id: null,
      updated_at: context.now,
      ended_at: context.now,
    },
  });
  const ended = yield* endTaskAlone(context, task, { status: "completed", next: input.next });
  return ended === null ? null : { ...ended, dependents };
}

interface Held extends Running {
  /** Those that depend on the task. */
  readonly dependents: readonly Row[];
}

function recallHeld(context: CommandContext, { executionId, fence }: Hold): Held | null {
  const running = context.presumptions?.recallRunning(executionId);
  return running?.execution.fence === fence ? { ...running, dependents: [] } : null;
}

function* readHeld(context: CommandContext, hold: Hold): Command<Held> {
  const [[execution, task], dependents] = yield* both(
    heldTask(context, hold),
    dependentsOfExecution(context, hold.executionId),
  );
  return { execution, task, dependents };
}

interface TaskEnd {
  readonly status: "completed" | "failed";
  readonly next: NextOccurrence | null;
  readonly note?: string | null;
}

/** A task has ended; or, when it recurs, an occurrence of it. */
export function* endTask(context: CommandContext, task: Row, end: TaskEnd): Command<void> {
  const ended = yield* endTaskAlone(context, task, end);
  if (ended !== null) yield* settleDependents(context, [ended]);
}

/** The same without telling those that depend on it. Returns it unless it goes on with another occurrence. */
function* endTaskAlone(context: CommandContext, task: Row, { status, next, note }: TaskEnd): Command<Ended | null> {
  const base = { blocked_reason: null, blocked_note: null, waiting_on: 0, updated_at: context.now };
  if (next !== null) {
    const skipped = next.skipped === 0 ? null : `${next.skipped} missed occurrences left out`;
    yield* updateRow(context, TASKS, task, {
      verb: "await_next_occurrence",
      note: note ?? skipped,
      patch: {
        ...base,
        status: "pending",
        scheduled_for: next.scheduledFor,
        missed_until: next.missedUntil,
        run_at: next.runAt,
      },
    });
    return null;
  }
  const verb = status === "completed" ? "complete" : "fail";
  yield* updateRow(context, TASKS, task, {
    verb,
    note: note ?? null,
    patch: { ...base, status, completed_at: context.now },
  });
  return { id: text(task.id), status, name: nameOfTask(task) };
}

export interface FailAttempt {
  readonly hold: Hold;
  readonly error: TaskError;
  /** `null` when it is not tried again. */
  readonly retryAt: Millis | null;
  /** Positions of failed steps whose failure the code went on past; they replay as they were. */
  readonly handledSteps: readonly number[];
  readonly next: NextOccurrence | null;
}

export const failAttempt = notingReady(
  defineWrite("fail-attempt", function* (context, input: FailAttempt): Command<void> {
    const execution = yield* heldExecution(context, input.hold);
    const task = yield* taskRow(context, text(execution.task_id));
    yield* markHandled(context, input.hold, input.handledSteps);
    const error = errorText(input.error);
    const base = { error, worker_id: null, interrupt_requested: 0, updated_at: context.now };
    if (input.retryAt !== null) {
      yield* updateRow(context, EXECUTIONS, execution, {
        verb: "fail_attempt",
        note: input.error.message.slice(0, 200),
        patch: {
          ...base,
          status: "suspended",
          attempt: integer(execution.attempt) + 1,
          retry_count: integer(execution.retry_count) + 1,
        },
      });
      const state = execution.interrupt_requested === 1 ? INTERRUPTED : { status: "pending" };
      yield* updateRow(context, TASKS, task, {
        verb: "release",
        patch: { ...state, run_at: input.retryAt, updated_at: context.now },
      });
      return;
    }
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "fail",
      note: input.error.message.slice(0, 200),
      patch: { ...base, status: "failed", ended_at: context.now },
    });
    yield* endTask(context, task, { status: "failed", next: input.next });
  }),
);

function* markHandled(context: CommandContext, { executionId }: Hold, positions: readonly number[]): Command<void> {
  for (const position of positions) {
    const step = yield* stepRow(context, executionId, position);
    if (step !== null) yield* updateRow(context, STEPS, step, { verb: "handle", patch: { handled: 1 } });
  }
}

export function errorText(error: TaskError): string {
  const stack = error.stack === undefined ? {} : { stack: error.stack.slice(0, LIMITS.errorChars) };
  return JSON.stringify({ code: error.code, message: error.message.slice(0, LIMITS.errorChars), ...stack });
}

export interface SuspendExecution {
  readonly hold: Hold;
  /** The steps it waits in, at least one: any of them lets it go on. */
  readonly waits: readonly StepKind[];
}

/**
 * Frees the worker while an execution waits; if an interrupt was asked for, it is interrupted instead. What came about between the decision to wait and this call is seen: if a
 * wait is over already, the task is ready at once.
 */
export const suspendExecution = notingReady(
  defineWrite("suspend-execution", function* (context, input: SuspendExecution): Command<void> {
    const execution = yield* heldExecution(context, input.hold);
    const task = yield* taskRow(context, text(execution.task_id));
    if (execution.interrupt_requested === 1) return yield* interrupt(context, execution);
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "suspend",
      patch: { status: "suspended", worker_id: null, updated_at: context.now },
    });
    const state = yield* waitingState(context, task, input.waits);
    yield* updateRow(context, TASKS, task, {
      verb: state.status === "pending" ? "release" : "block",
      patch: { ...state, updated_at: context.now },
    });
  }),
);

type WaitingState = Readonly<Record<"status" | "blocked_reason" | "blocked_note" | "waiting_on" | "run_at", SqlValue>>;

function* waitingState(context: CommandContext, task: Row, waits: readonly StepKind[]): Command<WaitingState> {
  let wakeAt = NEVER;
  let signal: string | null = null;
  let fewestChildren = 0;
  for (const wait of waits) {
    if (wait.type === "sleep") wakeAt = Math.min(wakeAt, wait.wakeAt);
    if (wait.type === "signal" || wait.type === "approval") {
      if (yield* hasSignal(context, text(task.id), wait.signal)) wakeAt = context.now;
      if (wait.type === "signal" && wait.expiresAt !== null) wakeAt = Math.min(wakeAt, wait.expiresAt);
      signal ??= wait.type === "approval" ? wait.question : `signal ${wait.signal}`;
    }
    if (wait.type === "children") {
      const open = yield* waitForChildren(context, task, wait.taskIds);
      if (open === 0) wakeAt = context.now;
      else fewestChildren = fewestChildren === 0 ? open : Math.min(fewestChildren, open);
    }
  }
  const ready = { status: "pending", blocked_reason: null, blocked_note: null, waiting_on: 0, run_at: wakeAt };
  if (wakeAt <= context.now || (signal === null && fewestChildren === 0)) return ready;
  const isForChildrenOnly = signal === null && wakeAt === NEVER;
  const blocked = { status: "blocked", blocked_note: signal, waiting_on: fewestChildren };
  // The end of its children makes it ready, whatever its `run_at` was; so that is now.
  if (isForChildrenOnly) return { ...blocked, blocked_reason: "dependencies", run_at: context.now };
  return { ...blocked, blocked_reason: "waiting", run_at: wakeAt };
}

function* hasSignal(context: CommandContext, taskId: string, name: string): Command<boolean> {
  const sql =
    "select id from signals where project_id = ? and task_id = ? and name = ? and consumed_at is null limit 1";
  return (yield* oneRow(sql, context.projectId, taskId, name)) !== null;
}

/** Ties the task to the children it waits for. Returns how many of them have not ended. */
function* waitForChildren(context: CommandContext, task: Row, childIds: readonly string[]): Command<number> {
  let open = 0;
  for (const childId of childIds) {
    const child = yield* taskRow(context, childId);
    if (["completed", "failed", "cancelled"].includes(text(child.status))) continue;
    open += 1;
    const edgeSql = "select kind from dependencies where project_id = ? and task_id = ? and depends_on_id = ?";
    const edge = yield* oneRow(edgeSql, context.projectId, text(task.id), childId);
    if (edge === null) yield* insertEdge(context, { task, dependsOnId: childId, kind: "child" });
  }
  return open;
}

/** Stopped at a step boundary because someone asked; it stays so until it is resumed. */
export const interruptExecution = defineWrite(
  "interrupt-execution",
  function* (context, input: { readonly hold: Hold }): Command<void> {
    yield* interrupt(context, yield* heldExecution(context, input.hold));
  },
);

function* interrupt(context: CommandContext, execution: Row): Command<void> {
  const task = yield* taskRow(context, text(execution.task_id));
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "interrupt",
    patch: { status: "interrupted", worker_id: null, interrupt_requested: 0, updated_at: context.now },
  });
  yield* updateRow(context, TASKS, task, { verb: "block", patch: { ...INTERRUPTED, updated_at: context.now } });
}

/** The worker lets go without anyone having asked for an interrupt: another may take it up at once. Costs no retry. */
export const releaseHold = defineWrite(
  "release-hold",
  function* (context, input: { readonly hold: Hold; readonly why: string }): Command<void> {
    const execution = yield* heldExecution(context, input.hold);
    yield* releaseExecution(context, execution, { verb: "release", why: input.why });
  },
);

export interface BlockOnUnknownOutcome {
  readonly hold: Hold;
  readonly position: number;
  /** As for `FailAttempt`, since what is decided begins a new attempt. */
  readonly handledSteps?: readonly number[];
}

/** An effect may or may not have taken place, and nothing can find out: the task waits for someone to say (INV-8). */
export const blockOnUnknownOutcome = defineWrite(
  "block-on-unknown-outcome",
  function* (context, input: BlockOnUnknownOutcome): Command<void> {
    const execution = yield* heldExecution(context, input.hold);
    yield* markHandled(context, input.hold, input.handledSteps ?? []);
    const task = yield* taskRow(context, text(execution.task_id));
    const step = yield* stepRow(context, input.hold.executionId, input.position);
    if (step?.status === "started")
      yield* updateRow(context, STEPS, step, { verb: "lose_track", patch: { status: "unknown" } });
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "suspend",
      patch: { status: "suspended", worker_id: null, updated_at: context.now },
    });
    yield* updateRow(context, TASKS, task, {
      verb: "block",
      patch: {
        status: "blocked",
        blocked_reason: "unknown_outcome",
        blocked_note: `step ${text(step?.name)} may or may not have taken place`,
        updated_at: context.now,
      },
    });
  },
);

export const reportProgress = notingReady(
  defineWrite(
    "report-progress",
    function* (context, input: { readonly hold: Hold; readonly progress: ReportedProgress }): Command<void> {
      const execution = yield* heldExecution(context, input.hold);
      const progress = JSON.stringify(input.progress);
      yield* updateRow(context, EXECUTIONS, execution, {
        verb: "progress",
        patch: { progress, updated_at: context.now },
      });
    },
  ),
);

/** A line in the change log from inside a run. */
export const noteExecution = defineWrite(
  "note-execution",
  function* (context, input: { readonly hold: Hold; readonly message: string }): Command<void> {
    const execution = yield* heldExecution(context, input.hold);
    yield* noteChange(context, EXECUTIONS, execution, {
      verb: "note",
      note: input.message.slice(0, LIMITS.errorChars),
    });
  },
);
