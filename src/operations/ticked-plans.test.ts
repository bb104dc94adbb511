/** Check lists in which boxes are ticked before their turn: what comes after them waits for what came before. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { exportPlan } from "./export.ts";
import { importPlan } from "./import.ts";
import { log } from "./log.ts";
import { runOperation } from "./operation.ts";
import { planShow } from "./plan-show.ts";
import { planSubmit } from "./plan-submit.ts";
import { taskCancel } from "./task-cancel.ts";
import { taskDone } from "./task-done.ts";
import { taskEdit } from "./task-edit.ts";
import { taskList } from "./task-list.ts";
import { taskShow } from "./task-show.ts";
import { taskStart } from "./task-start.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

const MIDDLE = "- [x] a\n- [ ] b\n- [x] c\n- [ ] d\n";

function write(project: TestProject, text: string): string {
  const path = join(project.projectDir, "tasks.md");
  writeFileSync(path, text);
  return path;
}

/** `b pending, d blocked`: what is not completed, groups aside. */
async function open(project: TestProject): Promise<string> {
  const { items } = await runOperation(taskList, project, { input: {} });
  return items
    .filter(({ status, executor }) => status !== "completed" && executor !== "group")
    .map(({ key, status }) => `${key} ${status}`)
    .toSorted()
    .join(", ");
}

async function done(project: TestProject, task: string, force = false): Promise<void> {
  await runOperation(taskDone, project, { input: { task, force } });
}

/** By key, what it waits for. */
async function waits(project: TestProject): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const { items } = await runOperation(taskList, project, { input: {} });
  const shown = await Promise.all(items.map(({ id }) => runOperation(taskShow, project, { input: { task: id } })));
  return Object.fromEntries(
    shown
      .filter(({ status }) => status !== "completed")
      .map(({ key, needs }) => [key, needs.filter(({ status }) => status !== "completed")])
      .map(([key, needs]) => [
        key,
        (needs as (typeof shown)[number]["needs"]).map((need) => `${need.key} ${need.kind}`),
      ]),
  );
}

function submit(project: TestProject, path: string) {
  return runOperation(planSubmit, project, { input: { path } });
}

function sync(project: TestProject, path: string) {
  return runOperation(importPlan, project, { input: { path, sync: true } });
}

async function lastSeq(project: TestProject): Promise<number | undefined> {
  return (await runOperation(log, project, { input: { limit: 1 } })).items[0]?.seq;
}

const ORDERS: readonly [string, string, "phases" | null, readonly (readonly string[])[]][] = [
  ["in the middle", MIDDLE, null, [["b"], ["d"]]],
  ["several", "- [ ] a\n- [x] b\n- [x] c\n- [ ] d\n- [x] e\n- [ ] f\n", null, [["a"], ["d"], ["f"]]],
  ["across headings", "## A\n- [ ] a\n## B\n- [x] b\n## C\n- [ ] c\n", null, [["a"], ["c"]]],
  ["a nested one", "- [ ] p\n  - [ ] p1\n  - [x] p2\n  - [ ] p3\n- [ ] q\n", null, [["p1"], ["p3"], ["q"]]],
  ["a parent", "- [ ] a\n- [x] p\n  - [ ] p1\n- [ ] q\n", null, [["a"], ["p1"], ["q"]]],
  ["the boxes of a parent", "- [ ] a\n- [ ] p\n  - [x] p1\n- [ ] q\n", null, [["a"], ["q"]]],
  ["before a parent", "- [ ] a\n- [x] b\n- [ ] p\n  - [ ] p1\n", null, [["a"], ["p1"]]],
  ["one of [P]", "- [ ] a\n- [x] [P] b\n- [ ] [P] c\n- [ ] d\n", null, [["a"], ["c"], ["d"]]],
  ["before [P]", "- [ ] a\n- [x] b\n- [ ] [P] c\n- [ ] [P] d\n", null, [["a"], ["c", "d"]]],
  ["all of [P]", "- [ ] a\n- [x] [P] b\n- [x] [P] c\n- [ ] d\n", null, [["a"], ["d"]]],
  ["a phase", "## A\n- [ ] a\n## B\n- [x] b\n## C\n- [ ] c\n- [ ] d\n", "phases", [["a"], ["c", "d"]]],
  ["boxes of a phase", "## A\n- [x] a\n- [ ] b\n## B\n- [ ] c\n", "phases", [["b"], ["c"]]],
  ["a need that is said", "- [ ] 1.1 a\n- [x] 1.2 b\n- [ ] 1.3 c {after=1.2}\n", null, [["1.1", "1.3"]]],
  [
    "a phase of spec-kit",
    "## Phase 1: A\n- [ ] T001 a\n## Phase 2: B\n- [x] T002 b\n## Phase 3: C\n- [ ] T003 [P] c\n",
    null,
    [["T001"], ["T003"]],
  ],
];

