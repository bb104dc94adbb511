/** One execution of many steps that do nothing: what recording a step costs, and whether it costs more the longer the journal is. */

import { join } from "node:path";

import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number, ratio } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { mean, median } from "../harness/statistics.ts";
import { published } from "../subjects/published.ts";

const STEPS = 1_000;

interface RunSteps {
  readonly product: "perdure" | "openworkflow";
  readonly directory: string;
}

interface StepTimes {
  readonly durability: string;
  readonly times: readonly number[];
}

const runSteps: Program<RunSteps, StepTimes> = {
  url: import.meta.url,
  run: ({ product, directory }) => (product === "perdure" ? perdureSteps(directory) : openworkflowSteps(directory)),
};

export default runSteps;

async function perdureSteps(project: string): Promise<StepTimes> {
  const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
  const { opened: perdure, connections } = await watchingConnections(() => openPerdure({ project }));
  let times: readonly number[] = [];
  perdure.define("steps", {}, async (run) => {
    times = await timeSteps((name) => run.step(name, () => null));
  });
  await perdure.tasks.create({ title: "steps", executor: "steps" });
  await perdure.work({ until: "idle" });
  const durability = durabilityOf(connections);
  await perdure.close();
  return { durability, times };
}

async function openworkflowSteps(directory: string): Promise<StepTimes> {
  const { OpenWorkflow } = await import("openworkflow");
  const { BackendSqlite } = await import("openworkflow/sqlite");
  const path = join(directory, "openworkflow.db");
  const { opened: backend, connections } = await watchingConnections(() => BackendSqlite.connect(path));
  const client = new OpenWorkflow({ backend });
  const done = Promise.withResolvers<readonly number[]>();
  const workflow = client.defineWorkflow({ name: "steps" }, async ({ step }) => {
    try {
      done.resolve(await timeSteps((name) => step.run({ name }, () => null)));
    } catch (error) {
      done.reject(error);
    }
  });
  await workflow.run();
  await client.newWorker({ concurrency: 1 }).start();
  return { times: await done.promise, durability: durabilityOf(connections) };
}

async function timeSteps(step: (name: string) => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < STEPS; at += 1) {
    const startedAt = performance.now();
    await step(`step ${at}`);
    times.push(performance.now() - startedAt);
  }
  return times;
}

export const steps: Benchmark = {
  name: "steps",
  title: `One execution of ${STEPS} null steps`,
  async run({ isQuick }) {
    const rounds = isQuick ? 1 : 3;
    const measured = [];
    for (const product of ["perdure", "openworkflow"] as const) {
      const results: StepTimes[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await withScratch(async (directory) => {
          results.push(await runAlone(runSteps, { product, directory }));
        });
      }
      measured.push({
        product,
        durability: results[0]?.durability ?? "unknown",
        totalMs: median(results.map(({ times }) => mean(times) * times.length)),
        firstMs: median(results.map(({ times }) => mean(times.slice(0, 100)))),
        lastMs: median(results.map(({ times }) => mean(times.slice(-100)))),
      });
    }
    const [perdure] = measured;
    const slope = (perdure?.lastMs ?? 0) / (perdure?.firstMs ?? 0);
    return {
      columns: [
        "product",
        "durability",
        "total ms",
        "Perdure is",
        "first 100, ms each",
        "last 100, ms each",
        "last ÷ first",
      ],
      rows: measured.map((found) => [
        found.product,
        found.durability,
        number(found.totalMs),
        found === perdure ? "" : ratio(found.totalMs / (perdure?.totalMs ?? 0)),
        number(found.firstMs),
        number(found.lastMs),
        ratio(found.lastMs / found.firstMs),
      ]),
      notes: [`Median of ${rounds} rounds. Each step is durable before the next begins.`],
      checks: [
        check(`${STEPS} null steps`, {
          actual: perdure?.totalMs ?? Number.POSITIVE_INFINITY,
          atMost: 2_000,
          unit: "ms",
        }),
        check("last hundred steps ÷ first hundred (flat)", { actual: slope, atMost: 1.25, unit: "×" }),
      ],
    };
  },
};
