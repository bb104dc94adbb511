/** Working memory of 1,000 entries in a session of 10,000 tasks: storing, reading and summing up, at full durability. */

import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { median, percentile } from "../harness/statistics.ts";
import { published } from "../subjects/published.ts";

const TASKS = 10_000;
const ENTRIES = 1_000;
const BATCH = 500;
const STRATEGIES = ["recent", "important", "semantic"] as const;

interface MeasureMemory {
  readonly directory: string;
  readonly rounds: number;
}

interface MemoryTimes {
  readonly durability: string;
  /** Milliseconds of each call, by what it did. */
  readonly times: Readonly<Record<string, readonly number[]>>;
}

const measureMemory: Program<MeasureMemory, MemoryTimes> = {
  url: import.meta.url,
  async run({ directory, rounds }) {
    const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
    const { opened: perdure, connections } = await watchingConnections(() => openPerdure({ project: directory }));
    const goal = "Move the billing service to the new database";
    const session = await perdure.sessions.create({ name: "bench", goal, maxUnfinished: 2 * TASKS });
    for (let from = 0; from < TASKS; from += BATCH) {
      const tasks = Array.from({ length: BATCH }, (_, at) => ({
        title: `Port table ${from + at} of billing`,
        executor: "manual",
      }));
      await perdure.tasks.createAll(tasks, { session: session.id });
    }
    const memory = await perdure.memory.of(session.id);
    const put = (at: number): Promise<unknown> =>
      memory.store(
        `table.${at % ENTRIES}`,
        { note: `Row counts of table ${at} match; ${"checked ".repeat(20)}`, at },
        {
          importance: (at % 10) / 10,
        },
      );
    for (let at = 0; at < ENTRIES; at += 1) await put(at);
    await memory.getSummary();
    const times: Record<string, number[]> = {};
    const time = async (name: string, count: number, act: (at: number) => Promise<unknown>): Promise<void> => {
      times[name] = [];
      for (let at = 0; at < count; at += 1) {
        const startedAt = performance.now();
        await act(at * 7);
        times[name].push(performance.now() - startedAt);
      }
    };
    await time("store", rounds, put);
    // Full, so that each makes room by evicting another.
    await time("store and evict", rounds, (at) => memory.store(`new.${at}`, at, { importance: 1 }));
    await time("retrieve", rounds, (at) => memory.retrieve(`table.${at % ENTRIES}`));
    for (const strategy of STRATEGIES)
      await time(`summary, ${strategy}`, Math.ceil(rounds / 20), () => memory.getSummary({ strategy }));
    const durability = durabilityOf(connections);
    await perdure.close();
    return { durability, times };
  },
};

export default measureMemory;

const TARGETS: readonly (readonly [what: string, p99Ms: number])[] = [
  ["store", 5],
  ["store and evict", 5],
  ["retrieve", 1],
  ...STRATEGIES.map((strategy) => [`summary, ${strategy}`, 50] as const),
];

export const memoryEntries: Benchmark = {
  name: "memory-entries",
  title: `Working memory of ${ENTRIES} entries beside ${TASKS} tasks`,
  async run({ isQuick }) {
    const { durability, times } = await withScratch((directory) =>
      runAlone(measureMemory, { directory, rounds: isQuick ? 200 : 900 }),
    );
    const columns = ["", "calls", "p50 ms", "p99 ms", "max ms"];
    const rows = Object.entries(times).map(([what, all]) => [
      what,
      String(all.length),
      number(median(all)),
      number(percentile(all, 99)),
      number(percentile(all, 100)),
    ]);
    const checks = TARGETS.map(([what, p99Ms]) =>
      check(`${what}, p99`, { actual: percentile(times[what] ?? [], 99), atMost: p99Ms, unit: "ms" }),
    );
    return { columns, rows, checks, notes: [`durability: ${durability}`] };
  },
};
