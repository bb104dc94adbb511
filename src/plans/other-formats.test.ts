import { describe, expect, test } from "vitest";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { readPlan, readPlanFolder } from "./read-plan.ts";

/** Key, parent, needs, status, executor of every task. */
function rows(plan: PlanDraft): readonly unknown[] {
  return plan.tasks.map(({ key, parentKey, needs, status, executor }) => [key, parentKey, needs, status, executor]);
}

const messages = (plan: PlanDraft): readonly string[] => plan.notices.map((notice) => notice.message);

const backlogTask = (id: string, rest: string, body = ""): string =>
  `---\nid: ${id}\ntitle: 'Title of ${id}'\n${rest}---\n\n${body}`;

describe("Backlog.md", () => {
  test("reads a folder: order, parents, priorities, states, and ids whose prefix or case differs", async () => {
    const plan = await readPlanFolder({
      path: "backlog/tasks",
      files: [
        { path: "a.md", text: backlogTask("BACK-1", "status: Done\npriority: high\n") },
        {
          path: "b.md",
          text: backlogTask("BACK-2", "status: In Progress\ndependencies:\n  - task-1\n  - back-2.10\n"),
        },
        { path: "c.md", text: backlogTask("BACK-2.10", "status: To Do\nparent_task_id: task-02\npriority: low\n") },
        { path: "d.md", text: backlogTask("BACK-3", "status: To Do\ndependencies: [task-99]\n") },
        { path: "readme.md", text: "# Not a task\n" },
      ],
    });
    expect(plan.name).toBe("backlog");
    expect(rows(plan)).toEqual([
      ["BACK-1", null, [], "completed", null],
      ["BACK-2", null, ["BACK-1", "BACK-2.10"], "pending", null],
      ["BACK-2.10", "BACK-2", ["BACK-1"], "pending", null],
      ["BACK-3", null, [], "pending", null],
    ]);
    expect(plan.tasks.map((task) => task.priority)).toEqual([8, 5, 3, 5]);
    expect(messages(plan)).toEqual([
      "not a Backlog.md task: left out",
      '"BACK-2" has the status "In Progress", which is read as not done',
      '"BACK-3" needs "task-99", which is not among these files: left out',
    ]);
    expect(plan.notices[2]?.source).toEqual({ file: "d.md", line: 5 });
  });

  test("keeps sections, criteria and front matter", async () => {
    const body = `## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
What and why.
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [x] #1 First
- [ ] #2 Second
<!-- AC:END -->

## Implementation Plan

1. Do it

## Implementation Notes

Done so.
`;
    const plan = await readPlan({
      path: "t.md",
      text: backlogTask("T-1", "status: To Do\nlabels: [a, b]\nupdated_date: '2026-01-01'\n", body),
    });
    expect(plan.tasks[0]).toMatchObject({
      title: "Title of T-1",
      description: "What and why.\n\nAcceptance criteria:\n- First\n- Second",
      context: {
        acceptanceCriteria: [
          { text: "First", done: true },
          { text: "Second", done: false },
        ],
        labels: ["a", "b"],
        "Implementation Plan": "1. Do it",
        record: { updated_date: "2026-01-01", "Implementation Notes": "Done so." },
      },
    });
  });

  test("a broken front matter is told with its place in the file", async () => {
    const reading = readPlan({ path: "t.md", text: "---\nid: a\ntitle: [\n---\n", format: "backlog" });
    await expect(reading).rejects.toThrow(/^t\.md:[34]:\d+: not valid YAML/);
  });
});

describe("task-master", () => {
  const task = (id: number, rest: object = {}): object => ({
    id,
    title: `Task ${id}`,
    description: "D",
    status: "pending",
    dependencies: [],
    priority: "medium",
    details: "E",
    testStrategy: "F",
    ...rest,
  });

  test("reads tags, subtasks and their dependencies", async () => {
    const list = [
      task(1, { status: "done" }),
      task(2, {
        dependencies: [1],
        priority: "high",
        subtasks: [
          { id: 1, title: "A", status: "done", dependencies: [] },
          { id: 2, title: "B", status: "in-progress", dependencies: [1, "1"] },
          { id: 3, title: "C", status: "cancelled", dependencies: ["2.1"] },
        ],
      }),
    ];
    const plan = await readPlan({
      path: "tasks.json",
      text: JSON.stringify({ master: { tasks: list, metadata: {} } }),
    });
    expect(rows(plan)).toEqual([
      ["1", null, [], "completed", null],
      ["2", null, ["1"], "pending", "group"],
      ["2.1", "2", ["1"], "completed", null],
      ["2.2", "2", ["2.1", "1"], "pending", null],
      ["2.3", "2", ["2.1", "1"], "cancelled", null],
    ]);
    expect(plan.tasks[1]).toMatchObject({ priority: 8, description: "D\n\nE", context: { testStrategy: "F" } });
    expect(messages(plan)).toEqual(['"2.2" has the status "in-progress", which is read as not done']);
  });

  test("reads files without tags, and tells several tags apart", async () => {
    const untagged = await readPlan({
      path: "tasks.json",
      text: JSON.stringify({ tasks: [task(1), task(2, { dependencies: [1] })] }),
    });
    expect(untagged.tasks.map((one) => one.needs)).toEqual([[], ["1"]]);
    const tagged = await readPlan({
      path: "tasks.json",
      text: JSON.stringify({
        master: { tasks: [task(1)] },
        feature: { tasks: [task(1), task(2, { dependencies: [1, 9] })] },
      }),
    });
    expect(tagged.tasks.map(({ key, needs }) => [key, needs])).toEqual([
      ["1", []],
      ["feature/1", []],
      ["feature/2", ["feature/1"]],
    ]);
    expect(messages(tagged)).toEqual(['"feature/2" needs "feature/9", which is not among these files: left out']);
  });
});

