/** `run.step`: an operation that is recorded when it is done and never done again (INV-2, INV-8). */

import { parseDurationMs } from "../base/duration.ts";
import { isPerdureError, PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import type { StepKind } from "../domain/step.ts";
import type { StepIdentity, StepOutcome } from "../store/commands/steps.ts";
import { recordStep } from "../store/commands/steps.ts";
import type { AskedStep } from "./journal.ts";
import type { StepContext, StepOptions } from "./run.ts";
import type { RunContext } from "./run-context.ts";
import { RecordedError, toTaskError } from "./run-context.ts";

/** A call of one of the run's methods that is a step. */
export interface StepCall {
  readonly name: string;
  /** Others were not finished when it was called. */
  readonly isConcurrent: boolean;
}

/** What `ask` found: the step to carry out, or how it went before. */
export type Asked =
  | { readonly kind: "new"; readonly asked: AskedStep }
  | { readonly kind: "done"; readonly result: Json }
  | { readonly kind: "failed"; readonly error: unknown };

/** Passes the gate and looks the step up. A mismatch ends the run, whatever the code does about it. */
export async function ask(context: RunContext, call: StepCall): Promise<Asked> {
  const asked = askJournal(context, call);
  await context.gate.pass();
  const { recorded } = asked;
  if (recorded?.status === "completed") return { kind: "done", result: recorded.result };
  if (
    recorded?.status === "failed" &&
    recorded.error !== null &&
    (recorded.isHandled || recorded.attempt === context.execution.attempt)
  ) {
    const error = new RecordedError(recorded.error);
    context.failures.push({ position: recorded.position, error, askCount: context.journal.askCount });
    return { kind: "failed", error };
  }
  return { kind: "new", asked };
}

function askJournal(context: RunContext, { name, isConcurrent }: StepCall): AskedStep {
  if (name.length === 0 || name.length > LIMITS.stepNameChars) {
    throw new PerdureError("invalid-input", {
      message: `A step's name must have 1 to ${LIMITS.stepNameChars} characters; this one has ${name.length}`,
      hint: "Give the step a short name that says what it does.",
    });
  }
  try {
    return context.journal.ask(name, isConcurrent);
  } catch (error) {
    context.gate.close({ kind: "failed", error, handledSteps: [] });
    throw error;
  }
}

export async function runStep<T>(context: RunContext, call: StepCall, work: Work<T>): Promise<T> {
  const asked = await ask(context, call);
  if (asked.kind === "done") return asked.result as T;
  if (asked.kind === "failed") throw asked.error;
  return context.gate.track(carryOut(context, asked.asked, work));
}

interface Work<T> {
  readonly perform: (step: StepContext) => T | Promise<T>;
  readonly options: StepOptions<T>;
}

async function carryOut<T>(context: RunContext, asked: AskedStep, { perform, options }: Work<T>): Promise<T> {
  const effect = options.effect ?? "repeatable";
  const step = identify(context, asked, { type: "run" }, effect);
  const startedAt = context.clock.now();
  const idempotencyKey = `${context.execution.id}:${asked.name}`;
  if (effect === "once") {
    const wasStarted = asked.recorded?.status === "started" || asked.recorded?.status === "unknown";
    if (wasStarted) {
      const found = await findOut(context, asked, { options, idempotencyKey });
      if (found.done)
        return (await record(context, {
          step,
          outcome: { status: "completed", result: found.result },
          startedAt,
        })) as T;
    } else {
      await record(context, { step, outcome: { status: "started" }, startedAt });
    }
  }
  const timeoutMs =
    options.timeout === undefined ? null : parseDurationMs(options.timeout, `The timeout of step ${asked.name}`);
  const attempt = await attemptStep(context, { perform, idempotencyKey, timeoutMs, name: asked.name });
  if (attempt.kind === "returned") {
    return (await record(context, { step, outcome: { status: "completed", result: attempt.result }, startedAt })) as T;
  }
  if (context.stepSignal.aborted || (attempt.kind === "timed-out" && effect === "once")) {
    // Told to stop in the middle: nothing is known of the outcome, and nothing is recorded.
    return await abandon(context, asked, effect);
  }
  context.failures.push({ position: asked.position, error: attempt.error, askCount: context.journal.askCount });
  await record(context, { step, outcome: { status: "failed", error: toTaskError(attempt.error) }, startedAt });
  throw attempt.error;
}

/** Asks `verify` whether the effect took place; without it, or when it cannot tell, the task waits for someone to say. */
async function findOut<T>(
  context: RunContext,
  asked: AskedStep,
  { options, idempotencyKey }: { readonly options: StepOptions<T>; readonly idempotencyKey: string },
): Promise<{ readonly done: true; readonly result: T } | { readonly done: false }> {
  if (options.verify === undefined) return await abandonAsUnknown(context, asked);
  return await options.verify({ idempotencyKey, signal: context.stepSignal });
}

function abandonAsUnknown(context: RunContext, asked: AskedStep): Promise<never> {
  context.gate.close({ kind: "unknown", position: asked.position });
  return context.gate.park();
}

function abandon(context: RunContext, asked: AskedStep, effect: "once" | "repeatable"): Promise<never> {
  if (effect === "once" && !context.stepSignal.aborted) return abandonAsUnknown(context, asked);
  return context.gate.park();
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
  asked: AskedStep,
  kind: StepKind,
  effect: "once" | "repeatable" = "repeatable",
): StepIdentity {
  return {
    hold: context.hold,
    position: asked.position,
    name: asked.name,
    kind,
    effect,
    isConcurrent: asked.isConcurrent,
  };
}

/**
 * Records what became of a step and returns its result in the form every later run will see: read back from JSON.
 * A lost lease ends the run.
 */
export async function record(
  context: RunContext,
  input: { readonly step: StepIdentity; readonly outcome: StepOutcome; readonly startedAt: number },
): Promise<Json> {
  const stored =
    input.outcome.status === "completed"
      ? (JSON.parse(toJsonText(input.outcome.result, `The result of step ${input.step.name}`)) as Json)
      : null;
  await writing(context, context.store.execute(recordStep, input, { actor: context.actor }));
  return stored;
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
