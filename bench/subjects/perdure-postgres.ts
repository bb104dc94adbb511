/** Perdure on PostgreSQL, through its library as on SQLite: the store's URL is all that differs. */

import { createRequire } from "node:module";

import type pg from "pg";

import { systemRandom } from "../../src/base/random.ts";
import type { WorkerId } from "../../src/domain/ids.ts";
import { claimTasks } from "../../src/store/commands/claims.ts";
import { registerWorker } from "../../src/store/commands/workers.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres-store.ts";
import { copyRows } from "../harness/copy-rows.ts";
import { watchStatements } from "../harness/statements.ts";
import { nullTask, PER_SESSION } from "./perdure-tasks.ts";
import { published } from "./published.ts";
import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

/** Tasks of each session that are created one by one; the others are copies of theirs. */
const MODELS = 50;
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
    async createMany({ count }) {
      const client = new library.Client({ connectionString: urlOf(options) });
      await client.connect();
      await client.query("set synchronous_commit = off");
      for (let done = 0; done < count; done += PER_SESSION) {
        const name = String(done / PER_SESSION);
        const { id } = await perdure.sessions.ensure({ name, maxUnfinished: PER_SESSION });
        for (let from = 0; from < MODELS; from += 10) {
          // A fifth is not due.
          const runAt = from === 0 ? { runAt: Date.now() + 3_600_000 } : {};
          const models = Array.from({ length: 10 }, (_, at) => nullTask(from + at, runAt));
          await perdure.tasks.createAll(models, { session: id });
        }
        await copyTasks(client, id, Math.min(count, PER_SESSION) / MODELS - 1);
      }
      await client.end();
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

/**
 * Tasks of a session with what the log says of them, as often as that, as if they had been created so. Triggers are off, as
 * they would count the session's tasks one by one.
 */
async function copyTasks(client: pg.Client, session: string, copies: number): Promise<void> {
  const idOf = (id: string): string => `md5(${id} || copy)::uuid::text`;
  const of = `model.session_id = '${session}'`;
  const same = { copies, leftOut: ["seq"] };
  await client.query("begin");
  await client.query("set local session_replication_role = replica");
  await copyRows(client, {
    ...same,
    table: "perdure.changes",
    where: `${of} and entity = 'tasks'`,
    own: {
      task_id: idOf("model.task_id"),
      row_key: idOf("model.row_key"),
      after: `replace(model.after, model.row_key, ${idOf("model.row_key")})`,
    },
  });
  await copyRows(client, { ...same, table: "perdure.tasks", where: of, own: { id: idOf("model.id") } });
  await client.query(
    "update perdure.session_loads set unfinished = (select count(*) from perdure.tasks where session_id = $1) where session_id = $1",
    [session],
  );
  await client.query("commit");
}

function storeUrl(options: OpenQueue): string {
  const url = new URL(urlOf(options));
  url.searchParams.set("project", PROJECT);
  return url.href;
}
