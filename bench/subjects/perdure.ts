/** Perdure through its library: priorities, dependencies, journal and change log are on, because they cannot be off. */

import type { CreateTask, SessionId } from "../../src/index.ts";
import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import { published } from "./published.ts";
import type { CreateMany, OpenQueue, Queue } from "./subject.ts";

/** Tasks per call, and calls that share a commit. */
const BATCH = 20;
const CALLS = 50;
/** Unfinished tasks per session when many are created. */
const PER_SESSION = 100_000;

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
    async createMany({ count, notDueCount }: CreateMany) {
      // Only the end of it has to be durable.
      for (const connection of connections) connection.exec("pragma synchronous = off");
      const later = Date.now() + 3_600_000;
      const taskAt = (at: number): CreateTask => {
        const isDue = (at * notDueCount) % count >= notDueCount;
        return nullTask(at, isDue ? {} : { runAt: later });
      };
      for (let done = 0; done < count; done += BATCH * CALLS) {
        const { id } = await newSession(String(Math.floor(done / PER_SESSION)));
        const calls = Array.from({ length: CALLS }, (_, call) => done + call * BATCH).filter((from) => from < count);
        await Promise.all(
          calls.map((from) => {
            const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => taskAt(from + at));
            return perdure.tasks.createAll(batch, { session: id });
          }),
        );
      }
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

function nullTask(input: number, options: Pick<CreateTask, "session" | "runAt">): CreateTask {
  return { title: "null", executor: "null", input, priority: 1 + (Math.floor(input) % 10), ...options };
}
