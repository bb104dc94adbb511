import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { DEFAULT_CONFIG } from "../config/config.ts";
import { createCheckpoint } from "../store/commands/checkpoints.ts";
import { asId } from "../domain/ids.ts";
import { anEnvironment } from "../testing/builders.ts";
import { checkpointCreate } from "./checkpoint-create.ts";
import { checkpointDiff } from "./checkpoint-diff.ts";
import { checkpointFork } from "./checkpoint-fork.ts";
import { checkpointList } from "./checkpoint-list.ts";
import { checkpointRestore } from "./checkpoint-restore.ts";
import { checkpointShow } from "./checkpoint-show.ts";
import { log } from "./log.ts";
import type { OperationEvent } from "./operation.ts";
import { runOperation } from "./operation.ts";
import { planSubmit } from "./plan-submit.ts";
import { resume } from "./resume.ts";
import { run } from "./run.ts";
import { sessionCancel } from "./session-cancel.ts";
import { status } from "./status.ts";
import { taskAdd } from "./task-add.ts";
import { taskDone } from "./task-done.ts";
import { taskStart } from "./task-start.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";
import { workerRun } from "./worker-run.ts";

const newPlatform = anEnvironment({ platform: "other-arch" });

async function kinds(project: TestProject): Promise<readonly string[]> {
  const { items } = await runOperation(checkpointList, project, { input: { limit: 100 } });
  return items.map(({ kind, label }) => (kind === "automatic" ? `${kind}: ${label}` : kind));
}

async function withTasks(project: TestProject, ...keys: readonly string[]): Promise<string> {
  for (const key of keys) await runOperation(taskAdd, project, { input: { title: key, key, executor: "manual" } });
  return (await runOperation(status, project, { input: {} })).session.id;
}

async function done(project: TestProject, task: string): Promise<void> {
  await runOperation(taskDone, project, { input: { task } });
}

async function make(project: TestProject, label: string): Promise<string> {
  return (await runOperation(checkpointCreate, project, { input: { label } })).id;
}

function aPlan(project: TestProject, count: number): string {
  const tasks = Array.from({ length: count }, (_, index) => `  - { id: t${index}, executor: work }\n`).join("");
  const path = join(project.projectDir, "plan.yaml");
  writeFileSync(path, `name: Plan\nconcurrency: 1\ntasks:\n${tasks}`);
  return path;
}

describe("checkpoint-create", () => {
  test("gives the checkpoint with the environment it was made in", async () => {
    const project = aProject();
    const sessionId = await withTasks(project, "a");
    const made = await runOperation(checkpointCreate, project, { input: { label: "here" } });
    expect(made).toEqual({
      id: expect.any(String),
      sessionId,
      label: "here",
      kind: "manual",
      seq: expect.any(Number),
      createdAt: "2026-01-20T10:00:00.000Z",
      environment: { ...anEnvironment(), changedFiles: [] },
      workspace: null,
    });
  });

  test("is refused with a label that is empty or too long", async () => {
    const project = aProject();
    await withTasks(project, "a");
    for (const label of [" ", "x".repeat(201)]) {
      await expect(make(project, label)).rejects.toMatchObject({ code: "invalid-input" });
    }
  });
});

describe("checkpoint-show", () => {
  test("tells how much has changed since, here and around", async () => {
    const project = aProject();
    await withTasks(project, "a");
    const id = await make(project, "here");
    await done(project, "a");
    const moved = { ...project, environment: () => Promise.resolve(newPlatform) };
    const shown = await runOperation(checkpointShow, moved, { input: { checkpoint: id.slice(0, 8) } });
    expect(shown).toMatchObject({ id, problem: null, differences: [{ what: "platform", compatible: false }] });
    expect(shown.changesSince).toBeGreaterThan(3);
  });
});

