/** Perdure through its library: priorities, dependencies, journal and change log are on, because they cannot be off. */

import type { SessionId } from "../../src/index.ts";
import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import { createTasks, nullTask, PER_SESSION } from "./perdure-tasks.ts";
import { published } from "./published.ts";
import type { OpenQueue, Queue } from "./subject.ts";

export async function openPerdureQueue({ directory, durability }: OpenQueue): Promise<Queue> {
  const { openPerdure } = await published<typeof import("../../src/index.ts")>("index.js");
  const { opened: perdure, connections } = await watchingConnections(() =>
    openPerdure({ project: directory, ...(durability === "default" ? {} : { durability }) }),
  );
  const newSession = (name: string): Promise<{ readonly id: SessionId }> =>
    perdure.sessions.ensure({ name, maxUnfinished: PER_SESSION });
  const session = await newSession("0");
  const stop = new AbortController();
  let working = Promise.resolve();

  return {
    durability: durabilityOf(connections),
    async work({ concurrency, onStart, onEnd }) {
      perdure.define("null", {}, (_run, input) => {
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
      for (const connection of connections) connection.exec("pragma synchronous = off");
      await createTasks(perdure, many);
      for (const connection of connections) {
        connection.exec(`pragma synchronous = ${durability === "normal" ? "normal" : "full"}`);
        connection.exec("pragma wal_checkpoint(truncate)");
      }
    },
    async close() {
      stop.abort();
      await working;
      await perdure.close();
    },
  };
}
