/** Several processes working one database file: what they do together, and whether each gets its share. */

import type { Program } from "../harness/program.ts";
import { runAlone, start } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { sharedNow, sleep } from "../harness/shared-clock.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

interface Compete extends OpenQueue {
  readonly part: "fill" | "work";
  /** Tasks to create. */
  readonly count: number;
  /** On the shared clock: completions between the two count. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Done {
  readonly durability: string;
  readonly completed: number;
}

const CONCURRENCY = 10;

const compete: Program<Compete, Done> = {
  url: import.meta.url,
  async run({ part, count, fromMs, toMs, ...subject }) {
    const queue = await openQueue(subject);
    if (part === "fill") {
      await queue.createMany({ count, notDueCount: 0 });
      await queue.close();
      return { durability: queue.durability, completed: 0 };
    }
    const over = Promise.withResolvers<void>();
    let completed = 0;
    const onEnd = (): void => {
      const now = sharedNow();
      if (now >= fromMs && now < toMs) completed += 1;
      if (now >= toMs) over.resolve();
    };
    // One that is starved sees no completion at all.
    const giveUp = sleep(toMs - sharedNow() + 500);
    await queue.work({ concurrency: CONCURRENCY, onEnd });
    await Promise.race([over.promise, giveUp]);
    await queue.close();
    return { durability: queue.durability, completed };
  },
};

export default compete;

const SUBJECTS: readonly Subject[] = [
  { product: "perdure", durability: "full" },
  { product: "plainjob", durability: "full" },
  { product: "plainjob", durability: "default" },
];
const SETTLE_MS = 1_000;

export const contention: Benchmark = {
  name: "contention",
  title: "Processes working one file",
  async run({ isQuick }) {
    const measuredMs = isQuick ? 1_500 : 2_500;
    const found = [];
    for (const subject of isQuick ? SUBJECTS.slice(0, 2) : SUBJECTS) {
      for (const processes of [1, 2, 3]) {
        const done = await withScratch((directory) => competeIn({ ...subject, directory, processes, measuredMs }));
        const all = done.reduce((sum, { completed }) => sum + completed, 0);
        found.push({
          subject,
          processes,
          durability: done[0]?.durability ?? "unknown",
          perSecond: (all * 1_000) / measuredMs,
          shares: done.map(({ completed }) => Math.round((completed * 100) / all)),
          /** 1 is an even share. */
          smallestShare: Math.min(...done.map(({ completed }) => completed)) / (all / processes),
        });
      }
    }
    const perdure = found.filter(({ subject }) => subject.product === "perdure");
    return {
      columns: ["processes, product", "durability", "tasks/s together", "shares %", "smallest ÷ even"],
      rows: found.map(({ processes, subject, durability, perSecond, shares, smallestShare }) => [
        `${processes} ${nameOf(subject)}`,
        durability,
        number(perSecond),
        shares.join(" / "),
        number(smallestShare),
      ]),
      notes: [
        "A plainjob worker that is kept from the lock for five seconds gives up.",
        `Over ${measuredMs / 1_000} s; the tasks are there already, so these claim and complete only, ${CONCURRENCY} at a time in each Perdure process.`,
      ],
      checks: [
        check("smallest share of 2 or 3 processes ÷ an even one", {
          actual: Math.min(...perdure.map(({ smallestShare }) => smallestShare)),
          atLeast: 0.5,
          unit: "×",
        }),
      ],
    };
  },
};

async function competeIn({
  processes,
  measuredMs,
  ...queue
}: OpenQueue & { readonly processes: number; readonly measuredMs: number }): Promise<readonly Done[]> {
  const tasks = Math.ceil((queue.product === "perdure" ? 7 : 25) * (SETTLE_MS + measuredMs));
  await runAlone(compete, { ...queue, durability: "normal", part: "fill", count: tasks, fromMs: 0, toMs: 0 });
  const fromMs = sharedNow() + SETTLE_MS;
  const started = Array.from({ length: processes }, () =>
    start(compete, { ...queue, part: "work", count: 0, fromMs, toMs: fromMs + measuredMs }),
  );
  return await Promise.all(started.map(({ result }) => result));
}
