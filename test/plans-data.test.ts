/**
 * Real plans of other projects, read whole: every box, state, id, parent and dependency is accounted for. The files lie
 * beside the repository and are not part of it; without them these tests are skipped.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { PlanDraft, TaskDraft } from "../src/domain/plan-draft.ts";
import { planFingerprint } from "../src/plans/fingerprint.ts";
import { readPlan, readPlanFolder } from "../src/plans/read-plan.ts";
import { tickBoxes } from "../src/plans/tick.ts";
import { draftToMarkdown } from "../src/plans/write-markdown.ts";
import { draftToYaml } from "../src/plans/write-plan.ts";

const DATA = fileURLToPath(new URL("../../shared/data/plans/", import.meta.url));
const hasData = existsSync(DATA);
if (!hasData) console.warn("skipped: the plans of other projects are not at ../shared/data/plans");

const textOf = (file: string): string => readFileSync(DATA + file, "utf8");
const read = async (file: string): Promise<PlanDraft> =>
  await readPlan({ path: file, bytes: readFileSync(DATA + file) });

async function readBacklog(): Promise<PlanDraft> {
  const files = readdirSync(`${DATA}backlog`).map((name) => ({
    path: `backlog/${name}`,
    bytes: readFileSync(`${DATA}backlog/${name}`),
  }));
  return await readPlanFolder({ path: "backlog", files });
}

interface CountedBox {
  readonly line: number;
  readonly done: boolean;
}

/** Another way to find boxes than the reader's: fences and comments are cut out of the text first, lines kept. */
function boxesIn(text: string): readonly CountedBox[] {
  const blank = (cut: string): string => cut.replaceAll(/[^\n]/g, "");
  const bare = text.replaceAll(/^```[\s\S]*?^```/gm, blank).replaceAll(/<!--[\s\S]*?-->/g, blank);
  return bare.split("\n").flatMap((line, index) => {
    const mark = /^\s*- \[([ x])\] /.exec(line)?.[1];
    return mark === undefined ? [] : [{ line: index + 1, done: mark === "x" }];
  });
}

const isTask = (task: TaskDraft): boolean => task.executor !== "group";
const task = (plan: PlanDraft, key: string): TaskDraft | undefined => plan.tasks.find((one) => one.key === key);