describe("checkpoint-restore", () => {
  test("returns to the checkpoint and says how to undo that", async () => {
    const project = aProject();
    await withTasks(project, "a", "b");
    await make(project, "here");
    await done(project, "a");
    const restored = await runOperation(checkpointRestore, project, { input: { checkpoint: "here" } });
    expect(restored).toMatchObject({ checkpoint: { label: "here" }, undo: { kind: "before_restore" }, notices: [] });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { pending: 2, completed: 0 } });
    await runOperation(checkpointRestore, project, { input: { checkpoint: restored.undo.id } });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { pending: 1, completed: 1 } });
    const { items } = await runOperation(log, project, { input: { limit: 100 } });
    expect(items.filter(({ minor }) => !minor).map(({ summary }) => summary)).toContainEqual(
      expect.stringMatching(/^test returned session \S+ to checkpoint here \([0-9a-f]{8}\)$/),
    );
  });

  test("is refused in an environment that does not fit, with nothing changed, unless forced", async () => {
    const project = aProject();
    await withTasks(project, "a");
    await make(project, "here");
    await done(project, "a");
    const moved = { ...project, environment: () => Promise.resolve(newPlatform) };
    const restore = (force: boolean) =>
      runOperation(checkpointRestore, moved, { input: { checkpoint: "here", force } });
    await expect(restore(false)).rejects.toMatchObject({
      code: "environment-mismatch",
      message: expect.stringContaining("the platform is other-arch; it was linux-x64"),
    });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { completed: 1 } });
    expect((await restore(true)).notices).toEqual([
      "since that checkpoint: the platform is other-arch; it was linux-x64",
    ]);
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { pending: 1 } });
  });

  test("stops what runs at its next step boundary first, and leaves the session paused", async () => {
    const project = aProject();
    const started = Promise.withResolvers<void>();
    const boundary = Promise.withResolvers<void>();
    project.define("work", async (job) => {
      await job.step("first", () => {
        started.resolve();
        return boundary.promise;
      });
      await job.step("second", () => "not reached");
    });
    const running = runOperation(run, project, { input: { path: aPlan(project, 1) } });
    await started.promise;
    await make(project, "here");
    const restoring = runOperation(checkpointRestore, project, { input: { checkpoint: "here" } });
    // The worker hears of it, and goes on to the boundary.
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      project.clock.advance(10);
    }
    boundary.resolve();
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      project.clock.advance(10);
    }
    const restored = await restoring;
    expect(restored).toMatchObject({ cutOff: [], session: { status: "paused" } });
    expect(restored.notices.at(-1)).toContain("is paused");
    expect(await running).toMatchObject({ end: "interrupted" });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { pending: 1, total: 1 } });
  });

  test("cuts off what does not stop in time", async () => {
    const project = aProject();
    const started = Promise.withResolvers<void>();
    const never = Promise.withResolvers<void>();
    project.define("work", async (job) => {
      await job.step("long", () => {
        started.resolve();
        return never.promise;
      });
    });
    const running = runOperation(run, project, { input: { path: aPlan(project, 1) } });
    await started.promise;
    await make(project, "here");
    const restored = await runOperation(checkpointRestore, project, { input: { checkpoint: "here", wait: "0ms" } });
    expect(restored.cutOff).toHaveLength(1);
    expect(restored.notices[0]).toBe("1 running did not stop within 0ms and were cut off");
    never.resolve();
    for (let turn = 0; turn < 200; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      project.clock.advance(100);
    }
    expect(await running).toMatchObject({ end: "interrupted" });
  });

  test("does not wait for a person who holds a task", async () => {
    const project = aProject();
    await withTasks(project, "a");
    await make(project, "here");
    await runOperation(taskStart, project, { input: { task: "a", as: "somebody" } });
    const restored = await runOperation(checkpointRestore, project, { input: { checkpoint: "here" } });
    expect(restored.cutOff).toHaveLength(1);
    await expect(runOperation(taskDone, project, { input: { task: "a", as: "somebody" } })).resolves.toMatchObject({
      status: "completed",
    });
  });

  test("names the effects that would take place again", async () => {
    const sent = aProject();
    sent.define("work", (job) => job.step("send", () => "sent", { effect: "once" }));
    await runOperation(taskAdd, sent, { input: { title: "mail", key: "mail", executor: "work" } });
    await make(sent, "before");
    await runOperation(resume, sent, { input: {} });
    const again = await runOperation(checkpointRestore, sent, { input: { checkpoint: "before" } });
    expect(again.notices).toEqual(["step send of mail took place and would take place again when work goes on"]);
  });
});

