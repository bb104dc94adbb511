/** Claiming: what a worker gets, in which order, and that nobody else gets it too. */

import { describe, expect, it } from "vitest";

import { asId } from "../../domain/ids.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { claimTask } from "../../store/commands/claims.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { blockTask, finishTask, retryTask } from "../../store/commands/task-actions.ts";
import { changeSession, createSession, resumeSession } from "../../store/commands/sessions.ts";
import type { TaskSketch } from "../builders.ts";
import { aSession, aTask } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Suite } from "./bench.ts";
import { claimAndLookAhead, expectRefused, titlesOf } from "./bench.ts";
import { faultsIn } from "./consistency.ts";

const WORKER = asId<WorkerId>("w1");

export function claimsSuite(suite: Suite): void {
  describe("claimTasks", () => {
    it("gives the most urgent first: by priority, then runAt, then creation", async () => {
      const bench = await suite.open();
      const soon = bench.clock.now() + 10;
      await bench.create(
        { ref: "late", priority: 5, runAt: soon },
        { ref: "first", priority: 5 },
        { ref: "second", priority: 5 },
        { ref: "low", priority: 1 },
        { ref: "high", priority: 10 },
        { ref: "above", priority: 6 },
      );
      bench.clock.advance(20);
      expect(titlesOf(await bench.claim({ limit: 10 }))).toEqual(["high", "above", "first", "second", "late", "low"]);
    });

    it("orders by urgency across executors", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "b", executor: "command", priority: 7 },
        { ref: "a", priority: 9 },
        { ref: "c", priority: 5 },
        { ref: "m", executor: "manual", priority: 10 },
      );
      expect(titlesOf(await bench.claim({ executors: ["function", "command"], limit: 2 }))).toEqual(["a", "b"]);
    });

    it("claims nothing that is not due, and says when the next will be", async () => {
      const bench = await suite.open();
      const dueAt = bench.clock.now() + 5_000;
      await bench.create({ ref: "later", priority: 10, runAt: dueAt }, { ref: "now", priority: 1 });
      const claim = { workerId: WORKER, executors: ["function"], sessionId: null, limit: 5 };
      const result = await claimAndLookAhead(bench.store, claim);
      expect(titlesOf(result.claimed)).toEqual(["now"]);
      expect(result).toMatchObject({ nextDueAt: dueAt, isMoreComing: true });
      bench.clock.advanceTo(dueAt - 1);
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(1);
      expect(titlesOf(await bench.claim())).toEqual(["later"]);
    });

    it("claims no more than asked for and nothing twice", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c" });
      expect(titlesOf(await bench.claim({ limit: 2 }))).toEqual(["a", "b"]);
      expect(titlesOf(await bench.claim({ limit: 2 }))).toEqual(["c"]);
      expect(await bench.claim({ limit: 2 })).toEqual([]);
    });

    it("keeps to one session when told to", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      await bench.store.execute(createTasks, { sessionId: other.id, tasks: [aTask({ ref: "theirs", priority: 10 })] });
      await bench.create({ ref: "ours" });
      expect(titlesOf(await bench.claim({ sessionId: bench.session.id, limit: 5 }))).toEqual(["ours"]);
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["theirs"]);
    });

    it("starts an execution with a first token, and a later claim of it with a higher one", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const [first] = await bench.claim();
      if (first === undefined) throw new Error("nothing was claimed");
      expect(first).toMatchObject({
        isResumed: false,
        execution: { attempt: 1, fence: 1, retryCount: 0, status: "running" },
      });
      await bench.fail(first, bench.clock.now());
      const [second] = await bench.claim();
      expect(second).toMatchObject({
        isResumed: true,
        execution: { id: first.execution.id, attempt: 2, fence: 2, retryCount: 1 },
      });
    });

    suite.itWithSecond("gives every task to exactly one of two connections that claim at once", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      const refs = Array.from({ length: 60 }, (_, index) => `t${index}`);
      await bench.create(...refs.map((ref) => ({ ref })));
      const claims = Array.from({ length: 80 }, (_, index) => (index % 2 === 0 ? bench : second).claim());
      const titles = (await Promise.all(claims)).flatMap(titlesOf);
      expect(titles.toSorted()).toEqual(refs.toSorted());
    });
  });

  describe("a session that is not active", () => {
    it("has nothing to claim while it is paused, and all of it when it goes on", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "before" });
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "pause" });
      await bench.create({ ref: "meanwhile" });
      expect(await bench.claim({ limit: 5 })).toEqual([]);
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "resume" });
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["before", "meanwhile"]);
    });

    it("refuses a claim by name too", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const taskId = await bench.id("a");
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "pause" });
      await expectRefused(bench, "wrong-state", () => bench.store.execute(claimTask, { taskId, workerId: WORKER }));
    });

    it("keeps a task back that is retried while it is paused", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      await bench.fail(await bench.start("a"));
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "pause" });
      await bench.store.execute(retryTask, { taskId: await bench.id("a") });
      expect(await bench.claim({ limit: 5 })).toEqual([]);
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "resume" });
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["a", "b"]);
    });

    it("gives out a task again that failed while it was paused", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      const running = await bench.start("a");
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "pause" });
      await bench.fail(running);
      await bench.store.execute(resumeSession, { sessionId: bench.session.id, retryFailed: false });
      await bench.store.execute(retryTask, { taskId: await bench.id("a") });
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["a", "b"]);
    });
  });

  describe("tasks that people finish", () => {
    it("can be finished without having been claimed", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", executor: "manual" }, { ref: "b", needs: ["a"] });
      const outcome = { status: "completed", result: "done" } as const;
      await bench.store.execute(finishTask, { taskId: await bench.id("a"), outcome, next: null, evenIfBlocked: false });
      expect(await bench.task("a")).toMatchObject({ status: "completed", result: "done" });
      expect(await bench.states("b")).toEqual(["pending"]);
    });

    it("are not finished from outside while a worker runs them", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const taskId = await bench.id("a");
      await bench.start("a");
      const outcome = { status: "completed", result: null } as const;
      const finish = { taskId, outcome, next: null, evenIfBlocked: true };
      await expectRefused(bench, "conflict", () => bench.store.execute(finishTask, finish));
      await expectRefused(bench, "conflict", () => bench.store.execute(blockTask, { taskId, note: "no" }));
    });

    it("are refused while they wait for dependencies, unless it is said to be out of order", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"], executor: "manual" });
      const outcome = { status: "completed", result: null } as const;
      const finish = { taskId: await bench.id("b"), outcome, next: null };
      await expectRefused(bench, "wrong-state", () =>
        bench.store.execute(finishTask, { ...finish, evenIfBlocked: false }),
      );
      await bench.store.execute(finishTask, { ...finish, evenIfBlocked: true });
      expect(await bench.states("a", "b")).toEqual(["pending", "completed"]);
    });

    it("let nothing overtake that follows them by its place when they are done out of order (INV-4)", async () => {
      const bench = await suite.open();
      const placed = (ref: string, ...needs: readonly string[]): TaskSketch => ({ ref, needs, needsByPlace: needs });
      await bench.create({ ref: "a" }, placed("b", "a"), placed("c", "b"), { ref: "said", needs: ["b"] });
      const force = async (key: string): Promise<void> => {
        const outcome = { status: "completed", result: null } as const;
        const taskId = await bench.id(key);
        await bench.store.execute(finishTask, { taskId, outcome, next: null, evenIfBlocked: true });
      };
      await force("b");
      expect(await bench.states("a", "c", "said")).toEqual(["pending", "blocked: dependencies", "pending"]);
      expect((await bench.task("c")).comesAfter).toEqual([await bench.id("a")]);
      expect((await bench.task("c")).dependencies).toEqual([await bench.id("b")]);
      expect(faultsIn(await dumpTables(bench.store))).toEqual([]);
      await bench.finish("a");
      expect(await bench.states("c")).toEqual(["pending"]);
    });
  });
}