describe("the order of a plan", () => {
  test.each(ORDERS)("%s", async (_what, text, order, waves) => {
    const project = aProject();
    const path = write(project, text);
    expect((await runOperation(planShow, project, { input: { path, order } })).order).toEqual(waves);
    await runOperation(importPlan, project, { input: { path, order } });
    for (const wave of waves) {
      const ready = (await open(project)).split(", ").filter((task) => task.endsWith(" pending"));
      expect(ready).toEqual(wave.map((key) => `${key} pending`).toSorted());
      for (const key of wave) await done(project, key);
    }
    expect(await open(project)).toBe("");
  });

  test.each(ORDERS)("%s › is kept in the same way when each is done by force", async (_what, text, order) => {
    const [ticked, forced] = [aProject(), aProject({}, 2)];
    await runOperation(importPlan, ticked, { input: { path: write(ticked, text), order } });
    const path = write(forced, text.replaceAll("[x]", "[ ]"));
    await runOperation(importPlan, forced, { input: { path, order } });
    const { tasks } = await runOperation(planShow, ticked, {
      input: { path: join(ticked.projectDir, "tasks.md"), order },
    });
    for (const { key, status } of tasks) if (status === "completed") await done(forced, key, true);
    expect([await open(forced), await waits(forced)]).toEqual([await open(ticked), await waits(ticked)]);
    const seq = await lastSeq(forced);
    await runOperation(planSubmit, forced, { input: { path, order } });
    expect(await lastSeq(forced)).toBe(seq);
  });
});

describe("a task in the middle that is done by force", () => {
  const LIST = "- [ ] a\n- [ ] b\n- [ ] c\n- [ ] d\n";

  test("holds back what comes after it until what stands before it is done", async () => {
    const project = aProject();
    await submit(project, write(project, LIST));
    await done(project, "b", true);
    expect(await open(project)).toBe("a pending, c blocked, d blocked");
    expect((await runOperation(taskShow, project, { input: { task: "c" } })).needs).toMatchObject([
      { key: "a", status: "pending", kind: "order" },
      { key: "b", status: "completed", kind: "needs" },
    ]);
    await done(project, "c", true);
    expect(await open(project)).toBe("a pending, d blocked");
    await done(project, "a");
    expect(await open(project)).toBe("d pending");
  });

  test("lets a task go that says it needs it", async () => {
    const project = aProject();
    await submit(project, write(project, "- [ ] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c {after=1.2}\n"));
    await done(project, "1.2", true);
    expect(await open(project)).toBe("1.1 pending, 1.3 pending");
  });

  test("follows what the file says once it is said", async () => {
    const project = aProject();
    const path = write(project, "- [ ] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c\n");
    await submit(project, path);
    write(project, "- [ ] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c {after=1.2}\n- [ ] 1.4 d\n");
    await submit(project, path);
    await done(project, "1.2", true);
    expect(await open(project)).toBe("1.1 pending, 1.3 pending, 1.4 blocked");
  });
});

