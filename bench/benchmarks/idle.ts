/** What a worker costs that has nothing to do. */

import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { sleep } from "../harness/shared-clock.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

interface Idle extends OpenQueue {
  readonly measuredMs: number;
}

interface IdleCost {
  readonly durability: string;
  readonly cpuMsPerSecond: number;
}

const idleWorker: Program<Idle, IdleCost> = {
  url: import.meta.url,
  async run({ measuredMs, ...subject }) {
    const queue = await openQueue(subject);
    await queue.work({ concurrency: 3 });
    await sleep(1_000);
    const before = process.cpuUsage();
    const startedAt = performance.now();
    await sleep(measuredMs);
    const { user, system } = process.cpuUsage(before);
    const cpuMsPerSecond = (user + system) / (performance.now() - startedAt);
    await queue.close();
    return { durability: queue.durability, cpuMsPerSecond };
  },
};

export default idleWorker;

const SUBJECTS: readonly Subject[] = [
  { product: "perdure", durability: "full" },
  { product: "plainjob", durability: "default" },
  { product: "openworkflow", durability: "default" },
];

export const idle: Benchmark = {
  name: "idle",
  title: "CPU of an idle worker",
  async run({ isQuick }) {
    const measuredMs = isQuick ? 3_000 : 10_000;
    const found = await Promise.all(
      SUBJECTS.map(async (subject) => ({
        subject,
        ...(await withScratch((directory) => runAlone(idleWorker, { ...subject, directory, measuredMs }))),
      })),
    );
    return {
      columns: ["product", "durability", "CPU ms per second", "% of a core"],
      rows: found.map(({ subject, durability, cpuMsPerSecond }) => [
        nameOf(subject),
        durability,
        number(cpuMsPerSecond),
        number(cpuMsPerSecond / 10),
      ]),
      notes: [`Over ${measuredMs / 1_000} s. The latency each buys with it stands under pick-up.`],
      checks: [],
    };
  },
};