describe("beads", () => {
  const lines = (...issues: readonly object[]): string => issues.map((issue) => `${JSON.stringify(issue)}\n`).join("");

  test("reads order, parents, priorities and states, and keeps other links", async () => {
    const text = lines(
      { id: "bd-1", title: "Epic", status: "open", priority: 1, issue_type: "epic" },
      {
        id: "bd-2",
        title: "Child",
        status: "open",
        priority: 0,
        issue_type: "task",
        dependencies: [
          { issue_id: "bd-2", depends_on_id: "bd-1", type: "parent-child" },
          { issue_id: "bd-2", depends_on_id: "bd-3", type: "blocks" },
          { issue_id: "bd-2", depends_on_id: "bd-4", type: "discovered-from" },
        ],
      },
      {
        id: "bd-3",
        title: "Bug",
        status: "closed",
        priority: 4,
        issue_type: "bug",
        closed_at: "2026-01-02T03:04:05Z",
        notes: "n",
      },
      { id: "bd-4", title: "Gone", status: "tombstone" },
      { id: "bd-5", title: "Going", status: "in_progress", priority: 2 },
    );
    const plan = await readPlan({ path: ".beads/issues.jsonl", text });
    expect(rows(plan)).toEqual([
      ["bd-1", null, [], "pending", "group"],
      ["bd-2", "bd-1", ["bd-3"], "pending", null],
      ["bd-3", null, [], "completed", null],
      ["bd-5", null, [], "pending", null],
    ]);
    expect(plan.tasks.map((task) => task.priority)).toEqual([8, 10, 1, 5]);
    expect(plan.tasks[1]?.context).toEqual({ issue_type: "task", links: [{ type: "discovered-from", id: "bd-4" }] });
    expect(plan.tasks[2]).toMatchObject({
      completedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
      context: { issue_type: "bug", record: { notes: "n" } },
    });
    expect(messages(plan)).toEqual([
      '"bd-4" was deleted: left out',
      '"bd-5" has the status "in_progress", which is read as not done',
    ]);
    expect(plan.tasks[3]?.source?.line).toBe(5);
  });

  test("tells the line that is not JSON", async () => {
    await expect(readPlan({ path: "i.jsonl", text: '{"id":"a"}\n{"id":\n' })).rejects.toThrow(
      /^i\.jsonl:2:\d+: a value is missing/,
    );
  });
});

describe("Claude Code", () => {
  const task = (id: string, rest: object = {}): string =>
    JSON.stringify({
      id,
      subject: `Do ${id}`,
      description: "D",
      activeForm: "Doing",
      status: "pending",
      blocks: [],
      blockedBy: [],
      ...rest,
    });

  test("reads a folder in the order of its numbers, both ways of saying who waits", async () => {
    const plan = await readPlanFolder({
      path: "tasks/list",
      files: [
        { path: "1.json", text: task("1", { status: "completed", blocks: ["10"] }) },
        { path: "10.json", text: task("10", { blockedBy: ["2"], owner: "me" }) },
        { path: "2.json", text: task("2", { status: "in_progress", blocks: ["10"] }) },
        { path: "3.json", text: task("3", { status: "deleted" }) },
        { path: "x.json", text: "{}" },
      ],
    });
    expect(rows(plan)).toEqual([
      ["1", null, [], "completed", null],
      ["2", null, [], "pending", null],
      ["10", null, ["2", "1"], "pending", null],
    ]);
    expect(plan.tasks[2]?.context).toEqual({ activeForm: "Doing", record: { owner: "me" } });
    expect(messages(plan)).toEqual([
      '"2" has the status "in_progress", which is read as not done',
      '"3" was deleted: left out',
      "not a Claude Code task: left out",
    ]);
  });
});
