/** What the command line writes where, and with which code it ends. */

import { execFile, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

import { createCliProject, useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();

const GOOD = "name: Good\ntasks:\n  - { id: a, run: echo one }\n  - { id: b, run: echo two, needs: [a] }\n";
const BROKEN =
  "name: Broken\ntasks:\n  - { id: a, run: 'echo no >&2; exit 3', retries: 0 }\n  - { id: b, run: echo, needs: [a] }\n";

describe("exit codes", () => {
  test("0: a plan that was completed, twice", async () => {
    project.write("plan.yaml", GOOD);
    expect(await project.run("run", "plan.yaml")).toMatchObject({ code: 0, stderr: "" });
    expect(await project.run("status")).toMatchObject({ code: 0, stderr: "" });
  });

  test("1: a plan in which something failed, with what to do", async () => {
    project.write("plan.yaml", BROKEN);
    const { code, stdout } = await project.run("run", "plan.yaml");
    expect(code).toBe(1);
    expect(stdout).toContain("failed   a: exit code 3: no\n           see `perdure task show a`");
    expect(stdout).toContain("`perdure run plan.yaml` tries what failed again");
  });

  test("1: a plan that waits for a person", async () => {
    project.write("plan.yaml", "name: Ask\ntasks:\n  - { id: ask, manual: Look at it }\n");
    const { code, stdout } = await project.run("run", "plan.yaml");
    expect(code).toBe(1);
    expect(stdout).toContain("then `perdure task done ask --evidence TEXT`");
    expect(await project.run("task", "done", "ask", "--evidence", "looked")).toMatchObject({ code: 0 });
    expect(await project.json("status")).toMatchObject({ session: { status: "completed" } });
  });

  test.each([
    [["stauts"], 'error: perdure has no command "stauts"; did you mean `perdure status`?'],
    [["status", "--jsno"], "error: status has no option --jsno; did you mean --json?"],
    [["run"], "error: PLAN is missing"],
    [["task"], "error: perdure task needs to be told what to do: add, show, list"],
    [["graph"], "error: `perdure graph` is not part of this version of Perdure yet"],
    [["context", "chain", "x"], "error: `perdure context chain` is not part of this version of Perdure yet"],
    [["run", "--goal", "world peace"], "error: Planning from a goal (--goal) is not part of this version"],
    [["status", "--lines", "0"], "error: There is no Perdure project"],
  ])("2, or 3 where nothing is there: %j", async (words, message) => {
    const { code, stdout, stderr } = await project.run(...words);
    expect(stderr).toContain(message);
    expect(stderr).toContain("\nhint: ");
    expect([code, stdout]).toEqual([message.includes("no Perdure project") ? 3 : 2, ""]);
    expect(project.files()).toEqual([]);
  });

  test("3: a project, a plan, a task that is not there", async () => {
    for (const words of [
      ["status"],
      ["watch"],
      ["log"],
      ["task", "list"],
      ["resume"],
      ["doctor"],
      ["doctor", "--deep"],
      ["facts", "import", "none.jsonl"],
      ["run", "none.yaml"],
    ])
      expect([words, (await project.run(...words)).code]).toEqual([words, 3]);
    expect((await project.run("status", "--project", "nowhere")).stderr).toContain("There is no directory nowhere");
    expect(project.files()).toEqual([]);
    project.write("plan.yaml", GOOD);
    await project.run("plan", "plan.yaml");
    expect(await project.run("task", "show", "nobody")).toMatchObject({ code: 3, stdout: "" });
  });

  test("4: what a task's state does not allow", async () => {
    project.write("plan.yaml", GOOD);
    await project.run("run", "plan.yaml");
    expect(await project.run("task", "start", "a")).toMatchObject({ code: 4, stdout: "" });
  });
});

describe("--json", () => {
  test("is one document on stdout and nothing on stderr", async () => {
    project.write("plan.yaml", GOOD);
    await project.run("plan", "plan.yaml");
    for (const words of [
      ["status"],
      ["task", "list"],
      ["task", "show", "a"],
      ["session", "list"],
      ["log"],
      ["doctor"],
    ]) {
      const { stdout, stderr } = await project.run(...words, "--json");
      expect([words, Object.keys(JSON.parse(stdout)), stderr]).toEqual([words, ["schemaVersion", "data"], ""]);
      expect(stdout.match(/\n/g)).toHaveLength(1);
    }
  });

  test("tells errors on stderr in one document, also when the words cannot be read", async () => {
    for (const words of [["status"], ["stauts"], ["status", "--nope"]]) {
      const { stdout, stderr } = await project.run("--json", ...words);
      const { error } = JSON.parse(stderr);
      expect([stdout, Object.keys(error)]).toEqual(["", ["code", "message", "hint", "details"]]);
    }
  });

  test("of a run is a line for each event, and the result in the last one", async () => {
    project.write("plan.yaml", GOOD);
    const { code, stdout, stderr } = await project.run("run", "plan.yaml", "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect([code, stderr]).toEqual([0, ""]);
    expect(lines.every(({ schemaVersion }) => schemaVersion === 1)).toBe(true);
    expect(lines.slice(0, -1).map(({ event }) => event.type)).toContain("task_ended");
    expect(lines.at(-1).data).toMatchObject({ end: "completed", isNew: true, status: { counts: { completed: 2 } } });
  });

  test("of the status holds what the contract says", async () => {
    project.write("plan.yaml", BROKEN);
    await project.run("run", "plan.yaml");
    expect(await project.json("status")).toMatchObject({
      session: { name: "Broken", status: "failed" },
      counts: { failed: 1, blocked: 1, total: 2 },
      progress: { percent: 0, totalSteps: 2, estimatedCompletion: null },
      running: [],
      blocked: [{ key: "b", reason: "dependency_failed" }],
      failed: [{ key: "a", error: "exit code 3: no" }],
    });
  });
});

describe("text", () => {
  test("of a run that is piped is a line for each event, without colour or cursor movements", async () => {
    project.write("plan.yaml", GOOD);
    const { stdout } = await project.run("run", "plan.yaml");
    expect(stdout).not.toContain("\u001b");
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^Good \([0-9a-f]{8}\): 2 tasks$/);
    expect(lines.filter((line) => /^(started|completed) +[ab]\b/.test(line))).toHaveLength(4);
    expect(lines.at(-2)).toMatch(/^done: Good .*: 2 of 2 tasks completed in \d+s$/);
  });

  test("of a run that continues says what was done already and what is left", async () => {
    project.write("plan.yaml", BROKEN.replace("exit 3", "test -e ok"));
    await project.run("run", "plan.yaml");
    project.write("ok", "");
    const { code, stdout } = await project.run("resume");
    expect([code, stdout.split("\n")[0]]).toEqual([0, expect.stringContaining("2 tasks, 1 tried again")]);
  });

  test("strips what could control the terminal from titles and output", async () => {
    project.write(
      "plan.yaml",
      'name: "Bad\\u001b[31m name"\ntasks:\n  - { id: a, title: "x\\u0007\\u001b]0;title\\u0007y", run: "printf \'\\\\033[2Jboo\' >&2; exit 1", retries: 0 }\n',
    );
    const run = await project.run("run", "plan.yaml");
    const shown = await project.run("task", "show", "a");
    const status = await project.run("status");
    for (const { stdout } of [run, shown, status]) {
      // oxlint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    }
    expect(status.stdout).toContain("Bad name");
  });

  test("--quiet leaves the result", async () => {
    project.write("plan.yaml", GOOD);
    const { stdout } = await project.run("run", "plan.yaml", "--quiet");
    expect(stdout.split("\n")).toEqual([expect.stringMatching(/^done: Good/), ""]);
  });

  test("FORCE_COLOR paints, NO_COLOR does not", async () => {
    project.write("plan.yaml", GOOD);
    await project.run("plan", "plan.yaml");
    const painted = await project.start(["status"], { env: { FORCE_COLOR: "1" } }).finished;
    expect(painted.stdout).toContain("\u001b[1mGood\u001b[22m");
    const plain = await project.start(["status"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } }).finished;
    expect(plain.stdout).not.toContain("\u001b");
  });

  test("help and version go to stdout", async () => {
    expect(await project.run("--help")).toMatchObject({ code: 0, stderr: "" });
    expect((await project.run("help", "task", "add")).stdout).toContain("Usage: perdure task add TITLE [options]");
    expect((await project.run("task", "add", "--help")).stdout).toContain("Usage: perdure task add TITLE [options]");
    expect((await project.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(project.files()).toEqual([]);
  });
});

describe("references", () => {
  test("tasks and sessions go by key and by the beginning of an id, from any directory with --project", async () => {
    project.write("plan.yaml", GOOD);
    await project.run("run", "plan.yaml");
    const shown = (await project.json("task", "show", "a")) as { readonly id: string; readonly sessionId: string };
    expect(await project.json("task", "show", shown.id.slice(0, 8))).toMatchObject({ key: "a" });
    expect(await project.json("status", shown.sessionId.slice(0, 6))).toMatchObject({ session: { name: "Good" } });
    const elsewhere = createCliProject();
    expect(await elsewhere.json("status", "--project", project.dir)).toMatchObject({ session: { name: "Good" } });
    expect(elsewhere.files()).toEqual([]);
    elsewhere.remove();
  });

  test("--store opens another database", async () => {
    project.write("plan.yaml", GOOD);
    await project.run("run", "plan.yaml", "--store", "other.db");
    expect(await project.json("status", "--store", "other.db")).toMatchObject({ session: { status: "completed" } });
    expect((await project.run("status")).code).toBe(3);
    expect((await project.run("status", "--store", "mysql://localhost/x")).code).toBe(2);
    expect((await project.run("status", "--store", "postgres://127.0.0.1:1/x")).code).toBe(7);
  });
});

describe("pipes and starts", () => {
  test("a reader that goes away is no error", async () => {
    project.write(
      "plan.yaml",
      `name: Many\ntasks:\n${Array.from({ length: 300 }, (_, at) => `  - { id: t${at}, manual: x }`).join("\n")}\n`,
    );
    await project.run("plan", "plan.yaml", "--quiet");
    const main = resolve(import.meta.dirname, "../src/cli/main.ts");
    const line = `set -o pipefail; '${process.execPath}' '${main}' log --limit 1000 --verbose | head -1; echo "$?"`;
    const { stdout, stderr } = await new Promise<{ readonly stdout: string; readonly stderr: string }>((done) =>
      execFile("bash", ["-c", line], { cwd: project.dir }, (_, out, err) => done({ stdout: out, stderr: err })),
    );
    expect(stderr).toBe("");
    expect(stdout.split("\n")[1]).toBe("0");
  });

  test("an older Node is told what is needed", () => {
    const entry = resolve(import.meta.dirname, "../bin/perdure.js");
    const pretend = `Object.defineProperty(process.versions, "node", { value: "20.20.2" }); await import(${JSON.stringify(entry)});`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", pretend], {
      encoding: "utf8",
    });
    expect([status, stdout]).toEqual([6, ""]);
    expect(stderr).toBe(
      "error: Perdure needs Node.js 22.18 or newer; this is Node.js 20.20.2\n" +
        "hint: Install a newer one (https://nodejs.org, or `nvm install 24`) and run the command again.\n",
    );
  });
});