describe("a box that is ticked before its turn", () => {
  test("before the plan is submitted › is completed, and what comes after it waits", async () => {
    const project = aProject();
    await submit(project, write(project, MIDDLE));
    expect(await open(project)).toBe("b pending, d blocked");
    expect((await runOperation(taskShow, project, { input: { task: "d" } })).needs).toMatchObject([
      { key: "b", status: "pending", kind: "order" },
      { key: "c", status: "completed", kind: "needs" },
    ]);
    await done(project, "b");
    expect(await open(project)).toBe("d pending");
  });

  test("by a person later › is completed, and what comes after it waits", async () => {
    const project = aProject();
    const path = write(project, "- [x] a\n- [ ] b\n- [ ] c\n- [ ] p\n  - [x] p1\n- [ ] q\n");
    await submit(project, path);
    write(project, "- [x] a\n- [ ] b\n- [x] c\n- [ ] p\n  - [x] p1\n- [ ] q\n");
    expect(await submit(project, path)).toMatchObject({ isNew: false, completed: ["c"], changed: [], kept: [] });
    expect(await open(project)).toBe("b pending, q blocked");
    await done(project, "b");
    expect(await open(project)).toBe("q pending");
  });

  test.each(["in_progress", "cancelled"] as const)("holds back what comes after it when it is %s", async (status) => {
    const project = aProject();
    const path = write(project, MIDDLE);
    await submit(project, path);
    if (status === "cancelled") await runOperation(taskCancel, project, { input: { task: "b" } });
    else await runOperation(taskStart, project, { input: { task: "b" } });
    write(project, MIDDLE.replace("[ ] b", "[x] b"));
    expect(await submit(project, path)).toMatchObject({ isNew: false, completed: [] });
    expect(await open(project)).toBe(`b ${status}, d blocked`);
  });

  test("is not forgotten when its box is empty again", async () => {
    const project = aProject();
    const path = write(project, MIDDLE);
    await submit(project, path);
    write(project, MIDDLE.replace("[x] c", "[ ] c"));
    await submit(project, path);
    expect(await open(project)).toBe("b pending, d blocked");
  });

  test("makes no drift, and nothing is written when everything is read again", async () => {
    const project = aProject();
    const path = write(project, MIDDLE);
    await submit(project, path);
    for (const task of [null, "b"]) {
      if (task !== null) await done(project, task);
      await sync(project, path);
      const seq = await lastSeq(project);
      expect(await sync(project, path)).toMatchObject({ drift: { isInSync: true } });
      expect(await submit(project, path)).toMatchObject({ isNew: false, changed: [], kept: [] });
      expect(await lastSeq(project)).toBe(seq);
    }
    expect(readFileSync(path, "utf8")).toBe("- [x] a\n- [x] b\n- [x] c\n- [ ] d\n");
    await done(project, "d");
    expect(readFileSync(path, "utf8")).toBe(MIDDLE.replaceAll("[ ]", "[x]"));
    const ended = { isNew: false, drift: { isInSync: true }, session: { status: "completed" } };
    expect(await sync(project, path)).toMatchObject(ended);
  });

  test("holds back new boxes behind it, and lets go of those it no longer stands before", async () => {
    const project = aProject();
    const path = write(project, "- [x] a\n- [ ] b\n- [x] c\n");
    await submit(project, path);
    write(project, "- [x] a\n- [ ] b\n- [x] c\n- [ ] d\n- [ ] e\n");
    await submit(project, path);
    expect(await open(project)).toBe("b pending, d blocked, e blocked");
    write(project, "- [x] a\n- [x] c\n- [ ] d\n- [ ] e\n- [ ] b\n");
    await submit(project, path);
    expect(await open(project)).toBe("b blocked, d pending, e blocked");
    for (const key of ["d", "e", "b"]) await done(project, key);
  });

  test("holds back what is taken into a session that has it already", async () => {
    const project = aProject();
    const path = write(project, "- [x] a\n- [ ] b\n- [x] c\n");
    await submit(project, path);
    write(project, MIDDLE);
    await runOperation(importPlan, project, { input: { path, session: "tasks" } });
    expect(await open(project)).toBe("b pending, d blocked");
    const check = { path, session: "tasks", check: true };
    const { drift } = await runOperation(importPlan, project, { input: check });
    expect(drift).toMatchObject({ isInSync: true, changed: [] });
  });

  test("is refused when it closes a circle with what a session has already", async () => {
    const project = aProject();
    const path = write(project, "- [ ] g\n  - [ ] g1\n- [ ] e\n");
    await submit(project, path);
    write(project, "- [ ] e\n- [x] c\n- [ ] g\n  - [ ] g2\n  - [ ] g1\n");
    const taken = runOperation(importPlan, project, { input: { path, session: "tasks" } });
    await expect(taken).rejects.toMatchObject({ code: "invalid-plan" });
    expect(await open(project)).toBe("e blocked, g1 pending");
  });

  test.each(["- [x] c\n", ""])("moves behind others together with new boxes", async (between) => {
    const project = aProject();
    const path = write(project, "- [ ] g\n  - [ ] g1\n- [ ] e\n");
    await submit(project, path);
    write(project, `- [ ] e\n${between}- [ ] g\n  - [ ] g2\n  - [ ] g1\n`);
    await submit(project, path);
    expect(await open(project)).toBe("e pending, g1 blocked, g2 blocked");
  });

  test("lets go when what stood before it is taken out of the file", async () => {
    const project = aProject();
    const path = write(project, MIDDLE);
    await submit(project, path);
    write(project, MIDDLE.replace("- [ ] b\n", ""));
    await submit(project, path);
    expect(await open(project)).toBe("b cancelled, d pending");
  });

  test("lets go when somebody says what the task needs", async () => {
    const project = aProject();
    await submit(project, write(project, MIDDLE));
    await runOperation(taskEdit, project, { input: { task: "d", needs: ["a"] } });
    expect(await open(project)).toBe("b pending, d pending");
  });

  test.each(["yaml", "markdown"] as const)("keeps the order in an export as %s", async (format) => {
    const project = aProject();
    await submit(project, write(project, MIDDLE));
    const { text } = await runOperation(exportPlan, project, { input: { format } });
    const other = aProject();
    const path = join(other.projectDir, format === "yaml" ? "plan.yaml" : "plan.md");
    writeFileSync(path, text);
    await submit(other, path);
    expect(await open(other)).toBe("b pending, d blocked");
  });
});
