/** How many tasks a second products on a server create, claim and complete, in one process beside its server. */

import { loadavg } from "node:os";

import { syncRate } from "../harness/machine.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark, Check } from "../harness/report.ts";
import { check, number, ratio } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import type { Servers } from "../harness/servers.ts";
import { startServers } from "../harness/servers.ts";
import { median } from "../harness/statistics.ts";
import { availableSubjects, PERDURE } from "../subjects/served.ts";
import type { Subject } from "../subjects/subject.ts";
import { nameOf, serverOf } from "../subjects/subject.ts";
import type { LoopResult } from "./throughput.ts";
import closedLoop from "./throughput.ts";

const IN_FLIGHT = [1, 10, 100];

interface Cell {
  readonly inFlight: number;
  readonly subject: Subject;
  readonly results: LoopResult[];
}

export const servedThroughput: Benchmark = {
  name: "served-throughput",
  title: "On a server: tasks created, claimed and completed per second",
  async run({ isQuick }) {
    const rounds = isQuick ? 1 : 3;
    const times = isQuick ? { warmUpMs: 500, measuredMs: 1_500 } : { warmUpMs: 3_000, measuredMs: 3_000 };
    const subjects = await availableSubjects();
    const cells: readonly Cell[] = (isQuick ? [1, 10] : IN_FLIGHT).flatMap((inFlight) =>
      subjects.map((subject) => ({ inFlight, subject, results: [] })),
    );
    const servers = await startServers(subjects);
    const loads: number[] = [];
    const syncRates: number[] = [];
    try {
      // Round by round, so that what else the machine does in the meantime falls on all of them.
      for (let round = 0; round < rounds; round += 1) {
        syncRates.push(syncRate({ seconds: 0.5 }));
        for (const cell of cells) {
          cell.results.push(await measure(servers, cell, times));
          loads.push(loadavg()[0] ?? 0);
        }
      }
    } finally {
      await servers.stop();
    }
    return {
      columns: [
        "in flight, product",
        "durability",
        "tasks/s",
        "slowest round",
        "fastest",
        "Perdure is",
        "statements a task",
        "round trips a task",
        "client CPU ms a task",
      ],
      rows: cells.map((cell) => {
        const { inFlight, subject, results } = cell;
        const perSecond = results.map((result) => result.perSecond);
        const sent = results.flatMap(({ sentPerTask }) => sentPerTask ?? []);
        const isPerdure = subject.product === PERDURE.product;
        return [
          `${String(inFlight).padStart(3)} ${nameOf(subject)}`,
          results[0]?.durability ?? "unknown",
          number(median(perSecond)),
          number(Math.min(...perSecond)),
          number(Math.max(...perSecond)),
          isPerdure ? "" : ratio(timesFaster(cells, inFlight, subject)),
          sent.length === 0 ? "" : number(median(sent.map(({ statements }) => statements))),
          sent.length === 0 ? "" : number(median(sent.map(({ roundTrips }) => roundTrips))),
          number(median(results.map(({ cpuMsPerTask }) => cpuMsPerTask))),
        ];
      }),
      notes: [
        ...servers.versions,
        `Median of ${rounds} rounds of ${times.measuredMs / 1_000} s after ${times.warmUpMs / 1_000} s of warming up, products in turn in each round, each in a process and a database of its own on one server.`,
        `Meanwhile the machine's load was ${number(median(loads))} (from ${number(Math.min(...loads))} to ${number(Math.max(...loads))}) and the disk did ${number(median(syncRates))} fsync/s.`,
        'A slot creates its next task when the completion of its last one is committed. Priorities 1–10 everywhere. "Perdure is" is the median over the rounds of the ratio within a round.',
        "graphile-worker and pg-boss have as many workers as slots; their batched modes fetch and complete many at once. dbos puts workflows in a queue it polls every 5 ms (1 s by default); dbos direct runs them in the process that starts them, without a queue.",
      ],
      checks: targets(cells),
    };
  },
};

async function measure(
  servers: Servers,
  { subject, inFlight }: Cell,
  times: { readonly warmUpMs: number; readonly measuredMs: number },
): Promise<LoopResult> {
  return await servers.withDatabase(serverOf(subject), (url) =>
    withScratch((directory) => runAlone(closedLoop, { ...subject, directory, url, inFlight, ...times })),
  );
}

/** Round by round, as the machine may be another one in the next. */
function timesFaster(cells: readonly Cell[], inFlight: number, peer: Subject): number {
  const perSecondOf = ({ product }: Subject): readonly number[] =>
    cells
      .find((cell) => cell.inFlight === inFlight && cell.subject.product === product)
      ?.results.map(({ perSecond }) => perSecond) ?? [];
  const own = perSecondOf(PERDURE);
  return median(perSecondOf(peer).map((perSecond, round) => (own[round] ?? 0) / perSecond));
}

function targets(cells: readonly Cell[]): readonly Check[] {
  const peers = [
    { product: "graphile-worker", atLeast: 2 },
    { product: "pg-boss", atLeast: 2 },
    { product: "dbos", atLeast: 2 },
    { product: "dbos direct", atLeast: 2 },
  ] as const;
  return peers.map(({ product, atLeast }) =>
    check(`10 in flight, Perdure on Postgres ÷ ${product}`, {
      actual: timesFaster(cells, 10, { product, durability: "default" }),
      atLeast,
      unit: "×",
    }),
  );
}
