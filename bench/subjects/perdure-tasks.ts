/** The tasks that Perdure is measured with, on whatever store. */

import type { CreateTask, Perdure, SessionId } from "../../src/index.ts";
import type { CreateMany } from "./subject.ts";

/** Tasks per call, and calls that share a commit. */
const BATCH = 20;
const CALLS = 50;
/** Unfinished tasks per session when many are created. */
export const PER_SESSION = 100_000;

export function nullTask(input: number, options: Pick<CreateTask, "session" | "runAt">): CreateTask {
  return { title: "null", executor: "null", input, priority: 1 + (Math.floor(input) % 10), ...options };
}

export async function createTasks(perdure: Perdure, { count, notDueCount }: CreateMany): Promise<void> {
  const later = Date.now() + 3_600_000;
  const taskAt = (at: number): CreateTask => {
    const isDue = (at * notDueCount) % count >= notDueCount;
    return nullTask(at, isDue ? {} : { runAt: later });
  };
  const createBatch = (from: number, session: SessionId): Promise<unknown> => {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => taskAt(from + at));
    return perdure.tasks.createAll(batch, { session });
  };
  for (let done = 0; done < count; done += BATCH * CALLS) {
    const name = String(Math.floor(done / PER_SESSION));
    const { id } = await perdure.sessions.ensure({ name, maxUnfinished: PER_SESSION });
    const calls = Array.from({ length: CALLS }, (_, call) => done + call * BATCH).filter((from) => from < count);
    await Promise.all(calls.map((from) => createBatch(from, id)));
  }
}
