import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { dumpTables } from "../testing/table-dump.ts";
import { executionList } from "./execution-list.ts";
import { executionShow } from "./execution-show.ts";
import { interrupt } from "./interrupt.ts";
import { log } from "./log.ts";
import { followChanges } from "./log-follow.ts";
import { runOperation } from "./operation.ts";
import { memorySet } from "./memory-set.ts";
import { planSubmit } from "./plan-submit.ts";
import { resume } from "./resume.ts";
import { run } from "./run.ts";
import { sessionCancel } from "./session-cancel.ts";
import { sessionList } from "./session-list.ts";
import { sessionPause } from "./session-pause.ts";
import { sessionResume } from "./session-resume.ts";
import { sessionShow } from "./session-show.ts";
import { status } from "./status.ts";
import { taskAdd } from "./task-add.ts";
import { taskAnswer } from "./task-answer.ts";
import { taskDone } from "./task-done.ts";
import { taskResolve } from "./task-resolve.ts";
import { taskStart } from "./task-start.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";
import { workerRun } from "./worker-run.ts";

function aPlan(project: TestProject, name: string, text: string): string {
  const path = join(project.projectDir, name);
  mkdirSync(project.projectDir, { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Lets time go on until the run is told to stop. */
async function untilStopped({ clock }: TestProject, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    clock.advance(5);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ONE = "name: One\ntasks:\n  - { id: a, executor: work }\n  - { id: b, executor: work, needs: [a] }\n";

describe("tasks for an executor that nobody here has", () => {
  const TWO =
    "name: Two\ntasks:\n  - { id: a, executor: work }\n  - { id: b, executor: paint }\n  - { id: c, executor: paint }\n";
  const lacking =
    "2 tasks for paint: nobody here has that executor; modules under executors: in perdure.yaml define them";

  async function submitted(): Promise<TestProject> {
    const project = aProject();
    project.define("work", () => "ok");
    const input = { path: aPlan(project, "plan.yaml", TWO), requireExecutors: false };
    await runOperation(planSubmit, project, { input });
    return project;
  }

  test("are told of by resume, which ends blocked", async () => {
    const project = await submitted();
    const notices: string[] = [];
    const { end } = await runOperation(resume, project, {
      input: {},
      options: { onEvent: (event) => event.type === "notice" && notices.push(event.message) },
    });
    expect(end).toBe("blocked");
    expect(notices).toEqual([lacking]);
  });

  test("are told of by a worker, once", async () => {
    const project = await submitted();
    const stop = new AbortController();
    const notices: string[] = [];
    const working = runOperation(workerRun, project, {
      input: {},
      options: {
        signal: stop.signal,
        onEvent(event) {
          if (event.type === "notice") notices.push(event.message);
          if (event.type === "waiting") stop.abort();
        },
      },
    });
    await untilStopped(project, stop.signal);
    await working;
    expect(notices).toEqual([lacking]);
  });
});

describe("counts", () => {
  test("leave groups out, as the percentage does", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    const text = "## One\n- [x] A\n- [ ] B\n";
    await runOperation(planSubmit, project, { input: { path: aPlan(project, "tasks.md", text), executor: "work" } });
    const { counts, progress } = await runOperation(status, project, { input: {} });
    expect(counts).toMatchObject({ completed: 1, total: 2 });
    expect(progress).toMatchObject({ percent: 50, currentStep: 1, totalSteps: 2 });
    const { items } = await runOperation(sessionList, project, { input: {} });
    expect(items[0]?.counts).toMatchObject({ completed: 1, total: 2 });
  });
});

describe("run", () => {
  test("works a plan to its end and says so", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    const events: string[] = [];
    const done = await runOperation(run, project, {
      input: { path: aPlan(project, "plan.yaml", ONE) },
      options: { onEvent: (event) => events.push(event.type) },
    });
    expect(done).toMatchObject({ end: "completed", isNew: true, session: { status: "completed" } });
    expect(events[0]).toBe("session_opened");
    expect(events.filter((type) => type === "task_ended")).toHaveLength(2);
  });

  test("ends blocked when only a person can go on, and is completed by what they do", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    const plan = "name: P\ntasks:\n  - { id: m, manual: Look }\n  - { id: b, executor: work, needs: [m] }\n";
    const path = aPlan(project, "plan.yaml", plan);
    expect(await runOperation(run, project, { input: { path } })).toMatchObject({ end: "blocked" });
    await runOperation(taskDone, project, { input: { task: "m" } });
    expect(await runOperation(run, project, { input: { path } })).toMatchObject({ end: "completed", isNew: false });
  });

  test("does not wait for an agent that holds a manual task", async () => {
    const project = aProject();
    const path = aPlan(project, "plan.yaml", "name: P\ntasks:\n  - { id: m, manual: Look }\n");
    await runOperation(run, project, { input: { path } });
    await runOperation(taskStart, project, { input: { task: "m" } });
    expect(await runOperation(run, project, { input: { path } })).toMatchObject({ end: "blocked" });
  });

  test("ends interrupted at once although an agent holds a manual task of the paused session", async () => {
    const project = aProject();
    const path = aPlan(project, "plan.yaml", "name: P\ntasks:\n  - { id: m, manual: Look }\n");
    await runOperation(run, project, { input: { path } });
    await runOperation(taskStart, project, { input: { task: "m" } });
    const stop = new AbortController();
    const running = runOperation(resume, project, { input: { wait: true }, options: { signal: stop.signal } });
    stop.abort();
    expect(await running).toMatchObject({ end: "interrupted" });
  });

  test("ends failed when nothing more can run, although a recurring task is left", async () => {
    const project = aProject();
    project.define("work", () => {
      throw new Error("broken");
    });
    project.define("tick", () => null);
    const plan = `name: P\ntasks:\n  - { id: a, executor: work, retries: 0 }\n  - { id: r, executor: tick, schedule: { every: 1h } }\n`;
    const done = await runOperation(run, project, { input: { path: aPlan(project, "plan.yaml", plan) } });
    expect(done).toMatchObject({ end: "failed", status: { failed: [{ key: "a", error: "broken" }] } });
  });

  test("makes no second session of a plan in which everything is ticked", async () => {
    const project = aProject();
    const path = aPlan(project, "tasks.md", "# P\n\n- [x] 1.1 One\n- [x] 1.2 Two\n");
    const first = await runOperation(run, project, { input: { path } });
    const second = await runOperation(run, project, { input: { path } });
    expect(first).toMatchObject({ end: "completed", isNew: true });
    expect(second).toMatchObject({ end: "completed", isNew: false, session: { id: first.session.id } });
  });

  test("continues at the step it had reached after an interrupt", async () => {
    const project = aProject();
    const ran: string[] = [];
    const stop = new AbortController();
    let isFirst = true;
    project.define("work", async (task) => {
      await task.step("one", () => ran.push("one"));
      stop.abort();
      if (isFirst) await untilStopped(project, task.signal);
      await task.step("two", () => ran.push("two"));
      return "ok";
    });
    const path = aPlan(project, "plan.yaml", "name: P\ntasks:\n  - { id: a, executor: work }\n");
    const first = await runOperation(run, project, { input: { path }, options: { signal: stop.signal } });
    expect(first).toMatchObject({ end: "interrupted", session: { status: "paused" } });
    expect(ran).toEqual(["one"]);
    isFirst = false;
    const then = await runOperation(resume, project, { input: {} });
    expect(then).toMatchObject({ end: "completed", continued: 1 });
    expect(ran).toEqual(["one", "two"]);
  });
});

describe("a paused session", () => {
  test("is resumed without working it, and worked by a worker", async () => {
    const project = aProject();
    project.define("work", () => "ok");
    await runOperation(taskAdd, project, { input: { title: "t", key: "t", executor: "work" } });
    expect(await runOperation(sessionPause, project, { input: {} })).toMatchObject({ session: { status: "paused" } });
    expect(await runOperation(sessionPause, project, { input: {} })).toMatchObject({ session: { status: "paused" } });
    await expect(runOperation(taskStart, project, { input: { task: "t" } })).rejects.toMatchObject({
      code: "wrong-state",
    });
    expect(await runOperation(sessionResume, project, { input: {} })).toMatchObject({ session: { status: "active" } });
    const stop = new AbortController();
    const worked = await runOperation(workerRun, project, {
      input: {},
      options: {
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === "waiting") stop.abort();
        },
      },
    });
    expect(worked).toMatchObject({ outcomes: { completed: 1 } });
    expect(await runOperation(status, project, { input: {} })).toMatchObject({ session: { status: "completed" } });
  });

  test("is cancelled with what is left in it", async () => {
    const project = aProject();
    for (const key of ["a", "b"]) await runOperation(taskAdd, project, { input: { title: key, key } });
    await runOperation(taskDone, project, { input: { task: "a" } });
    expect(await runOperation(sessionCancel, project, { input: { session: "tasks" } })).toMatchObject({
      session: { status: "cancelled" },
      cancelled: 1,
    });
    await expect(runOperation(sessionPause, project, { input: {} })).rejects.toMatchObject({ code: "wrong-state" });
  });
});

