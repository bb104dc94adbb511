/**
 * What the workers of a load carry out, and how it is counted: each call of a step and each effect is a row of the effects
 * database, committed there before the step goes on.
 */

import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

import type { ExecutorDefiner } from "../../src/app/load-executors.ts";
import type { StepOptions } from "../../src/engine/run.ts";
import type { Happening } from "./effects-database.ts";

export interface LoadExecutorOptions {
  /** Of the effects database. */
  readonly effectsUrl: string;
  /** How long each step takes, give or take a half. */
  readonly stepMs: number;
}

interface LoadInput {
  readonly key: string;
  /** Before the last step. */
  readonly sleepMs: number;
}

/** Each task runs these, in this order; `pay` must not happen twice. */
export const STEPS = ["fetch", "think", "pay", "write"];

const NOTE_SQL = `insert into happenings (kind, execution, attempt, task, step, key, pid, called_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8)`;
const TOOK_PLACE_SQL = "select 1 from happenings where kind = 'effect' and key = $1";

export function defineLoad(perdure: ExecutorDefiner, { effectsUrl, stepMs }: LoadExecutorOptions): void {
  const effects = new pg.Pool({ connectionString: effectsUrl });
  const tookPlace = async (key: string): Promise<boolean> =>
    (await effects.query(TOOK_PLACE_SQL, [key])).rows.length > 0;

  perdure.define("load", {}, async (run, input) => {
    // As `load-project.ts` has submitted it.
    const { key: task, sleepMs } = input as unknown as LoadInput;
    const note = async (kind: Happening["kind"], step = "", key = ""): Promise<void> => {
      // By a clock that does not jump.
      const calledAt = performance.timeOrigin + performance.now();
      await effects.query(NOTE_SQL, [kind, run.executionId, run.attempt, task, step, key, process.pid, calledAt]);
    };
    await note("start");
    for (const step of STEPS) {
      if (step === STEPS.at(-1) && sleepMs > 0) await run.sleep(sleepMs);
      const outcome = `${task}/${step}`;
      const once: StepOptions<string> = {
        effect: "once",
        verify: async ({ idempotencyKey }) =>
          (await tookPlace(idempotencyKey)) ? { done: true, result: outcome } : { done: false },
      };
      const result = await run.step(
        step,
        async ({ idempotencyKey }) => {
          await note("begin", step, idempotencyKey);
          await pause(stepMs * (0.5 + Math.random()));
          await note("effect", step, idempotencyKey);
          return outcome;
        },
        step === "pay" ? once : {},
      );
      if (result !== outcome) throw new Error(`step ${step} of ${task} came back as ${String(result)}`);
    }
    return task;
  });
}
