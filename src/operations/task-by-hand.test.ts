import { describe, expect, test } from "vitest";

import { listWorkers } from "../store/commands/workers.ts";
import { MANUAL_LEASE_MS } from "./manual-claims.ts";
import { runOperation } from "./operation.ts";
import { log } from "./log.ts";
import { sessionList } from "./session-list.ts";
import { taskAdd } from "./task-add.ts";
import { taskBlock } from "./task-block.ts";
import { taskCancel } from "./task-cancel.ts";
import { taskDone } from "./task-done.ts";
import { taskEdit } from "./task-edit.ts";
import { taskFail } from "./task-fail.ts";
import { taskList } from "./task-list.ts";
import { taskNext } from "./task-next.ts";
import { taskProgress } from "./task-progress.ts";
import { taskRetry } from "./task-retry.ts";
import { taskShow } from "./task-show.ts";
import { taskStart } from "./task-start.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

function add(project: TestProject, input: Readonly<Record<string, unknown>>) {
  return runOperation(taskAdd, project, { input: { title: input.key, ...input } });
}

function next(project: TestProject, input: Readonly<Record<string, unknown>> = {}) {
  return runOperation(taskNext, project, { input });
}

describe("task-add", () => {
  test("makes the default session where none is open, and uses the open one afterwards", async () => {
    const project = aProject();
    const first = await add(project, { key: "a" });
    const second = await add(project, { key: "b", needs: ["a"] });
    expect(second).toMatchObject({ sessionId: first.sessionId, status: "blocked", dependencies: [first.id] });
    const { items } = await runOperation(sessionList, project, { input: {} });
    expect(items).toMatchObject([{ name: "tasks", counts: { pending: 1, blocked: 1, total: 2 } }]);
  });

  test("makes a command of run and a manual task of the rest", async () => {
    const project = aProject();
    expect(await add(project, { key: "a", run: "make", timeout: "10m", retries: 0 })).toMatchObject({
      executor: "command",
      input: { run: "make" },
      timeoutMs: 600_000,
      maxRetries: 0,
    });
    expect(await add(project, { key: "b", manual: "Look" })).toMatchObject({
      executor: "manual",
      input: { instructions: "Look" },
    });
  });

  test("takes a schedule as people type it", async () => {
    const project = aProject();
    const task = await add(project, { key: "a", run: "make", schedule: "in 30m" });
    expect(task).toMatchObject({ schedule: { type: "in", delayMs: 1_800_000 }, runAt: "2026-01-20T10:30:00.000Z" });
  });

  test.each([
    ["invalid-input", { run: "a", manual: "b" }],
    ["invalid-input", { input: 1 }],
    ["invalid-input", { run: " " }],
    ["invalid-input", { priority: 11 }],
    ["invalid-input", { schedule: "weekly" }],
    ["invalid-plan", { executor: "nobody" }],
    ["invalid-plan", { schedule: "daily 25:00" }],
    ["unsupported", { executor: "agent" }],
    ["not-found", { needs: ["nobody"] }],
  ])("refuses with %s: %j", async (code, input) => {
    const project = aProject();
    await expect(add(project, { key: "a", ...input })).rejects.toMatchObject({ code });
    expect(await runOperation(taskList, project, { input: { all: true } })).toEqual({ items: [], nextCursor: null });
  });
});

describe("task-next", () => {
  test("shows the most urgent manual task and claims nothing unless told to", async () => {
    const project = aProject();
    await add(project, { key: "low", priority: 1 });
    await add(project, { key: "high", priority: 9 });
    await add(project, { key: "command", run: "x", priority: 10 });
    expect(await next(project)).toMatchObject({ task: { key: "high", status: "pending" }, claim: null });
    expect(await next(project, { any: true })).toMatchObject({ task: { key: "command" } });
  });

  test("gives no task twice, and says why there is none", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    expect(await next(project, { claim: true, as: "alice" })).toMatchObject({
      task: { key: "a", status: "in_progress" },
      claim: { leaseExpiresAt: new Date(project.clock.now() + MANUAL_LEASE_MS).toISOString() },
    });
    expect(await next(project, { claim: true, as: "bob" })).toEqual({
      task: null,
      reason: "1 in progress",
      claim: null,
    });
  });

  test("returns the task of an agent that vanished to the queue at no cost", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await next(project, { claim: true, as: "alice" });
    project.clock.advance(MANUAL_LEASE_MS + 1);
    const { task } = await next(project, { claim: true, as: "bob" });
    expect(task).toMatchObject({ key: "a", status: "in_progress", retryCount: 0 });
    const late = runOperation(taskDone, project, { input: { task: "a", as: "alice" } });
    await expect(late).rejects.toMatchObject({ code: "lease-lost" });
    const { items } = await runOperation(log, project, { input: {} });
    expect(items.map((item) => item.summary)).toContain("test took over a from alice, whose lease ran out");
  });

  test("leaves no holder behind when it found nothing", async () => {
    const project = aProject();
    await next(project, { claim: true });
    expect(await project.store.execute(listWorkers, null)).toEqual([]);
  });
});

