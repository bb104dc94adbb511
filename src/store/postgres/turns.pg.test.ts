/** How calls come to share a transaction: those that stand by, and those made while another has the turn. */

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import { systemRandom } from "../../base/random.ts";
import { asId } from "../../domain/ids.ts";
import type { SessionId, WorkerId } from "../../domain/ids.ts";
import { anEnvironment, aSession, aTask, aWorker } from "../../testing/builders.ts";
import { createCheckpoint, createCheckpointIfChanged } from "../commands/checkpoints.ts";
import { claimTasks } from "../commands/claims.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { completeExecution } from "../commands/executions.ts";
import { createSession } from "../commands/sessions.ts";
import { registerWorker } from "../commands/workers.ts";
import type { OwnCommits } from "../port.ts";
import { Dropped, Standby } from "../standby.ts";
import { sharedPostgres } from "../testing/postgres/shared-postgres.ts";
import type { PostgresStore } from "./postgres-store.ts";
import { openPostgresStore } from "./postgres-store.ts";

const WORKER = asId<WorkerId>("w1");
const CLAIM = { workerId: WORKER, executors: ["function"], sessionId: null, limit: 5 };

let url: string;
let store: PostgresStore;
let sessionId: SessionId;

beforeEach(async () => {
  url = await (await sharedPostgres({ isSynced: false })).createDatabase();
  store = await openPostgresStore({ url, projectName: "turns", actor: "test", random: systemRandom });
  await store.execute(registerWorker, aWorker(WORKER, { leaseMs: 60_000 }));
  sessionId = (await store.execute(createSession, aSession())).id;
}, 60_000);
afterEach(async () => {
  await store.close();
});

async function create(count: number, onCommitted?: (number: number) => void): Promise<void> {
  const tasks = Array.from({ length: count }, (_, at) => aTask({ ref: String(at), key: null, title: `task ${at}` }));
  await store.execute(createTasks, { sessionId, tasks }, onCommitted === undefined ? {} : { onCommitted });
}

test("a claim that stands by is committed with the tasks that are created, and not before", async () => {
  const commits = { claim: 0, checkpoint: 0, create: 0 };
  const claiming = store.execute(claimTasks, CLAIM, {
    standby: new Standby(),
    onCommitted: (number) => (commits.claim = number),
  });
  await store.execute(
    createCheckpoint,
    { sessionId, label: "before", kind: "manual", environment: anEnvironment(), workspace: null },
    { onCommitted: (number) => (commits.checkpoint = number) },
  );
  expect(commits.claim).toBe(0);
  await create(3, (number) => (commits.create = number));
  expect((await claiming).claimed.map(({ task }) => task.title)).toEqual(["task 0", "task 1", "task 2"]);
  expect(commits.claim).toBe(commits.create);
  expect(commits.create).toBe(commits.checkpoint + 1);
});

test("a claim that stands by is committed with the end of a task that releases another, and with no other end", async () => {
  const told: OwnCommits[] = [];
  // Without its own commits it tells of others: of what may have come before it listened, at whatever moment it does.
  store.onCommit((own) => own !== undefined && told.push(own));
  const [first, last] = ["first", "last"].map((title) => aTask({ ref: title, key: null, title }));
  const next = aTask({ ref: "next", key: null, title: "next", needs: ["first"] });
  if (first === undefined || last === undefined) throw new Error("two titles make two tasks");
  await store.execute(createTasks, { sessionId, tasks: [first, last, next] });
  const { claimed, isExhausted } = await store.execute(claimTasks, { ...CLAIM, limit: 2 });
  expect([claimed.map(({ task }) => task.title), isExhausted]).toEqual([["first", "last"], true]);

  const commits = new Map<string, number>();
  const claiming = store.execute(claimTasks, CLAIM, {
    standby: new Standby(),
    onCommitted: (number) => commits.set("claim", number),
  });
  const complete = async (title: string): Promise<void> => {
    const execution = claimed.find(({ task }) => task.title === title)?.execution;
    if (execution === undefined) throw new Error(`${title} was not claimed`);
    const hold = { executionId: execution.id, fence: execution.fence };
    const onCommitted = (number: number): unknown => commits.set(title, number);
    await store.execute(completeExecution, { hold, result: null, next: null }, { onCommitted });
  };
  await complete("last");
  expect(commits.has("claim")).toBe(false);
  await expect.poll(() => told.at(-1)?.newest).toBe(commits.get("last"));
  expect(told.at(-1)?.newestReadying).toBeLessThan(commits.get("last") ?? 0);

  await complete("first");
  expect((await claiming).claimed.map(({ task }) => task.title)).toEqual(["next"]);
  expect(commits.get("claim")).toBe(commits.get("first"));
  await expect.poll(() => told.at(-1)?.newestReadying).toBe(commits.get("first"));
});

