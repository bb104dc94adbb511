/** How long the command line takes to answer, beside a Node that does nothing. */

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number, ratio } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { median } from "../harness/statistics.ts";
import { openPerdureQueue } from "../subjects/perdure.ts";

const TASKS = 1_000;
const BIN = resolve(import.meta.dirname, "../../bin/perdure.js");

const makeProject: Program<{ readonly directory: string }, { readonly durability: string }> = {
  url: import.meta.url,
  async run({ directory }) {
    const queue = await openPerdureQueue({ product: "perdure", durability: "full", directory });
    await queue.createMany({ count: TASKS, notDueCount: 0 });
    await queue.close();
    return { durability: queue.durability };
  },
};

export default makeProject;

export const startup: Benchmark = {
  name: "startup",
  title: `\`perdure status\` in a project with ${TASKS.toLocaleString("en")} tasks`,
  async run({ isQuick }) {
    const rounds = isQuick ? 10 : 20;
    return await withScratch(async (directory) => {
      const { durability } = await runAlone(makeProject, { directory });
      const commands = [
        { name: "node -e 0", args: ["-e", "0"], times: [] as number[] },
        { name: "perdure --version", args: [BIN, "--version"], times: [] as number[] },
        { name: "perdure status", args: [BIN, "status"], times: [] as number[] },
        { name: "perdure status --json", args: [BIN, "status", "--json"], times: [] as number[] },
      ];
      // One of each in turn; the first round fills the caches and does not count.
      for (let round = -1; round < rounds; round += 1) {
        for (const { args, times } of commands) {
          const elapsedMs = timeOnce(args, directory);
          if (round >= 0) times.push(elapsedMs);
        }
      }
      const found = commands.map(({ name, times }) => ({ name, ms: median(times), best: Math.min(...times) }));
      const node = found[0]?.ms ?? 0;
      const status = found.find(({ name }) => name === "perdure status");
      return {
        columns: ["command", "median ms", "fastest ms", "× node -e 0"],
        rows: found.map(({ name, ms, best }) => [name, number(ms), number(best), ratio(ms / node)]),
        notes: [
          `${rounds} runs of each in turn, with Node's compile cache as the command sets it; the store is ${durability}.`,
        ],
        checks: [
          check("perdure status ÷ node -e 0", {
            actual: (status?.ms ?? Number.POSITIVE_INFINITY) / node,
            atMost: 2,
            unit: "×",
          }),
        ],
      };
    });
  },
};

function timeOnce(args: readonly string[], cwd: string): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  const elapsedMs = performance.now() - startedAt;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return elapsedMs;
}
