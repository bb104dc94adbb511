/** Steps, signals, waits and children: what an execution records and what it waits for. */

import { describe, expect, it } from "vitest";

import type { StepKind } from "../../domain/step.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Claimed } from "../../store/commands/claims.ts";
import { blockOnUnknownOutcome, interruptExecution, suspendExecution } from "../../store/commands/executions.ts";
import { resumeSession } from "../../store/commands/sessions.ts";
import { sendSignal } from "../../store/commands/signals.ts";
import type { StepIdentity, StepOutcome, WaitResult } from "../../store/commands/steps.ts";
import {
  awaitSignal,
  findChildOutcomes,
  listSteps,
  recordStep,
  resolveUnknownSteps,
  startChildren,
} from "../../store/commands/steps.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import { cancelTask, requestInterrupt, retryTask } from "../../store/commands/task-actions.ts";
import { aTask } from "../builders.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused, holdOf, titlesOf } from "./bench.ts";

const NO_LIMIT: StepKind = { type: "signal", signal: "go", expiresAt: null };

function aStep(claimed: Claimed, position: number, sketch: Partial<StepIdentity> = {}): StepIdentity {
  const base = { name: `s${position}`, kind: { type: "run" }, effect: "repeatable", isConcurrent: false } as const;
  return { hold: holdOf(claimed), position, ...base, ...sketch };
}

function record(bench: Bench, step: StepIdentity, outcome: StepOutcome): Promise<void> {
  return bench.store.execute(recordStep, { step, outcome, startedAt: bench.clock.now() });
}

function suspend(bench: Bench, claimed: Claimed, ...waits: readonly StepKind[]): Promise<void> {
  return bench.store.execute(suspendExecution, { hold: holdOf(claimed), waits });
}

async function send(bench: Bench, key: string, payload: unknown, name = "go"): Promise<void> {
  await bench.store.execute(sendSignal, { taskId: await bench.id(key), name, payload });
}

function take(bench: Bench, claimed: Claimed, position = 0, isExpired = false): Promise<WaitResult> {
  const step = aStep(claimed, position, { kind: NO_LIMIT });
  return bench.store.execute(awaitSignal, { step, signal: "go", isExpired, startedAt: bench.clock.now() });
}

async function begun(bench: Bench, key = "a"): Promise<Claimed> {
  await bench.create({ ref: key });
  return bench.start(key);
}

/** Starts children of a running task and suspends it until they have ended. */
async function withChildren(bench: Bench, parent: Claimed, ...refs: readonly string[]): Promise<StepKind> {
  const { kind: _kind, ...step } = aStep(parent, 0);
  const tasks = refs.map((ref) => aTask({ ref }));
  const taskIds = await bench.store.execute(startChildren, { step, tasks, startedAt: bench.clock.now() });
  return { type: "children", taskIds };
}

