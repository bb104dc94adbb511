/**
 * One worker and four on one database: `perdure worker` processes as anyone starts them, over a plan of tasks that each wait
 * 20 ms. And what a task costs the server, for working out on paper what more machines would do.
 */

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";

import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { ServerCost } from "../harness/server-cost.ts";
import { costBetween, costSoFar } from "../harness/server-cost.ts";
import type { Servers } from "../harness/servers.ts";
import { startServers } from "../harness/servers.ts";
import { sleep } from "../harness/shared-clock.ts";
import { median } from "../harness/statistics.ts";
import { published } from "../subjects/published.ts";
import { PERDURE } from "../subjects/served.ts";
import closedLoop from "./throughput.ts";

interface Plan {
  readonly directory: string;
  readonly store: string;
  readonly tasks: number;
}

/** Submits the plan, so that workers find it there. */
const submit: Program<Plan, null> = {
  url: import.meta.url,
  async run({ directory, store, tasks }) {
    const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
    const perdure = await openPerdure({ project: directory, store });
    const { id } = await perdure.sessions.ensure({ name: "plan", maxUnfinished: tasks });
    const one = (at: number): { title: string; executor: string; input: number } => ({
      title: `part ${at}`,
      executor: "wait",
      input: at,
    });
    for (let from = 0; from < tasks; from += 500) {
      const count = Math.min(500, tasks - from);
      await perdure.tasks.createAll(
        Array.from({ length: count }, (_, at) => one(from + at)),
        { session: id },
      );
    }
    await perdure.close();
    return null;
  },
};

export default submit;

const CONCURRENCY = 4;
const WORK_MS = 20;
const FLEETS = [1, 4];
const CLI = resolve(import.meta.dirname, "../../bin/perdure.js");

interface Run {
  readonly seconds: number;
  readonly cost: ServerCost;
}

export const scaling: Benchmark = {
  name: "scaling",
  title: `\`perdure worker\` processes with concurrency ${CONCURRENCY} on tasks of ${WORK_MS} ms`,
  async run({ isQuick }) {
    const tasks = isQuick ? 400 : 10_000;
    const rounds = isQuick ? 1 : 2;
    const servers = await startServers([PERDURE]);
    const fleets = FLEETS.map((workers) => ({ workers, runs: [] as Run[] }));
    const loads: number[] = [];
    const loops = [];
    try {
      for (let round = 0; round < rounds; round += 1) {
        for (const { workers, runs } of fleets) {
          runs.push(await work(servers, { workers, tasks }));
          loads.push(loadavg()[0] ?? 0);
        }
      }
      for (const inFlight of [1, 10, 100]) loops.push({ inFlight, ...(await loopCost(servers, inFlight)) });
    } finally {
      await servers.stop();
    }
    const secondsOf = (workers: number): number =>
      median(fleets.find((fleet) => fleet.workers === workers)?.runs.map(({ seconds }) => seconds) ?? [0]);
    return {
      columns: ["what", "seconds", "tasks/s", ...COST_COLUMNS],
      rows: [
        ...fleets.map(({ workers, runs }) => [
          `${workers} ${workers === 1 ? "worker" : "workers"}, ${tasks.toLocaleString("en")} tasks`,
          number(secondsOf(workers)),
          number(tasks / secondsOf(workers)),
          ...costCells(runs.map(({ cost }) => cost)),
        ]),
        ...loops.map(({ inFlight, perSecond, cost }) => [
          `created and worked in one process, ${inFlight} in flight`,
          "",
          number(perSecond),
          ...costCells([cost]),
        ]),
      ],
      notes: [
        ...servers.versions,
        `Median of ${rounds} rounds, from the first task's start to the last one's end by the server's clock. What ${WORK_MS} ms allow: ${number((CONCURRENCY * 1_000) / WORK_MS)} tasks/s for each worker.`,
        "Costs are the server's, for each task. Workers find their tasks there and claim and complete them; the last rows create them as well.",
        `Workers, server and this benchmark share the machine, whose load was from ${number(Math.min(...loads))} to ${number(Math.max(...loads))}.`,
      ],
      checks: [check("four workers ÷ one", { actual: secondsOf(1) / secondsOf(4), atLeast: 2.5, unit: "×" })],
    };
  },
};

async function work(
  servers: Servers,
  { workers, tasks }: { readonly workers: number; readonly tasks: number },
): Promise<Run> {
  return await servers.withDatabase("postgres", (url) =>
    withScratch(async (directory) => {
      const store = `${url}?project=bench`;
      writeFileSync(join(directory, "perdure.yaml"), "executors: [./executors.mjs]\n");
      writeFileSync(join(directory, "executors.mjs"), EXECUTORS);
      await runAlone(submit, { directory, store, tasks });
      await servers.vacuum(url);
      const before = await costSoFar(servers, url);
      const stopped = Array.from({ length: workers }, () => startWorker({ directory, store }));
      await untilDone(servers, url);
      await Promise.all(stopped.map((stop) => stop()));
      const [times] = await servers.query<{ ms: string }>(
        "select max(completed_at) - min(started_at) as ms from perdure.tasks",
        url,
      );
      return { seconds: Number(times?.ms) / 1_000, cost: costBetween(before, await costSoFar(servers, url), tasks) };
    }),
  );
}

const EXECUTORS = `export default (perdure) => {
  perdure.define("wait", {}, async () => {
    await new Promise((resolve) => setTimeout(resolve, ${WORK_MS}));
    return null;
  });
};
`;

function startWorker({
  directory,
  store,
}: {
  readonly directory: string;
  readonly store: string;
}): () => Promise<void> {
  const args = ["worker", "--project", directory, "--store", store, "--concurrency", String(CONCURRENCY), "--quiet"];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  return async () => {
    child.kill("SIGTERM");
    await ended;
    process.off("exit", kill);
  };
}

async function untilDone(servers: Servers, url: string): Promise<void> {
  for (;;) {
    const [row] = await servers.query<{ open: boolean }>(
      "select exists (select from perdure.tasks where status in ('pending', 'in_progress')) as open",
      url,
    );
    if (row?.open === false) return;
    await sleep(500);
  }
}

/** The second loop of a database: the first one has made the tables. */
async function loopCost(
  servers: Servers,
  inFlight: number,
): Promise<{ readonly perSecond: number; readonly cost: ServerCost }> {
  return await servers.withDatabase("postgres", (url) =>
    withScratch(async (directory) => {
      const loop = { ...PERDURE, directory, url, inFlight, warmUpMs: 500 };
      await runAlone(closedLoop, { ...loop, measuredMs: 500 });
      const before = await costSoFar(servers, url);
      const { perSecond } = await runAlone(closedLoop, { ...loop, measuredMs: 4_000 });
      const after = await costSoFar(servers, url);
      return { perSecond, cost: costBetween(before, after, after.tasks - before.tasks) };
    }),
  );
}

const COST_COLUMNS = ["commits", "rows written", "WAL bytes", "server CPU ms"];

function costCells(costs: readonly ServerCost[]): readonly string[] {
  const of = (name: keyof ServerCost): string => number(median(costs.map((cost) => cost[name])));
  return [of("commits"), of("rowsWritten"), of("walBytes"), of("cpuMs")];
}
