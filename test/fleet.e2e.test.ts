/** Several real workers on one store: limits and labels counted outside of them, kills, and draining. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import type { RunningCli } from "./cli/cli-project.ts";
import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
const workers: RunningCli[] = [];
afterEach(() => {
  for (const worker of workers.splice(0)) worker.process.kill("SIGKILL");
});

function work(...words: readonly string[]): RunningCli {
  const worker = project.start(["worker", ...words]);
  workers.push(worker);
  return worker;
}

/** Read from the database itself: starting a program for each look would take what the workers need. */
function countTasks(): Readonly<Record<string, number>> {
  const database = new DatabaseSync(join(project.dir, ".perdure", "perdure.db"), { readOnly: true });
  try {
    const found = database.prepare("select status, count(*) as n from tasks group by status").all();
    return Object.fromEntries(found.map(({ status, n }) => [String(status), Number(n)]));
  } finally {
    database.close();
  }
}

async function untilCompleted(count: number): Promise<void> {
  while ((countTasks().completed ?? 0) < count) await pause(50);
}

/** What commands wrote themselves: `begin KEY TASK ATTEMPT NANOSECONDS` and `end …`, each line whole. */
interface Mark {
  readonly kind: string;
  readonly key: string;
  readonly at: number;
}

function marks(): readonly Mark[] {
  return readFileSync(join(project.dir, "marks"), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [kind = "", key = "", , , at = ""] = line.split(" ");
      return { kind, key, at: Number(at) / 1e6 };
    });
}

