/** Claims that take what was made ready in their own transaction: the same as if they had looked, in one round trip. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { systemRandom } from "../../base/random.ts";
import type { SessionId, TaskId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { aSession, aTask, aWorker } from "../../testing/builders.ts";
import type { ClaimResult } from "../commands/claims.ts";
import { claimTasks } from "../commands/claims.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { editTask } from "../commands/edit-task.ts";
import { completeExecution, reportProgress } from "../commands/executions.ts";
import { changeSession, createSession } from "../commands/sessions.ts";
import { cancelTask } from "../commands/task-actions.ts";
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

test.each(["one", "other"])("with what was there before of the %s store, when that is more urgent", async (which) => {
  await create(
    which === "one" ? store : other,
    { title: "before", priority: 10 },
    { title: "before too", priority: 1 },
  );
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
  let [claim, end]: readonly (readonly string[])[] = [];
  for (let round = 0; round < 4; round++) {
    let result: ClaimResult | null = null;
    claim = await statementsOf(async () => (result = await claimedBy(() => create(store, { title: "one" }))));
    end = await statementsOf(() => complete(result));
  }
  const begin = ["begin isolation level", "select set_config('perdure.project', $1,"];
  const ending = ["with added as", "commit"];
  expect(claim).toEqual([...begin, "insert into tasks", "insert into executions", "update tasks set", ...ending]);
  expect(end).toEqual([...begin, "update executions set", "update tasks set", ...ending]);
});

describe("the end of a task that was claimed as it was made", () => {
  beforeEach(async () => {
    // What is remembered is gone by once the store has seen that nobody else writes.
    for (let round = 0; round < 3; round++) await complete(await claimOf({ title: `before ${round}` }));
  });

  test("releases what was made with it", async () => {
    await complete(await claimOf({ title: "one" }, { title: "next", needs: ["0"] }));
    expect(titles(await store.execute(claimTasks, CLAIM))).toEqual(["next"]);
  });

  test.each(["one", "other"])("releases what was made to wait for it later, by the %s store", async (which) => {
    const result = await claimOf({ title: "one" });
    const id = result.claimed[0]?.task.id ?? "";
    await create(which === "one" ? store : other, { title: "later", needs: [id] });
    await complete(result);
    expect(titles(await store.execute(claimTasks, CLAIM))).toEqual(["later"]);
  });

  test.each(["one", "other"])("is refused when the %s store has cancelled it", async (which) => {
    const result = await claimOf({ title: "one" });
    const taskId = asId<TaskId>(result.claimed[0]?.task.id ?? "");
    await (which === "one" ? store : other).execute(cancelTask, { taskId, note: null });
    await expect(complete(result)).rejects.toMatchObject({ code: "lease-lost" });
  });

  test("is recorded also when somebody else has written since", async () => {
    const result = await claimOf({ title: "one" });
    await create(other, { title: "by another" });
    await complete(result);
    const { rows } = await queryAll("select status from perdure.tasks where title = 'one' and project_id = $1");
    expect(rows).toEqual([{ status: "completed" }]);
  });
});

test("the log tells of each change of such a task from what it was", async () => {
  for (let round = 0; round < 3; round++) await complete(await claimOf({ title: `before ${round}` }));
  const edited = await claimOf({ title: "edited" });
  await untilLater();
  const [{ task } = missing()] = edited.claimed;
  await store.execute(editTask, { taskId: task.id, edit: { priority: 9 } });
  await complete(edited);
  const reported = await claimOf({ title: "reported" });
  await untilLater();
  const [{ execution } = missing()] = reported.claimed;
  const progress = { percent: 50, currentStep: null, totalSteps: null, message: null, milestones: [] };
  await store.execute(reportProgress, { hold: { executionId: execution.id, fence: execution.fence }, progress });
  await complete(reported);

  const sql = "select row_key, before, after from perdure.changes where project_id = $1 order by seq";
  const states = new Map<string, Record<string, unknown>>();
  for (const { row_key: key, before, after } of (await queryAll(sql)).rows) {
    const state = states.get(key) ?? {};
    const was: Record<string, unknown> = JSON.parse(before ?? "{}");
    const known = Object.keys(was).filter((column) => column in state);
    expect(known.map((column) => [key, column, was[column]])).toEqual(
      known.map((column) => [key, column, state[column]]),
    );
    states.set(key, { ...state, ...JSON.parse(after ?? "{}") });
  }
  expect([...states.values()].filter(({ status }) => status === "completed")).toHaveLength(10);
});

/** The times that are logged differ. */
async function untilLater(): Promise<void> {
  const now = store.clock.now();
  await expect.poll(() => store.clock.now(), { interval: 1 }).toBeGreaterThan(now);
}

function missing(): never {
  throw new Error("nothing was claimed");
}

async function claimOf(...sketches: Partial<NewTask>[]): Promise<ClaimResult> {
  const result = await claimedBy(() => create(store, ...sketches));
  expect(result.claimed).toHaveLength(1);
  return result;
}

async function complete(result: ClaimResult | null): Promise<void> {
  for (const { execution } of result?.claimed ?? []) {
    const hold = { executionId: execution.id, fence: execution.fence };
    await store.execute(completeExecution, { hold, result: null, next: null });
  }
}

async function queryAll(sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url() });
  await client.connect();
  try {
    return await client.query(sql, [store.projectId]);
  } finally {
    await client.end();
  }
}

/** The first words of each, but of those that tell others, which are sent when it is time. */
async function statementsOf(act: () => Promise<unknown>): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    await act();
    const texts = query.mock.calls.map(([sent]: readonly unknown[]) => (sent as { readonly text: string }).text);
    const own = texts.filter((text) => !text.includes("pg_notify"));
    return own.map((text) => text.trim().split(/\s+/).slice(0, 3).join(" "));
  } finally {
    query.mockRestore();
  }
}
