/** Claims that take what was made ready in their own transaction: the same as if they had looked, in one round trip. */

import pg from "pg";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { systemRandom } from "../../base/random.ts";
import type { SessionId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { aSession, aTask, aWorker } from "../../testing/builders.ts";
import type { ClaimResult } from "../commands/claims.ts";
import { claimTasks } from "../commands/claims.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { changeSession, createSession } from "../commands/sessions.ts";
import { registerWorker } from "../commands/workers.ts";
import type { NewTask } from "../new-task.ts";
import { Standby } from "../standby.ts";
import { useTestDatabase } from "../testing/postgres/test-database.ts";
import type { PostgresStore } from "./postgres-store.ts";
import { openPostgresStore } from "./postgres-store.ts";

const url = useTestDatabase();
const WORKER = asId<WorkerId>("w1");
const CLAIM = { workerId: WORKER, executors: ["function", "command"], sessionId: null, limit: 3 };

let projectCount = 0;
let store: PostgresStore;
let other: PostgresStore;
let sessionId: SessionId;

beforeEach(async () => {
  const projectName = `project ${projectCount++}`;
  const open = (actor: string): Promise<PostgresStore> =>
    openPostgresStore({ url: url(), projectName, actor, random: systemRandom });
  [store, other] = await Promise.all([open("one"), open("other")]);
  await store.execute(registerWorker, aWorker(WORKER, { leaseMs: 60_000 }));
  sessionId = (await store.execute(createSession, aSession())).id;
}, 60_000);
afterEach(async () => {
  await Promise.all([store.close(), other.close()]);
});

async function create(through: PostgresStore, ...sketches: Partial<NewTask>[]): Promise<void> {
  const tasks = sketches.map((sketch, at) => aTask({ ref: String(at), key: null, ...sketch }));
  await through.execute(createTasks, { sessionId, tasks });
}

/** What a claim gets that stands by while `act` is done. */
async function claimedBy(act: () => Promise<unknown>, claim: typeof CLAIM = CLAIM): Promise<ClaimResult> {
  const standby = new Standby();
  const claiming = store.execute(claimTasks, claim, { standby });
  await act();
  standby.go();
  return await claiming;
}

const titles = ({ claimed }: ClaimResult): readonly string[] => claimed.map(({ task }) => task.title);

test("in the order of urgency, whole, and nothing is left", async () => {
  const result = await claimedBy(() =>
    create(
      store,
      { title: "low", priority: 1 },
      { title: "high", priority: 9, input: { of: "high" } },
      { title: "mid" },
    ),
  );
  expect(titles(result)).toEqual(["high", "mid", "low"]);
  expect(result).toMatchObject({ isExhausted: true, isMoreReady: false, isLeaseOver: false });
  const [first] = result.claimed;
  expect(first).toMatchObject({
    isResumed: false,
    task: { status: "in_progress", input: { of: "high" }, executionId: first?.execution.id },
    execution: { status: "running", workerId: WORKER, fence: 1, attempt: 1 },
  });
  expect((await other.execute(claimTasks, CLAIM)).claimed).toEqual([]);
});

test("with what was there before, when that is more urgent", async () => {
  await create(other, { title: "before", priority: 10 }, { title: "before too", priority: 1 });
  const result = await claimedBy(() => create(store, { title: "new" }, { title: "new too" }));
  expect(titles(result)).toEqual(["before", "new", "new too"]);
  expect(result).toMatchObject({ isExhausted: false, isMoreReady: true });
});

test("only as many as there is room for", async () => {
  const result = await claimedBy(() =>
    create(store, { title: "a" }, { title: "b" }, { title: "c", priority: 9 }, { title: "d" }),
  );
  expect(titles(result)).toEqual(["c", "a", "b"]);
  expect(result.isMoreReady).toBe(true);
});

test("not what is for others, comes later, waits or is under a limit", async () => {
  const result = await claimedBy(() =>
    create(
      store,
      { title: "by hand", executor: "manual" },
      { title: "later", runAt: store.clock.now() + 60_000 },
      { title: "labelled", labels: ["gpu"] },
      { title: "mine" },
      { title: "after", needs: ["3"] },
    ),
  );
  expect(titles(result)).toEqual(["mine"]);
});

test("nothing of a session that is paused with them", async () => {
  const pause = (): Promise<unknown> => store.execute(changeSession, { sessionId, verb: "pause" });
  const result = await claimedBy(() => Promise.all([create(store, { title: "held" }), pause()]));
  expect(titles(result)).toEqual([]);
});

test("nothing for a worker whose lease is over", async () => {
  const gone = asId<WorkerId>("gone");
  const result = await claimedBy(() => create(store, { title: "a" }), { ...CLAIM, workerId: gone });
  expect(result).toMatchObject({ isLeaseOver: true, claimed: [] });
  expect(titles(await store.execute(claimTasks, CLAIM))).toEqual(["a"]);
});

test("where nobody else writes nothing is read before it is written", async () => {
  let sent: readonly string[] = [];
  const query = vi.spyOn(pg.Client.prototype, "query");
  for (let round = 0; round < 4; round++) {
    query.mockClear();
    expect(titles(await claimedBy(() => create(store, { title: "one" })))).toEqual(["one"]);
    sent = query.mock.calls.map(([{ text }]: unknown[] & [{ readonly text: string }]) => text);
  }
  query.mockRestore();
  expect(sent.map((text) => text.trim().split(/\s+/).slice(0, 3).join(" "))).toEqual([
    "begin isolation level",
    "select set_config('perdure.project', $1,",
    "insert into tasks",
    "insert into executions",
    "update tasks set",
    "with added as",
    "commit",
    expect.stringMatching("select pg_notify"),
  ]);
});
