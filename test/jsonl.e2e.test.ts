import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

const PROGRAM = resolve(import.meta.dirname, "../bin/perdure.js");

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-jsonl-cli-"));
  writeFileSync(join(directory, "plan.yaml"), PLAN);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const PLAN = `name: Demo
tasks:
  - { id: a, run: "echo a >> ran.txt" }
  - { id: b, needs: [a], run: "sleep 1; echo b >> ran.txt" }
  - { id: c, needs: [b], run: "echo c >> ran.txt" }
`;

function start(...words: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  const output: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  const ended = new Promise<number | null>((done) => child.on("close", done));
  return { child, ended, output: () => output.join("") };
}

async function run(...words: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const { ended, output } = start(...words);
  return { code: await ended, output: output() };
}

const ran = (): readonly string[] => readFileSync(join(directory, "ran.txt"), "utf8").trim().split("\n");

describe("a project whose store is text", () => {
  it("is run, looked at and continued after SIGKILL like any other", async () => {
    const first = start("run", "plan.yaml", "--store", "jsonl");
    while (!first.output().includes("completed   a")) await sleep(20);
    const during = await run("status", "--store", "jsonl", "--json");
    expect(JSON.parse(during.output)).toMatchObject({ data: { counts: { completed: 1, total: 3 } } });
    first.child.kill("SIGKILL");
    await first.ended;

    const second = await run("run", "plan.yaml", "--store", "jsonl");
    expect(second, second.output).toMatchObject({ code: 0 });
    expect(ran().filter((line) => line === "a")).toEqual(["a"]);
    expect(ran().at(-1)).toBe("c");
    expect(existsSync(join(directory, ".perdure", "perdure.db"))).toBe(false);
    expect((await run("doctor", "--store", "jsonl")).output).toMatch(/ok\s+store/);
  }, 30_000);

  it("keeps its files where perdure.yaml says", async () => {
    const session = "session: { backend: jsonl, storage_path: ./data/sessions }";
    writeFileSync(join(directory, "perdure.yaml"), `supervisor:\n  ${session}\n`);
    expect(await run("run", "plan.yaml")).toMatchObject({ code: 0 });
    expect(readdirSync(join(directory, "data", "sessions"))).toContain("journal");
    expect((await run("log", "--kind", "sessions", "--since", "1h")).output).toContain("completed session Demo");
  }, 30_000);
});

describe("the trail of the command line", () => {
  it("is kept by what writes, and not touched by what reads", async () => {
    expect(await run("task", "add", "Write docs")).toMatchObject({ code: 0 });
    const journal = join(directory, ".perdure", "journal");
    expect(readdirSync(journal)).toEqual([expect.stringMatching(/^\d{4}-\d{2}\.jsonl$/)]);
    rmSync(journal, { recursive: true });
    for (const words of [["status"], ["log"], ["task", "list"]]) expect(await run(...words)).toMatchObject({ code: 0 });
    expect(existsSync(journal)).toBe(false);
    await run("task", "add", "Write more");
    expect(readdirSync(journal)).toHaveLength(1);
  }, 30_000);
});
