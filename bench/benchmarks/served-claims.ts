/** How long one claim takes, its commit included, however many tasks are pending on a server. */

import { loadavg } from "node:os";

import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { Servers } from "../harness/servers.ts";
import { startServers } from "../harness/servers.ts";
import { percentile } from "../harness/statistics.ts";
import { availableSubjects, PERDURE } from "../subjects/served.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue, serverOf } from "../subjects/subject.ts";

interface Step extends OpenQueue {
  readonly part: "fill" | "claim";
  readonly pending: number;
  readonly samples: number;
}

interface Claims {
  readonly durability: string;
  readonly times: readonly number[];
  readonly seconds: number;
}

const oneStep: Program<Step, Claims> = {
  url: import.meta.url,
  async run({ part, pending, samples, ...subject }) {
    const queue = await openQueue(subject);
    const startedAt = performance.now();
    let times: readonly number[] = [];
    if (part === "fill") await queue.createMany({ count: pending, notDueCount: pending / 5 });
    else times = (await queue.timeClaims?.(samples)) ?? [];
    const seconds = (performance.now() - startedAt) / 1_000;
    await queue.close();
    return { durability: queue.durability, times, seconds };
  },
};

export default oneStep;

interface Found {
  readonly subject: Subject;
  readonly pending: number;
  readonly durability: string;
  readonly times: readonly number[];
  readonly fillSeconds: number;
}

/** Claims in one go, so that products take turns while the machine is the same. */
const SAMPLES = 200;

export const servedClaims: Benchmark = {
  name: "served-claims",
  title: "On a server: claim latency by tasks pending, ms",
  async run({ isQuick }) {
    const depths = isQuick ? [1_000, 20_000] : [1_000, 100_000, 1_000_000];
    // A batch is fetched the same way, and direct has nothing to claim.
    const subjects = (await availableSubjects()).filter(({ product }) => !/batched|direct/.test(product));
    const servers = await startServers(subjects);
    const found: Found[] = [];
    const loads: number[] = [];
    try {
      for (const pending of depths) {
        for (const subject of subjects) {
          const claims = await claimsFrom(servers, { subject, pending, goes: isQuick ? 1 : 3 });
          found.push({ subject, pending, ...claims });
          loads.push(loadavg()[0] ?? 0);
        }
      }
    } finally {
      await servers.stop();
    }
    const p50At = (pending: number): number => {
      const own = found.find((one) => one.subject.product === PERDURE.product && one.pending === pending);
      return own === undefined ? Number.NaN : percentile(own.times, 50);
    };
    const [least = 0] = depths;
    const most = depths.at(-1) ?? 0;
    return {
      columns: ["pending, product", "durability", "p50", "p99", "worst", "claims", "filled in s"],
      rows: found.map(({ subject, pending, durability, times, fillSeconds }) => [
        `${pending.toLocaleString("en").padStart(9)} ${nameOf(subject)}`,
        durability,
        number(percentile(times, 50)),
        number(percentile(times, 99)),
        number(Math.max(...times)),
        String(times.length),
        number(fillSeconds),
      ]),
      notes: [
        ...servers.versions,
        "One claim after another, each committed; a fifth of the tasks is not due, and all have priorities 1–10. After it was filled the database was vacuumed and analyzed.",
        "dbos is timed at its own function, without the poll that comes before; graphile-worker in its worker, which records the end of the last job meanwhile.",
        `Meanwhile the machine's load was from ${number(Math.min(...loads))} to ${number(Math.max(...loads))}.`,
      ],
      checks: [
        check(`claim p50 on Postgres with ${most.toLocaleString("en")} pending ÷ with ${least.toLocaleString("en")}`, {
          actual: p50At(most) / p50At(least),
          atMost: 3,
          unit: "×",
        }),
      ],
    };
  },
};

async function claimsFrom(
  servers: Servers,
  { subject, pending, goes }: { readonly subject: Subject; readonly pending: number; readonly goes: number },
): Promise<Pick<Found, "durability" | "times" | "fillSeconds">> {
  return await servers.withDatabase(serverOf(subject), (url) =>
    withScratch(async (directory) => {
      const options = { ...subject, directory, url, pending, samples: Math.min(SAMPLES, pending / 5) };
      const { seconds: fillSeconds } = await runAlone(oneStep, { ...options, part: "fill" });
      await servers.vacuum(url);
      const times: number[] = [];
      let durability = "unknown";
      for (let go = 0; go < goes; go += 1) {
        const claims = await runAlone(oneStep, { ...options, part: "claim" });
        durability = claims.durability;
        times.push(...claims.times);
      }
      return { durability, times, fillSeconds };
    }),
  );
}
