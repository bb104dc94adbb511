import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { configCheck } from "./config-check.ts";
import { doctor } from "./doctor.ts";
import { exportPlan } from "./export.ts";
import { checkNode } from "./health-check.ts";
import { importPlan } from "./import.ts";
import { init } from "./init.ts";
import { log } from "./log.ts";
import { runOperation } from "./operation.ts";
import { planShow } from "./plan-show.ts";
import { sessionList } from "./session-list.ts";
import { taskAdd } from "./task-add.ts";
import { taskDone } from "./task-done.ts";
import { taskFail } from "./task-fail.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

const TASKS = "# P\n\n## 1. First\n\n- [x] 1.1 One\n- [ ] 1.2 Two\n\n## 2. Second\n\n- [ ] 2.1 Three\n";

function aFile(project: TestProject, name: string, text: string): string {
  const path = join(project.projectDir, name);
  writeFileSync(path, text);
  return path;
}

function take(project: TestProject, path: string, input: Readonly<Record<string, unknown>> = {}) {
  return runOperation(importPlan, project, { input: { path, ...input } });
}

async function lastSeq(project: TestProject): Promise<number | undefined> {
  return (await runOperation(log, project, { input: { limit: 1 } })).items[0]?.seq;
}

describe("import", () => {
  test("changes nothing the second time, also when the plan is done by then", async () => {
    const project = aProject();
    const path = aFile(project, "tasks.md", TASKS);
    const first = await take(project, path);
    expect(first).toMatchObject({ isNew: true, mended: { added: ["1", "1.1", "1.2", "2", "2.1"] } });
    const seq = await lastSeq(project);
    expect(await take(project, path)).toMatchObject({ isNew: false, mended: { added: [] } });
    expect(await lastSeq(project)).toBe(seq);
    for (const task of ["1.2", "2.1"]) await runOperation(taskDone, project, { input: { task } });
    const after = await lastSeq(project);
    expect(await take(project, path)).toMatchObject({ isNew: false, session: { status: "completed" } });
    expect(await lastSeq(project)).toBe(after);
  });

  test("reports drift both ways with check, and changes nothing", async () => {
    const project = aProject();
    const path = aFile(project, "tasks.md", TASKS);
    expect(await take(project, path, { check: true })).toMatchObject({ session: null, drift: { isInSync: false } });
    await take(project, path);
    expect(await take(project, path, { check: true })).toMatchObject({ drift: { isInSync: true } });
    await runOperation(taskDone, project, { input: { task: "1.2" } });
    const drifted = TASKS.replace("[ ] 2.1", "[x] 2.1").concat("- [ ] 2.2 Four\n");
    writeFileSync(path, drifted);
    const seq = await lastSeq(project);
    expect((await take(project, path, { check: true })).drift).toEqual({
      tickedOnly: ["2.1"],
      completedOnly: ["1.2"],
      onlyInFile: ["2.2"],
      onlyInStore: [],
      changed: [],
      isInSync: false,
    });
    expect(readFileSync(path, "utf8")).toBe(drifted);
    expect(await lastSeq(project)).toBe(seq);
  });

  test("mends drift both ways with sync", async () => {
    const project = aProject();
    const path = aFile(project, "tasks.md", TASKS);
    await take(project, path);
    await runOperation(taskDone, project, { input: { task: "1.2" } });
    writeFileSync(path, TASKS.replace("- [ ] 2.1 Three", "- [x] 2.2 Four"));
    const synced = await take(project, path, { sync: true });
    expect(synced.mended).toMatchObject({ added: ["2.2"], cancelled: ["2.1"], ticked: 1 });
    expect(readFileSync(path, "utf8")).toContain("- [x] 1.2 Two");
    expect(await take(project, path, { check: true })).toMatchObject({ drift: { isInSync: true } });
  });

  test("opens a session again that was over, where the file has something new", async () => {
    const project = aProject();
    const path = aFile(project, "tasks.md", "# P\n\n- [x] 1.1 One\n");
    const first = await take(project, path);
    expect(first.session).toMatchObject({ status: "completed" });
    writeFileSync(path, "# P\n\n- [x] 1.1 One\n- [ ] 1.2 Two\n");
    const synced = await take(project, path, { sync: true });
    expect(synced).toMatchObject({ session: { id: first.session?.id, status: "active" }, mended: { added: ["1.2"] } });
  });

  test("leaves tasks alone that people added to the plan's session", async () => {
    const project = aProject();
    const path = aFile(project, "tasks.md", TASKS);
    await take(project, path);
    await runOperation(taskAdd, project, { input: { title: "Mine", key: "mine" } });
    expect(await take(project, path, { check: true })).toMatchObject({ drift: { isInSync: true, onlyInStore: [] } });
  });

  test("adds to a session that is named what it does not have yet", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "Mine", key: "1.1" } });
    const path = aFile(project, "tasks.md", "# P\n\n- [ ] 1.1 One\n- [ ] 1.2 Two\n");
    const into = () => take(project, path, { session: "tasks" });
    expect(await into()).toMatchObject({ isNew: false, mended: { added: ["1.2"], kept: ["1.1"] } });
    expect(await into()).toMatchObject({ mended: { added: [], kept: ["1.1", "1.2"] } });
    expect((await runOperation(sessionList, project, { input: {} })).items).toHaveLength(1);
  });
});