describe("task-progress", () => {
  test("adds to what was reported and keeps the claim", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await runOperation(taskStart, project, { input: { task: "a", as: "alice" } });
    project.clock.advance(MANUAL_LEASE_MS - 1);
    await runOperation(taskProgress, project, { input: { task: "a", currentStep: 1, totalSteps: 4 } });
    project.clock.advance(MANUAL_LEASE_MS - 1);
    const task = await runOperation(taskProgress, project, { input: { task: "a", milestone: "half", currentStep: 2 } });
    expect(task.progress).toMatchObject({ percent: 50, milestones: [{ name: "half" }] });
    expect(await next(project, { claim: true, as: "bob" })).toMatchObject({ task: null });
  });

  test("is refused for a task nobody claimed, and when it says nothing", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    const report = (said: object) => runOperation(taskProgress, project, { input: { task: "a", ...said } });
    await expect(report({ percent: 1 })).rejects.toMatchObject({ code: "wrong-state" });
    await expect(report({})).rejects.toMatchObject({ code: "invalid-input" });
    await expect(report({ percent: Number.NaN })).rejects.toMatchObject({ code: "invalid-input" });
  });
});

describe("task-done", () => {
  test("keeps the evidence with the result and in the log, and completes the session", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await runOperation(taskStart, project, { input: { task: "a" } });
    const input = { task: "a", evidence: "42 tests pass", result: { tests: 42 } };
    const task = await runOperation(taskDone, project, { input });
    expect(task).toMatchObject({ status: "completed", result: { tests: 42, evidence: "42 tests pass" } });
    const { items } = await runOperation(log, project, { input: { task: "a" } });
    expect(items.map((item) => item.summary)).toContain("test completed a: evidence: 42 tests pass");
    const sessions = await runOperation(sessionList, project, { input: {} });
    expect(sessions.items).toMatchObject([{ status: "completed" }]);
    expect(await project.store.execute(listWorkers, null)).toEqual([]);
  });

  test("needs force for a task that waits for others", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await add(project, { key: "b", needs: ["a"] });
    const done = (force: boolean) => runOperation(taskDone, project, { input: { task: "b", force } });
    await expect(done(false)).rejects.toMatchObject({ code: "wrong-state", message: "Task b still waits for a" });
    expect(await done(true)).toMatchObject({ status: "completed" });
  });

  test("names the open parts of a task that gathers others", async () => {
    const project = aProject();
    await add(project, { key: "all", executor: "group" });
    for (const key of ["a", "b"]) await add(project, { key, parent: "all" });
    await runOperation(taskDone, project, { input: { task: "a" } });
    await expect(runOperation(taskDone, project, { input: { task: "all" } })).rejects.toMatchObject({
      code: "wrong-state",
      message: "Task all gathers other tasks and completes when they have; it waits for b",
    });
  });

  test("puts a recurring task to its next occurrence", async () => {
    const project = aProject();
    await add(project, { key: "a", schedule: "every 1h" });
    const task = await runOperation(taskDone, project, { input: { task: "a" } });
    expect(task).toMatchObject({ status: "pending", runAt: "2026-01-20T11:00:00.000Z" });
  });
});

