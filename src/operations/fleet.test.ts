import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { DEFAULT_CONFIG } from "../config/config.ts";
import { listLimitRules } from "../store/commands/limit-rules.ts";
import { claimTasks } from "../store/commands/claims.ts";
import { registerWorker, removeWorker } from "../store/commands/workers.ts";
import { aWorker } from "../testing/builders.ts";
import { asId } from "../domain/ids.ts";
import type { WorkerId } from "../domain/ids.ts";
import type { OperationEvent } from "./operation.ts";
import { runOperation } from "./operation.ts";
import { planSubmit } from "./plan-submit.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";
import { taskAdd } from "./task-add.ts";
import { taskEdit } from "./task-edit.ts";
import { taskNext } from "./task-next.ts";
import { taskShow } from "./task-show.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

function aPlan(project: TestProject, text: string): string {
  mkdirSync(project.projectDir, { recursive: true });
  const path = join(project.projectDir, "plan.yaml");
  writeFileSync(path, text);
  return path;
}

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise((resolve) => setImmediate(resolve));
}

async function turns(): Promise<void> {
  for (let at = 0; at < 50; at++) await new Promise((resolve) => setImmediate(resolve));
}

describe("run", () => {
  test("ends blocked and says so when what is left needs a label that is not offered here", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    const path = aPlan(
      project,
      "tasks:\n  - { id: a, executor: work }\n  - { id: b, executor: work, labels: [gpu] }\n",
    );
    const events: OperationEvent[] = [];
    const options = { onEvent: (event: OperationEvent) => events.push(event) };
    const worked = await runOperation(run, project, { input: { path }, options });
    expect(worked).toMatchObject({ end: "blocked", status: { counts: { completed: 1, pending: 1 } } });
    expect(worked.status.next).toMatchObject([
      {
        key: "b",
        heldBack: {
          reason: "no_worker",
          message: "no worker with label gpu is running; start one with `perdure worker --labels gpu`",
        },
      },
    ]);
    expect(events.filter(({ type }) => type === "notice")).toEqual([
      {
        type: "notice",
        message:
          "1 task for a worker with label gpu: this one does not have them all; `perdure worker --labels …` offers them",
      },
    ]);
    const again = await runOperation(run, project, { input: { path, labels: ["gpu"] } });
    expect(again).toMatchObject({ end: "completed", isNew: false });
  });

  test("waits for a rate and goes on to the end", async () => {
    const project = aProject();
    const ranAt: number[] = [];
    const startedAt = project.clock.now();
    project.define("work", () => ranAt.push(project.clock.now() - startedAt));
    const path = aPlan(
      project,
      "defaults: { limit: { key: api, rate: 2/10s } }\ntasks: [{ id: a, executor: work }, { id: b, executor: work }, { id: c, executor: work }]\n",
    );
    const events: OperationEvent[] = [];
    const running = runOperation(run, project, {
      input: { path },
      options: { onEvent: (event) => events.push(event) },
    });
    await until(() => events.some(({ type }) => type === "waiting"));
    project.clock.advance(9_999);
    await turns();
    expect(ranAt).toHaveLength(2);
    project.clock.advance(1);
    expect(await running).toMatchObject({ end: "completed" });
    expect(ranAt).toEqual([0, 0, 10_000]);
    expect(events.filter(({ type }) => type === "waiting")).toMatchObject([
      {
        message: "1 waits for the next start under key api (2/10s)",
        until: new Date(startedAt + 10_000).toISOString(),
      },
    ]);
  });

  test("makes the limits of its configuration those of the store, and says nothing where it has none", async () => {
    const tasks = [{ subject: "executor", pattern: "work", concurrency: 1, rate: null }] as const;
    const project = aProject({ limits: { ...DEFAULT_CONFIG.limits, tasks } });
    let running = 0;
    let most = 0;
    project.define("work", async (execution) => {
      await execution.step("s", async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      });
    });
    const path = aPlan(
      project,
      "tasks: [{ id: a, executor: work }, { id: b, executor: work }, { id: c, executor: work }]\n",
    );
    expect(await runOperation(run, project, { input: { path, concurrency: 3 } })).toMatchObject({ end: "completed" });
    expect(most).toBe(1);
    expect(await project.store.execute(listLimitRules, null)).toEqual(tasks);
  });
});

describe("a task under a limit", () => {
  test("is added and changed with it, and tells what it waits for", async () => {
    const project = aProject();
    const limit = { key: "customer-42", concurrency: 1 };
    await runOperation(taskAdd, project, { input: { title: "A", key: "a", run: "true", limit: "customer-42" } });
    const added = await runOperation(taskAdd, project, {
      input: { title: "B", key: "b", run: "true", limit: { ...limit, rate: "5/1m" }, labels: ["linux", "gpu"] },
    });
    expect(added).toMatchObject({
      labels: ["gpu", "linux"],
      limit: { key: "customer-42", concurrency: 1, rate: "5/1m" },
    });
    const edited = await runOperation(taskEdit, project, { input: { task: "b", labels: [], limit: "customer-42" } });
    expect(edited).toMatchObject({ labels: [], limit: { key: "customer-42", concurrency: 1, rate: null } });

    await project.store.execute(registerWorker, aWorker("w1"));
    const claim = { workerId: asId<WorkerId>("w1"), executors: ["command"], sessionId: null, limit: 5 };
    expect((await project.store.execute(claimTasks, claim)).claimed).toHaveLength(1);
    const heldBack = {
      reason: "limit",
      limit: "key:customer-42",
      until: null,
      message: "waits for a place under key customer-42 (1 of 1 running)",
    };
    expect(await runOperation(taskShow, project, { input: { task: "b" } })).toMatchObject({ heldBack });
    expect((await runOperation(status, project, { input: {} })).next).toMatchObject([{ key: "b", heldBack }]);
    expect(await runOperation(taskNext, project, { input: { any: true } })).toMatchObject({
      task: null,
      reason:
        "1 task is ready for command workers; 1 waits for a place under key customer-42 (1 of 1 running); 1 in progress",
    });
    await project.store.execute(removeWorker, { workerId: asId<WorkerId>("w1") });
    expect(await runOperation(taskShow, project, { input: { task: "b" } })).toMatchObject({ heldBack: null });
  });

  test.each([
    [{ labels: ["a b"] }, "is no label"],
    [{ limit: { key: "k", rate: "often" } }, 'The limit of task a has the rate "often"'],
    [{ limit: { key: "k", concurrency: 0 } }, "concurrency"],
    [{ limit: { key: "" } }, "key"],
  ])("is refused with %j", async (wrong, message) => {
    const input = { title: "A", key: "a", run: "true", ...wrong };
    await expect(runOperation(taskAdd, aProject(), { input })).rejects.toThrow(message);
  });

  test("that needs a label is for whoever offers it", async () => {
    const project = aProject();
    await runOperation(planSubmit, project, {
      input: { path: aPlan(project, "tasks: [{ id: review, manual: Look, labels: [security] }]\n") },
    });
    expect(await runOperation(taskNext, project, { input: {} })).toMatchObject({
      task: null,
      reason: "1 task is ready for manual workers with label security",
    });
    const input = { claim: true, labels: ["security"] };
    expect(await runOperation(taskNext, project, { input })).toMatchObject({ task: { key: "review" } });
  });
});
