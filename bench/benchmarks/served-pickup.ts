/** How long after its creation is asked for an idle worker of a product on a server enters a task's code, across two processes. */

import { loadavg } from "node:os";

import { start, runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { Servers } from "../harness/servers.ts";
import { startServers } from "../harness/servers.ts";
import { percentile } from "../harness/statistics.ts";
import { availableSubjects, PERDURE } from "../subjects/served.ts";
import type { Subject } from "../subjects/subject.ts";
import { nameOf, serverOf } from "../subjects/subject.ts";
import pickUp from "./pickup.ts";

interface Found {
  readonly subject: Subject;
  readonly isAcross: boolean;
  durability: string;
  readonly latencies: number[];
}

export const servedPickup: Benchmark = {
  name: "served-pickup",
  title: "On a server: pick-up latency of an idle worker, from asking for the task to entering its code, ms",
  async run({ isQuick }) {
    const rounds = isQuick ? 1 : 2;
    const samples = isQuick ? 50 : 150;
    const subjects = await availableSubjects();
    // Direct has nothing to pick up: who starts it runs it.
    const found: readonly Found[] = [true, false].flatMap((isAcross) =>
      subjects
        .filter(({ product }) => !isAcross || product !== "dbos direct")
        .map((subject) => ({ subject, isAcross, durability: "unknown", latencies: [] })),
    );
    const servers = await startServers(subjects);
    const loads: number[] = [];
    try {
      for (let round = 0; round < rounds; round += 1) {
        for (const one of found) {
          const result = await measure(servers, one, samples);
          one.durability = result.durability;
          one.latencies.push(...result.latencies);
          loads.push(loadavg()[0] ?? 0);
        }
      }
    } finally {
      await servers.stop();
    }
    const p50Of = (isAcross: boolean): number => {
      const own = found.find((one) => one.subject.product === PERDURE.product && one.isAcross === isAcross);
      return own === undefined ? Number.POSITIVE_INFINITY : percentile(own.latencies, 50);
    };
    return {
      columns: ["product", "durability", "p50", "p99", "worst", "tasks"],
      rows: found.map(({ subject, isAcross, durability, latencies }) => [
        `${nameOf(subject)}, ${isAcross ? "two processes" : "one process"}`,
        durability,
        number(percentile(latencies, 50)),
        number(percentile(latencies, 99)),
        number(Math.max(...latencies)),
        String(latencies.length),
      ]),
      notes: [
        ...servers.versions,
        `${rounds} rounds, products in turn, each after ${WARM_UP} tasks that do not count; a task every ${PAUSE_MS} ms or so, including what it takes to make its creation and its claim durable.`,
        `Meanwhile the machine's load was from ${number(Math.min(...loads))} to ${number(Math.max(...loads))}.`,
        "All are woken (LISTEN/NOTIFY, Redis's blocking pop) but dbos, which polls its queue every 5 ms here.",
      ],
      checks: [
        check("pick-up p50 on Postgres, two processes", { actual: p50Of(true), atMost: 5, unit: "ms" }),
        check("pick-up p50 on Postgres, one process", { actual: p50Of(false), atMost: 5, unit: "ms" }),
      ],
    };
  },
};

const PAUSE_MS = 25;
/** Workers live long: the first tasks of each would tell how fast a program gets compiled. */
const WARM_UP = 100;

async function measure(
  servers: Servers,
  { subject, isAcross }: Found,
  samples: number,
): Promise<{ readonly durability: string; readonly latencies: readonly number[] }> {
  return await servers.withDatabase(serverOf(subject), (url) =>
    withScratch(async (directory) => {
      const options = { ...subject, directory, url, samples: WARM_UP + samples, pauseMs: PAUSE_MS };
      if (!isAcross) return warm(await runAlone(pickUp, { ...options, role: "both" }));
      const worker = start(pickUp, { ...options, role: "worker" });
      await worker.ready;
      await runAlone(pickUp, { ...options, role: "creator" });
      return warm(await worker.result);
    }),
  );
}

function warm<Result extends { readonly latencies: readonly number[] }>(result: Result): Result {
  return { ...result, latencies: result.latencies.slice(WARM_UP) };
}
