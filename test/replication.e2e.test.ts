/** Copies of the change log, and moving a project, as the command line does them. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, test, vi } from "vitest";

import { freePort } from "../src/base/testing/free-port.ts";
import type { CliProject } from "./cli/cli-project.ts";
import { useCliProject } from "./cli/cli-project.ts";

// Each of them starts a dozen processes.
vi.setConfig({ testTimeout: 120_000 });

const source = useCliProject();
const target = useCliProject();
const elsewhere = useCliProject();

const sink = (): string => join(elsewhere.dir, "sink");
const withSink = (project: CliProject): string =>
  project.write("perdure.yaml", `replication: [{ sink: jsonl, path: "${sink()}" }]\n`);

const PLAN = `name: work
tasks:
  - { id: a, run: "echo kept" }
  - { id: b, run: "head -c 100000 /dev/zero | tr '\\\\0' x", needs: [a] }
`;

async function told(project: CliProject): Promise<unknown> {
  const { session, counts } = (await project.json("status")) as Readonly<Record<string, unknown>>;
  return { session, counts, log: await project.json("log", "--limit", "1000") };
}

interface Status {
  readonly sinks: readonly { readonly lag: number | null; readonly lastSeq: number | null }[];
}

describe("perdure restore", () => {
  test("makes a project again from a copy, which its work then goes on with", async () => {
    withSink(source);
    source.write("plan.yaml", PLAN);
    expect((await source.run("run", "plan.yaml")).code).toBe(0);
    withSink(target);
    const restored = await target.json("restore", "--from", sink());
    expect(restored).toMatchObject({ missing: [], notices: [] });
    expect(await told(target)).toEqual(await told(source));
    expect((await target.run("doctor", "--deep")).stdout).toContain("Nothing is wrong.");
    await target.json("task", "add", "after");
    const { sinks } = (await target.json("replication", "status")) as Status;
    expect(sinks).toMatchObject([{ lag: 0, problem: null }]);
    // Whoever was replaced and wakes up writes nothing into the copy any more.
    const { code, stderr } = await source.run("task", "add", "too late");
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/warning: .*otherwise than the store|further than the store/),
    ]);
  });

  test("refuses a project that is not empty, and a place where no copy is", async () => {
    withSink(source);
    await source.json("task", "add", "one");
    await target.json("task", "add", "mine");
    expect(await target.run("restore", "--from", sink())).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("is not empty"),
    });
    expect(await target.run("restore", "--from", elsewhere.dir)).toMatchObject({ code: 3 });
    expect(await elsewhere.run("restore", "--from", join(elsewhere.dir, "nothing.jsonl"))).toMatchObject({ code: 3 });
    expect(elsewhere.has(".perdure")).toBe(false);
    expect(await target.run("restore", "--from", "redis://127.0.0.1:1")).toMatchObject({ code: 2 });
  });

  test("that was killed leaves a store nothing else opens, and goes on when it is run again", async () => {
    const tasks = Array.from({ length: 900 }, (_, index) => `  - { id: t${index}, run: "true" }`);
    source.write("plan.yaml", `name: many\ntasks:\n${tasks.join("\n")}\n`);
    for (let turn = 0; turn < 3; turn++) {
      source.write("plan.yaml", `name: many${turn}\ntasks:\n${tasks.join("\n")}\n`);
      expect((await source.run("plan", "plan.yaml")).code).toBe(0);
    }
    const copy = join(source.dir, ".perdure");
    const mark = join(target.dir, ".perdure", "perdure.db-restore");
    const restoring = target.start(["restore", "--from", copy]);
    while (!existsSync(mark)) await sleep(5);
    await sleep(60);
    restoring.process.kill("SIGKILL");
    await restoring.finished;
    expect(existsSync(mark)).toBe(true);
    expect(await target.run("status")).toMatchObject({ code: 4, stderr: expect.stringContaining("perdure restore") });
    expect((await target.run("restore", "--from", copy)).code).toBe(0);
    expect(existsSync(mark)).toBe(false);
    expect(await told(target)).toEqual(await told(source));
  });

  test("names the place where a copy is damaged, and with --partial keeps what stands before it", async () => {
    withSink(source);
    for (const title of ["one", "two", "three"]) await source.json("task", "add", title);
    const { file, lines } = journalOf(sink());
    const at = lines.findIndex((line) => line.includes('"title":"two"'));
    writeFileSync(file, lines.with(at, (lines[at] ?? "").replace("two", "tvo")).join("\n"));
    const refused = await target.run("restore", "--from", sink());
    expect(refused).toMatchObject({ code: 7, stderr: expect.stringContaining(`line ${at + 1} of`) });
    expect((await target.run("restore", "--from", sink(), "--partial")).stderr).toContain(
      "ends before what is damaged",
    );
    expect((await target.run("task", "list")).stdout).toMatch(/one/);
    expect((await target.run("task", "list")).stdout).not.toMatch(/three/);
  });
});

function journalOf(directory: string): { readonly file: string; readonly lines: readonly string[] } {
  const name = elsewhere.files().find((path) => path.endsWith(".jsonl")) ?? "";
  const file = join(elsewhere.dir, name);
  expect(file.startsWith(directory)).toBe(true);
  return { file, lines: readFileSync(file, "utf8").split("\n") };
}

describe("perdure export and import", () => {
  test("move a whole project into another kind of store, also one whose log was cut off", async () => {
    source.write("perdure.yaml", "retention: { log_age: 0s, checkpoints_age: 0s, checkpoints: 1 }\n");
    source.write("plan.yaml", PLAN);
    expect((await source.run("run", "plan.yaml")).code).toBe(0);
    const whole = (await source.json("log", "--limit", "1000")) as { readonly items: readonly unknown[] };
    expect((await source.run("cleanup")).code).toBe(0);
    const left = (await source.json("log", "--limit", "1000")) as { readonly items: readonly unknown[] };
    expect(left.items.length).toBeLessThan(whole.items.length);
    const file = join(elsewhere.dir, "project.jsonl.gz");
    expect(await source.json("export", "--format", "project", "--out", file)).toMatchObject({ hasState: true });
    expect(await target.json("import", file, "--store", "jsonl")).toMatchObject({ stateProven: true, notices: [] });
    expect(await target.json("status", "--store", "jsonl")).toEqual(await source.json("status"));
    const moved = (await target.json("log", "--limit", "1000", "--store", "jsonl")) as typeof whole;
    expect(moved.items.slice(0, whole.items.length)).toEqual(whole.items);
    // And back again.
    const again = join(elsewhere.dir, "again.jsonl");
    await target.json("export", "--format", "project", "--out", again, "--store", "jsonl");
    expect(await elsewhere.json("import", again)).toMatchObject({ stateProven: true });
    expect(await elsewhere.json("status")).toEqual(await source.json("status"));
  });
});

describe("a sink that is down", () => {
  test("fails no work, is told once in a while, and is seen by doctor and replication status", async () => {
    const port = await freePort();
    source.write(
      "perdure.yaml",
      `replication: [{ sink: redis, url: "redis://me:secret@127.0.0.1:${port}", stream: s }, { sink: jsonl, path: "${sink()}" }]\n`,
    );
    const first = await source.run("task", "add", "one");
    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining("warning: A copy of the change log") });
    // It failed a moment ago, so it is not even tried.
    const second = await source.run("task", "add", "two");
    expect([second.code, second.stderr]).toEqual([0, ""]);
    const status = await source.run("replication", "status");
    expect(status).toMatchObject({ code: 7, stdout: expect.stringMatching(/fails .*redis s on 127\.0\.0\.1/) });
    expect(status.stdout).toMatch(/current .*jsonl/);
    const doctor = await source.run("doctor");
    expect(doctor.code).toBe(0);
    expect(doctor.stdout).toMatch(/warning {2}replication/);
    expect(first.stderr + status.stdout + doctor.stdout).not.toContain("secret");
  });
});
