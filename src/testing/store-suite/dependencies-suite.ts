/** Dependencies (INV-4): when a task is released, what a failure does to those who wait, and groups. */

import { describe, expect, it } from "vitest";

import { createTasks } from "../../store/commands/create-tasks.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import { settleSession } from "../../store/commands/sessions.ts";
import { blockTask, cancelTask, retryTask } from "../../store/commands/task-actions.ts";
import { aTask } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused, titlesOf } from "./bench.ts";
import { faultsIn } from "./consistency.ts";

async function waitingOn(bench: Bench, key: string): Promise<unknown> {
  const id = await bench.id(key);
  return (await dumpTables(bench.store)).tasks?.find((row) => row.id === id)?.waiting_on;
}

async function retry(bench: Bench, key: string): Promise<void> {
  await bench.store.execute(retryTask, { taskId: await bench.id(key) });
}

async function cancel(bench: Bench, key: string): Promise<void> {
  await bench.store.execute(cancelTask, { taskId: await bench.id(key), note: null });
}

export function dependenciesSuite(suite: Suite): void {
  describe("a task with dependencies", () => {
    it("is blocked until the last of them is completed", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c", needs: ["a", "b"] });
      expect(await bench.states("c")).toEqual(["blocked: dependencies"]);
      await bench.finish("a");
      expect(await bench.states("c")).toEqual(["blocked: dependencies"]);
      await bench.finish("b");
      expect(await bench.states("c")).toEqual(["pending"]);
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["c"]);
    });

    it("does not wait for what is completed already, named by key or id", async () => {
      const bench = await suite.open();
      const [a] = await bench.create({ ref: "a" }, { ref: "open" });
      await bench.finish("a");
      await bench.create({ ref: "b", needs: ["a"] }, { ref: "c", needs: [a?.id ?? "", "open"] });
      expect(await bench.states("b", "c")).toEqual(["pending", "blocked: dependencies"]);
      expect(await waitingOn(bench, "c")).toBe(1);
    });

    it("is not held up by a group with nothing in it", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "empty", executor: "group" }, { ref: "b", needs: ["empty"] });
      expect(await bench.states("empty", "b")).toEqual(["completed", "pending"]);
    });

    it("fails its session when what it needs was cancelled and nothing else can run", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"] });
      await cancel(bench, "a");
      expect(await bench.states("b")).toEqual(["blocked: dependency_failed"]);
      const session = await bench.store.execute(settleSession, { sessionId: bench.session.id });
      expect(session.status).toBe("failed");
    });

    it("is refused when what it needs recurs, in whatever order its schedule was written", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", schedule: { intervalMs: 60_000, type: "every" }, scheduledFor: 0 });
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "b", needs: ["a"] }));
    });

    it("counts a dependency named twice once", async () => {
      const bench = await suite.open();
      const [a] = await bench.create({ ref: "a" });
      await bench.create({ ref: "b", needs: ["a", "a", a?.id ?? ""] });
      expect(await waitingOn(bench, "b")).toBe(1);
      await bench.finish("a");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("keeps its runAt when it is released", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"], runAt: bench.clock.now() + 1_000 });
      await bench.finish("a");
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(1_000);
      expect(titlesOf(await bench.claim())).toEqual(["b"]);
    });

    it("stays set aside when a person blocked it, whatever its dependencies do", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "a2" }, { ref: "b", needs: ["a", "a2"] });
      await bench.store.execute(blockTask, { taskId: await bench.id("b"), note: "not yet" });
      await bench.fail(await bench.start("a"));
      await retry(bench, "a");
      expect(await bench.states("b")).toEqual(["blocked: interrupted"]);
      await bench.finish("a", "a2");
      expect(await bench.states("b")).toEqual(["blocked: interrupted"]);
      await retry(bench, "b");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    suite.itWithSecond("is counted right when a dependency completes while it is being created", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      for (let round = 0; round < 30; round++) {
        const [a, b] = [`a${round}`, `b${round}`];
        await bench.create({ ref: a });
        const held = await bench.start(a);
        const dependent = aTask({ ref: b, needs: [a] });
        const create = (): Promise<unknown> =>
          second.store.execute(createTasks, { sessionId: bench.session.id, tasks: [dependent] });
        await Promise.all(round % 2 === 0 ? [bench.complete(held), create()] : [create(), bench.complete(held)]);
        expect(await bench.states(a, b)).toEqual(["completed", "pending"]);
      }
      expect(faultsIn(await dumpTables(bench.store))).toEqual([]);
    });

    suite.itWithSecond(
      "is released once when its dependencies complete at the same time on two connections",
      async () => {
        const bench = await suite.open();
        const second = await bench.second();
        for (let round = 0; round < 20; round++) {
          const [a, b, c] = [`a${round}`, `b${round}`, `c${round}`];
          await bench.create({ ref: a }, { ref: b }, { ref: c, needs: [a, b] });
          const [heldA, heldB] = [await bench.start(a), await second.start(b)];
          await Promise.all([bench.complete(heldA), second.complete(heldB)]);
          expect(await bench.states(c)).toEqual(["pending"]);
        }
        expect(faultsIn(await dumpTables(bench.store))).toEqual([]);
      },
    );
  });

  describe("when a dependency fails", () => {
    it("a task that blocks says so, and goes on when a retry succeeds", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "x" }, { ref: "b", needs: ["a", "x"] });
      await bench.fail(await bench.start("a"));
      expect(await bench.task("b")).toMatchObject({ blockedReason: "dependency_failed", blockedNote: "a failed" });
      await bench.finish("x");
      expect(await bench.states("b")).toEqual(["blocked: dependency_failed"]);
      await retry(bench, "a");
      expect(await bench.states("a", "b")).toEqual(["pending", "blocked: dependencies"]);
      await bench.finish("a");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("a task that cancels is cancelled, and so is what needs it in turn", async () => {
      const bench = await suite.open();
      const policy = { onDependencyFailure: "cancel" } as const;
      await bench.create(
        { ref: "a" },
        { ref: "b", needs: ["a"], ...policy },
        { ref: "c", needs: ["b"], ...policy },
        { ref: "d", needs: ["c"] },
      );
      await bench.fail(await bench.start("a"));
      expect(await bench.states("b", "c", "d")).toEqual(["cancelled", "cancelled", "blocked: dependency_failed"]);
    });

    it("a task that runs anyway waits for the others all the same", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "x" }, { ref: "b", needs: ["a", "x"], onDependencyFailure: "run" });
      await bench.fail(await bench.start("a"));
      expect(await bench.states("b")).toEqual(["blocked: dependencies"]);
      await bench.finish("x");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("counts a dependency that fails and is then cancelled once", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "x" }, { ref: "b", needs: ["a", "x"], onDependencyFailure: "run" });
      await bench.fail(await bench.start("a"));
      await cancel(bench, "a");
      expect(await bench.states("b")).toEqual(["blocked: dependencies"]);
      await bench.finish("x");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("counts it again when it is retried before the others are done", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "x" }, { ref: "b", needs: ["a", "x"], onDependencyFailure: "run" });
      await bench.fail(await bench.start("a"));
      await retry(bench, "a");
      await bench.finish("x");
      expect(await bench.states("b")).toEqual(["blocked: dependencies"]);
      await bench.finish("a");
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("blocks a task from the start that is created after the failure", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.fail(await bench.start("a"));
      await bench.create({ ref: "b", needs: ["a"] }, { ref: "c", needs: ["a"], onDependencyFailure: "run" });
      expect(await bench.states("b", "c")).toEqual(["blocked: dependency_failed", "pending"]);
      await retry(bench, "a");
      await bench.finish("a");
      expect(await bench.states("b")).toEqual(["pending"]);
    });
  });

  describe("a group", () => {
    const group = { executor: "group" } as const;

    it("completes with its last part, and so does the group around it", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "outer", ...group },
        { ref: "inner", parent: "outer", ...group },
        { ref: "a", parent: "inner" },
        { ref: "b", parent: "inner" },
        { ref: "c", parent: "outer" },
        { ref: "after", needs: ["outer"] },
      );
      await bench.finish("a", "c");
      expect(await bench.states("inner", "outer")).toEqual(["blocked: dependencies", "blocked: dependencies"]);
      await bench.finish("b");
      expect(await bench.states("inner", "outer", "after")).toEqual(["completed", "completed", "pending"]);
    });

    it("is not held up by a cancelled part, but by a failed one", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "g", ...group }, { ref: "a", parent: "g" }, { ref: "b", parent: "g" });
      await cancel(bench, "a");
      await bench.fail(await bench.start("b"));
      expect(await bench.states("g")).toEqual(["blocked: dependency_failed"]);
      await cancel(bench, "b");
      expect(await bench.states("g")).toEqual(["completed"]);
    });

    it("that had completed waits for a new part, and so do those who need it", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "g", ...group },
        { ref: "a", parent: "g" },
        { ref: "x" },
        { ref: "after", needs: ["g", "x"] },
        { ref: "ready", needs: ["g"] },
      );
      await bench.finish("a");
      expect(await bench.states("g", "after", "ready")).toEqual(["completed", "blocked: dependencies", "pending"]);
      await bench.create({ ref: "b", parent: "g" });
      expect(await bench.states("g", "after", "ready")).toEqual([
        "blocked: dependencies",
        "blocked: dependencies",
        "blocked: dependencies",
      ]);
      await bench.finish("x");
      expect(await bench.states("after")).toEqual(["blocked: dependencies"]);
      await bench.finish("b");
      expect(await bench.states("g", "after", "ready")).toEqual(["completed", "pending", "pending"]);
    });

    it("that is complete opens again with a part that is retried", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "outer", ...group },
        { ref: "g", parent: "outer", ...group },
        { ref: "a", parent: "g" },
      );
      await cancel(bench, "a");
      expect(await bench.states("g", "outer")).toEqual(["completed", "completed"]);
      await retry(bench, "a");
      expect(await bench.states("g", "outer")).toEqual(["blocked: dependencies", "blocked: dependencies"]);
      await bench.finish("a");
      expect(await bench.states("g", "outer")).toEqual(["completed", "completed"]);
    });

    it("completes when it is retried and nothing in it is left, and tells those who wait", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "g", ...group },
        { ref: "a", parent: "g" },
        { ref: "x" },
        { ref: "after", needs: ["g"] },
        { ref: "anyway", needs: ["g", "x"], onDependencyFailure: "run" },
      );
      await cancel(bench, "g");
      expect(await bench.states("g", "a", "after")).toEqual(["cancelled", "cancelled", "blocked: dependency_failed"]);
      await retry(bench, "g");
      expect(await bench.states("g", "after", "anyway")).toEqual(["completed", "pending", "blocked: dependencies"]);
    });

    it("is complete at once with parts that are", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "g", ...group },
        { ref: "a", parent: "g", status: "completed" },
        { ref: "after", needs: ["g"] },
      );
      expect(await bench.states("g", "after")).toEqual(["completed", "pending"]);
      await bench.create({ ref: "sub", parent: "g", ...group }, { ref: "s1", parent: "sub", status: "completed" });
      expect(await bench.states("g", "sub", "after")).toEqual(["completed", "completed", "pending"]);
    });

    it("may name a part as a need, and still waits for it when it no longer does", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "g", needs: ["a"], ...group }, { ref: "a", parent: "g" }, { ref: "b", parent: "g" });
      expect(await waitingOn(bench, "g")).toBe(2);
      await bench.store.execute(editTask, { taskId: await bench.id("g"), edit: { needs: [] } });
      expect(await waitingOn(bench, "g")).toBe(2);
      await bench.store.execute(editTask, { taskId: await bench.id("g"), edit: { needs: ["b"] } });
      await bench.finish("a", "b");
      expect(await bench.states("g")).toEqual(["completed"]);
    });

    it("refuses a part that would wait for it", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "g", ...group }, { ref: "a", parent: "g" }, { ref: "after", needs: ["g"] });
      const add = (needs: readonly string[]) => (): Promise<unknown> => bench.create({ ref: "p", parent: "g", needs });
      await expectRefused(bench, "invalid-plan", add(["g"]));
      await expectRefused(bench, "invalid-plan", add(["after"]));
      await bench.create({ ref: "p", parent: "g", needs: ["a"] });
    });
  });

  describe("editTask", () => {
    it("replaces what a task needs and counts anew", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c", needs: ["a"] });
      const taskId = await bench.id("c");
      await bench.finish("a");
      await bench.store.execute(editTask, { taskId, edit: { needs: ["a", "b"] } });
      expect(await bench.states("c")).toEqual(["blocked: dependencies"]);
      await bench.store.execute(editTask, { taskId, edit: { needs: [] } });
      expect(await bench.states("c")).toEqual(["pending"]);
    });

    it("refuses a circle, a missing task, a recurring one and itself, and changes nothing", async () => {
      const bench = await suite.open();
      const schedule = { type: "every", intervalMs: 1_000 } as const;
      await bench.create(
        { ref: "a" },
        { ref: "b", needs: ["a"] },
        { ref: "c", needs: ["b"] },
        { ref: "tick", schedule },
      );
      const taskId = await bench.id("a");
      for (const need of ["a", "b", "c", "nowhere", "tick"]) {
        const edit = { title: "new", needs: [need] };
        await expectRefused(bench, "invalid-plan", () => bench.store.execute(editTask, { taskId, edit }));
      }
    });
  });
}