describe("checkpoint-fork", () => {
  test("makes a paused session that is resumed by its id", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    await runOperation(run, project, { input: { path: aPlan(project, 2) } });
    const made = await runOperation(checkpointFork, project, { input: { checkpoint: "completed" } });
    expect(made.session).toMatchObject({ name: "Plan (fork)", status: "paused", planFile: null });
    const { end } = await runOperation(resume, project, { input: { session: made.session.id } });
    expect(end).toBe("completed");
    // The plan goes on to belong to the session it came from.
    expect(await runOperation(run, project, { input: { path: aPlan(project, 3) } })).toMatchObject({ isNew: true });
  });
});

describe("checkpoint-diff", () => {
  test("tells in words what differs, up to the present and between two", async () => {
    const project = aProject();
    await withTasks(project, "a", "b");
    await make(project, "first");
    await done(project, "a");
    await make(project, "second");
    await withTasks(project, "c");
    const diff = (from: string, to?: string) => runOperation(checkpointDiff, project, { input: { from, to } });
    expect((await diff("first", "second")).lines).toEqual(["a went from pending to completed"]);
    expect((await diff("second", "first")).lines).toEqual(["a went from completed to pending"]);
    expect(await diff("first")).toMatchObject({
      to: null,
      isSame: false,
      lines: ["a went from pending to completed", "c was added (pending)"],
      tasks: [
        { task: "a", change: "changed", from: "pending", to: "completed" },
        { task: "c", change: "added", from: null, to: "pending" },
      ],
      counts: { lines: 2, tasks: 2 },
    });
    expect(await diff("first", "first")).toMatchObject({ isSame: true, lines: [] });
  });
});