describe("worker-run", () => {
  test("refuses an executor it does not have", async () => {
    const project = aProject();
    const started = runOperation(workerRun, project, { input: { executors: ["nobody"] } });
    await expect(started).rejects.toMatchObject({ code: "invalid-input" });
  });
});

describe("task-answer", () => {
  test("answers each question once", async () => {
    const project = aProject();
    project.define("ask", (task) => task.approval("Publish?"));
    await runOperation(taskAdd, project, { input: { title: "t", key: "t", executor: "ask" } });
    const waiting = await runOperation(resume, project, { input: {} });
    expect(waiting).toMatchObject({
      end: "blocked",
      status: { blocked: [{ reason: "waiting", note: "Publish?", runAt: null }] },
    });
    const answer = () => runOperation(taskAnswer, project, { input: { task: "t", approved: true, as: "eve" } });
    expect(await answer()).toMatchObject({ status: "pending" });
    await expect(answer()).rejects.toMatchObject({ code: "wrong-state" });
    expect(await runOperation(resume, project, { input: {} })).toMatchObject({ end: "completed" });
    const { items } = await runOperation(executionList, project, { input: { task: "t" } });
    expect(items).toMatchObject([{ result: { approved: true, by: "eve" } }]);
    const shown = await runOperation(executionShow, project, { input: { execution: items[0]?.id.slice(0, 8) } });
    expect(shown.steps).toMatchObject([{ kind: "approval", waitsFor: "Publish?", status: "completed" }]);
  });
});