test("one that is told to go goes alone, with the input of that moment", async () => {
  await create(3);
  const standby = new Standby();
  let limit = 1;
  const claiming = store.execute(claimTasks, CLAIM, { standby, latestInput: () => ({ ...CLAIM, limit }) });
  limit = 2;
  standby.go();
  expect((await claiming).claimed).toHaveLength(2);
});

test("one that is dropped fails, and takes nothing from what is created later", async () => {
  const standby = new Standby();
  const claiming = store.execute(claimTasks, CLAIM, { standby });
  standby.drop();
  await expect(claiming).rejects.toBeInstanceOf(Dropped);
  await create(1);
  expect((await store.execute(claimTasks, CLAIM)).claimed).toHaveLength(1);
});

test("one that stands by when the store closes is refused", async () => {
  const claiming = store.execute(claimTasks, CLAIM, { standby: new Standby() });
  const refused = expect(claiming).rejects.toMatchObject({ code: "store-unreachable" });
  await store.close();
  await refused;
});

test("a call that lingers waits for a moment without others, and not for ever", async () => {
  const checkpoints: number[] = [];
  const checkpoint = (label: string): Promise<unknown> =>
    store.execute(
      createCheckpointIfChanged,
      { sessionId, label, kind: "automatic", environment: anEnvironment(), workspace: null },
      { onCommitted: (number) => checkpoints.push(number) },
    );
  const commits: number[] = [];
  const calls = [checkpoint("while others are on their way")];
  const stopAt = performance.now() + 5_000;
  while (checkpoints.length === 0 && performance.now() < stopAt) {
    calls.push(create(1, (number) => commits.push(number)));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  const [putOff = 0] = checkpoints;
  expect(commits.filter((number) => number < putOff).length).toBeGreaterThan(3);

  await checkpoint("at rest");
  expect(checkpoints[1]).toBe(Math.max(...commits) + 1);
});

test("calls made while another writer has the turn share the next one", async () => {
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  const lock = `perdure:perdure:${store.projectId}`;
  const holdTurn = async (during: () => Promise<void>): Promise<void> => {
    await other.query("begin");
    await other.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [lock]);
    await during();
    await other.query("commit");
  };
  const commits: number[] = [];
  const calls: Promise<void>[] = [];
  const createApart = async (): Promise<void> => {
    calls.push(create(1, (number) => commits.push(number)));
    await untilWaiting(other, 1);
  };
  // The first tells that turns have to be waited for.
  await holdTurn(createApart);
  await Promise.all(calls.splice(0));
  commits.length = 0;
  await holdTurn(async () => {
    for (let call = 0; call < 3; call++) await createApart();
  });
  await Promise.all(calls);
  expect(new Set(commits).size).toBe(1);
  expect(commits).toHaveLength(3);
  await other.end();
});

test("tables that have just grown are known to the planner", async () => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const known = async (): Promise<number> => {
    const { rows } = await client.query("select reltuples from pg_class where oid = 'perdure.tasks'::regclass");
    return Number(rows[0].reltuples);
  };
  expect(await known()).toBe(-1);
  await create(120);
  await expect.poll(known, { timeout: 10_000 }).toBe(120);
  await client.end();
});

/** Until so many sessions wait for a lock. */
async function untilWaiting(client: pg.Client, count: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const sql = `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return Number((await client.query(sql)).rows[0].n);
      },
      { timeout: 10_000 },
    )
    .toBe(count);
}
