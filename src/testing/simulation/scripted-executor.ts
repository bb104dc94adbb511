/** Carries out scripted tasks as a user's function would, with effects that are counted outside. */

import { unreachable } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { NonRetryable } from "../../domain/retry-policy.ts";
import type { Executor } from "../../engine/executor.ts";
import type { ChildTaskInput, Run, StepContext } from "../../engine/run.ts";
import type { OutsideWorld } from "./outside-world.ts";
import type { Op, ScriptedChild } from "./script.ts";
import { inputOf, LIMIT_MS, opsOf, OVER_LIMIT_MS } from "./script.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export const SCRIPTED = "scripted";

interface Performer {
  readonly run: Run;
  readonly outside: OutsideWorld;
  readonly process: SimulatedProcess;
}

export function scriptedExecutor(outside: OutsideWorld, process: SimulatedProcess): Executor {
  return {
    name: SCRIPTED,
    execute: (run) => performAll({ run, outside, process }, opsOf(run.task.input)),
  };
}

async function performAll(performer: Performer, ops: readonly Op[]): Promise<readonly unknown[]> {
  const results: unknown[] = [];
  for (const op of ops) results.push(await performOp(performer, op));
  return results;
}

async function performOp(performer: Performer, op: Op): Promise<unknown> {
  const { run } = performer;
  switch (op.op) {
    case "step":
      return await run.step(op.name, (step) => bringAbout(performer, op, step), {
        effect: op.effect,
        ...(op.hasVerify && {
          verify: ({ idempotencyKey }) =>
            performer.outside.hasHappened(idempotencyKey)
              ? { done: true as const, result: valueOf(op.name) }
              : { done: false as const },
        }),
      });
    case "caught":
      return await run.step(op.name, () => fail(`${op.name} never works`)).catch(() => "caught");
    case "slow":
      return await run.step(op.name, (step) => dawdle(performer, op.failures, step), { timeout: LIMIT_MS });
    case "overtime":
      return await run.step(op.name, (step) => dawdle(performer, op.failures, step));
    case "sleep":
      return await run.sleep(op.ms);
    case "signal":
      return await run.waitFor(op.name);
    case "silence":
      return await run.waitFor(op.name, { timeout: op.ms });
    case "approval":
      return (await run.approval(op.question)).approved;
    case "parallel":
      return await Promise.all(op.branches.map((branch) => performAll(performer, branch)));
    case "children":
      if (op.together) return await run.children(op.children.map(toChildInput));
      return await Promise.all(op.children.map((child) => run.child(toChildInput(child))));
    case "cleanedUp":
      return await performCleanedUp(performer, op);
    case "progress":
      return run.progress({ percent: op.percent });
    case "log":
      return await run.log(op.message);
    case "giveUp":
      throw new NonRetryable("given up as scripted");
    default:
      return unreachable(op);
  }
}

async function performCleanedUp(performer: Performer, op: Extract<Op, { op: "cleanedUp" }>): Promise<unknown> {
  try {
    return await performer.run.step(op.name, (step) =>
      bringAbout(performer, { ...op, op: "step", ms: 0, effect: "repeatable", hasVerify: false }, step),
    );
  } catch (error) {
    await performer.run.step(`clean up ${op.name} ${performer.run.attempt}`, () => "cleaned");
    throw error;
  }
}

async function bringAbout(performer: Performer, op: Extract<Op, { op: "step" }>, step: StepContext): Promise<string> {
  const { outside, process, run } = performer;
  if (op.ms > 0) await elapse(process.clock, Math.floor(op.ms / 2), step.signal);
  if (outside.failuresOf(run.executionId) < op.failures) fail(`${op.name} fails as scripted`);
  await untilAlive(process);
  outside.perform({ key: step.idempotencyKey, kind: op.effect, isZombie: process.wasPaused });
  if (op.ms > 0) await elapse(process.clock, Math.floor(op.ms / 2), step.signal);
  return valueOf(op.name);
}

export function valueOf(name: string): string {
  return `${name} done`;
}

async function dawdle({ outside, process, run }: Performer, failures: number, step: StepContext): Promise<string> {
  const isSlow = outside.failuresOf(run.executionId) < failures;
  await elapse(process.clock, isSlow ? OVER_LIMIT_MS : 1, step.signal);
  return "at last";
}

/** Nothing of a dead process goes on. */
function untilAlive(process: SimulatedProcess): Promise<void> {
  return process.isAlive ? Promise.resolve() : new Promise(() => {});
}

function elapse(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new Error("told to stop"));
    };
    const cancel = clock.setTimer(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function toChildInput(child: ScriptedChild): ChildTaskInput {
  return { title: child.title, executor: SCRIPTED, input: inputOf(child), maxRetries: child.maxRetries };
}

function fail(message: string): never {
  throw new Error(message);
}