export function journalSuite(suite: Suite): void {
  describe("recordStep", () => {
    it("keeps steps in order, with results of any size", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const large = { text: "ü".repeat(LIMITS.inlineBytes) };
      await record(bench, aStep(a, 1), { status: "completed", result: large });
      await record(bench, aStep(a, 0), { status: "started" });
      await record(bench, aStep(a, 0), { status: "completed", result: undefined });
      const steps = await bench.store.execute(listSteps, { executionId: a.execution.id });
      expect(steps).toMatchObject([
        { position: 0, name: "s0", status: "completed", result: null },
        { position: 1, name: "s1", status: "completed", result: large },
      ]);
    });

    it("never overwrites a completed step (INV-2)", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await record(bench, aStep(a, 0), { status: "completed", result: 1 });
      for (const outcome of [{ status: "started" }, { status: "completed", result: 2 }] as const) {
        await expectRefused(bench, "wrong-state", () => record(bench, aStep(a, 0), outcome));
      }
    });

    it("lets a failed step be tried again", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await record(bench, aStep(a, 0), { status: "failed", error: { code: "boom", message: "no" } });
      await record(bench, aStep(a, 0), { status: "completed", result: 7 });
      const [step] = await bench.store.execute(listSteps, { executionId: a.execution.id });
      expect(step).toMatchObject({ status: "completed", result: 7, error: null });
    });

    it("refuses a step beyond the limit", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const step = aStep(a, LIMITS.stepsPerExecution);
      await expectRefused(bench, "limit-reached", () => record(bench, step, { status: "started" }));
    });
  });

  describe("a signal", () => {
    it("sent before the task asks is taken exactly once", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await send(bench, "a", "first");
      await send(bench, "a", "second");
      expect(await take(bench, a, 0)).toEqual({ kind: "over", result: "first" });
      expect(await take(bench, a, 1)).toEqual({ kind: "over", result: "second" });
      expect(await take(bench, a, 2)).toEqual({ kind: "waiting" });
    });

    it("wakes a task that waits, and is taken exactly once", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      expect(await take(bench, a)).toEqual({ kind: "waiting" });
      await suspend(bench, a, NO_LIMIT);
      expect(await bench.task("a")).toMatchObject({
        status: "blocked",
        blockedReason: "waiting",
        blockedNote: "signal go",
      });
      expect(await bench.claim()).toEqual([]);
      await send(bench, "a", { answer: 42 });
      const [again] = await bench.claim();
      if (again === undefined) throw new Error("the task was not woken");
      expect(await take(bench, again)).toEqual({ kind: "over", result: { answer: 42 } });
      expect(await take(bench, again, 1)).toEqual({ kind: "waiting" });
    });

    it("that comes between the decision to wait and the wait is not missed", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await take(bench, a);
      await send(bench, "a", 1);
      await suspend(bench, a, NO_LIMIT);
      expect(await bench.states("a")).toEqual(["pending"]);
      expect(await bench.claim()).toHaveLength(1);
    });

    suite.itWithSecond("sent while the task goes to sleep on another connection always wakes it", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      for (let round = 0; round < 20; round++) {
        const key = `t${round}`;
        const held = await begun(bench, key);
        await take(bench, held);
        await Promise.all([suspend(bench, held, NO_LIMIT), send(second, key, round)]);
        const again = await bench.start(key);
        expect(await take(bench, again)).toEqual({ kind: "over", result: round });
      }
    });

    it("that does not come in time completes the wait with null", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await take(bench, a);
      await suspend(bench, a, { type: "signal", signal: "go", expiresAt: bench.clock.now() + 1_000 });
      bench.clock.advance(999);
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(1);
      const [again] = await bench.claim();
      if (again === undefined) throw new Error("the wait did not end");
      expect(await take(bench, again, 0, true)).toEqual({ kind: "over", result: null });
    });

    it("may be large", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const payload = "x".repeat(LIMITS.inlineBytes * 2);
      await send(bench, "a", payload);
      expect(await take(bench, a)).toEqual({ kind: "over", result: payload });
    });

    it("is refused for a task that has ended, and beyond the limit of those not taken yet", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      await bench.finish("a");
      await expectRefused(bench, "wrong-state", () => send(bench, "a", null));
      for (let count = 0; count < LIMITS.signalsPerTask; count++) await send(bench, "b", count);
      await expectRefused(bench, "limit-reached", () => send(bench, "b", null));
    });
  });

  describe("a suspended execution", () => {
    it("sleeps until it is time, and goes on as the same attempt", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await suspend(bench, a, { type: "sleep", wakeAt: bench.clock.now() + 1_000 });
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(1_000);
      const [again] = await bench.claim();
      expect(again).toMatchObject({ isResumed: true, execution: { id: a.execution.id, attempt: 1, retryCount: 0 } });
    });

    it("goes on when all its children have ended, however they did", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const wait = await withChildren(bench, a, "c1", "c2");
      await suspend(bench, a, wait);
      await bench.finish("c1");
      expect(await bench.states("a")).toEqual(["blocked: dependencies"]);
      await bench.fail(await bench.start("c2"));
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
      const taskIds = wait.type === "children" ? wait.taskIds : [];
      const outcomes = await bench.store.execute(findChildOutcomes, { taskIds });
      expect(outcomes).toMatchObject([{ status: "completed" }, { status: "failed", error: { message: "It broke" } }]);
    });

    it("does not wait for children that have ended already", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const wait = await withChildren(bench, a, "c1");
      await bench.finish("c1");
      await suspend(bench, a, wait);
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
    });

    it("goes on at whichever comes first: its children, or the time", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const b = await begun(bench, "b");
      const sleep: StepKind = { type: "sleep", wakeAt: bench.clock.now() + 1_000 };
      await suspend(bench, a, await withChildren(bench, a, "c1"), sleep);
      await suspend(bench, b, await withChildren(bench, b, "c2"), sleep);
      await bench.finish("c1");
      expect(await bench.states("a", "b")).toEqual(["pending", "blocked: waiting"]);
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
      bench.clock.advance(1_000);
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["c2", "b"]);
    });

    it("goes on at whichever comes first: its children, or a signal", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const b = await begun(bench, "b");
      await suspend(bench, a, await withChildren(bench, a, "c1"), NO_LIMIT);
      await suspend(bench, b, await withChildren(bench, b, "c2"), NO_LIMIT);
      await bench.finish("c1");
      await send(bench, "b", 1);
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["a", "b", "c2"]);
    });

    it("waits again for a child that failed and is retried before the others are done", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await suspend(bench, a, await withChildren(bench, a, "c1", "c2"));
      await bench.fail(await bench.start("c1"));
      await bench.store.execute(retryTask, { taskId: await bench.id("c1") });
      await bench.finish("c2");
      expect(await bench.states("a")).toEqual(["blocked: dependencies"]);
      await bench.finish("c1");
      expect(await bench.states("a")).toEqual(["pending"]);
    });

    it("creates its children once, however often it asks", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const first = await withChildren(bench, a, "c1", "c2");
      const second = await withChildren(bench, a, "c1", "c2");
      expect(second).toEqual(first);
    });

    it("can be interrupted, keeps out of claims, and asks again for what it waited for when resumed", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await suspend(bench, a, await withChildren(bench, a, "c1"), NO_LIMIT);
      await bench.store.execute(requestInterrupt, { executionId: a.execution.id });
      await bench.finish("c1");
      expect(await bench.states("a")).toEqual(["blocked: interrupted"]);
      expect(await bench.claim()).toEqual([]);
      await bench.store.execute(resumeSession, { sessionId: bench.session.id, retryFailed: false });
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
    });

    it("is interrupted instead of suspended when that was asked for meanwhile", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const b = await begun(bench, "b");
      for (const { execution } of [a, b]) await bench.store.execute(requestInterrupt, { executionId: execution.id });
      await suspend(bench, a, { type: "sleep", wakeAt: bench.clock.now() + 1 });
      await bench.fail(b, bench.clock.now() + 1);
      bench.clock.advance(10);
      expect(await bench.states("a", "b")).toEqual(["blocked: interrupted", "blocked: interrupted"]);
      expect(await bench.claim()).toEqual([]);
    });
  });

  describe("requestInterrupt", () => {
    it("marks what runs and is over when the worker stops at a step", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      expect(await bench.store.execute(requestInterrupt, { sessionId: bench.session.id })).toEqual([a.execution.id]);
      await bench.store.execute(interruptExecution, { hold: holdOf(a) });
      expect(await bench.states("a")).toEqual(["blocked: interrupted"]);
      await bench.store.execute(resumeSession, { sessionId: bench.session.id, retryFailed: false });
      const [again] = await bench.claim();
      expect(again).toMatchObject({ isResumed: true, execution: { attempt: 1, isInterruptRequested: false } });
    });

    it("is refused for an execution that has ended", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await bench.complete(a);
      const request = { executionId: a.execution.id };
      await expectRefused(bench, "wrong-state", () => bench.store.execute(requestInterrupt, request));
    });

    it("leaves a task alone that waits for someone to say what became of a step", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await unknownStep(bench, a);
      const request = { executionId: a.execution.id };
      await expectRefused(bench, "wrong-state", () => bench.store.execute(requestInterrupt, request));
    });
  });

  describe("a step with an unknown outcome", () => {
    it("blocks its task until someone decides; done gives it a result", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await unknownStep(bench, a);
      expect(await bench.states("a")).toEqual(["blocked: unknown_outcome"]);
      await expectRefused(bench, "wrong-state", async () =>
        bench.store.execute(retryTask, { taskId: await bench.id("a") }),
      );
      expect(await resolve(bench, "done", "receipt 7")).toEqual(["s0"]);
      expect(await bench.claim()).toMatchObject([{ execution: { id: a.execution.id, attempt: 2 } }]);
      expect(await steps(bench, a)).toMatchObject([{ status: "completed", result: "receipt 7" }]);
    });

    it("skip completes it without one, and retry lets it be started again", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const b = await begun(bench, "b");
      await unknownStep(bench, a);
      await resolve(bench, "skip", "ignored");
      expect(await steps(bench, a)).toMatchObject([{ status: "completed", result: null }]);
      await unknownStep(bench, b);
      await resolve(bench, "retry", null, "b");
      expect(await steps(bench, b)).toMatchObject([{ status: "failed" }]);
      await expectRefused(bench, "wrong-state", () => resolve(bench, "retry", null, "b"));
    });

    it("is not forgotten when the task's dependencies are changed meanwhile", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await bench.create({ ref: "x" });
      await unknownStep(bench, a);
      await bench.store.execute(editTask, { taskId: a.task.id, edit: { needs: ["x"] } });
      await bench.finish("x");
      expect(await bench.states("a")).toEqual(["blocked: unknown_outcome"]);
    });
  });

  describe("cancelTask", () => {
    it("cancels everything unfinished below, running or not, and tells those who wait", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "g", executor: "group" },
        { ref: "sub", parent: "g", executor: "group" },
        { ref: "run", parent: "sub" },
        { ref: "wait", parent: "sub", needs: ["run"] },
        { ref: "done", parent: "g", status: "completed" },
        { ref: "after", needs: ["g"] },
        { ref: "anyway", needs: ["g"], onDependencyFailure: "run" },
      );
      const running = await bench.start("run");
      const count = await bench.store.execute(cancelTask, { taskId: await bench.id("g"), note: "enough" });
      expect(count).toBe(4);
      expect(await bench.states("g", "sub", "run", "wait", "done")).toEqual([
        ...Array.from({ length: 4 }, () => "cancelled"),
        "completed",
      ]);
      expect(await bench.states("after", "anyway")).toEqual(["blocked: dependency_failed", "pending"]);
      await expectRefused(bench, "lease-lost", () => bench.complete(running));
    });

    it("is refused for a task that is cancelled or completed", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      await bench.finish("a");
      await bench.store.execute(cancelTask, { taskId: await bench.id("b"), note: null });
      for (const key of ["a", "b"]) {
        const taskId = await bench.id(key);
        await expectRefused(bench, "wrong-state", () => bench.store.execute(cancelTask, { taskId, note: null }));
      }
    });

    it("ends a suspended execution for good", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      await suspend(bench, a, NO_LIMIT);
      await bench.store.execute(cancelTask, { taskId: a.task.id, note: null });
      const request = { executionId: a.execution.id };
      await expectRefused(bench, "wrong-state", () => bench.store.execute(requestInterrupt, request));
      await expectRefused(bench, "wrong-state", () => send(bench, "a", 1));
    });
  });
}

async function unknownStep(bench: Bench, claimed: Claimed): Promise<void> {
  await record(bench, aStep(claimed, 0, { effect: "once" }), { status: "started" });
  await bench.store.execute(blockOnUnknownOutcome, { hold: holdOf(claimed), position: 0 });
}

async function resolve(
  bench: Bench,
  decision: "done" | "retry" | "skip",
  result: string | null,
  key = "a",
): Promise<readonly string[]> {
  return bench.store.execute(resolveUnknownSteps, { taskId: await bench.id(key), decision, result });
}

function steps(bench: Bench, claimed: Claimed): Promise<unknown> {
  return bench.store.execute(listSteps, { executionId: claimed.execution.id });
}