describe.skipIf(!hasData)("plans of other projects", () => {
  test.each([
    {
      file: "spec-kit/tasks-template.md",
      name: "[FEATURE NAME]",
      boxes: 34,
      done: 0,
      groups: 12,
      edges: 40,
      notices: 6,
    },
    {
      file: "go-ent/add-boltdb-state-system.md",
      name: "Add BoltDB Registry with state.md System",
      boxes: 56,
      done: 56,
      groups: 10,
      edges: 57,
      notices: 0,
    },
    {
      file: "go-ent/execution-engine-v2.md",
      name: "Complete Execution Engine (v2 Features)",
      boxes: 120,
      done: 20,
      groups: 38,
      edges: 119,
      notices: 8,
    },
    {
      file: "openspec/add-shell-completions.md",
      name: "Implementation Tasks",
      boxes: 50,
      done: 36,
      groups: 5,
      edges: 49,
      notices: 1,
    },
    {
      file: "openspec/workspace-change-planning.md",
      name: "workspace-change-planning",
      boxes: 76,
      done: 76,
      groups: 7,
      edges: 75,
      notices: 1,
    },
  ])("$file is read whole", async ({ file, name, boxes, done, groups, edges, notices }) => {
    const plan = await read(file);
    const tasks = plan.tasks.filter(isTask);
    const counted = boxesIn(textOf(file));
    expect(tasks.map(({ source, status }) => ({ line: source?.line, done: status === "completed" }))).toEqual(counted);
    expect({
      name: plan.name,
      boxes: tasks.length,
      done: tasks.filter((one) => one.status === "completed").length,
      groups: plan.tasks.length - tasks.length,
      edges: plan.tasks.reduce((count, one) => count + one.needs.length, 0),
      notices: plan.notices.length,
    }).toEqual({ name, boxes, done, groups, edges, notices });
    expect(plan.tasks.filter((one) => isTask(one) && one.parentKey === null)).toEqual([]);
  });

  test("spec-kit: ids, phases as barriers, [P] and what tasks say they need", async () => {
    const plan = await read("spec-kit/tasks-template.md");
    const ids = Array.from({ length: 28 }, (_, i) => `T${String(i + 1).padStart(3, "0")}`);
    expect(plan.tasks.filter(isTask).map((one) => one.key)).toEqual([
      ...ids,
      "TXXX",
      "TXXX-2",
      "TXXX-3",
      "TXXX-4",
      "TXXX-5",
      "TXXX-6",
    ]);
    expect(plan.tasks.filter((one) => one.parentKey === null).map((one) => one.key)).toEqual([
      "phase-1",
      "phase-2",
      "phase-3",
      "phase-4",
      "phase-5",
      "phase-n",
    ]);
    expect(task(plan, "T004")?.needs).toEqual(["phase-1"]);
    expect(task(plan, "T005")?.needs).toEqual(["T004"]);
    expect(task(plan, "T006")?.needs).toEqual(["T004"]);
    expect(task(plan, "T007")?.needs).toEqual(["T005", "T006"]);
    expect(task(plan, "T014")).toMatchObject({
      title: "[US1] Implement [Service] in src/services/[service].py",
      needs: ["T012", "T013", "phase-2"],
    });
    expect(task(plan, "TXXX")?.needs).toEqual(["phase-5"]);
  });

  test("go-ent: boxes have the numbers of their section and depend by them", async () => {
    const plan = await read("go-ent/add-boltdb-state-system.md");
    const said = Object.fromEntries(["5.1", "6.1", "7.1", "8.1", "9.1"].map((key) => [key, task(plan, key)?.needs]));
    expect(said).toEqual({
      "5.1": ["1.6", "2.8"],
      "6.1": ["5.1"],
      "7.1": ["5.1"],
      "8.1": ["5.5", "7.5"],
      "9.1": ["1.6"],
    });
    expect(task(plan, "1.6")?.title).toBe("Implement GetBlockers with reverse index");
    expect(task(plan, "10.1")).toMatchObject({
      title: "Create plugins/go-ent/commands/task.md",
      parentKey: "10",
      completedAt: Date.UTC(2026, 0, 17),
    });
    expect(task(plan, "2.1")?.needs).toEqual(["1.6"]);
  });

  test("go-ent v2: headings nest, and counts that do not agree are told", async () => {
    const plan = await read("go-ent/execution-engine-v2.md");
    expect(task(plan, "2.3.4")).toMatchObject({
      title: "Test multi-level summarization",
      parentKey: "2.3",
      needs: ["2.3.3"],
    });
    expect(task(plan, "2.3")).toMatchObject({ parentKey: "2", executor: "group" });
    expect(task(plan, "phase-1-success")).toMatchObject({
      parentKey: "success-criteria-by-phase",
      status: "completed",
    });
    expect(task(plan, "1")).toMatchObject({ status: "completed" });
    expect(plan.notices.map((notice) => notice.message)).toContain(
      "the file says it has 100 tasks; it has 120 check boxes",
    );
    expect(plan.notices.map((notice) => notice.message)).toContain(
      '"5. Interrupt/Resume Functionality (20 tasks)" says 20 tasks; it holds 16 check boxes',
    );
  });

  test("OpenSpec: dotted ids, phases, one task after the other across them", async () => {
    const plan = await read("openspec/workspace-change-planning.md");
    expect(task(plan, "2.1")).toMatchObject({ parentKey: "phase-2", needs: ["1.13"] });
    expect(task(plan, "7.17")?.status).toBe("completed");
    expect(task(plan, "phase-1")?.description).toMatch(/^User-testable outcome: /);
    const completions = await read("openspec/add-shell-completions.md");
    expect(task(completions, "phase-5")).toMatchObject({ status: "pending" });
    expect(new Set(completions.tasks.map((one) => one.key)).size).toBe(55);
  });

  test("Backlog.md: every task, parent and criterion; what lies outside the folder is listed", async () => {
    const plan = await readBacklog();
    expect(plan.tasks.map(({ key, parentKey, status, priority }) => [key, parentKey, status, priority])).toEqual([
      ["BACK-208", null, "pending", 5],
      ["BACK-222", null, "pending", 5],
      ["BACK-222.1", "BACK-222", "completed", 5],
      ["BACK-24.02", null, "completed", 3],
      ["BACK-355", null, "completed", 5],
      ["BACK-355.02", "BACK-355", "completed", 5],
      ["BACK-355.04", "BACK-355", "completed", 5],
      ["BACK-355.05", "BACK-355", "completed", 5],
      ["BACK-355.06", "BACK-355", "completed", 5],
    ]);
    const boxes = readdirSync(`${DATA}backlog`).flatMap((name) => boxesIn(textOf(`backlog/${name}`)));
    const criteria = plan.tasks
      .flatMap(({ context }) => [context.acceptanceCriteria ?? [], context.definitionOfDone ?? []])
      .flat() as unknown as readonly { readonly done: boolean }[];
    expect(criteria.map(({ done }) => done).toSorted()).toEqual(boxes.map(({ done }) => done).toSorted());
    expect(criteria).toHaveLength(61);
    expect(plan.notices.map((notice) => notice.message)).toEqual([
      '"BACK-24.02" has the parent "BACK-24", which is not among these files: left out',
      ...["02", "04", "05", "06"].map(
        (n) => `"BACK-355.${n}" needs "task-355.01", which is not among these files: left out`,
      ),
    ]);
  });

  const FILES = [
    "spec-kit/tasks-template.md",
    "go-ent/add-boltdb-state-system.md",
    "go-ent/execution-engine-v2.md",
    "openspec/add-shell-completions.md",
    "openspec/workspace-change-planning.md",
  ];

  test.each(FILES)("%s: every box can be ticked and unticked, and the file is as it was", async (file) => {
    const text = textOf(file);
    const plan = await read(file);
    const boxes = plan.tasks.filter(isTask);
    const flipped = tickBoxes(
      text,
      boxes.map(({ key, status }) => ({ key, done: status !== "completed" })),
    );
    expect(flipped).toMatchObject({ changed: boxes.length, missing: [] });
    const again = await readPlan({ path: file, text: flipped.text });
    expect(again.tasks.map((one) => one.key)).toEqual(plan.tasks.map((one) => one.key));
    expect(planFingerprint(again)).toBe(planFingerprint(plan));
    const back = tickBoxes(
      flipped.text,
      boxes.map(({ key, status }) => ({ key, done: status === "completed" })),
    );
    expect(back.text).toBe(text);
  });

  test.each(FILES)("%s: is the same plan after a turn through YAML and through a check list", async (file) => {
    const plan = await read(file);
    const throughYaml = await readPlan({ path: "p.yaml", text: await draftToYaml(plan) });
    // YAML says every need, also those that follow from a place in a list.
    const said = (one: TaskDraft): TaskDraft => ({ ...one, needsByPlace: [], source: null });
    expect(throughYaml.tasks).toSatisfy((tasks: TaskDraft[]) => tasks.every((one) => one.needsByPlace.length === 0));
    expect(throughYaml.tasks.map(said)).toEqual(plan.tasks.map(said));
    expect(draftToMarkdown(plan).notCarried).toEqual([]);
  });
});
