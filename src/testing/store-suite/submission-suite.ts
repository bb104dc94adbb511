/** Submitting tasks and plans: whole or not at all, within limits, and brought up to date with a changed file. */

import { describe, expect, it } from "vitest";

import { LIMITS } from "../../domain/limits.ts";
import type { SubmittedPlan, SubmitPlan } from "../../store/commands/plan-sessions.ts";
import { submitPlan } from "../../store/commands/plan-sessions.ts";
import { cancelSession, createSession, markEndTold, settleSession } from "../../store/commands/sessions.ts";
import { cancelTask } from "../../store/commands/task-actions.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import type { TaskSketch } from "../builders.ts";
import { aSession, aTask } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { faultsIn } from "./consistency.ts";

export function submissionSuite(suite: Suite): void {
  describe("createTasks", () => {
    it("refuses a circle, and changes nothing", async () => {
      const bench = await suite.open();
      const circle = [
        { ref: "a", needs: ["c"] },
        { ref: "b", needs: ["a"] },
        { ref: "c", needs: ["b"] },
      ];
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "fine" }, ...circle));
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "self", needs: ["self"] }));
      await expectRefused(bench, "invalid-plan", () =>
        bench.create({ ref: "parent" }, { ref: "part", parent: "parent", needs: ["parent"] }),
      );
    });

    it("refuses a reference to a task that is not there, and changes nothing", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await expectRefused(bench, "invalid-plan", () =>
        bench.create({ ref: "b", needs: ["a"] }, { ref: "c", needs: ["nowhere"] }),
      );
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "b" }, { ref: "c", parent: "nowhere" }));
    });

    it("sees no task of another session (INV-7)", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const [theirs] = await bench.store.execute(createTasks, {
        sessionId: other.id,
        tasks: [aTask({ ref: "theirs" })],
      });
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "a", needs: ["theirs"] }));
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "a", parent: theirs?.id ?? "" }));
    });

    it("refuses an id that is there twice or taken, and changes nothing", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "b" }, { ref: "b" }));
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "r1", key: "b" }, { ref: "r2", key: "b" }));
      await expectRefused(bench, "conflict", () => bench.create({ ref: "b" }, { ref: "a" }));
    });

    it("refuses a dependency on a task that recurs", async () => {
      const bench = await suite.open();
      const schedule = { type: "every", intervalMs: 1_000 } as const;
      await expectRefused(bench, "invalid-plan", () =>
        bench.create({ ref: "tick", schedule }, { ref: "b", needs: ["tick"] }),
      );
      await bench.create({ ref: "tick", schedule });
      await expectRefused(bench, "invalid-plan", () => bench.create({ ref: "b", needs: ["tick"] }));
    });

    it("refuses more unfinished tasks than the session may hold, whole, and takes them when there is room", async () => {
      const bench = await suite.open({ maxUnfinished: 3 });
      await bench.create({ ref: "a" }, { ref: "b" });
      await expectRefused(bench, "limit-reached", () => bench.create({ ref: "c" }, { ref: "d" }));
      await bench.finish("a");
      await bench.create({ ref: "c" }, { ref: "d" }, { ref: "done", status: "completed" });
      await expectRefused(bench, "limit-reached", () => bench.create({ ref: "e" }));
    });

    it("refuses a thousand and one tasks by default, and takes a thousand", async () => {
      const bench = await suite.open();
      const tasks = Array.from({ length: LIMITS.unfinishedTasks + 1 }, (_, index) => ({ ref: `t${index}` }));
      await expectRefused(bench, "limit-reached", () => bench.create(...tasks));
      expect(await bench.create(...tasks.slice(1))).toHaveLength(LIMITS.unfinishedTasks);
    });

    it("refuses more dependencies of one task than there may be", async () => {
      const bench = await suite.open({ maxUnfinished: 2_000 });
      const needs = Array.from({ length: LIMITS.dependenciesPerTask + 1 }, (_, index) => `t${index}`);
      const others = needs.map((ref) => ({ ref }));
      await expectRefused(bench, "limit-reached", () => bench.create(...others, { ref: "x", needs }));
      const done = (ref: string, behind: readonly string[]): TaskSketch => ({
        ref,
        needs: behind,
        status: "completed",
      });
      const halves = [done("l", needs.slice(0, 500)), done("r", needs.slice(500, -2))];
      const after = { ref: "x", needs: ["l", "r"], needsByPlace: ["l", "r"] };
      await expectRefused(bench, "limit-reached", () => bench.create(...others, ...halves, after));
    });

    it("refuses a value over the limit, and changes nothing", async () => {
      const bench = await suite.open();
      const input = "x".repeat(LIMITS.valueBytes);
      await expectRefused(bench, "limit-reached", () => bench.create({ ref: "fine" }, { ref: "big", input }));
    });

    it("opens a session again that had come to its end, and none that is cancelled", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.finish("a");
      await bench.store.execute(settleSession, { sessionId: bench.session.id });
      await bench.create({ ref: "b" });
      expect(await bench.claim()).toHaveLength(1);
      await bench.store.execute(cancelSession, { sessionId: bench.session.id });
      await expectRefused(bench, "wrong-state", () => bench.create({ ref: "c" }));
    });
  });

  describe("submitPlan", () => {
    it("refuses a plan whole, its session included", async () => {
      const bench = await suite.open();
      await expectRefused(bench, "invalid-plan", () =>
        submit(bench, [
          { ref: "a", needs: ["b"] },
          { ref: "b", needs: ["a"] },
        ]),
      );
      await expectRefused(bench, "invalid-plan", () => submit(bench, [{ ref: "a", needs: ["nowhere"] }]));
      await expectRefused(bench, "invalid-plan", () => submit(bench, [{ ref: "a" }, { ref: "a" }]));
    });

    it("counts what a changed plan drops before it refuses what it adds", async () => {
      const bench = await suite.open();
      const refs = (...names: readonly string[]) => names.map((ref) => ({ ref, source }));
      await submit(bench, refs("a", "b", "c"), { maxUnfinished: 3 });
      const swapped = await submit(bench, refs("a", "d", "e"), { fingerprint: "2" });
      expect(swapped).toMatchObject({ added: ["d", "e"], cancelled: ["b", "c"] });
      const more = refs("a", "d", "e", "f");
      await expectRefused(bench, "limit-reached", () => submit(bench, more, { fingerprint: "3" }));
    });

    it("lets nothing overtake by way of a task that is completed before its turn (INV-4)", async () => {
      const bench = await suite.open();
      const row = (done: readonly string[], refs: readonly string[]): readonly TaskSketch[] =>
        refs.map((ref, at) => {
          const needs = refs.slice(Math.max(0, at - 1), at);
          return { ref, source, needs, needsByPlace: needs, status: done.includes(ref) ? "completed" : "pending" };
        });
      await submit(bench, row(["c"], ["a", "b", "c", "d", "e"]));
      const states = async (...keys: readonly string[]): Promise<readonly string[]> => {
        const { tasks = [] } = await dumpTables(bench.store);
        return keys.map((key) => String(tasks.find((task) => task.key === key)?.status));
      };
      expect(await states("a", "b", "c", "d", "e")).toEqual(["pending", "blocked", "completed", "blocked", "blocked"]);
      expect(await submit(bench, row(["c"], ["a", "b", "c", "d", "e"]))).toMatchObject({ changed: [], kept: [] });
      const ticked = await submit(bench, row(["c", "d"], ["a", "b", "c", "d", "e"]));
      expect(ticked).toMatchObject({ completed: ["d"], changed: [] });
      expect(await states("b", "e")).toEqual(["blocked", "blocked"]);
      await submit(bench, row(["a", "b", "c", "d"], ["a", "b", "c", "d", "e"]));
      expect(await states("b", "e")).toEqual(["completed", "pending"]);
      expect(faultsIn(await dumpTables(bench.store))).toEqual([]);
    });

    it("goes on with the unfinished session of the same file, and starts a new one otherwise", async () => {
      const bench = await suite.open();
      const first = await submit(bench, [{ ref: "a" }]);
      expect(first).toMatchObject({ isNew: true, added: ["a"] });
      expect(await submit(bench, [{ ref: "a" }])).toMatchObject({
        isNew: false,
        session: { id: first.session.id },
        added: [],
      });
      expect(await submit(bench, [{ ref: "a" }], { continueUnfinished: false })).toMatchObject({ isNew: true });
    });

    it("does not start a completed plan anew until somebody was told that it has ended", async () => {
      const bench = await suite.open();
      const { session } = await submit(bench, [{ ref: "a" }]);
      await bench.finish("a");
      expect((await bench.store.execute(settleSession, { sessionId: session.id })).status).toBe("completed");
      const again = await submit(bench, [{ ref: "a" }]);
      expect(again).toMatchObject({ isNew: false, session: { id: session.id, status: "completed" } });
      await bench.store.execute(markEndTold, { sessionId: session.id });
      expect(await submit(bench, [{ ref: "a" }])).toMatchObject({ isNew: true });
    });

    it("adds, changes, completes and cancels as the file says, and keeps what has begun", async () => {
      const bench = await suite.open();
      const { session } = await submit(bench, [
        { ref: "run", source },
        { ref: "edit", source },
        { ref: "tick", source },
        { ref: "gone", source },
        { ref: "last", source, needs: ["gone", "tick"] },
      ]);
      await bench.start("run");
      const synced = await submit(
        bench,
        [
          { ref: "run", source, title: "changed too late" },
          { ref: "edit", source, priority: 9 },
          { ref: "tick", source, status: "completed" },
          { ref: "new", source },
          { ref: "last", source, needs: ["new", "tick"] },
        ],
        { fingerprint: "2" },
      );
      expect(synced).toMatchObject({
        session: { id: session.id },
        isNew: false,
        added: ["new"],
        completed: ["tick"],
        cancelled: ["gone"],
        kept: ["run"],
      });
      expect(synced.changed).toEqual(["edit", "last"]);
      expect(await bench.states("run", "edit", "tick", "gone", "new", "last")).toEqual([
        "in_progress",
        "pending",
        "completed",
        "cancelled",
        "pending",
        "blocked: dependencies",
      ]);
      await bench.finish("new");
      expect(await bench.states("last")).toEqual(["pending"]);
    });

    it("takes a task up again that comes back to the file, unless a person cancelled it", async () => {
      const bench = await suite.open();
      await submit(bench, [
        { ref: "a", source },
        { ref: "b", source },
        { ref: "keep", source },
      ]);
      await bench.store.execute(cancelTask, { taskId: await bench.id("b"), note: "not wanted" });
      await submit(bench, [{ ref: "keep", source }], { fingerprint: "2" });
      expect(await bench.states("a", "b")).toEqual(["cancelled", "cancelled"]);
      const back = await submit(
        bench,
        [
          { ref: "a", source },
          { ref: "b", source },
          { ref: "keep", source },
        ],
        { fingerprint: "3" },
      );
      expect(back.changed).toEqual(["a"]);
      expect(await bench.states("a", "b")).toEqual(["pending", "cancelled"]);
    });

    it("moves tasks below another parent, old or new", async () => {
      const bench = await suite.open();
      const group = { executor: "group", source } as const;
      await submit(bench, [
        { ref: "one", ...group },
        { ref: "a", parent: "one", source },
        { ref: "b", parent: "one", source },
        { ref: "two", ...group },
        { ref: "c", parent: "two", source },
      ]);
      await bench.finish("b", "c");
      expect(await bench.states("one", "two")).toEqual(["blocked: dependencies", "completed"]);
      const moved = await submit(
        bench,
        [
          { ref: "one", ...group },
          { ref: "b", parent: "one", source },
          { ref: "two", ...group },
          { ref: "a", parent: "two", source },
          { ref: "three", ...group },
          { ref: "c", parent: "three", source },
        ],
        { fingerprint: "2" },
      );
      expect(moved).toMatchObject({ added: ["three"], cancelled: [], kept: [] });
      expect(await bench.states("one", "two", "three")).toEqual(["completed", "blocked: dependencies", "completed"]);
      await bench.finish("a");
      expect(await bench.states("two")).toEqual(["completed"]);
    });

    it("follows a changed schedule and retry policy", async () => {
      const bench = await suite.open();
      const retry = { backoff: "fixed", initialDelayMs: 5, factor: 1, maxDelayMs: 5 } as const;
      const runAt = bench.clock.now() + 60_000;
      await submit(bench, [{ ref: "a", source }]);
      const schedule = { type: "at", at: runAt } as const;
      await submit(bench, [{ ref: "a", source, retry, schedule, scheduledFor: runAt, runAt }], { fingerprint: "2" });
      expect(await bench.task("a")).toMatchObject({ retry, schedule, scheduledFor: runAt, runAt });
    });

    it("refuses a changed file with a circle and leaves the session as it was", async () => {
      const bench = await suite.open();
      await submit(bench, [
        { ref: "a", source },
        { ref: "b", source, needs: ["a"] },
      ]);
      await expectRefused(bench, "invalid-plan", () =>
        submit(
          bench,
          [
            { ref: "a", source, needs: ["c"] },
            { ref: "b", source, needs: ["a"] },
            { ref: "c", source, needs: ["b"] },
          ],
          { fingerprint: "2" },
        ),
      );
    });
  });
}

const source = { file: "plan.yaml", line: 1 };

function submit(
  bench: Bench,
  tasks: readonly TaskSketch[],
  options: {
    readonly fingerprint?: string;
    readonly continueUnfinished?: boolean;
    readonly maxUnfinished?: number;
  } = {},
): Promise<SubmittedPlan> {
  const session = aSession({
    name: "plan",
    planFile: "plan.yaml",
    planFingerprint: options.fingerprint ?? "1",
    ...(options.maxUnfinished === undefined ? {} : { maxUnfinished: options.maxUnfinished }),
  });
  const input: SubmitPlan = {
    session,
    tasks: tasks.map(aTask),
    continueUnfinished: options.continueUnfinished ?? true,
  };
  return bench.store.execute(submitPlan, input);
}
