/** `run.step`: an operation that is recorded when it is done and never done again (INV-2, INV-8). */

import { parseDurationMs } from "../base/duration.ts";
import { isPerdureError, messageOf, PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import { NonRetryable } from "../domain/retry-policy.ts";
import type { StepEffect, StepKind } from "../domain/step.ts";
import type { StepIdentity, StepOutcome } from "../store/commands/steps.ts";
import { recordStep } from "../store/commands/steps.ts";
import type { AskedStep } from "./journal.ts";
import { isTriedAgain } from "./journal.ts";
import type { StepContext, StepOptions, StepVerdict } from "./run.ts";
import type { RunContext } from "./run-context.ts";
import { handledSteps, RecordedError, toTaskError } from "./run-context.ts";
import type { Overlap } from "./run-gate.ts";

/** A call of one of the run's methods that is a step. */
export interface StepCall {
  readonly name: string;
  readonly overlap: Overlap;
}

/** A step that is to be carried out, or on with. */
export interface StepToDo extends AskedStep {
  readonly overlap: Overlap;
}

/** What `ask` found: the step to carry out, or how it went before. */
export type Asked =
  | { readonly kind: "new"; readonly step: StepToDo }
  | { readonly kind: "done"; readonly result: Json }
  | { readonly kind: "failed"; readonly error: unknown };

/** Passes the gate and looks the step up. A mismatch ends the run, whatever the code does about it. */
export async function ask(context: RunContext, call: StepCall): Promise<Asked> {
  const asked = askJournal(context, call);
  await context.gate.pass();
  const { recorded } = asked;
  if (recorded?.status === "completed") return { kind: "done", result: recorded.result };
  if (recorded?.status === "failed" && !isTriedAgain(recorded, context.execution.attempt)) {
    const error = new RecordedError(recorded.error ?? { code: "Error", message: "no reason was recorded" });
    noteFailure(context, { ...asked, overlap: call.overlap }, error);
    return { kind: "failed", error };
  }
  return { kind: "new", step: { ...asked, overlap: call.overlap } };
}

export function noteFailure(context: RunContext, { position, overlap }: StepToDo, error: unknown): void {
  context.failures.push({ position, error, askCount: context.journal.askCount, overlap });
}

function askJournal(context: RunContext, { name, overlap }: StepCall): AskedStep {
  if (name.length === 0 || name.length > LIMITS.stepNameChars) {
    throw new PerdureError("invalid-input", {
      message: `A step's name must have 1 to ${LIMITS.stepNameChars} characters; this one has ${name.length}`,
      hint: "Give the step a short name that says what it does.",
    });
  }
  try {
    return context.journal.ask(name, overlap.atStart);
  } catch (error) {
    context.gate.close({ kind: "failed", error, handledSteps: [] });
    throw error;
  }
}

export async function runStep<T>(context: RunContext, call: StepCall, work: Work<T>): Promise<T> {
  const asked = await ask(context, call);
  if (asked.kind === "done") return asked.result as T;
  if (asked.kind === "failed") throw asked.error;
  const end = await context.gate.track(carryOut(context, asked.step, work));
  switch (end.kind) {
    case "returned":
      return end.result;
    case "threw":
      throw end.error;
    case "abandoned":
      // Nothing is in flight for it any more: the run may be stopped now.
      await context.gate.pass();
      return await context.gate.park();
  }
}

type StepEnd<T> =
  | { readonly kind: "returned"; readonly result: T }
  | { readonly kind: "threw"; readonly error: unknown }
  /** Told to stop in the middle: nothing is known of the outcome, and nothing is recorded. */
  | { readonly kind: "abandoned" };

interface Work<T> {
  readonly perform: (step: StepContext) => T | Promise<T>;
  readonly options: StepOptions<T>;
}

async function carryOut<T>(context: RunContext, step: StepToDo, { perform, options }: Work<T>): Promise<StepEnd<T>> {
  const timeoutMs =
    options.timeout === undefined ? null : parseDurationMs(options.timeout, `The timeout of step ${step.name}`);
  const effect = options.effect ?? "repeatable";
  const startedAt = context.clock.now();
  const idempotencyKey = `${context.execution.id}:${step.name}`;
  const complete = async (result: T): Promise<StepEnd<T>> => {
    const outcome = { status: "completed", result } as const;
    return { kind: "returned", result: (await record(context, step, { kind: RUN, effect, outcome, startedAt })) as T };
  };
  if (effect === "once") {
    const wasStarted = step.recorded?.status === "started" || step.recorded?.status === "unknown";
    if (wasStarted) {
      const found = await findOut(context, step, { options, idempotencyKey });
      if (found === "cannot-tell") return { kind: "abandoned" };
      if (found.done) return await complete(found.result);
    } else {
      await record(context, step, { kind: RUN, effect, outcome: { status: "started" }, startedAt });
    }
  }
  await context.confirmLease();
  if (context.stepSignal.aborted) return { kind: "abandoned" };
  const attempt = await attemptStep(context, { perform, idempotencyKey, timeoutMs, name: step.name });
  if (attempt.kind === "returned") return await complete(attempt.result);
  if (context.stepSignal.aborted) return { kind: "abandoned" };
  if (attempt.kind === "timed-out" && effect === "once") {
    endAsUnknown(context, step);
    return { kind: "abandoned" };
  }
  noteFailure(context, step, attempt.error);
  const outcome = { status: "failed", error: toTaskError(attempt.error) } as const;
  await record(context, step, { kind: RUN, effect, outcome, startedAt });
  return { kind: "threw", error: attempt.error };
}

const RUN: StepKind = { type: "run" };

/**
 * Asks `verify` whether the effect took place; without it the task waits for someone to say. When it cannot tell, the
 * attempt fails, whatever the code would make of that, and the next one asks again.
 */
async function findOut<T>(
  context: RunContext,
  step: StepToDo,
  { options, idempotencyKey }: { readonly options: StepOptions<T>; readonly idempotencyKey: string },
): Promise<StepVerdict<T> | "cannot-tell"> {
  if (options.verify === undefined) {
    endAsUnknown(context, step);
    return "cannot-tell";
  }
  try {
    return await options.verify({ idempotencyKey, signal: context.stepSignal });
  } catch (error) {
    if (!context.stepSignal.aborted)
      context.windDown({ kind: "failed", error, handledSteps: handledSteps(context, error) });
    return "cannot-tell";
  }
}

function endAsUnknown(context: RunContext, step: StepToDo): void {
  context.windDown({ kind: "unknown", position: step.position, handledSteps: handledSteps(context, null) });
}

type Attempted<T> =
  | { readonly kind: "returned"; readonly result: T }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "timed-out"; readonly error: unknown };