/** Most that ran at any instant. One that was killed with its worker ran until its group was ended, which a trap marks. */
function mostAtOnce(found: readonly Mark[]): number {
  let [now, most] = [0, 0];
  for (const { kind } of found.toSorted((one, other) => one.at - other.at)) {
    now += kind === "begin" ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

function claimInstants(): readonly number[] {
  const database = new DatabaseSync(join(project.dir, ".perdure", "perdure.db"), { readOnly: true });
  try {
    const sql = "select at from changes where entity = 'executions' and verb = 'claim' order by seq";
    return database
      .prepare(sql)
      .all()
      .map(({ at }) => Number(at));
  } finally {
    database.close();
  }
}

function mostPerWindow(instants: readonly number[], windowMs: number): number {
  return Math.max(...instants.map((from) => instants.filter((at) => at >= from && at < from + windowMs).length));
}

/**
 * Tells when it begins and ends, also by TERM. Says nothing else: whoever reads that is killed too, and a shell that says
 * of its sleep that it was terminated would end by the broken pipe before its trap.
 */
const SCRIPT = `#!/bin/sh
exec > /dev/null 2>&1
mark() { echo "$1 $KEY $PERDURE_TASK_ID $PERDURE_ATTEMPT $(date +%s%N)" >> marks; }
trap 'mark end; exit 143' TERM
mark begin
sleep \${SECONDS_LONG:-0.2} &
wait $!
mark end
`;

interface Line {
  readonly id: string;
  readonly key: string;
  readonly limit?: string;
  readonly labels?: string;
}

function plan(tasks: readonly Line[]): string {
  const lines = tasks.map(
    ({ id, key, limit, labels }) =>
      `  - { id: ${id}, run: sh mark.sh, env: { KEY: ${key} }${limit === undefined ? "" : `, limit: ${limit}`}${labels === undefined ? "" : `, labels: ${labels}`} }`,
  );
  return `name: Fleet\ntasks:\n${lines.join("\n")}\n`;
}

describe("workers on one store", () => {
  test("keep the limits of keys and executors together, whoever is killed, and end everything", async () => {
    project.write("mark.sh", SCRIPT);
    project.write(
      "perdure.yaml",
      "worker: { concurrency: 4 }\nlimits: { tasks: [{ match: { executor: command }, concurrency: 5 }, { match: { key: b }, concurrency: 3 }] }\n",
    );
    const keys = ["a", "b", "c"];
    const tasks = Array.from({ length: 36 }, (_, at): Line => {
      const key = keys[at % 3] ?? "";
      return { id: `t${at}`, key, ...(key === "c" ? {} : { limit: key }) };
    });
    project.write("plan.yaml", plan(tasks));
    await project.run("plan", "plan.yaml");
    for (let at = 0; at < 3; at++) work();
    for (let kills = 0; kills < 3; kills++) {
      await untilCompleted(kills * 8 + 3);
      workers.shift()?.process.kill("SIGKILL");
      work();
    }
    await untilCompleted(tasks.length);
    const found = marks();
    const most = Object.fromEntries(keys.map((key) => [key, mostAtOnce(found.filter((mark) => mark.key === key))]));
    expect(most.a).toBe(1);
    expect(most.b).toBeLessThanOrEqual(3);
    expect(mostAtOnce(found)).toBeLessThanOrEqual(5);
    expect(mostAtOnce(found)).toBeGreaterThan(1);
  }, 120_000);

  test("free the place of a killed worker's command only once that has ended too", async () => {
    project.write("mark.sh", SCRIPT.replace("SECONDS_LONG:-0.2", "SECONDS_LONG:-60"));
    const [first = "", second = ""] = plan([
      { id: "first", key: "k", limit: "one" },
      { id: "second", key: "k", limit: "one" },
    ]).split("  - { id: second");
    project.write("plan.yaml", `${first}  - { priority: 6, id: second${second}`);
    await project.run("plan", "plan.yaml");
    const killed = work("--concurrency", "1");
    await killed.says("started     second");
    while (!existsSync(join(project.dir, "marks"))) await pause(20);
    await project.run("task", "edit", "first", "--priority", "10");
    killed.process.kill("SIGKILL");
    await killed.finished;
    project.write("mark.sh", SCRIPT);
    work();
    await untilCompleted(2);
    expect(marks().map(({ kind }) => kind)).toEqual(["begin", "end", "begin", "end", "begin", "end"]);
    expect(mostAtOnce(marks())).toBe(1);
  }, 60_000);

  test("start no more in any window than a rate says", async () => {
    project.write("mark.sh", SCRIPT);
    project.write(
      "plan.yaml",
      plan(Array.from({ length: 12 }, (_, at) => ({ id: `t${at}`, key: "r", limit: "{ key: r, rate: 4/2s }" }))),
    );
    await project.run("plan", "plan.yaml");
    work("--concurrency", "8");
    work("--concurrency", "8");
    await untilCompleted(12);
    // Commands begin some time after they were claimed, so of them only the whole is looked at.
    expect(mostPerWindow(claimInstants(), 2_000)).toBe(4);
    const begun = marks().filter(({ kind }) => kind === "begin");
    expect(begun).toHaveLength(12);
    const at = begun.map((mark) => mark.at);
    expect(Math.max(...at) - Math.min(...at)).toBeGreaterThan(2_500);
  }, 60_000);

  test("leave alone what needs other labels or executors", async () => {
    project.write("mark.sh", SCRIPT);
    project.write(
      "plan.yaml",
      plan([
        { id: "plain", key: "p" },
        { id: "gpu", key: "g", labels: "[gpu]" },
      ]),
    );
    await project.run("plan", "plan.yaml");
    const plain = work("--executors", "command");
    await plain.says("1 task for a worker with label gpu: this one does not have them all");
    await untilCompleted(1);
    const shown = await project.run("status");
    expect(shown.stdout).toContain("no worker with label gpu is running; start one with `perdure worker --labels gpu`");
    work("--labels", "linux,gpu");
    await untilCompleted(2);
    expect(
      marks()
        .filter(({ kind }) => kind === "begin")
        .map(({ key }) => key),
    ).toEqual(["p", "g"]);
  }, 60_000);
});

describe("SIGTERM to a worker", () => {
  const two = () =>
    plan([
      { id: "first", key: "f" },
      { id: "second", key: "s", limit: "one" },
    ]);

  test("lets what runs come to its end, and claims nothing more", async () => {
    project.write("mark.sh", SCRIPT.replace("SECONDS_LONG:-0.2", "SECONDS_LONG:-2"));
    project.write("plan.yaml", two());
    await project.run("plan", "plan.yaml");
    const worker = work("--concurrency", "1");
    await worker.says("started     first");
    worker.process.kill("SIGTERM");
    const { code, stderr, stdout } = await worker.finished;
    expect([code, stdout.includes("completed   first")]).toEqual([0, true]);
    expect(stderr).toContain("claiming nothing more and waiting for what runs; a second signal stops at once");
    expect(countTasks()).toEqual({ completed: 1, pending: 1 });
  }, 30_000);

  test("lets go of what still runs at the deadline, at no cost, and its place is free", async () => {
    project.write("mark.sh", SCRIPT.replace("SECONDS_LONG:-0.2", "SECONDS_LONG:-30"));
    project.write("plan.yaml", plan([{ id: "first", key: "f", limit: "one" }]));
    await project.run("plan", "plan.yaml");
    const worker = work("--drain", "1s");
    await worker.says("started     first");
    await pause(300);
    const askedAt = Date.now();
    worker.process.kill("SIGTERM");
    const { code } = await worker.finished;
    const tookMs = Date.now() - askedAt;
    expect(code).toBe(0);
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(4_000);
    expect(await project.json("task", "show", "first")).toMatchObject({
      status: "pending",
      retryCount: 0,
      heldBack: null,
    });
    project.write("mark.sh", SCRIPT);
    work();
    await untilCompleted(1);
  }, 30_000);

  test("twice › ends at once, and another takes over", async () => {
    project.write("mark.sh", SCRIPT.replace("SECONDS_LONG:-0.2", "SECONDS_LONG:-30"));
    project.write("plan.yaml", two());
    await project.run("plan", "plan.yaml");
    const worker = work();
    await worker.says("started     first");
    worker.process.kill("SIGTERM");
    await worker.says("a second signal stops at once");
    worker.process.kill("SIGTERM");
    expect(await worker.finished).toMatchObject({ code: 130 });
    project.write("mark.sh", SCRIPT);
    work();
    await untilCompleted(2);
  }, 30_000);
});
