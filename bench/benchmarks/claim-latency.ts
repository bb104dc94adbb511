/** How long a claim takes, its commit included, however many tasks are pending. Perdure's by its store's command, from the sources. */

import { join } from "node:path";

import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { WorkerId } from "../../src/domain/ids.ts";
import { claimTasks } from "../../src/store/commands/claims.ts";
import { registerWorker } from "../../src/store/commands/workers.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { percentile } from "../harness/statistics.ts";
import { openPlainjobQueue } from "../subjects/plainjob.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

interface Claims extends OpenQueue {
  readonly pending: number;
  readonly samples: number;
}

interface ClaimTimes {
  readonly durability: string;
  readonly fillSeconds: number;
  /** One task at a time. */
  readonly single: readonly number[];
  /** Twenty at a time, where the product can. */
  readonly many: readonly number[];
}

type Claim = (limit: number) => Promise<unknown>;

const timeClaims: Program<Claims, ClaimTimes> = {
  url: import.meta.url,
  async run({ pending, samples, ...subject }) {
    const startedAt = performance.now();
    const filled = await openQueue({ ...subject, durability: "normal" });
    await filled.createMany({ count: pending, notDueCount: pending / 5 });
    await filled.close();
    const fillSeconds = (performance.now() - startedAt) / 1_000;
    const claims = subject.product === "perdure" ? await perdureClaims(subject) : await plainjobClaims(subject);
    const single = await timeEach(samples, () => claims.claim(1));
    const many =
      subject.product === "perdure" ? await timeEach(Math.min(samples, pending / 100), () => claims.claim(20)) : [];
    return { durability: claims.durability, fillSeconds, single, many };
  },
};

export default timeClaims;

async function perdureClaims({ directory, durability }: OpenQueue): Promise<{ durability: string; claim: Claim }> {
  const { opened: store, connections } = await watchingConnections(() =>
    openSqliteStore({
      path: join(directory, ".perdure", "perdure.db"),
      durability: durability === "normal" ? "normal" : "full",
      projectName: "bench",
      actor: "bench",
      clock: systemClock,
      random: systemRandom,
    }),
  );
  const workerId = "bench" as WorkerId;
  const process = { host: "bench", pid: null, startToken: null };
  await store.execute(registerWorker, { id: workerId, ...process, label: "bench", leaseMs: 3_600_000 });
  return {
    durability: durabilityOf(connections),
    async claim(limit) {
      const { claimed } = await store.execute(claimTasks, { workerId, executors: ["null"], sessionId: null, limit });
      if (claimed.length !== limit) throw new Error(`claimed ${claimed.length} tasks instead of ${limit}`);
    },
  };
}

async function plainjobClaims(subject: OpenQueue): Promise<{ durability: string; claim: Claim }> {
  const { queue, database } = await openPlainjobQueue(subject);
  return {
    durability: durabilityOf([database]),
    async claim() {
      if (queue.getAndMarkJobAsProcessing("null") === undefined) throw new Error("there was nothing to claim");
    },
  };
}

async function timeEach(samples: number, act: () => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const startedAt = performance.now();
    await act();
    times.push(performance.now() - startedAt);
  }
  return times;
}

const SUBJECTS: readonly Subject[] = [
  { product: "perdure", durability: "full" },
  { product: "plainjob", durability: "default" },
  { product: "plainjob", durability: "full" },
];

export const claimLatency: Benchmark = {
  name: "claims",
  title: "Claim latency by tasks pending, ms",
  async run({ isQuick }) {
    const depths = isQuick ? [1_000, 50_000] : [1_000, 100_000, 1_000_000];
    const found = [];
    for (const pending of depths) {
      for (const subject of SUBJECTS) {
        const samples = Math.min(1_000, pending / 2);
        const times = await withScratch((directory) =>
          runAlone(timeClaims, { ...subject, directory, pending, samples }),
        );
        found.push({ pending, subject, ...times });
      }
    }
    const deepest = found.find(({ pending, subject }) => subject.product === "perdure" && pending === depths.at(-1));
    return {
      columns: [
        "pending, product",
        "durability",
        "p50",
        "p99",
        "worst",
        "p50 of 20 at once",
        "p99 of 20",
        "filled in s",
      ],
      rows: found.map(({ pending, subject, durability, single, many, fillSeconds }) => [
        `${pending.toLocaleString("en").padStart(9)} ${nameOf(subject)}`,
        durability,
        number(percentile(single, 50)),
        number(percentile(single, 99)),
        number(Math.max(...single)),
        many.length === 0 ? "" : number(percentile(many, 50)),
        many.length === 0 ? "" : number(percentile(many, 99)),
        number(fillSeconds),
      ]),
      notes: [
        "Up to 1,000 claims one after another, each committed; a fifth of the tasks is not due. Perdure chooses among ten priorities, plainjob by time alone.",
        ...(isQuick ? ["--quick goes to 50,000 pending only."] : []),
      ],
      checks: [
        check(`claim p99 with ${(depths.at(-1) ?? 0).toLocaleString("en")} pending`, {
          actual: deepest === undefined ? Number.POSITIVE_INFINITY : percentile(deepest.single, 99),
          atMost: 10,
          unit: "ms",
        }),
      ],
    };
  },
};
