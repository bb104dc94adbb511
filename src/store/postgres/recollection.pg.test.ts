/** Two stores of one project, each of which goes by what it remembers of its last transaction. */

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Clock } from "../../base/clock.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import type { SessionId } from "../../domain/ids.ts";
import { anEnvironment, aSession, aTask } from "../../testing/builders.ts";
import type { Task } from "../../domain/task.ts";
import type { Command } from "../command.ts";
import { defineWrite, rows } from "../command.ts";
import { createCheckpoint } from "../commands/checkpoints.ts";
import { createTasks, insertTasks } from "../commands/create-tasks.ts";
import { cancelSession, createSession } from "../commands/sessions.ts";
import { sessionRow } from "../commands/session-rows.ts";
import { noteTask } from "../commands/task-actions.ts";
import type { NewTask } from "../new-task.ts";
import { updateRow } from "../rows.ts";
import { SESSIONS } from "../tables.ts";
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
const numbered = (): Promise<readonly string[]> => namesIn("select title as name from perdure.tasks");
const logged = (): Promise<readonly string[]> => namesIn("select entity || ' ' || verb as name from perdure.changes");

async function namesIn(sql: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url() });
  await client.connect();
  const found = await client.query(`${sql} where project_id = $1 order by seq`, [storeAt(0).projectId]);
  await client.end();
  return found.rows.map(({ name }) => String(name));
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

test.each([1, 2])("nor before those it made in another way, %i at a time", async (atOnce) => {
  for (let round = 0; round < 4; round++) await create(0);
  const plan = ["plan 1", "plan 2"].map((title) => aTask({ ref: title, key: null, title }));
  const submit = (): Promise<unknown> => storeAt(0).execute(createOtherwise, { sessionId, tasks: plan });
  if (atOnce === 1) await submit();
  else await Promise.all([create(0), submit()]);
  await create(0);
  expect((await numbered()).at(-1)).toBe(created.at(-1));
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

test("an outcome is told as it came about, also when another did the like at the same time", async () => {
  const now = Date.now();
  const clock: Clock = { now: () => now, setTimer: (delayMs, fire) => storeAt(0).clock.setTimer(delayMs, fire) };
  const projectName = `project ${projectCount++}`;
  const open = (): Promise<PostgresStore> =>
    openPostgresStore({ url: url(), projectName, actor: "both", random: systemRandom, clock });
  const [one, other] = await Promise.all([open(), open()]);
  const session = await one.execute(createSession, aSession());
  const make = (title: string): Promise<readonly Task[]> =>
    one.execute(createTasks, { sessionId: session.id, tasks: [aTask({ ref: title, key: null, title })] });
  const [noted] = await make("noted");
  for (let round = 0; round < 3; round++) await make(`before ${round}`);
  const note = { taskId: noted?.id ?? missing(), note: "seen" };
  await other.execute(noteTask, note);
  const [made] = await Promise.all([make("acknowledged"), one.execute(noteTask, note)]);
  const client = new pg.Client({ connectionString: url() });
  await client.connect();
  const { rows: found } = await client.query("select title from perdure.tasks where id = $1", [made[0]?.id]);
  await client.end();
  expect(found).toEqual([{ title: "acknowledged" }]);
  await Promise.all([one.close(), other.close()]);
});

test("one that fails behind a look at the log takes nobody along", async () => {
  const look = defineWrite("look-and-fail", function* (context): Command<void> {
    const row = yield* sessionRow(context, sessionId);
    yield* updateRow(context, SESSIONS, row, { verb: "rename", patch: { name: "another" } });
    yield* rows("select seq from changes where project_id = ?", context.projectId);
    throw new Error("refused");
  });
  const calls = await Promise.allSettled([create(0), storeAt(0).execute(look, null), create(0)]);
  expect(calls.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(calls[1]).toMatchObject({ reason: { message: "refused" } });
  expect(await numbered()).toHaveLength(2);
  expect(await logged()).toEqual(["sessions create", "tasks create", "tasks create"]);
});

/** Makes tasks without having their numbers set apart, as plans, parts of tasks and imports do. */
const createOtherwise = defineWrite(
  "create-otherwise",
  function* (context, input: { readonly sessionId: SessionId; readonly tasks: readonly NewTask[] }): Command<void> {
    yield* insertTasks(context, yield* sessionRow(context, input.sessionId), input.tasks);
  },
);

function missing(): never {
  throw new Error("there is no such task");
}
