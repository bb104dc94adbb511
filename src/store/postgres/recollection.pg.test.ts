/** Two stores of one project, each of which goes by what it remembers of its last transaction. */

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import { seededRandom, systemRandom } from "../../base/random.ts";
import type { SessionId } from "../../domain/ids.ts";
import { anEnvironment, aSession, aTask } from "../../testing/builders.ts";
import { createCheckpoint } from "../commands/checkpoints.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { cancelSession, createSession } from "../commands/sessions.ts";
import { useTestDatabase } from "../testing/postgres/test-database.ts";
import type { PostgresStore } from "./postgres-store.ts";
import { openPostgresStore } from "./postgres-store.ts";

const url = useTestDatabase();

let projectCount = 0;
let stores: readonly PostgresStore[];
let sessionId: SessionId;
let created: string[];

beforeEach(async () => {
  const projectName = `project ${projectCount++}`;
  stores = await Promise.all(
    ["one", "other"].map((actor) => openPostgresStore({ url: url(), projectName, actor, random: systemRandom })),
  );
  sessionId = (await storeAt(0).execute(createSession, aSession({ maxUnfinished: 40 }))).id;
  created = [];
}, 60_000);
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
});

function storeAt(at: number): PostgresStore {
  const store = stores[at];
  if (store === undefined) throw new Error(`there is no store ${at}`);
  return store;
}

async function create(at: number, count = 1): Promise<void> {
  const titles = Array.from({ length: count }, (_, number) => `task ${created.length + number}`);
  const tasks = titles.map((title) => aTask({ ref: title, key: null, title }));
  await storeAt(at).execute(createTasks, { sessionId, tasks });
  created.push(...titles);
}

/** Titles in the order of `seq`. */
async function numbered(): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url() });
  await client.connect();
  const sql = "select title from perdure.tasks where project_id = $1 order by seq";
  const { rows } = await client.query(sql, [storeAt(0).projectId]);
  await client.end();
  return rows.map(({ title }) => String(title));
}

test("tasks are numbered in the order of their creation, whoever made them", async () => {
  const random = seededRandom(7);
  for (let round = 0; round < 20; round++) await create(random.next() < 0.75 ? 0 : 1, random.next() < 0.5 ? 1 : 2);
  expect(await numbered()).toEqual(created);
});

test("a store that was alone until now does not number its tasks before another's", async () => {
  for (let round = 0; round < 5; round++) await create(0);
  await create(1);
  await create(0);
  expect(await numbered()).toEqual(created);
});

test("nor when it has written something else since that other wrote", async () => {
  for (let round = 0; round < 5; round++) await create(0);
  await create(1);
  const point = { label: "between", kind: "manual" as const, environment: anEnvironment(), workspace: null };
  await storeAt(0).execute(createCheckpoint, { sessionId, ...point });
  await create(0);
  expect(await numbered()).toEqual(created);
});

test("a session another store has cancelled takes no more tasks", async () => {
  // Once: numbers at hand would tell as well that another store has written.
  await create(0);
  await storeAt(1).execute(cancelSession, { sessionId });
  await expect(create(0)).rejects.toMatchObject({ code: "wrong-state" });
  expect(await numbered()).toEqual(["task 0"]);
});

test("a session another store has filled takes no more tasks", async () => {
  for (let round = 0; round < 3; round++) await create(0);
  await create(1, 36);
  await create(0);
  await expect(create(0)).rejects.toMatchObject({ code: "limit-reached" });
  await expect(create(1)).rejects.toMatchObject({ code: "limit-reached" });
  expect(await numbered()).toEqual(created);
});

test("of calls that share a transaction those that would fill a session beyond its limit are refused, and no others", async () => {
  for (let round = 0; round < 3; round++) await create(0);
  await create(1, 36);
  const point = { label: "between", kind: "manual" as const, environment: anEnvironment(), workspace: null };
  const calls = await Promise.allSettled([
    create(0),
    storeAt(0).execute(createCheckpoint, { sessionId, ...point }),
    create(0),
  ]);
  expect(calls.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  expect(calls[2]).toMatchObject({ reason: { code: "limit-reached" } });
  expect(await numbered()).toHaveLength(40);
});
