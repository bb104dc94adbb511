/** A project whose tasks are a load of recorded steps, carried out as `load-executor.ts` says. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { LoadExecutorOptions } from "./load-executor.ts";

export interface LoadProject {
  readonly dir: string;
  /** Writes a plan of so many tasks and returns its file. Keys go on from plan to plan. */
  writePlan(taskCount: number): string;
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
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

interface PlanNumbers {
  readonly planCount: number;
  readonly first: number;
  readonly count: number;
}

/** Every third task needs the two before it; every fourth sleeps. */
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

/** Workers load it from wherever the project is copied to. */
function executorsModule(options: LoadExecutorOptions): string {
  const executor = pathToFileURL(join(import.meta.dirname, "load-executor.ts")).href;
  return `import { defineLoad } from ${JSON.stringify(executor)};

export default (perdure) => defineLoad(perdure, ${JSON.stringify(options)});
`;
}
