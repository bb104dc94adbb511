/** What a worker keeps resident when many tasks are pending, and what a completed task leaves on disk. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

interface Fill extends OpenQueue {
  readonly part: "fill";
  readonly count: number;
}

interface Work extends OpenQueue {
  readonly part: "work";
  readonly count: number;
}

interface Used {
  readonly durability: string;
  readonly residentMb: number;
  readonly peakMb: number;
}

const program: Program<Fill | Work, Used> = {
  url: import.meta.url,
  async run({ part, count, ...subject }) {
    const queue = await openQueue(subject);
    if (part === "fill") await queue.createMany({ count, notDueCount: 0 });
    else await workSome(queue, count);
    const residentMb = process.memoryUsage.rss() / 2 ** 20;
    await queue.close();
    return { durability: queue.durability, residentMb, peakMb: process.resourceUsage().maxRSS / 1_024 };
  },
};

export default program;

function workSome(queue: Awaited<ReturnType<typeof openQueue>>, count: number): Promise<void> {
  let ended = 0;
  return new Promise((resolve, reject) => {
    const onEnd = (): void => {
      ended += 1;
      if (ended === count) resolve();
    };
    queue.work({ concurrency: 10, onEnd }).catch(reject);
  });
}

const SUBJECTS: readonly Subject[] = [
  { product: "perdure", durability: "full" },
  { product: "plainjob", durability: "default" },
];
const PENDING = 100_000;
const WORKED = 1_000;
const COMPLETED = 10_000;

export const memory: Benchmark = {
  name: "memory",
  title: `Memory of a worker with ${PENDING.toLocaleString("en")} tasks pending, and disk per completed task`,
  async run() {
    const found = [];
    for (const subject of SUBJECTS) {
      const used = await withScratch(async (directory) => {
        await runAlone(program, { ...subject, directory, part: "fill", count: PENDING });
        return await runAlone(program, { ...subject, directory, part: "work", count: WORKED });
      });
      const bytesPerTask = await withScratch(async (directory) => {
        await runAlone(program, { ...subject, directory, part: "fill", count: COMPLETED });
        await runAlone(program, { ...subject, directory, part: "work", count: COMPLETED });
        return sizeOf(directory) / COMPLETED;
      });
      found.push({ subject, ...used, bytesPerTask });
    }
    const [perdure] = found;
    return {
      columns: ["product", "durability", "resident MiB", "peak MiB", "bytes on disk per completed task"],
      rows: found.map(({ subject, durability, residentMb, peakMb, bytesPerTask }) => [
        nameOf(subject),
        durability,
        number(residentMb),
        number(peakMb),
        number(bytesPerTask),
      ]),
      notes: [
        `A fresh process opens the database and completes ${WORKED.toLocaleString("en")} of the tasks, ten at a time; resident at the end of that.`,
        `Disk: the database after ${COMPLETED.toLocaleString("en")} tasks were created and completed and it was closed. Perdure's holds the change log of every task.`,
      ],
      checks: [
        check("resident with 100 k pending (peak)", {
          actual: perdure?.peakMb ?? Number.POSITIVE_INFINITY,
          atMost: 250,
          unit: "MiB",
        }),
      ],
    };
  },
};

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(directory, name)))
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + entry.size, 0);
}
