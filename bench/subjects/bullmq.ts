/** BullMQ on Redis. The answer to a write comes once it is synced (`appendfsync always`), for all of one turn of Redis's loop at once. */

import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

const NAME = "null";

interface Payload {
  readonly input: number;
}

export async function openBullmq(options: OpenQueue): Promise<Queue> {
  const { Redis } = await import("ioredis");
  const { Queue: BullQueue, Worker } = await import("bullmq");
  // What its documentation asks for in a worker's connection.
  const connection = new Redis(urlOf(options), { maxRetriesPerRequest: null });
  const queue = new BullQueue<Payload>(NAME, { connection });
  let stop = async (): Promise<void> => {};
  const settings = await Promise.all(["appendonly", "appendfsync"].map((name) => connection.config("GET", name)));

  return {
    durability: settings.map((pair) => (pair as readonly string[]).join(" ")).join(", "),
    async work({ concurrency, onStart, onEnd }) {
      const worker = new Worker<Payload>(
        NAME,
        async ({ data }) => {
          onStart?.(data.input);
          return null;
        },
        { connection, concurrency },
      );
      worker.on("completed", ({ data }) => onEnd?.(data.input));
      await worker.waitUntilReady();
      stop = () => worker.close();
    },
    create: (input) => queue.add(NAME, { input }, { priority: 1 + (Math.floor(input) % 10) }),
    async createMany({ count, notDueCount }) {
      for (let from = 0; from < count; from += 2_000) {
        await queue.addBulk(
          Array.from({ length: Math.min(2_000, count - from) }, (_, index) => {
            const at = from + index;
            const isDue = (at * notDueCount) % count >= notDueCount;
            return {
              name: NAME,
              data: { input: at },
              opts: { priority: 1 + (at % 10), ...(isDue ? {} : { delay: 3_600_000 }) },
            };
          }),
        );
      }
    },
    async timeClaims(samples) {
      const worker = new Worker<Payload>(NAME, null, { connection, autorun: false });
      await worker.waitUntilReady();
      const times: number[] = [];
      while (times.length < samples) {
        const startedAt = performance.now();
        const job = await worker.getNextJob(`claim-${times.length}`, { block: false });
        times.push(performance.now() - startedAt);
        if (job === undefined) throw new Error("there was nothing to claim");
      }
      await worker.close();
      return times;
    },
    async close() {
      await stop();
      await queue.close();
      connection.disconnect();
    },
  };
}