describe("task-fail", () => {
  test("lets a claimed task be tried again while it has retries left", async () => {
    const project = aProject();
    await add(project, { key: "a", retries: 1 });
    const failOnce = async () => {
      await runOperation(taskStart, project, { input: { task: "a" } });
      return await runOperation(taskFail, project, { input: { task: "a", message: "no luck" } });
    };
    expect(await failOnce()).toMatchObject({ status: "pending", retryCount: 1, lastError: { message: "no luck" } });
    expect(await failOnce()).toMatchObject({ status: "failed", lastError: { message: "no luck" } });
  });

  test("is final when told so, and for a task nobody claimed", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await add(project, { key: "b" });
    await runOperation(taskStart, project, { input: { task: "a" } });
    const fail = (task: string, final: boolean) =>
      runOperation(taskFail, project, { input: { task, final, message: "no" } });
    expect(await fail("a", true)).toMatchObject({ status: "failed" });
    expect(await fail("b", false)).toMatchObject({ status: "failed" });
  });
});

describe("task-block, task-cancel and task-retry", () => {
  test("set aside, cancel and bring back", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await runOperation(taskStart, project, { input: { task: "a" } });
    const blocked = await runOperation(taskBlock, project, { input: { task: "a", reason: "needs a decision" } });
    expect(blocked).toMatchObject({ status: "blocked", blockedReason: "interrupted", blockedNote: "needs a decision" });
    expect(await next(project)).toMatchObject({ reason: "a blocked: needs a decision" });
    expect(await runOperation(taskRetry, project, { input: { task: "a" } })).toMatchObject({ status: "pending" });
    expect(await runOperation(taskCancel, project, { input: { task: "a" } })).toMatchObject({ status: "cancelled" });
    expect(await runOperation(taskRetry, project, { input: { task: "a" } })).toMatchObject({ status: "pending" });
  });
});

describe("task-edit", () => {
  test("changes only what is said", async () => {
    const project = aProject();
    await add(project, { key: "a", run: "make", priority: 3 });
    await add(project, { key: "b" });
    const input = {
      task: "a",
      title: "New",
      run: "make all",
      needs: ["b"],
      timeout: "none",
      runAt: "2027-01-01T00:00:00Z",
    };
    expect(await runOperation(taskEdit, project, { input })).toMatchObject({
      title: "New",
      priority: 3,
      input: { run: "make all" },
      status: "blocked",
      timeoutMs: null,
      runAt: "2027-01-01T00:00:00.000Z",
    });
  });

  test.each([
    ["invalid-plan", { needs: ["a"] }],
    ["invalid-input", { run: "make" }],
    ["invalid-input", {}],
    ["invalid-input", { title: " " }],
    ["invalid-input", { runAt: "tomorrow" }],
  ])("refuses with %s: %j", async (code, said) => {
    const project = aProject();
    await add(project, { key: "a" });
    await expect(runOperation(taskEdit, project, { input: { task: "a", ...said } })).rejects.toMatchObject({ code });
  });
});

describe("task-list and task-show", () => {
  test("filter by several statuses, page by page", async () => {
    const project = aProject();
    for (const key of ["a", "b", "c"]) await add(project, { key });
    await runOperation(taskStart, project, { input: { task: "b" } });
    const list = (cursor: string | null) =>
      runOperation(taskList, project, { input: { status: "pending, in_progress", limit: 2, cursor } });
    const page = await list(null);
    expect(page.items.map((task) => task.key)).toEqual(["a", "b"]);
    const rest = await list(page.nextCursor);
    expect(rest).toMatchObject({ items: [{ key: "c" }], nextCursor: null });
    await expect(runOperation(taskList, project, { input: { status: "open" } })).rejects.toMatchObject({
      code: "invalid-input",
    });
  });

  test("show who waits for a task", async () => {
    const project = aProject();
    await add(project, { key: "a" });
    await add(project, { key: "b", needs: ["a"] });
    await runOperation(taskDone, project, { input: { task: "a" } });
    expect(await runOperation(taskShow, project, { input: { task: "a" } })).toMatchObject({
      executions: [{ status: "completed", taskKey: "a" }],
      dependents: [{ key: "b", status: "pending", kind: "needs" }],
      steps: [],
      needs: [],
    });
    expect(await runOperation(taskShow, project, { input: { task: "b" } })).toMatchObject({
      needs: [{ key: "a", status: "completed", kind: "needs" }],
    });
  });
});
