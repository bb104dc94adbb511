/** The journal: recording steps, and waits that are steps. Each write proves the fencing token (INV-3). */

import { PerdureError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { ExecutionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Step, StepEffect, StepKind, StepStatus } from "../../domain/step.ts";
import { stepMachine } from "../../domain/step.ts";
import { transition } from "../../domain/state-machine.ts";
import type { TaskError, TaskStatus } from "../../domain/task.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, defineWrite, notingReady, oneRow, rows, together } from "../command.ts";
import { integer, rowToStep, text } from "../entity-rows.ts";
import type { NewTask } from "../new-task.ts";
import { insertRow, updateRow } from "../rows.ts";
import { columnsOf, EXECUTIONS, SIGNALS, STEPS, TASKS } from "../tables.ts";
import { loadValue, storeValue, withValues } from "../values.ts";
import { insertTasks } from "./create-tasks.ts";
import { errorText } from "./executions.ts";
import { openSessionForWork } from "./session-rows.ts";
import { stepRow } from "./step-rows.ts";
import type { Hold } from "./task-rows.ts";
import { retryRow } from "./task-actions.ts";
import { executionRow, heldExecution, taskRow } from "./task-rows.ts";

/** The journal of an execution, in order. */
export const listSteps = defineRead(
  "list-steps",
  function* (context, input: { readonly executionId: ExecutionId }): Command<readonly Step[]> {
    const sql = `select ${columnsOf(STEPS)} from steps where project_id = ? and execution_id = ? order by position`;
    const steps: Step[] = [];
    for (const row of yield* rows(sql, context.projectId, input.executionId))
      steps.push(rowToStep(yield* withValues(row, ["result"])));
    return steps;
  },
);

export interface StepIdentity {
  readonly hold: Hold;
  readonly position: number;
  readonly name: string;
  readonly kind: StepKind;
  readonly effect: StepEffect;
  readonly isConcurrent: boolean;
}

export type StepOutcome =
  | { readonly status: "started" }
  | { readonly status: "completed"; readonly result: unknown }
  | { readonly status: "failed"; readonly error: TaskError };

export interface RecordStep {
  readonly step: StepIdentity;
  readonly outcome: StepOutcome;
  readonly startedAt: number;
}

/**
 * Records a step's start, result or failure. A completed step is never overwritten (INV-2).
 *
 * @throws PerdureError `lease-lost`, `wrong-state` for a step that is completed, `limit-reached`.
 */
export const recordStep = notingReady(
  defineWrite("record-step", recordOne, function* (context, inputs): Command<readonly void[]> {
    const places = new Set(inputs.map(({ step }) => `${step.hold.executionId} ${step.position}`));
    if (places.size === inputs.length) return yield* together(inputs.map((input) => recordOne(context, input)));
    // The same step twice: what the second may do depends on the first.
    for (const input of inputs) yield* recordOne(context, input);
    return inputs.map(() => undefined);
  }),
);

function* recordOne(context: CommandContext, input: RecordStep): Command<void> {
  const execution = yield* heldExecution(context, input.step.hold);
  yield* writeStep(context, execution, input);
}

function* writeStep(context: CommandContext, execution: Row, { step, outcome, startedAt }: RecordStep): Command<void> {
  const outcomeColumns = yield* outcomeOf(context, step, outcome);
  const before = yield* stepRow(context, step.hold.executionId, step.position);
  if (before === null) {
    if (step.position >= LIMITS.stepsPerExecution) throw tooManySteps(step);
    const values = {
      execution_id: step.hold.executionId,
      position: step.position,
      session_id: text(execution.session_id),
      task_id: text(execution.task_id),
      name: step.name,
      kind: JSON.stringify(step.kind),
      effect: step.effect,
      concurrent: step.isConcurrent ? 1 : 0,
      handled: 0,
      attempt: integer(execution.attempt),
      started_at: startedAt,
      ...outcomeColumns,
    };
    yield* insertRow(context, STEPS, values, { verb: outcome.status === "started" ? "start" : verbOf(outcome) });
    return;
  }
  refuseWrongTransition(before, outcome);
  yield* updateRow(context, STEPS, before, {
    verb: outcome.status === "started" ? "retry" : verbOf(outcome),
    patch: {
      ...outcomeColumns,
      kind: JSON.stringify(step.kind),
      concurrent: step.isConcurrent ? 1 : 0,
      attempt: integer(execution.attempt),
      started_at: startedAt,
    },
  });
}

function verbOf(outcome: StepOutcome): "complete" | "fail" {
  return outcome.status === "completed" ? "complete" : "fail";
}

function* outcomeOf(
  context: CommandContext,
  step: StepIdentity,
  outcome: StepOutcome,
): Command<Readonly<Record<string, SqlValue>>> {
  if (outcome.status === "started") return { status: "started", result: null, error: null, ended_at: null };
  if (outcome.status === "failed")
    return { status: "failed", result: null, error: errorText(outcome.error), ended_at: context.now };
  const result = yield* storeValue(outcome.result, `The result of step ${step.name}`);
  return { status: "completed", result, error: null, ended_at: context.now };
}

function refuseWrongTransition(before: Row, outcome: StepOutcome): void {
  const subject = { name: text(before.name), from: text(before.status) as StepStatus };
  transition(stepMachine, subject, outcome.status === "started" ? "retry" : verbOf(outcome));
}

function tooManySteps(step: StepIdentity): PerdureError {
  return new PerdureError("limit-reached", {
    message: `Execution ${step.hold.executionId} has ${LIMITS.stepsPerExecution} steps; step ${step.name} is one too many`,
    hint: "Split the work into child tasks (run.child).",
  });
}

/** What a wait found: its outcome, recorded; or nothing yet. */
export type WaitResult = { readonly kind: "over"; readonly result: Json } | { readonly kind: "waiting" };

export interface AwaitSignal {
  readonly step: StepIdentity;
  readonly signal: string;
  /** Whether its time limit has passed, by the caller's clock. */
  readonly isExpired: boolean;
  readonly startedAt: number;
}

/**
 * Takes the oldest signal of that name sent to the task, recording the step with it in the same transaction, so that a
 * signal is received exactly once. Without one, records that the step waits; past its limit, completes it with `null`.
 */
export const awaitSignal = defineWrite("await-signal", function* (context, input: AwaitSignal): Command<WaitResult> {
  const execution = yield* heldExecution(context, input.step.hold);
  const sql = `select project_id, ${columnsOf(SIGNALS)} from signals
    where project_id = ? and task_id = ? and name = ? and consumed_at is null order by seq limit 1`;
  const signal = yield* oneRow(sql, context.projectId, text(execution.task_id), input.signal);
  if (signal !== null) {
    const result = yield* loadValue(signal.payload, `Signal ${input.signal}`);
    yield* updateRow(context, SIGNALS, signal, { verb: "consume", patch: { consumed_at: context.now } });
    yield* writeStep(context, execution, { ...input, outcome: { status: "completed", result } });
    return { kind: "over", result };
  }
  if (input.isExpired) {
    yield* writeStep(context, execution, { ...input, outcome: { status: "completed", result: null } });
    return { kind: "over", result: null };
  }
  yield* ensureStarted(context, execution, input);
  return { kind: "waiting" };
});

function* ensureStarted(
  context: CommandContext,
  execution: Row,
  input: { readonly step: StepIdentity; readonly startedAt: number },
): Command<void> {
  const before = yield* stepRow(context, input.step.hold.executionId, input.step.position);
  if (before === null) yield* writeStep(context, execution, { ...input, outcome: { status: "started" } });
}

export interface StartChildren {
  readonly step: Omit<StepIdentity, "kind">;
  readonly tasks: readonly NewTask[];
  readonly startedAt: number;
}

/**
 * Creates tasks below the running one and records the step that waits for them, in one transaction: never one without the
 * other. When a new attempt asks for them again, those that failed are tried again; those that were cancelled too, but
 * only if a person retried the parent.
 */
export const startChildren = defineWrite("start-children", function* (context, input: StartChildren): Command<
  readonly TaskId[]
> {
  const execution = yield* heldExecution(context, input.step.hold);
  const before = yield* stepRow(context, input.step.hold.executionId, input.step.position);
  if (before !== null) {
    const { kind } = rowToStep(before);
    const taskIds = kind.type === "children" ? kind.taskIds : [];
    if (integer(before.attempt) === integer(execution.attempt)) return taskIds;
    yield* retryChildren(context, execution, taskIds);
    const step: StepIdentity = { ...input.step, kind: { type: "children", taskIds } };
    if (before.status === "failed")
      yield* writeStep(context, execution, { step, outcome: { status: "started" }, startedAt: input.startedAt });
    else yield* updateRow(context, STEPS, before, { verb: "retry", patch: { attempt: integer(execution.attempt) } });
    return taskIds;
  }
  const session = yield* openSessionForWork(context, text(execution.session_id));
  const parent = text(execution.task_id);
  const created = yield* insertTasks(
    context,
    session,
    input.tasks.map((task) => ({ ...task, parent })),
  );
  const taskIds = created.map((task) => task.id);
  const step: StepIdentity = { ...input.step, kind: { type: "children", taskIds } };
  yield* writeStep(context, execution, { step, outcome: { status: "started" }, startedAt: input.startedAt });
  return taskIds;
});

function* retryChildren(context: CommandContext, parent: Row, taskIds: readonly TaskId[]): Command<void> {
  const isByPerson = integer(parent.retry_count) === 0;
  for (const taskId of taskIds) {
    const child = yield* taskRow(context, taskId);
    if (child.status === "failed" || (isByPerson && child.status === "cancelled")) yield* retryRow(context, child);
  }
}

/** How a child task ended. */
export interface ChildOutcome {
  readonly taskId: TaskId;
  readonly title: string;
  readonly status: Extract<TaskStatus, "completed" | "failed" | "cancelled">;
  readonly result: Json;
  readonly error: TaskError | null;
}

/** How the children ended, once all have; `null` before. */
export const findChildOutcomes = defineRead(
  "find-child-outcomes",
  function* (context, input: { readonly taskIds: readonly TaskId[] }): Command<readonly ChildOutcome[] | null> {
    const outcomes: ChildOutcome[] = [];
    for (const taskId of input.taskIds) {
      const task = yield* taskRow(context, taskId);
      const status = text(task.status) as TaskStatus;
      if (!isTerminalTask(status)) return null;
      const execution = task.execution_id === null ? null : yield* executionRow(context, text(task.execution_id));
      outcomes.push({
        taskId: asId(taskId),
        title: text(task.title),
        status: status as ChildOutcome["status"],
        result: yield* loadValue(execution?.result, `The result of task ${text(task.title)}`),
        error: (yield* loadValue(execution?.error, "a task's error")) as unknown as TaskError | null,
      });
    }
    return outcomes;
  },
);

/** Settles a step whose outcome is unknown, as someone who looked says. */
export interface ResolveStep {
  readonly taskId: TaskId;
  /** `done`: it took place. `retry`: it did not, do it. `skip`: go on without it. */
  readonly decision: "done" | "retry" | "skip";
  /** What the step would have returned, with `done`. */
  readonly result: Json;
}

/** Lets the task go on. Returns the names of the steps settled. @throws PerdureError `wrong-state` when nothing is unknown. */
export const resolveUnknownSteps = defineWrite(
  "resolve-unknown-steps",
  function* (context, input: ResolveStep): Command<readonly string[]> {
    const task = yield* taskRow(context, input.taskId);
    const sql = `select project_id, ${columnsOf(STEPS)} from steps where project_id = ? and execution_id = ? and status = 'unknown' order by position`;
    const unknown = task.execution_id === null ? [] : yield* rows(sql, context.projectId, text(task.execution_id));
    if (task.blocked_reason !== "unknown_outcome" || unknown.length === 0) {
      throw new PerdureError("wrong-state", {
        message: `Task ${text(task.title)} has no step with an unknown outcome`,
        hint: "`perdure task show` tells its state.",
        details: { taskId: input.taskId },
      });
    }
    for (const step of unknown) {
      const result = yield* storeValue(
        input.decision === "done" ? input.result : null,
        `The result of step ${text(step.name)}`,
      );
      const settled = { status: "completed", result, ended_at: context.now };
      const retried = {
        status: "failed",
        error: errorText({ code: "unknown-outcome", message: "found not to have taken place" }),
        ended_at: context.now,
      };
      yield* updateRow(context, STEPS, step, {
        verb: `resolve_${input.decision}`,
        patch: input.decision === "retry" ? retried : settled,
      });
    }
    yield* unblockAfterResolve(context, task);
    return unknown.map((step) => text(step.name));
  },
);

function* unblockAfterResolve(context: CommandContext, task: Row): Command<void> {
  const execution = yield* executionRow(context, text(task.execution_id));
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "resolve",
    patch: { attempt: integer(execution.attempt) + 1, updated_at: context.now },
  });
  const ready = { status: "pending", blocked_reason: null, blocked_note: null, waiting_on: 0 };
  yield* updateRow(context, TASKS, task, {
    verb: "unblock",
    patch: { ...ready, run_at: context.now, updated_at: context.now },
  });
}
