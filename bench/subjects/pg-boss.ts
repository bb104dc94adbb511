/**
 * pg-boss on PostgreSQL, woken by LISTEN/NOTIFY. Plain, each slot is a worker that fetches one job at a time; batched, one
 * worker fetches as many as there are slots and settles them in one statement.
 */

import type { Job, PgBoss } from "pg-boss";

import { watchStatements } from "../harness/statements.ts";
import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

const MAX_CONNECTIONS = 25;
const NAME = "null";

interface Payload {
  readonly input: number;
}

export async function openPgBoss(options: OpenQueue): Promise<Queue> {
  const { PgBoss } = await import("pg-boss");
  const { default: pg } = await import("pg");
  const inputs = new Map<string, number>();
  let onEnd = (_input: number): void => {};
  const watch = watchStatements(pg, ({ text, values }) => {
    // It has no event for a job's end.
    if (!text.includes("completed_on = ") || !Array.isArray(values[1])) return;
    for (const id of values[1]) {
      const input = inputs.get(String(id));
      if (input !== undefined && inputs.delete(String(id))) onEnd(input);
    }
  });
  const boss: PgBoss = new PgBoss({ connectionString: urlOf(options), max: MAX_CONNECTIONS, useListenNotify: true });
  boss.on("error", (error: Error) => console.error(error));
  await boss.start();
  await boss.createQueue(NAME, { notify: true });

  return {
    durability: await watch.durability(),
    statementCount: watch.count,
    async work(work) {
      onEnd = work.onEnd ?? onEnd;
      const isBatched = options.product === "pg-boss batched";
      await boss.work<Payload>(
        NAME,
        isBatched
          ? { batchSize: Math.max(2, work.concurrency), burstWhenBatchFull: true }
          : { localConcurrency: work.concurrency },
        async (jobs: readonly Job<Payload>[]) => {
          for (const { id, data } of jobs) {
            inputs.set(id, data.input);
            work.onStart?.(data.input);
          }
        },
      );
    },
    create: (input) => boss.send(NAME, { input }, { priority: 1 + (Math.floor(input) % 10) }),
    async createMany({ count, notDueCount }) {
      for (let from = 0; from < count; from += 10_000) {
        const jobs = Array.from({ length: Math.min(10_000, count - from) }, (_, index) => {
          const at = from + index;
          const isDue = (at * notDueCount) % count >= notDueCount;
          return { data: { input: at }, priority: 1 + (at % 10), ...(isDue ? {} : { startAfter: 3_600 }) };
        });
        await boss.insert(NAME, jobs);
      }
    },
    async timeClaims(samples) {
      const times: number[] = [];
      while (times.length < samples) {
        const startedAt = performance.now();
        const { length } = await boss.fetch(NAME);
        times.push(performance.now() - startedAt);
        if (length !== 1) throw new Error("there was nothing to claim");
      }
      return times;
    },
    close: () => boss.stop({ graceful: true, timeout: 5_000 }),
  };
}