describe("automatic checkpoints", () => {
  const everyTwo = { checkpoint: { everyTasks: 2, everyMs: 60_000 } };

  test("are made every so many tasks of a run, and at its end", async () => {
    const project = aProject(everyTwo);
    // Each task takes longer than checkpoints must lie apart.
    project.define("work", async () => {
      for (let turn = 0; turn < 20; turn += 1) {
        project.clock.advance(5);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await runOperation(run, project, { input: { path: aPlan(project, 6) } });
    expect(await kinds(project)).toEqual([
      "final",
      "automatic: after 2 tasks",
      "automatic: after 2 tasks",
      "automatic: after 2 tasks",
    ]);
  });

  test("are made every so often while a task goes on, and not while nothing happens", async () => {
    const project = aProject({ checkpoint: { everyTasks: 100, everyMs: 60_000 } });
    const quiet = 5;
    project.define("work", async (job) => {
      for (let step = 0; step < 2; step += 1) {
        await job.step(`step ${step}`, () => step);
        for (let turn = 0; turn < quiet; turn += 1) {
          project.clock.advance(20_000);
          for (let wait = 0; wait < 20; wait += 1) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    });
    await runOperation(run, project, { input: { path: aPlan(project, 1) } });
    const made = await kinds(project);
    expect(made[0]).toBe("final");
    expect(made.slice(1)).toEqual(["automatic: after 1m 00s", "automatic: after 1m 00s"]);
  });

  test("are made by a worker for each session it works", async () => {
    const project = aProject({ checkpoint: { everyTasks: 1, everyMs: 60_000 } });
    project.define("work", () => "ok");
    await runOperation(taskAdd, project, { input: { title: "a", key: "a", executor: "work" } });
    const stop = new AbortController();
    const onEvent = (event: OperationEvent): void => {
      if (event.type === "waiting") stop.abort();
    };
    await runOperation(workerRun, project, { input: {}, options: { signal: stop.signal, onEvent } });
    const made = await kinds(project);
    expect(made).toContain("automatic: after 1 tasks");
    expect(made).toContain("final");
  });

  test("are made for what is done by hand, a call each", async () => {
    const project = aProject(everyTwo);
    await withTasks(project, "a", "b", "c", "d", "e");
    await done(project, "a");
    expect(await kinds(project)).toEqual([]);
    await done(project, "b");
    expect(await kinds(project)).toEqual(["automatic: after 2 tasks"]);
    await done(project, "c");
    project.clock.advance(60_000);
    await done(project, "d");
    await done(project, "e");
    expect((await kinds(project)).toSorted()).toEqual([
      "automatic: after 2 tasks",
      "automatic: after 2 tasks",
      "final",
    ]);
  });

  test("keep the end of a cancelled session", async () => {
    const project = aProject();
    const session = await withTasks(project, "a");
    await runOperation(sessionCancel, project, { input: { session } });
    expect(await kinds(project)).toEqual(["final"]);
  });

  test("are those of the configuration's own limits by default", () => {
    expect(DEFAULT_CONFIG.checkpoint).toEqual({ everyTasks: 5, everyMs: 300_000 });
  });
});

describe("going on in another environment", () => {
  async function begun(project: TestProject): Promise<void> {
    project.define("work", () => "ok");
    await runOperation(taskAdd, project, { input: { title: "a", key: "a", executor: "work" } });
    const sessionId = asId<Parameters<typeof createCheckpoint.perform>[1]["sessionId"]>(
      (await runOperation(status, project, { input: {} })).session.id,
    );
    const environment = anEnvironment({ perdureVersion: "99.0.0" });
    const input = { sessionId, label: "elsewhere", kind: "manual", environment, workspace: null } as const;
    await project.store.execute(createCheckpoint, input);
  }

  test("is refused by resume, with nothing changed, unless forced", async () => {
    const project = aProject();
    await begun(project);
    await expect(runOperation(resume, project, { input: {} })).rejects.toMatchObject({
      code: "environment-mismatch",
      message: expect.stringContaining("Perdure is 0.1.0; it was 99.0.0"),
    });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { pending: 1 } });
    const told: string[] = [];
    const onEvent = (event: OperationEvent): void => {
      if (event.type === "notice") told.push(event.message);
    };
    const { end } = await runOperation(resume, project, { input: { force: true }, options: { onEvent } });
    expect([end, told]).toEqual(["completed", ["since the last checkpoint: Perdure is 0.1.0; it was 99.0.0"]]);
  });

  test("is refused by run before the plan is brought up to date", async () => {
    const project = aProject();
    project.define("work", () => Promise.reject(new Error("not yet")));
    const first = { ...project, environment: () => Promise.resolve(anEnvironment({ schemaVersion: 99 })) };
    const input = { path: aPlan(project, 1) };
    writeFileSync(input.path, "name: Plan\ntasks:\n  - { id: a, executor: work, retries: 0 }\n");
    expect(await runOperation(run, first, { input })).toMatchObject({ end: "failed" });
    writeFileSync(input.path, "name: Plan\ntasks:\n  - { id: b, executor: work }\n");
    await expect(runOperation(run, project, { input })).rejects.toMatchObject({ code: "environment-mismatch" });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ counts: { failed: 1, total: 1 } });
    project.define("work", () => "ok");
    expect(await runOperation(run, project, { input: { ...input, force: true } })).toMatchObject({ isNew: false });
  });
});

describe("checkpoint-restore of a session from a Markdown plan", () => {
  test("unticks the boxes of tasks that are open again, leaves the others, and says so", async () => {
    const project = aProject();
    const path = join(project.projectDir, "plan.md");
    writeFileSync(path, "# Plan\n\n- [ ] 1.1 one\n- [ ] 1.2 two\n- [x] 1.3 was done\n\nText [ ] as it is.\n");
    await runOperation(planSubmit, project, { input: { path } });
    await done(project, "1.1");
    const made = await make(project, "one done");
    await done(project, "1.2");
    expect(readFileSync(path, "utf8")).toContain("- [x] 1.1 one\n- [x] 1.2 two\n- [x] 1.3 was done");
    const { notices } = await runOperation(checkpointRestore, project, { input: { checkpoint: made, wait: 0 } });
    expect(readFileSync(path, "utf8")).toBe(
      "# Plan\n\n- [x] 1.1 one\n- [ ] 1.2 two\n- [x] 1.3 was done\n\nText [ ] as it is.\n",
    );
    expect(notices).toEqual(["1 box of plan.md was unticked: its task is open again"]);
  });

  test("says of a plan that is gone that its boxes could not be unticked", async () => {
    const project = aProject();
    const path = join(project.projectDir, "plan.md");
    writeFileSync(path, "# Plan\n\n- [ ] 1.1 one\n");
    await runOperation(planSubmit, project, { input: { path } });
    const made = await make(project, "begun");
    await done(project, "1.1");
    rmSync(path);
    const { notices } = await runOperation(checkpointRestore, project, { input: { checkpoint: made, wait: 0 } });
    expect(notices).toEqual([expect.stringContaining("plan.md could not be changed")]);
  });
});
