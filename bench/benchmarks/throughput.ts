/** How many tasks a second are created, claimed and completed, each slot creating its next task when its last has completed. */

import { monitorEventLoopDelay } from "node:perf_hooks";

import { syncRate } from "../harness/machine.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark, Check } from "../harness/report.ts";
import { check, number, ratio } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { StatementCount } from "../harness/statements.ts";
import { median } from "../harness/statistics.ts";
import type { OpenQueue, Subject } from "../subjects/subject.ts";
import { nameOf, openQueue } from "../subjects/subject.ts";

export interface ClosedLoop extends OpenQueue {
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface LoopResult {
  readonly durability: string;
  readonly perSecond: number;
  /** Of the event loop; all of the time when it never turned. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  /** What the process sent to a PostgreSQL server for each task. */
  readonly sentPerTask: StatementCount | null;
  /** Of this process. */
  readonly cpuMsPerTask: number;
}

/** Code runs at its speed once it was compiled, which takes some runs; a slow machine is not waited for beyond so many times the warm-up. */
const WARM_UP_TASKS = 200;
const MOST_WARM_UP = 5;
const NOTHING_SENT: StatementCount = { statements: 0, roundTrips: 0 };

const closedLoop: Program<ClosedLoop, LoopResult> = {
  url: import.meta.url,
  async run({ inFlight, warmUpMs, measuredMs, ...subject }) {
    const queue = await openQueue(subject);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const over = Promise.withResolvers<number>();
    let created = 0;
    let completed = 0;
    let warmedUp = 0;
    let measuringSince: number | null = null;
    let sentBefore = NOTHING_SENT;
    let cpuBefore = process.cpuUsage();
    let startedAt = performance.now();
    const create = (): void => {
      created += 1;
      queue.create(created).catch(over.reject);
    };
    const onEnd = (): void => {
      const now = performance.now();
      if (measuringSince === null) {
        warmedUp += 1;
        const isWarm = warmedUp >= WARM_UP_TASKS || now - startedAt > warmUpMs * MOST_WARM_UP;
        if (isWarm && now - startedAt > warmUpMs) {
          measuringSince = now;
          sentBefore = queue.statementCount?.() ?? NOTHING_SENT;
          cpuBefore = process.cpuUsage();
          delay.enable();
        }
      } else {
        completed += 1;
        if (now - measuringSince > measuredMs) {
          over.resolve((completed * 1_000) / (now - measuringSince));
          return;
        }
      }
      create();
    };
    await queue.work({ concurrency: inFlight, onEnd });
    startedAt = performance.now();
    for (let slot = 0; slot < inFlight; slot += 1) create();
    const perSecond = await over.promise;
    delay.disable();
    const sent = queue.statementCount?.() ?? null;
    const { user, system } = process.cpuUsage(cpuBefore);
    const delayAt = (percent: number): number => (delay.count === 0 ? measuredMs : delay.percentile(percent) / 1e6);
    await queue.close();
    return {
      durability: queue.durability,
      perSecond,
      delayP50Ms: delayAt(50),
      delayP99Ms: delayAt(99),
      sentPerTask: sent && {
        statements: (sent.statements - sentBefore.statements) / completed,
        roundTrips: (sent.roundTrips - sentBefore.roundTrips) / completed,
      },
      cpuMsPerTask: (user + system) / 1_000 / completed,
    };
  },
};

export default closedLoop;

const PERDURE: Subject = { product: "perdure", durability: "full" };
const SUBJECTS: readonly Subject[] = [
  PERDURE,
  { product: "perdure", durability: "normal" },
  { product: "plainjob", durability: "default" },
  { product: "plainjob", durability: "full" },
  { product: "openworkflow", durability: "default" },
];
const IN_FLIGHT = [1, 10, 100];
/** A task is created, claimed and completed by three commits, each durable before the next begins. */
const COMMITS_PER_TASK = 3;

export const throughput: Benchmark = {
  name: "throughput",
  title: "Tasks created, claimed and completed per second",
  async run({ isQuick }) {
    const rounds = isQuick ? 1 : 3;
    const times = isQuick ? { warmUpMs: 300, measuredMs: 1_000 } : { warmUpMs: 500, measuredMs: 1_500 };
    const cells = (isQuick ? [1, 100] : IN_FLIGHT).flatMap((inFlight) =>
      SUBJECTS.map((subject) => ({ inFlight, subject, results: [] as LoopResult[] })),
    );
    const syncRates: number[] = [];
    // Round by round, so that what else the machine does in the meantime falls on all of them.
    for (let round = 0; round < rounds; round += 1) {
      syncRates.push(syncRate({ seconds: 0.5 }));
      for (const { inFlight, subject, results } of cells) {
        await withScratch(async (directory) => {
          results.push(await runAlone(closedLoop, { ...subject, directory, inFlight, ...times }));
        });
      }
    }
    const measured = cells.map(({ inFlight, subject, results }) => ({
      inFlight,
      subject,
      durability: results[0]?.durability ?? "unknown",
      perSecond: median(results.map((result) => result.perSecond)),
      slowest: Math.min(...results.map((result) => result.perSecond)),
      delayP50Ms: median(results.map((result) => result.delayP50Ms)),
      delayP99Ms: median(results.map((result) => result.delayP99Ms)),
    }));
    const perdureAt = (inFlight: number): (typeof measured)[number] | undefined =>
      measured.find((cell) => cell.inFlight === inFlight && cell.subject === PERDURE);
    const syncsPerSecond = median(syncRates);
    const checks: Check[] = [
      check("100 in flight, full", { actual: perdureAt(100)?.perSecond ?? 0, atLeast: 5_000, unit: "tasks/s" }),
      oneByOne(perdureAt(1)?.perSecond ?? 0, syncsPerSecond),
      check("event-loop delay p99 at 100 in flight, full", {
        actual: perdureAt(100)?.delayP99Ms ?? Number.POSITIVE_INFINITY,
        atMost: 10,
        unit: "ms",
      }),
    ];
    return {
      columns: [
        "in flight, product",
        "durability",
        "tasks/s",
        "slowest round",
        "Perdure full is",
        "loop p50 ms",
        "loop p99 ms",
      ],
      rows: measured.map((cell) => [
        `${String(cell.inFlight).padStart(3)} ${nameOf(cell.subject)}`,
        cell.durability,
        number(cell.perSecond),
        number(cell.slowest),
        cell.subject === PERDURE ? "" : ratio((perdureAt(cell.inFlight)?.perSecond ?? 0) / cell.perSecond),
        number(cell.delayP50Ms),
        number(cell.delayP99Ms),
      ]),
      notes: [
        `Median of ${rounds} rounds of ${times.measuredMs / 1_000} s after ${times.warmUpMs / 1_000} s of warming up, each in a process and a database of its own.`,
        "Perdure with priorities 1–10, dependencies, journal and change log on; the next task is created once the last one's completion is durable.",
        `Meanwhile the disk did ${number(syncsPerSecond)} fsync/s; one task after another takes ${COMMITS_PER_TASK}, so at most ${number(syncsPerSecond / COMMITS_PER_TASK)} tasks/s.`,
        "plainjob has no priorities, dependencies or journal; its worker runs tasks one at a time and does not let the event loop turn while it has work.",
        "Event-loop delay as monitorEventLoopDelay gives it at resolution 1, of which 1 ms is the sampling.",
      ],
      checks,
    };
  },
};

/** Where the disk cannot do what the target asks, it is the disk that is measured: nine tenths of what it can. */
function oneByOne(perSecond: number, syncsPerSecond: number): Check {
  const limit = syncsPerSecond / COMMITS_PER_TASK;
  const isDiskSlow = limit < 1_000 / 0.9;
  return check(isDiskSlow ? "one by one, full (0.9 × the fsync limit)" : "one by one, full", {
    actual: perSecond,
    atLeast: isDiskSlow ? limit * 0.9 : 1_000,
    unit: "tasks/s",
  });
}
