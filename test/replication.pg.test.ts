/** Copies of a log that is kept on a Postgres server, and moving a project to and from one, as the command line does them. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import type { RedisServer } from "../src/base/testing/redis-server.ts";
import { hasRedisServer, startRedisServer } from "../src/base/testing/redis-server.ts";
import { readProjectFileLine } from "../src/replication/project-file-lines.ts";
import { sharedPostgres } from "../src/store/testing/postgres/shared-postgres.ts";
import type { CliProject, RunningCli } from "./cli/cli-project.ts";
import { createCliProject } from "./cli/cli-project.ts";

let database: string;
let otherDatabase: string;
let drop: () => Promise<void>;
let redis: RedisServer | null = null;
beforeAll(async () => {
  const server = await sharedPostgres({ isSynced: false });
  [database, otherDatabase] = [await server.createDatabase(), await server.createDatabase()];
  drop = async () => {
    for (const each of [database, otherDatabase]) await server.dropDatabase(each);
  };
  if (hasRedisServer) redis = await startRedisServer();
}, 60_000);
afterAll(async () => {
  await redis?.stop();
  await drop();
});

let projects: CliProject[] = [];
const running: RunningCli[] = [];
beforeEach(() => {
  projects = [];
});
afterEach(async () => {
  for (const each of running.splice(0)) {
    each.process.kill("SIGKILL");
    await each.finished;
  }
  for (const project of projects) project.remove();
});

function aProject(): CliProject {
  const project = createCliProject();
  projects.push(project);
  return project;
}

function start(project: CliProject, ...words: readonly string[]): RunningCli {
  const started = project.start(words);
  running.push(started);
  return started;
}

const TASKS = 8;

/** Each notes itself outside of the project; some say more than a row holds. The last two wait for the file `go`. */
function plan(effects: string, go: string): string {
  const tasks = Array.from({ length: TASKS }, (_, at) => {
    const says = at % 4 === 1 ? ` && head -c 100000 /dev/zero | tr '\\\\0' ${at % 10}` : "";
    const waits = at < TASKS - 2 ? "" : `while ! test -e ${go}; do sleep 0.05; done && `;
    const needs = at < 2 ? "" : `, needs: [t${at - 2}]`;
    return `  - { id: t${at}, run: "${waits}echo t${at} >> ${effects} && sleep 0.1${says}"${needs} }`;
  });
  return `name: work\ntasks:\n${tasks.join("\n")}\n`;
}

/** Writes the project's file. Returns what that says its tables come to. */
async function exported(project: CliProject, path: string, ...words: readonly string[]): Promise<unknown> {
  await project.json("export", "--format", "project", "--out", path, ...words);
  const line = readProjectFileLine(readFileSync(path, "utf8").trim().split("\n").at(-1) ?? "");
  if (line.kind !== "end") throw new Error(`${path} has no end`);
  expect(line.end.state).not.toBeNull();
  return line.end.state;
}

const stateOf = (project: CliProject, ...words: readonly string[]): Promise<unknown> =>
  exported(project, join(project.dir, "state.jsonl"), ...words);

interface Status {
  readonly sinks: readonly { readonly lag: number | null; readonly problem: string | null }[];
}

test("work that is killed on Postgres goes on, and its copies make it again on SQLite and in another database", async () => {
  const outside = aProject();
  const [effects, sink, go] = [join(outside.dir, "effects"), join(outside.dir, "sink"), join(outside.dir, "go")];
  const noted = (): readonly string[] => readFileSync(effects, "utf8").trim().split("\n");
  const stream = { sink: "redis", url: redis?.url, stream: "copy" };
  const config = (...sinks: readonly unknown[]): string =>
    JSON.stringify({ replication: sinks, store: { backend: "postgres", url: `${database}?project=work` } });
  const [first, second] = [aProject(), aProject()];
  // Two machines: one keeps a copy in files, the other one in Redis, where there is one.
  first.write("perdure.yaml", config({ sink: "jsonl", path: sink }));
  second.write("perdure.yaml", config(...(redis === null ? [] : [stream])));
  first.write("plan.yaml", plan(effects, go));

  const killed = start(first, "run", "plan.yaml");
  await killed.says("completed   t2");
  const worker = start(second, "worker", "--concurrency", "1");
  while (noted().length < 5) await pause(20);
  killed.process.kill("SIGKILL");
  await killed.finished;
  await pause(200);
  worker.process.kill("SIGKILL");
  await worker.finished;
  const recorded = (await first.json("task", "list", "--status", "completed")) as {
    readonly items: readonly { readonly key: string }[];
  };
  expect(recorded.items.length).toBeLessThan(TASKS);
  writeFileSync(go, "");
  const continued = await first.run("run", "plan.yaml");
  expect([continued.code, continued.stderr]).toEqual([0, ""]);
  expect(new Set(noted()).size).toBe(TASKS);
  for (const { key } of recorded.items) expect(noted().filter((line) => line === key)).toEqual([key]);

  // The copy of the machine that was killed and did not come back is behind, and says so.
  const synced = (await second.json("replication", "sync")) as Status;
  const status = (await first.json("replication", "status")) as Status;
  const current = { lag: 0, problem: null };
  expect([status.sinks, synced.sinks]).toMatchObject([[current], redis === null ? [] : [current]]);
  const state = await stateOf(first);

  const onSqlite = aProject();
  expect(await onSqlite.json("restore", "--from", sink)).toMatchObject({ missing: [], notices: [] });
  expect(await stateOf(onSqlite)).toEqual(state);
  const doctor = await onSqlite.run("doctor", "--deep");
  expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining("Nothing is wrong.")]);

  const elsewhere = aProject();
  const store = ["--store", `${otherDatabase}?schema=other&project=again`];
  const copy = redis === null ? sink : `${redis.url}#copy`;
  expect(await elsewhere.json("restore", "--from", copy, ...store)).toMatchObject({ missing: [], notices: [] });
  expect(await stateOf(elsewhere, ...store)).toEqual(state);
  // Its work goes on there.
  elsewhere.write("more.yaml", "name: more\ntasks: [{ id: more, run: 'true' }]\n");
  expect((await elsewhere.run("run", "more.yaml", ...store)).code).toBe(0);
}, 120_000);

test("a project moves from Postgres into SQLite and back, log and contents included", async () => {
  const [source, moved, again] = [aProject(), aProject(), aProject()];
  const from = ["--store", `${database}?project=moving`];
  const back = ["--store", `${database}?schema=back&project=moving`];
  source.write("plan.yaml", plan(join(source.dir, "effects"), source.dir).replaceAll("sleep 0.1", "true"));
  expect((await source.run("run", "plan.yaml", ...from)).code).toBe(0);
  const file = join(source.dir, "out.jsonl");
  await exported(source, file, ...from);
  // Proven: the tables came to the same sums.
  expect(await moved.json("import", file)).toMatchObject({ stateProven: true, notices: [] });
  await moved.json("task", "add", "one more");
  await exported(moved, join(moved.dir, "back.jsonl"));
  expect(await again.json("import", join(moved.dir, "back.jsonl"), ...back)).toMatchObject({
    stateProven: true,
    notices: [],
  });
  expect(await again.json("log", "--limit", "1000", ...back)).toEqual(await moved.json("log", "--limit", "1000"));
}, 120_000);
