/** Waits: what a suspended execution goes on at, how it is interrupted, and what a cancellation ends. */

import { describe, expect, it } from "vitest";

import type { StepKind } from "../../domain/step.ts";
import { interruptExecution } from "../../store/commands/executions.ts";
import { resumeSession } from "../../store/commands/sessions.ts";
import { findChildOutcomes } from "../../store/commands/steps.ts";
import { cancelTask, requestInterrupt, retryTask } from "../../store/commands/task-actions.ts";
import type { Suite } from "./bench.ts";
import { expectRefused, holdOf, titlesOf } from "./bench.ts";
import { begun, NO_LIMIT, send, suspend, unknownStep, withChildren } from "./running-task.ts";

export function waitsSuite(suite: Suite): void {
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
