/** What a checkpoint costs, whatever its session holds, and what returning to one costs after 1,000 changes. */

import { dirname } from "node:path";

import type { Checkpoint, Perdure, SessionId } from "../../src/index.ts";
import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import { syncRate } from "../harness/machine.ts";
import type { Program } from "../harness/program.ts";
import { runAlone } from "../harness/program.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { median, percentile } from "../harness/statistics.ts";
import { published } from "../subjects/published.ts";

interface Load {
  readonly directory: string;
  /** Whether the project is in a git repository, this checkout: then each restore starts a git to know what differs. */
  readonly isInRepository: boolean;
  /** In the session that is measured; another holds 10,000. */
  readonly tasks: number;
  readonly creates: number;
  readonly restores: number;
}

interface Measured {
  readonly durability: string;
  readonly createMs: readonly number[];
  readonly restoreMs: readonly number[];
  /** Changes each restore went back over. */
  readonly changes: number;
}

/** Tasks in the store beside those of the session. */
const OTHERS = 10_000;
const BATCH = 500;
/** Changes of a session between a checkpoint and the return to it, about. */
const CHANGES = 1_000;

const program: Program<Load, Measured> = {
  url: import.meta.url,
  async run({ directory, isInRepository, tasks, creates, restores }) {
    if (!isInRepository) process.env.GIT_CEILING_DIRECTORIES = dirname(directory);
    const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
    const { opened: perdure, connections } = await watchingConnections(() => openPerdure({ project: directory }));
    perdure.define("null", {}, () => null);
    const others = await perdure.sessions.create({ name: "others", maxUnfinished: OTHERS });
    await createTasks(perdure, others.id, OTHERS);
    const session = await perdure.sessions.create({ name: "measured", maxUnfinished: tasks });
    await createTasks(perdure, session.id, tasks);
    for (const connection of connections) connection.exec("pragma wal_checkpoint(truncate)");

    const createMs: number[] = [];
    for (let at = 0; at < creates; at += 1) createMs.push(await timed(() => perdure.checkpoints.create(session.id)));
    const restoreMs: number[] = [];
    let changes = 0;
    for (let at = 0; at < restores; at += 1) {
      const checkpoint: Checkpoint = await perdure.checkpoints.create(session.id);
      await makeChanges(perdure, session.id);
      const { seq } = await perdure.checkpoints.create(session.id);
      changes = seq - checkpoint.seq;
      restoreMs.push(await timed(() => perdure.checkpoints.restore(checkpoint.id)));
    }
    const durability = durabilityOf(connections);
    await perdure.close();
    return { durability, createMs, restoreMs, changes };
  },
};

export default program;

async function createTasks(perdure: Perdure, session: SessionId, count: number): Promise<void> {
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, () => ({ title: "null", executor: "null" }));
    await perdure.tasks.createAll(batch, { session });
  }
}

/** Carries out some of its tasks, each of which is claimed, started, completed and recorded: four changes. */
async function makeChanges(perdure: Perdure, session: SessionId): Promise<void> {
  const stop = new AbortController();
  let left = CHANGES / 4;
  await perdure.work({
    session,
    signal: stop.signal,
    onEvent(event) {
      if (event.kind !== "ended") return;
      left -= 1;
      if (left === 0) stop.abort();
    },
  });
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

export const checkpoints: Benchmark = {
  name: "checkpoints",
  title: `Checkpoints, with ${OTHERS.toLocaleString("en")} other tasks in the store`,
  async run({ isQuick }) {
    const syncsPerSecond = syncRate({ seconds: 0.5 });
    const found = [];
    for (const [tasks, isInRepository] of [
      [1_000, false],
      [10_000, false],
      [1_000, true],
    ] as const) {
      const [creates, restores] = isQuick ? [200, 10] : [1_000, 100];
      const measured = await withScratch((directory) =>
        runAlone(program, { directory, isInRepository, tasks, creates, restores }),
      );
      found.push({ tasks, isInRepository, ...measured });
    }
    return {
      columns: [
        "tasks in the session",
        "git repository",
        "durability",
        "create p50 ms",
        "p99 ms",
        "changes",
        "restore p50 ms",
        "p99 ms",
      ],
      rows: found.map(({ tasks, isInRepository, durability, createMs, restoreMs, changes }) => [
        number(tasks),
        isInRepository ? "this one" : "none",
        durability,
        number(median(createMs)),
        number(percentile(createMs, 99)),
        number(changes),
        number(median(restoreMs)),
        number(percentile(restoreMs, 99)),
      ]),
      notes: [
        "Through the library, one call after another, each durable before the next. In a repository a restore starts a git, and making one of a process of this size costs more than git takes.",
        `Meanwhile the disk did ${number(syncsPerSecond)} fsync/s.`,
      ],
      checks: found.flatMap(({ tasks, isInRepository, createMs, restoreMs }) => [
        check(`create p99, ${number(tasks)} tasks${isInRepository ? ", in a repository" : ""}`, {
          actual: percentile(createMs, 99),
          atMost: 5,
          unit: "ms",
        }),
        check(`restore of ${CHANGES} changes p99, ${number(tasks)} tasks${isInRepository ? ", in a repository" : ""}`, {
          actual: percentile(restoreMs, 99),
          atMost: 100,
          unit: "ms",
        }),
      ]),
    };
  },
};
