/** Steps and signals: what an execution records, and what it takes exactly once. */

import { describe, expect, it } from "vitest";

import { LIMITS } from "../../domain/limits.ts";
import type { Claimed } from "../../store/commands/claim-row.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import { listSteps, resolveUnknownSteps } from "../../store/commands/steps.ts";
import { retryTask } from "../../store/commands/task-actions.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { aStep, begun, NO_LIMIT, record, send, suspend, take, unknownStep } from "./running-task.ts";

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
      expect(await journalOf(bench, a)).toMatchObject([{ status: "completed", result: "receipt 7" }]);
    });

    it("skip completes it without one, and retry lets it be started again", async () => {
      const bench = await suite.open();
      const a = await begun(bench);
      const b = await begun(bench, "b");
      await unknownStep(bench, a);
      await resolve(bench, "skip", "ignored");
      expect(await journalOf(bench, a)).toMatchObject([{ status: "completed", result: null }]);
      await unknownStep(bench, b);
      await resolve(bench, "retry", null, "b");
      expect(await journalOf(bench, b)).toMatchObject([{ status: "failed" }]);
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
}

async function resolve(
  bench: Bench,
  decision: "done" | "retry" | "skip",
  result: string | null,
  key = "a",
): Promise<readonly string[]> {
  return bench.store.execute(resolveUnknownSteps, { taskId: await bench.id(key), decision, result });
}

function journalOf(bench: Bench, claimed: Claimed): Promise<unknown> {
  return bench.store.execute(listSteps, { executionId: claimed.execution.id });
}
