/**
 * graphile-worker on PostgreSQL with its prepared statements. Batched is its own mode for speed: jobs are fetched many at
 * once and handed out in the process (`localQueue`), and completions of one turn share a statement.
 */

import { EventEmitter } from "node:events";

import type pg from "pg";

import { watchStatements } from "../harness/statements.ts";
import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

/** What its page on performance sets for batching. */
const BATCHED = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
/** Connections beside those of jobs that run: it listens on one. */
const SPARE_CONNECTIONS = 2;
/** More only make the server switch between them. */
const MAX_CONNECTIONS = 25;

export async function openGraphileWorker(options: OpenQueue): Promise<Queue> {
  const { Logger, WorkerPreset, makeWorkerUtils, run } = await import("graphile-worker");
  const { default: library } = await import("pg");
  const inputs = new Map<string, number>();
  let onEnd = (_input: number): void => {};
  const watch = watchStatements(library, ({ text, values }) => {
    // It tells of a job's end before the statement that records it is answered.
    if (!text.includes("delete from") || !text.includes("_private_jobs")) return;
    for (const id of [values[0]].flat()) {
      const input = inputs.get(String(id));
      if (input === undefined || !inputs.delete(String(id))) continue;
      onEnd(input);
    }
  });
  const pgPool = new library.Pool({ connectionString: urlOf(options), max: MAX_CONNECTIONS + SPARE_CONNECTIONS });
  for (const event of ["error", "connect"] as const) {
    pgPool.on(event, (of: Error | pg.PoolClient) =>
      of instanceof Error ? console.error(of) : of.on("error", console.error),
    );
  }
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  const shared = { pgPool, logger, noHandleSignals: true };
  let stop = async (): Promise<void> => {};

  return {
    durability: await watch.durability(),
    statementCount: watch.count,
    async work(work) {
      onEnd = work.onEnd ?? onEnd;
      const runner = await run({
        ...shared,
        preset: {
          extends: [WorkerPreset],
          worker: {
            concurrentJobs: work.concurrency,
            ...(options.product === "graphile-worker batched" ? BATCHED : {}),
          },
        },
        taskList: {
          null(payload, { job }) {
            const { input } = payload as { readonly input: number };
            inputs.set(job.id, input);
            work.onStart?.(input);
          },
        },
      });
      stop = () => runner.stop();
    },
    create: (input) => utils.addJob("null", { input }, { priority: 1 + (Math.floor(input) % 10) }),
    async createMany({ count, notDueCount }) {
      await pgPool.query("set synchronous_commit = off");
      for (let from = 0; from < count; from += 10_000) {
        await pgPool.query(
          `select count(*) from graphile_worker.add_jobs(array(
             select row('null', json_build_object('input', at), null, case when at * $3::bigint % $4 < $3 then now() + interval '1 hour' else now() end, null, null, 1 + at % 10, null)::graphile_worker.job_spec
               from generate_series($1::bigint, $2::bigint) as at))`,
          [from, Math.min(count, from + 10_000) - 1, notDueCount, count],
        );
      }
    },
    /** Of its worker, one job after another; the last job's completion is recorded meanwhile. */
    async timeClaims(samples) {
      const events = new EventEmitter();
      const times: number[] = [];
      const done = Promise.withResolvers<void>();
      let askedAt = 0;
      events.on("worker:getJob:start", () => (askedAt = performance.now()));
      events.on("job:start", () => {
        times.push(performance.now() - askedAt);
        if (times.length === samples) done.resolve();
      });
      const runner = await run({ ...shared, events, concurrency: 1, taskList: { null() {} } });
      await done.promise;
      await runner.stop();
      return times.slice(0, samples);
    },
    async close() {
      await stop();
      await utils.release();
      await pgPool.end();
    },
  };
}
