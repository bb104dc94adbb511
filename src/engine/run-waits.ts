/** The steps that wait: sleeping, signals, approvals, children. A wait that is not over frees the worker. */

import { parseDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import { NonRetryable } from "../domain/retry-policy.ts";
import type { Step, StepKind } from "../domain/step.ts";
import type { ChildOutcome } from "../store/commands/steps.ts";
import { awaitSignal, findChildOutcomes, startChildren } from "../store/commands/steps.ts";
import { toNewTask } from "./new-task.ts";
import type { ApprovalAnswer, ChildTaskInput } from "./run.ts";
import type { RunContext } from "./run-context.ts";
import { toTaskError } from "./run-context.ts";
import type { Overlap } from "./run-gate.ts";
import type { StepCall, StepToDo } from "./run-steps.ts";
import { ask, identify, noteFailure, record, writing } from "./run-steps.ts";

/** A sleep up to this long keeps its worker; suspending would cost more than it frees. */
const SHORT_SLEEP_MS = 1_000;

export async function sleep(context: RunContext, overlap: Overlap, duration: number | string): Promise<void> {
  const delayMs = parseDurationMs(duration, "run.sleep");
  const asked = await ask(context, { name: "sleep", overlap });
  if (asked.kind !== "new") return;
  const { step } = asked;
  const startedAt = context.clock.now();
  const kind = recordedKind(step.recorded, "sleep") ?? ({ type: "sleep", wakeAt: startedAt + delayMs } as const);
  if (step.recorded === null)
    await context.gate.track(record(context, step, { kind, outcome: { status: "started" }, startedAt }));
  const remainingMs = kind.wakeAt - context.clock.now();
  if (remainingMs > SHORT_SLEEP_MS) return await context.gate.wait(kind);
  if (remainingMs > 0)
    await context.gate.nap(new Promise<void>((resolve) => context.clock.setTimer(remainingMs, resolve)));
  await context.gate.pass();
  const outcome = { status: "completed", result: null } as const;
  await context.gate.track(record(context, step, { kind, outcome, startedAt }));
}

export async function waitForSignal(
  context: RunContext,
  overlap: Overlap,
  { signal, timeout }: { readonly signal: string; readonly timeout: number | string | undefined },
): Promise<Json> {
  if (signal.length === 0 || signal.length > LIMITS.nameChars) {
    throw new PerdureError("invalid-input", {
      message: `A signal's name must have 1 to ${LIMITS.nameChars} characters; this one has ${signal.length}`,
      hint: "Choose a short name, such as `deployed`.",
    });
  }
  const timeoutMs = timeout === undefined ? null : parseDurationMs(timeout, "The timeout of run.waitFor");
  const startedAt = context.clock.now();
  const kind: StepKind = { type: "signal", signal, expiresAt: timeoutMs === null ? null : startedAt + timeoutMs };
  return await awaitSignalStep(context, { name: `wait for ${signal}`, overlap }, kind);
}

export async function approval(context: RunContext, overlap: Overlap, question: string): Promise<ApprovalAnswer> {
  const call = { name: `approval: ${question}`.slice(0, LIMITS.stepNameChars), overlap };
  const answer = await awaitSignalStep(context, call, { type: "approval", question, signal: approvalSignal(question) });
  const given = isJsonObject(answer) ? answer : {};
  return {
    approved: given.approved === true,
    by: typeof given.by === "string" ? given.by : "unknown",
    comment: typeof given.comment === "string" ? given.comment : null,
  };
}

/** The signal that answers a question. */
export function approvalSignal(question: string): string {
  return `approval:${question}`.slice(0, LIMITS.nameChars);
}

type SignalKind = Extract<StepKind, { type: "signal" | "approval" }>;

async function awaitSignalStep(context: RunContext, call: StepCall, kind: SignalKind): Promise<Json> {
  const asked = await ask(context, call);
  if (asked.kind === "done") return asked.result;
  if (asked.kind === "failed") throw asked.error;
  const startedAt = context.clock.now();
  const recorded = asked.step.recorded?.kind;
  const current: SignalKind = recorded?.type === "signal" || recorded?.type === "approval" ? recorded : kind;
  const step = identify(context, asked.step, { kind: current, effect: "repeatable", isOver: false });
  const isExpired = current.type === "signal" && current.expiresAt !== null && current.expiresAt <= startedAt;
  const taking = context.store.execute(
    awaitSignal,
    { step, signal: current.signal, isExpired, startedAt },
    { actor: context.actor },
  );
  const found = await context.gate.track(writing(context, taking));
  return found.kind === "over" ? found.result : await context.gate.wait(current);
}

export async function children(
  context: RunContext,
  call: StepCall,
  tasks: readonly ChildTaskInput[],
): Promise<readonly Json[]> {
  const asked = await ask(context, call);
  if (asked.kind === "done") return asked.result as readonly Json[];
  if (asked.kind === "failed") throw asked.error;
  const startedAt = context.clock.now();
  const { kind: _, ...step } = identify(context, asked.step, {
    kind: { type: "run" },
    effect: "repeatable",
    isOver: false,
  });
  const newTasks = tasks.map((task, index) => toNewTask({ ...task, ref: String(index) }, context.clock.now()));
  const starting = context.store.execute(startChildren, { step, tasks: newTasks, startedAt }, { actor: context.actor });
  const taskIds = await context.gate.track(writing(context, starting));
  const kind: StepKind = { type: "children", taskIds };
  const outcomes = await context.gate.track(context.store.execute(findChildOutcomes, { taskIds }));
  if (outcomes === null) return await context.gate.wait(kind);
  return await context.gate.track(recordChildren(context, asked.step, { kind, outcomes, startedAt }));
}

interface EndedChildren {
  readonly kind: StepKind;
  readonly outcomes: readonly ChildOutcome[];
  readonly startedAt: number;
}

async function recordChildren(
  context: RunContext,
  step: StepToDo,
  { kind, outcomes, startedAt }: EndedChildren,
): Promise<readonly Json[]> {
  const failed = outcomes.find((outcome) => outcome.status !== "completed");
  if (failed === undefined) {
    const result = outcomes.map((outcome) => outcome.result);
    const outcome = { status: "completed", result } as const;
    return (await record(context, step, { kind, outcome, startedAt })) as readonly Json[];
  }
  const error = toChildError(failed);
  noteFailure(context, step, error);
  await record(context, step, { kind, outcome: { status: "failed", error: toTaskError(error) }, startedAt });
  throw error;
}

/** A cancelled child was not wanted: trying again of oneself would not bring it back. */
function toChildError({ taskId, title, status, error }: ChildOutcome): Error {
  if (status === "cancelled") return new NonRetryable(`Child task ${title} was cancelled`);
  return new PerdureError("work-failed", {
    message: `Child task ${title} failed: ${error?.message ?? "no reason given"}`,
    hint: `\`perdure task show ${taskId.slice(0, 8)}\` tells more.`,
    details: { taskId },
  });
}

function recordedKind<Type extends StepKind["type"]>(
  recorded: Step | null,
  type: Type,
): Extract<StepKind, { type: Type }> | null {
  return recorded?.kind.type === type ? (recorded.kind as Extract<StepKind, { type: Type }>) : null;
}