describe("export", () => {
  test.each(["yaml", "json", "markdown"] as const)("writes %s that is read back as the same plan", async (format) => {
    const project = aProject();
    await take(project, aFile(project, "tasks.md", TASKS));
    const { text } = await runOperation(exportPlan, project, { input: { format } });
    const other = aProject();
    const extension = format === "markdown" ? "md" : format;
    const path = aFile(other, `plan.${extension}`, text);
    const shown = await runOperation(planShow, other, { input: { path } });
    expect(shown.tasks.map(({ key, status, parent, needs }) => ({ key, status, parent, needs }))).toMatchObject([
      { key: "1", parent: null },
      { key: "1.1", status: "completed", parent: "1", needs: [] },
      { key: "1.2", status: "pending", parent: "1", needs: ["1.1"] },
      { key: "2", parent: null },
      { key: "2.1", status: "pending", parent: "2", needs: ["1.2"] },
    ]);
  });

  test("says which states a plan cannot carry", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "a", key: "a" } });
    await runOperation(taskFail, project, { input: { task: "a", message: "no" } });
    const { notices } = await runOperation(exportPlan, project, { input: { session: "tasks" } });
    expect(notices).toEqual(['"a" is failed; a plan says only that it is not done']);
  });
});

describe("plan-show", () => {
  test("says what would keep a plan from being submitted", async () => {
    const project = aProject();
    const path = aFile(project, "plan.yaml", "name: P\ntasks:\n  - { id: a, code: return 1 }\n");
    const { notices } = await runOperation(planShow, project, { input: { path } });
    expect(notices).toEqual([expect.stringMatching(/^It would be refused: plan\.yaml:3: task a cannot/)]);
  });
});

describe("init, config-check and doctor", () => {
  test("init writes what is missing and leaves the rest", async () => {
    const { mkdirSync } = await import("node:fs");
    const project = aProject();
    mkdirSync(join(project.projectDir, ".perdure"));
    const both = [".perdure/", "perdure.yaml"];
    expect(await runOperation(init, project, { input: {} })).toMatchObject({ created: both, existing: [] });
    expect(await runOperation(init, project, { input: {} })).toMatchObject({ created: [], existing: both });
    expect(readFileSync(join(project.projectDir, ".perdure", ".gitignore"), "utf8")).toBe("*\n");
    const health = await runOperation(doctor, project, { input: {} });
    expect(health).toMatchObject({ healthy: true });
    expect(health.checks.map(({ name }) => name)).toEqual(
      "node project config store contents sessions workers orphans journal files checkpoints workspace leftovers disk".split(
        " ",
      ),
    );
  });

  test("config-check shows no password and refuses what is wrong", async () => {
    const project = aProject();
    aFile(project, "perdure.yaml", "store:\n  url: postgres://me:secret@host/db\n");
    const checked = await runOperation(configCheck, project, { input: {} });
    expect(checked).toMatchObject({ file: "perdure.yaml", valid: true });
    expect(JSON.stringify(checked)).not.toContain("secret");
    aFile(project, "perdure.yaml", "stor: 1\n");
    await expect(runOperation(configCheck, project, { input: {} })).rejects.toMatchObject({ code: "invalid-config" });
  });

  test.each([
    ["22.17.9", false],
    ["22.18.0", true],
    ["24.0.0", true],
    ["20.20.2", false],
  ])("doctor finds Node.js %s right: %s", (version, ok) => {
    expect(checkNode(version).ok).toBe(ok);
  });
});
