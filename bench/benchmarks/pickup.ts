/** How long after its creation is asked for an idle worker enters a task's code: within one process, and across two. */

import { syncAfterPauseMs } from "../harness/machine.ts";
import type { Program } from "../harness/program.ts";
import { runAlone, start } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { sharedNow, sleep } from "../harness/shared-clock.ts";
import { percentile } from "../harness/statistics.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

interface PickUp extends OpenQueue {
  readonly samples: number;
  /** `both` creates and works in one process; the others are the two halves. */
  readonly role: "both" | "creator" | "worker";
  /** Between two tasks, so that the worker is idle again, varied so as not to beat in time with a poll. */
  readonly pauseMs: number;
}

interface PickUpResult {
  readonly durability: string;
  readonly latencies: readonly number[];
}

const pickUp: Program<PickUp, PickUpResult> = {
  url: import.meta.url,
  async run({ samples, role, pauseMs, ...subject }, caller) {
    const queue = await openQueue(subject);
    const latencies: number[] = [];
    let onPicked = (): void => {};
    /** Resolves once so many tasks were entered: several may be at once, when something held the process up. */
    const picked = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onPicked = () => {
          if (latencies.length >= count) resolve();
        };
        onPicked();
      });
    if (role !== "creator") {
      await queue.work({
        concurrency: 3,
        onStart(createdAt) {
          latencies.push(sharedNow() - createdAt);
          onPicked();
        },
      });
      await sleep(200);
    }
    caller.ready();
    if (role === "worker") {
      await picked(samples);
    } else {
      for (let sample = 1; sample <= samples; sample += 1) {
        await queue.create(sharedNow());
        if (role === "both") await picked(sample);
        await sleep(pauseMs * (0.75 + Math.random() / 2));
      }
    }
    await queue.close();
    return { durability: queue.durability, latencies };
  },
};

export default pickUp;

const PEERS: readonly Subject[] = [
  { product: "plainjob", durability: "default" },
  { product: "openworkflow", durability: "default" },
];
/** Their polls take up to a second, so several processes wait at once. */
const PEER_PROCESSES = 4;

export const pickup: Benchmark = {
  name: "pickup",
  title: "Pick-up latency of an idle worker: from asking for the task to entering its code, ms",
  async run({ isQuick }) {
    const perdure: Subject = { product: "perdure", durability: "full" };
    const samples = isQuick ? 200 : 400;
    const pauseMs = 10;
    const within = await withScratch((directory) =>
      runAlone(pickUp, { ...perdure, directory, samples, pauseMs, role: "both" }),
    );
    const across = await withScratch(async (directory) => {
      const worker = start(pickUp, { ...perdure, directory, samples, pauseMs, role: "worker" });
      await worker.ready;
      await runAlone(pickUp, { ...perdure, directory, samples, pauseMs, role: "creator" });
      return await worker.result;
    });
    const syncMs = await syncAfterPauseMs({ samples: samples / 4, pauseMs });
    const rows = [
      { name: "perdure full, one process", ...within },
      { name: "perdure full, two processes", ...across },
    ];
    for (const peer of PEERS)
      rows.push({ name: `${nameOf(peer)}, one process`, ...(await peerPickUp(peer, isQuick ? 4 : 10)) });
    return {
      columns: ["product", "durability", "p50", "p99", "worst", "tasks"],
      rows: rows.map(({ name, durability, latencies }) => [
        name,
        durability,
        number(percentile(latencies, 50)),
        number(percentile(latencies, 99)),
        number(Math.max(...latencies)),
        String(latencies.length),
      ]),
      notes: [
        `A task every ${pauseMs} ms or so, including what it takes to make its creation and its claim durable.`,
        `Meanwhile an fsync alone, after such a pause, took the disk ${number(percentile(syncMs, 50))} ms (p50) and ${number(percentile(syncMs, 99))} ms (p99).`,
        "The peers poll (plainjob once a second, openworkflow backing off to that), across processes as within one.",
      ],
      checks: [
        check("pick-up p50 within a process", { actual: percentile(within.latencies, 50), atMost: 2, unit: "ms" }),
        check("pick-up p50 across processes", { actual: percentile(across.latencies, 50), atMost: 50, unit: "ms" }),
      ],
    };
  },
};

async function peerPickUp(peer: Subject, samples: number): Promise<PickUpResult> {
  const one = (): Promise<PickUpResult> =>
    withScratch((directory) => runAlone(pickUp, { ...peer, directory, samples, pauseMs: 150, role: "both" }));
  const results = await Promise.all(Array.from({ length: PEER_PROCESSES }, one));
  return {
    durability: results[0]?.durability ?? "unknown",
    latencies: results.flatMap((result) => result.latencies),
  };
}
