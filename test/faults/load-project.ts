/**
 * A project whose tasks are a load of recorded steps. Everything a step does is a line in a file outside of the store,
 * appended by one write, so that it is there however its process ends.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface LoadProject {
  readonly dir: string;
  /** Writes a plan of so many tasks and returns its file. Keys go on from plan to plan. */
  writePlan(taskCount: number): string;
  happenings(): readonly Happening[];
  remove(): void;
}

/** What took place outside of the store, in order. */
export interface Happening {
  /** A run began; a step's function was called; it took effect; a run came to its end. */
  readonly kind: "start" | "begin" | "effect" | "end";
  readonly execution: string;
  readonly task: string;
  /** Empty for a run. */
  readonly step: string;
  /** Of the step: what an external system would recognise a repetition by. */
  readonly key: string;
  readonly attempt: number;
  readonly pid: number;
  /** Epoch milliseconds, by a clock that does not jump. */
  readonly at: number;
}

export interface LoadOptions {
  readonly leaseMs: number;
  /** How long each step takes. */
  readonly stepMs: number;
}

/** Each task runs these, in this order; `pay` must not happen twice. Every fourth task sleeps before its last step. */
export const STEPS = ["fetch", "think", "pay", "write"];

export function createLoadProject({ leaseMs, stepMs }: LoadOptions): LoadProject {
  const root = mkdtempSync(join(tmpdir(), "perdure-faults-"));
  const dir = join(root, "project");
  const effects = join(root, "effects.log");
  let taskCount = 0;
  let planCount = 0;
  mkdirSync(dir);
  writeFileSync(effects, "");
  writeFileSync(join(dir, "executors.mjs"), executorsModule({ effects, stepMs }));
  writeFileSync(
    join(dir, "perdure.yaml"),
    `executors: [./executors.mjs]
worker: { lease: ${leaseMs}ms }
limits: { unfinished_tasks: 100000 }
`,
  );
  return {
    dir,
    writePlan(count) {
      planCount += 1;
      const file = join(root, `plan-${planCount}.yaml`);
      writeFileSync(file, planText({ planCount, first: taskCount, count }));
      taskCount += count;
      return file;
    },
    happenings: () =>
      readFileSync(effects, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Happening),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

interface PlanNumbers {
  readonly planCount: number;
  readonly first: number;
  readonly count: number;
}

/** Every third task needs the two before it. */
function planText({ planCount, first, count }: PlanNumbers): string {
  const lines = [`name: Load ${planCount}`, "concurrency: 100", "tasks:"];
  for (let index = 0; index < count; index++) {
    const number = first + index;
    const key = `t${number}`;
    const needs = index % 3 === 2 ? `needs: [t${number - 2}, t${number - 1}], ` : "";
    const sleepMs = number % 4 === 3 ? 150 : 0;
    lines.push(`  - { id: ${key}, ${needs}executor: load, input: { key: ${key}, sleepMs: ${sleepMs} } }`);
  }
  return `${lines.join("\n")}\n`;
}

function executorsModule({ effects, stepMs }: { readonly effects: string; readonly stepMs: number }): string {
  return `import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const EFFECTS = ${JSON.stringify(effects)};
const STEPS = ${JSON.stringify(STEPS)};

export default (perdure) => {
  perdure.define("load", {}, async (run, { key: task, sleepMs }) => {
    const note = (kind, step = "", key = "") => {
      const at = performance.timeOrigin + performance.now();
      const line = { kind, execution: run.executionId, task, step, key, attempt: run.attempt, pid: process.pid, at };
      appendFileSync(EFFECTS, JSON.stringify(line) + "\\n");
    };
    const tookPlace = (key) => readFileSync(EFFECTS, "utf8").split("\\n")
      .some((line) => line.includes('"kind":"effect"') && line.includes(JSON.stringify(key)));
    note("start");
    for (const step of STEPS) {
      if (step === STEPS.at(-1) && sleepMs > 0) await run.sleep(sleepMs);
      const options = step !== "pay" ? {} : {
        effect: "once",
        verify: ({ idempotencyKey }) => tookPlace(idempotencyKey) ? { done: true, result: task + "/" + step } : { done: false },
      };
      const result = await run.step(step, async ({ idempotencyKey }) => {
        note("begin", step, idempotencyKey);
        await pause(${stepMs} * (0.5 + Math.random()));
        note("effect", step, idempotencyKey);
        return task + "/" + step;
      }, options);
      if (result !== task + "/" + step) throw new Error("step " + step + " of " + task + " came back as " + result);
    }
    note("end");
    return task;
  });
};
`;
}
