/** plainjob on `node:sqlite`: its own driver, better-sqlite3, does not install everywhere this runs. No priorities, dependencies, journal or log. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

import type { Connection, Queue as PlainjobQueue } from "plainjob";

import { durabilityOf } from "../harness/durability.ts";
import type { CreateMany, OpenQueue, Queue } from "./subject.ts";

const BATCH = 100;
const silent = { error() {}, warn() {}, info() {}, debug() {} };

export interface OpenedPlainjob {
  readonly queue: PlainjobQueue;
  readonly database: DatabaseSync;
}

export async function openPlainjobQueue({ directory, durability }: OpenQueue): Promise<OpenedPlainjob> {
  const { defineQueue } = await import("plainjob");
  const path = join(directory, "plainjob.db");
  const database = new DatabaseSync(path);
  const queue = defineQueue({ connection: connectionTo(database, path), logger: silent });
  // It sets NORMAL itself; anything else has to come after.
  if (durability !== "default") database.exec(`pragma synchronous = ${durability}`);
  return { queue, database };
}

export async function openPlainjob(options: OpenQueue): Promise<Queue> {
  const { defineWorker } = await import("plainjob");
  const { queue, database } = await openPlainjobQueue(options);
  let stop = async (): Promise<void> => {};

  return {
    durability: durabilityOf([database]),
    async work({ onStart, onEnd }) {
      const worker = defineWorker("null", ({ data }) => onStart?.(Number(data)), {
        queue,
        logger: silent,
        onCompleted: ({ data }) => onEnd?.(Number(data)),
      });
      // One that is kept from the lock for its five seconds gives up for good. What it did until then counts.
      const working = worker.start().catch(() => {});
      stop = async () => {
        await worker.stop();
        await working;
      };
    },
    create: async (input) => queue.add("null", input),
    async createMany({ count, notDueCount }: CreateMany) {
      const inputs = Array.from({ length: count }, (_, at) => at);
      for (let done = 0; done < count; done += BATCH) {
        const delay = done < notDueCount ? 3_600_000 : 0;
        queue.addMany("null", inputs.slice(done, done + BATCH), { delay });
      }
    },
    async close() {
      await stop();
      queue.close();
    },
  };
}

/** The connection plainjob asks for, with better-sqlite3's meaning. */
function connectionTo(database: DatabaseSync, filename: string): Connection {
  const begin = { deferred: database.prepare("begin"), immediate: database.prepare("begin immediate") };
  const commit = database.prepare("commit");
  const inTransaction = (start: StatementSync, act: () => unknown): unknown => {
    start.run();
    try {
      const result = act();
      commit.run();
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      throw error;
    }
  };
  return {
    driver: "better-sqlite3",
    filename,
    pragma: (statement) => database.exec(`pragma ${statement}`),
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
    transaction: (act) =>
      Object.assign((...args: unknown[]) => inTransaction(begin.deferred, () => act(...args)), {
        immediate: () => inTransaction(begin.immediate, () => act()),
      }),
    close: () => database.close(),
  };
}
