/** Perdure through its library: priorities, dependencies, journal and change log are on, because they cannot be off. */

import type { CreateTask, SessionId } from "../../src/index.ts";
import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import { published } from "./published.ts";
import type { CreateMany, OpenQueue, Queue } from "./subject.ts";

const BATCH = 1_000;
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
      const later = Date.now() + 3_600_000;
      for (let done = 0; done < count; done += BATCH) {
        const { id } = await newSession(String(Math.floor(done / PER_SESSION)));
        const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, at) => {
          const isDue = ((done + at) * notDueCount) % count >= notDueCount;
          return nullTask(done + at, isDue ? {} : { runAt: later });
        });
        await perdure.tasks.createAll(batch, { session: id });
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