async function attemptStep<T>(
  context: RunContext,
  {
    perform,
    idempotencyKey,
    timeoutMs,
    name,
  }: {
    readonly perform: (step: StepContext) => T | Promise<T>;
    readonly idempotencyKey: string;
    readonly timeoutMs: number | null;
    readonly name: string;
  },
): Promise<Attempted<T>> {
  const timeout = new AbortController();
  const signal = timeoutMs === null ? context.stepSignal : AbortSignal.any([context.stepSignal, timeout.signal]);
  const performing = performAsync(perform, { idempotencyKey, signal });
  if (timeoutMs === null) return await performing;
  const timedOut = new Promise<Attempted<T>>((resolve) => {
    const cancelTimer = context.clock.setTimer(timeoutMs, () => {
      const error = new PerdureError("work-failed", {
        message: `Step ${name} took longer than its ${timeoutMs} ms`,
        hint: "Raise the step's timeout, or let it do less.",
      });
      timeout.abort(error);
      resolve({ kind: "timed-out", error });
    });
    performing.finally(cancelTimer);
  });
  return await Promise.race([performing, timedOut]);
}

async function performAsync<T>(
  perform: (step: StepContext) => T | Promise<T>,
  step: StepContext,
): Promise<Attempted<T>> {
  try {
    return { kind: "returned", result: await perform(step) };
  } catch (error) {
    return { kind: "threw", error };
  }
}

export function identify(
  context: RunContext,
  step: StepToDo,
  { kind, effect, isOver }: { readonly kind: StepKind; readonly effect: StepEffect; readonly isOver: boolean },
): StepIdentity {
  const isConcurrent = isOver ? step.overlap.hasOverlapped() : step.overlap.mayOverlap();
  return {
    hold: context.hold,
    position: step.position,
    name: step.name,
    kind,
    effect,
    isConcurrent: isConcurrent || (step.recorded?.isConcurrent ?? false),
  };
}

export interface StepRecord {
  readonly kind: StepKind;
  readonly effect?: StepEffect;
  readonly outcome: StepOutcome;
  readonly startedAt: number;
}

/**
 * Records what became of a step and returns its result in the form every later run will see: read back from JSON.
 * A lost lease ends the run. So does a result that cannot be stored: doing the step again would not change that.
 */
export async function record(
  context: RunContext,
  step: StepToDo,
  { kind, effect = "repeatable", outcome, startedAt }: StepRecord,
): Promise<Json> {
  const identity = identify(context, step, { kind, effect, isOver: outcome.status !== "started" });
  const input = { step: identity, outcome, startedAt };
  try {
    const stored =
      outcome.status === "completed"
        ? (JSON.parse(toJsonText(outcome.result, `The result of step ${step.name}`)) as Json)
        : null;
    await writing(context, context.store.execute(recordStep, input, { actor: context.actor }));
    return stored;
  } catch (error) {
    if (!isPerdureError(error, "invalid-input") && !isPerdureError(error, "limit-reached")) throw error;
    const final = new NonRetryable(messageOf(error), { cause: error });
    context.gate.close({ kind: "failed", error: final, handledSteps: handledSteps(context, final) });
    return await context.gate.park();
  }
}

/** Awaits a write of this run. When the lease is lost the run ends here, without the code noticing. */
export async function writing<T>(context: RunContext, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!isPerdureError(error, "lease-lost")) throw error;
    context.gate.close({ kind: "lost" });
    return await context.gate.park();
  }
}
