/** Perdure on PostgreSQL, through its library as on SQLite: the store's URL is all that differs. */

import { createRequire } from "node:module";

import type pg from "pg";

import { systemRandom } from "../../src/base/random.ts";
import type { WorkerId } from "../../src/domain/ids.ts";
import { claimTasks } from "../../src/store/commands/claims.ts";
import { registerWorker } from "../../src/store/commands/workers.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres-store.ts";
import { watchStatements } from "../harness/statements.ts";
import { createTasks, nullTask } from "./perdure-tasks.ts";
import { published } from "./published.ts";
import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

const PROJECT = "bench";
const EXECUTOR = "null";

export async function openPerdurePostgres(options: OpenQueue): Promise<Queue> {
  const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
  // The copy that Perdure loads, not the benchmarks' own.
  const library = createRequire(new URL("../../package.json", import.meta.url))("pg") as typeof pg;
  const watch = watchStatements(library);
  const store = storeUrl(options);
  const perdure = await openPerdure({ project: options.directory, store });
  const session = await perdure.sessions.ensure({ name: "0", maxUnfinished: 100_000 });
  const stop = new AbortController();
  let working = Promise.resolve();

  return {
    durability: await watch.durability(),
    statementCount: watch.count,
    async work({ concurrency, onStart, onEnd }) {
      perdure.define(EXECUTOR, {}, (_run, input) => {
        onStart?.(Number(input));
        return null;
      });
      working = perdure.work({
        concurrency,
        signal: stop.signal,
        onEvent(event) {
          if (event.kind === "ended") onEnd?.(Number(event.claimed.task.input));
        },
      });
    },
    create: (input) => perdure.tasks.create(nullTask(input, { session: session.id })),
    async createMany(many) {
      // Only the end of it has to be durable.
      const url = new URL(store);
      url.searchParams.set("options", "-c synchronous_commit=off");
      const filling = await openPerdure({ project: options.directory, store: url.href });
      await createTasks(filling, many);
      await filling.close();
    },
    async timeClaims(samples) {
      const claims = await openPostgresStore({
        url: store,
        projectName: PROJECT,
        actor: "bench",
        random: systemRandom,
      });
      const workerId = "bench" as WorkerId;
      const process = { host: "bench", pid: null, startToken: null };
      await claims.execute(registerWorker, { id: workerId, ...process, label: "bench", leaseMs: 3_600_000 });
      const times: number[] = [];
      while (times.length < samples) {
        const startedAt = performance.now();
        const { claimed } = await claims.execute(claimTasks, {
          workerId,
          executors: [EXECUTOR],
          sessionId: null,
          limit: 1,
        });
        times.push(performance.now() - startedAt);
        if (claimed.length !== 1) throw new Error(`claimed ${claimed.length} tasks instead of one`);
      }
      await claims.close();
      return times;
    },
    async close() {
      stop.abort();
      await working;
      await perdure.close();
    },
  };
}

function storeUrl(options: OpenQueue): string {
  const url = new URL(urlOf(options));
  url.searchParams.set("project", PROJECT);
  return url.href;
}
