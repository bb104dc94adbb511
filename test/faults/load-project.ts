/** A project whose tasks are a load of recorded steps, carried out as `load-executor.ts` says. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { SubmitPlan } from "../../src/store/commands/plan-sessions.ts";
import type { NewTask } from "../../src/store/new-task.ts";
import { aSession, aTask } from "../../src/testing/builders.ts";
import type { LoadExecutorOptions } from "./load-executor.ts";

export interface LoadProject {
  readonly dir: string;
  /** A plan of so many tasks. Keys go on from plan to plan. */
  nextPlan(taskCount: number): SubmitPlan;
  remove(): void;
}

export interface LoadOptions extends LoadExecutorOptions {
  readonly leaseMs: number;
}

export function createLoadProject({ leaseMs, ...executor }: LoadOptions): LoadProject {
  const root = mkdtempSync(join(tmpdir(), "perdure-faults-"));
  const dir = join(root, "project");
  let taskCount = 0;
  let planCount = 0;
  mkdirSync(dir);
  writeFileSync(join(dir, "executors.mjs"), executorsModule(executor));
  writeFileSync(
    join(dir, "perdure.yaml"),
    `executors: [./executors.mjs]
worker: { lease: ${leaseMs}ms }
`,
  );
  return {
    dir,
    nextPlan(count) {
      planCount += 1;
      const tasks = Array.from({ length: count }, (_, index) => loadTask(taskCount + index, index));
      taskCount += count;
      const session = aSession({ name: `Load ${planCount}`, concurrency: 100, maxUnfinished: 100_000 });
      return { session, tasks, continueUnfinished: false };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Every third of a plan needs the two before it; every fourth sleeps. */
function loadTask(number: number, indexInPlan: number): NewTask {
  const key = `t${number}`;
  return aTask({
    ref: key,
    executor: "load",
    needs: indexInPlan % 3 === 2 ? [`t${number - 2}`, `t${number - 1}`] : [],
    input: { key, sleepMs: number % 4 === 3 ? 150 : 0 },
  });
}

/** Workers load it from wherever the project is copied to. */
function executorsModule(options: LoadExecutorOptions): string {
  const executor = pathToFileURL(join(import.meta.dirname, "load-executor.ts")).href;
  return `import { defineLoad } from ${JSON.stringify(executor)};

export default (perdure) => defineLoad(perdure, ${JSON.stringify(options)});
`;
}
