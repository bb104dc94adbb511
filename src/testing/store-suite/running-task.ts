/** What the tests about steps and waits do with a running task. */

import type { Claimed } from "../../store/commands/claim-row.ts";
import { blockOnUnknownOutcome, suspendExecution } from "../../store/commands/executions.ts";
import { sendSignal } from "../../store/commands/signals.ts";
import type { StepIdentity, StepOutcome, WaitResult } from "../../store/commands/steps.ts";
import { awaitSignal, recordStep, startChildren } from "../../store/commands/steps.ts";
import type { StepKind } from "../../domain/step.ts";
import { aTask } from "../builders.ts";
import type { Bench } from "./bench.ts";
import { holdOf } from "./bench.ts";

export const NO_LIMIT: StepKind = { type: "signal", signal: "go", expiresAt: null };

export function aStep(claimed: Claimed, position: number, sketch: Partial<StepIdentity> = {}): StepIdentity {
  const base = { name: `s${position}`, kind: { type: "run" }, effect: "repeatable", isConcurrent: false } as const;
  return { hold: holdOf(claimed), position, ...base, ...sketch };
}

export function record(bench: Bench, step: StepIdentity, outcome: StepOutcome): Promise<void> {
  return bench.store.execute(recordStep, { step, outcome, startedAt: bench.clock.now() });
}

export function suspend(bench: Bench, claimed: Claimed, ...waits: readonly StepKind[]): Promise<void> {
  return bench.store.execute(suspendExecution, { hold: holdOf(claimed), waits });
}

export async function send(bench: Bench, key: string, payload: unknown, name = "go"): Promise<void> {
  await bench.store.execute(sendSignal, { taskId: await bench.id(key), name, payload });
}

export function take(bench: Bench, claimed: Claimed, position = 0, isExpired = false): Promise<WaitResult> {
  const step = aStep(claimed, position, { kind: NO_LIMIT });
  return bench.store.execute(awaitSignal, { step, signal: "go", isExpired, startedAt: bench.clock.now() });
}

export async function begun(bench: Bench, key = "a"): Promise<Claimed> {
  await bench.create({ ref: key });
  return bench.start(key);
}

/** Starts children of a running task and suspends it until they have ended. */
export async function withChildren(bench: Bench, parent: Claimed, ...refs: readonly string[]): Promise<StepKind> {
  const { kind: _kind, ...step } = aStep(parent, 0);
  const tasks = refs.map((ref) => aTask({ ref }));
  const taskIds = await bench.store.execute(startChildren, { step, tasks, startedAt: bench.clock.now() });
  return { type: "children", taskIds };
}

export async function unknownStep(bench: Bench, claimed: Claimed): Promise<void> {
  await record(bench, aStep(claimed, 0, { effect: "once" }), { status: "started" });
  await bench.store.execute(blockOnUnknownOutcome, { hold: holdOf(claimed), position: 0 });
}