describe("task-resolve", () => {
  test("is refused where no outcome is unknown", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "t", key: "t" } });
    const resolve = runOperation(taskResolve, project, { input: { task: "t", decision: "done" } });
    await expect(resolve).rejects.toMatchObject({ code: "wrong-state" });
  });
});

describe("interrupt", () => {
  test("pauses the session and ends work in it", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "t", key: "t" } });
    expect(await runOperation(interrupt, project, { input: {} })).toMatchObject({
      executions: [],
      session: { status: "paused" },
    });
    await expect(runOperation(interrupt, project, { input: { target: "nobody" } })).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("log", () => {
  test("pages from a change on and follows what comes after", async () => {
    const project = aProject();
    const followed: number[] = [];
    const stop = new AbortController();
    await runOperation(taskAdd, project, { input: { title: "t", key: "t" } });
    const any = { sessionId: null, taskId: null, kind: null };
    const following = followChanges(project, { ...any, after: 0 }, ({ seq }) => followed.push(seq), stop.signal);
    await runOperation(taskDone, project, { input: { task: "t" } });
    const seqs: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof log.run>> = await runOperation(log, project, {
        input: { after: 0, limit: 2, cursor },
      });
      seqs.push(...page.items.map((change) => change.seq));
      cursor = page.nextCursor;
    } while (cursor !== null);
    while (followed.length < seqs.length) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await following;
    expect(followed).toEqual(seqs);
    const newest = await runOperation(log, project, { input: { limit: 1 } });
    expect(newest.items[0]?.seq).toBe(seqs.at(-1));
  });
});

describe("status", () => {
  test("shows a session whose metadata is large", async () => {
    const project = aProject();
    const { createSession } = await import("../store/commands/sessions.ts");
    await project.store.execute(createSession, {
      name: "big",
      goal: null,
      planFile: null,
      planFingerprint: null,
      concurrency: null,
      maxUnfinished: 10,
      metadata: { text: "x".repeat(100_000) },
      status: "active",
    });
    expect(await runOperation(sessionShow, project, { input: { session: "big" } })).toMatchObject({ name: "big" });
  });
});

describe("ticking", () => {
  test("ticks boxes of tasks done by hand, and leaves a file alone that has none of them", async () => {
    const project = aProject();
    const path = aPlan(project, "tasks.md", "# P\n\n- [ ] 1.1 One\n- [ ] 1.2 Two\n");
    await runOperation(run, project, { input: { path } });
    await runOperation(taskDone, project, { input: { task: "1.1" } });
    expect(readFileSync(path, "utf8")).toBe("# P\n\n- [x] 1.1 One\n- [ ] 1.2 Two\n");
    writeFileSync(path, "# Another\n");
    await runOperation(taskDone, project, { input: { task: "1.2" } });
    expect(readFileSync(path, "utf8")).toBe("# Another\n");
  });
});

test("run removes working memory that has expired, in whichever session", async () => {
  const project = aProject();
  project.define("work", () => "ok");
  await runOperation(memorySet, project, { input: { key: "short", value: 1, ttl: 1_000 } });
  await runOperation(memorySet, project, { input: { key: "long", value: 1 } });
  project.clock.advance(2_000);
  await runOperation(run, project, { input: { path: aPlan(project, "plan.yaml", ONE) } });
  expect((await dumpTables(project.store)).memory?.map(({ key }) => key)).toEqual(["long"]);
});
