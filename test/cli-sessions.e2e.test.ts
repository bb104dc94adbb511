/** Sessions from the command line, as processes: files, deletion, and what a killed worker leaves. */

import { describe, expect, test } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
const { ok } = project;

describe("a session", () => {
  test("is made, found again, renamed, started, counted and completed", async () => {
    expect(await ok("session", "create", "chat", "--agent", "support", "--user", "ann", "--no-start")).toMatch(
      /^chat {2}created/,
    );
    const again = await ok("session", "create", "other", "--agent", "support", "--user", "ann", "--ensure");
    expect(again).toMatch(/^chat {2}created/);
    expect(await ok("session", "start", "chat")).toMatch(/^chat {2}active/);
    expect(await ok("session", "rename", "chat", "talk")).toMatch(/^talk {2}active/);
    expect(await ok("session", "list", "--agent", "support", "--search", "TAL")).toContain("talk");
    expect(await ok("session", "list", "--user", "bob")).toBe("");
    expect(await ok("session", "stats", "talk")).toContain("messages     0, 0 tokens");
    expect(await ok("context", "show", "talk")).toBe("");
    expect(await ok("session", "complete", "talk", "all answered")).toMatch(/^talk {2}completed/);
    expect(await ok("log", "--session", "talk")).toContain("all answered");
  });

  test("goes into a file and comes back as a copy", async () => {
    await ok("task", "add", "Write docs", "--key", "docs");
    expect(await ok("session", "export", "--out", "s.jsonl.gz")).toContain("Wrote tasks");
    expect((await project.run("session", "export", "--out", "s.jsonl.gz")).code).toBe(4);
    expect((await project.run("session", "import", "s.jsonl.gz")).code).toBe(4);
    const { stdout, stderr } = await project.run("session", "import", "s.jsonl.gz", "--new-ids");
    expect([stdout, stderr]).toEqual([
      expect.stringMatching(/^tasks {2}paused/),
      "notice: it is paused: `perdure resume` goes on with it\n",
    ]);
    expect(await project.json("session", "list")).toMatchObject({
      items: [{ status: "paused" }, { status: "active" }],
    });
  });

  test("is not deleted by a name that several have", async () => {
    await ok("session", "create", "chat");
    await ok("session", "create", "chat");
    const { code, stderr } = await project.run("session", "delete", "chat", "--yes");
    expect([code, stderr]).toEqual([2, expect.stringContaining('"chat" could be several sessions')]);
    expect(await project.json("session", "list")).toMatchObject({ items: [{}, {}] });
  });

  test("is deleted when that was said, and not when there is nobody to ask", async () => {
    await ok("task", "add", "Write docs", "--key", "docs");
    const { code, stderr } = await project.run("session", "delete", "tasks");
    expect([code, stderr]).toEqual([2, expect.stringContaining("Say so with --yes")]);
    expect(await ok("session", "delete", "tasks", "--yes")).toMatch(/^Deleted tasks/);
    expect(await project.json("session", "list")).toMatchObject({ items: [] });
    expect((await project.run("session", "show", "tasks")).code).toBe(3);
  });
});

test("a task whose worker was killed is said to be stopped, and where it would go on", async () => {
  project.write("plan.yaml", "tasks:\n  - id: long\n    run: sleep 20\n");
  const running = project.start(["run", "plan.yaml"]);
  for (;;) {
    const { running: tasks } = (await project.json("status").catch(() => ({ running: [] }))) as { running: unknown[] };
    if (tasks.length > 0) break;
  }
  expect(await project.json("status")).toMatchObject({ running: [{ key: "long", stopped: null }] });
  running.process.kill("SIGKILL");
  await running.finished;
  expect(await project.json("status")).toMatchObject({ running: [{ key: "long", stopped: "process_gone" }] });
  const status = await ok("status");
  expect(status).toContain("stopped (its process is gone; `perdure resume` continues)");
  expect(status).toContain("1 stopped");
  expect(await ok("resume", "--dry-run")).toContain("goes on with long");
});

test("lists that go on say so, also where they are piped", async () => {
  await ok("task", "add", "one", "--key", "one");
  await ok("task", "add", "two", "--key", "two");
  const list = await project.run("task", "list", "--limit", "1");
  expect(list.stdout).toMatch(/^one /);
  expect(list.stderr).toMatch(/^… more: --cursor c\w+\n$/);
  const rest = await project.run("task", "list", "--cursor", list.stderr.trim().split(" ").at(-1) ?? "");
  expect([rest.stdout.slice(0, 3), rest.stderr]).toEqual(["two", ""]);
  const log = await project.run("log", "--limit", "1");
  expect(log.stderr).toContain("… earlier: the newest 1 are shown");
  expect((await project.run("log", "--after", "0", "--limit", "1")).stderr).toMatch(/^… more: --cursor/);
});
