/** Labels and limits: which worker gets a task, and when it has to wait for others. */

import { describe, expect, it } from "vitest";

import { asId } from "../../domain/ids.ts";
import type { WorkerId } from "../../domain/ids.ts";
import type { LimitRule, TaskLimit } from "../../domain/task-limit.ts";
import type { Ahead, ClaimResult, ClaimTasks } from "../../store/commands/claims.ts";
import { claimTask } from "../../store/commands/claims.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import { releaseHold, suspendExecution } from "../../store/commands/executions.ts";
import { listLimitRules, setLimitRules } from "../../store/commands/limit-rules.ts";
import { forgetEndedStarts } from "../../store/commands/limit-places.ts";
import { describeQueue, findNextTask } from "../../store/commands/queue.ts";
import { changeSession, createSession } from "../../store/commands/sessions.ts";
import { cancelTask } from "../../store/commands/task-actions.ts";
import { recoverWorkers } from "../../store/commands/workers.ts";
import { aSession, aTask } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { claimAndLookAhead, expectRefused, holdOf, titlesOf } from "./bench.ts";

const WORKER = asId<WorkerId>("w1");

export function fleetSuite(suite: Suite): void {
  labelsSuite(suite);
  concurrencySuite(suite);
  ratesSuite(suite);
  rulesSuite(suite);
}

function limit(key: string, bounds: Partial<TaskLimit> = { concurrency: 1 }): TaskLimit {
  return { key, concurrency: null, rate: null, ...bounds };
}

function rule(subject: LimitRule["subject"], pattern: string, bounds: Partial<LimitRule>): LimitRule {
  return { subject, pattern, concurrency: null, rate: null, ...bounds };
}

function claimAll(bench: Bench, options: Partial<ClaimTasks> = {}): Promise<ClaimResult & Ahead> {
  const input = { workerId: WORKER, executors: ["function"], sessionId: null, limit: 20, ...options };
  return claimAndLookAhead(bench.store, input);
}

/** Calls that claim nothing write nothing, or workers would wake each other for ever. */
async function expectQuiet(bench: Bench, options: Partial<ClaimTasks> = {}): Promise<void> {
  await claimAll(bench, options);
  const before = await dumpTables(bench.store);
  expect((await claimAll(bench, options)).claimed).toEqual([]);
  expect(await dumpTables(bench.store)).toEqual(before);
}

function labelsSuite(suite: Suite): void {
  describe("labels", () => {
    it("give a task only to a worker that has all of them", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "plain" }, { ref: "gpu", labels: ["gpu"] }, { ref: "both", labels: ["gpu", "linux"] });
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["plain"]);
      expect(titlesOf(await bench.claim({ limit: 5, labels: ["gpu"] }))).toEqual(["gpu"]);
      expect(titlesOf(await bench.claim({ limit: 5, labels: ["linux"] }))).toEqual([]);
      expect(titlesOf(await bench.claim({ limit: 5, labels: ["linux", "gpu", "big"] }))).toEqual(["both"]);
    });

    it("leave the order by urgency as it is", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "a", priority: 3, labels: ["gpu"] },
        { ref: "b", priority: 4 },
        { ref: "c", priority: 9, labels: ["gpu"] },
        { ref: "d", priority: 9 },
        { ref: "e", priority: 9, labels: ["linux"] },
      );
      const labels = ["gpu", "linux"];
      expect(titlesOf(await bench.claim({ limit: 3, labels }))).toEqual(["c", "d", "e"]);
      expect(titlesOf(await bench.claim({ limit: 3, labels }))).toEqual(["b", "a"]);
    });

    it("do not make a worker wait for what it will never get", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "gpu", labels: ["gpu"] });
      expect(await claimAll(bench)).toMatchObject({ claimed: [], isMoreComing: false, nextDueAt: null });
      await bench.create({ ref: "later", labels: ["gpu"], runAt: bench.clock.now() + 1_000 });
      expect(await claimAll(bench)).toMatchObject({ isMoreComing: false, nextDueAt: null });
      const { isMoreComing, nextDueAt } = await claimAll(bench, { labels: ["gpu"] });
      expect({ isMoreComing, nextDueAt }).toEqual({ isMoreComing: true, nextDueAt: bench.clock.now() + 1_000 });
    });

    it("hold in one session as in all, and when it is paused", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const tasks = [aTask({ ref: "theirs", labels: ["gpu"], priority: 10 })];
      await bench.store.execute(createTasks, { sessionId: other.id, tasks });
      await bench.create({ ref: "ours", labels: ["gpu"] });
      const scope = { labels: ["gpu"], sessionId: bench.session.id };
      expect(titlesOf(await bench.claim({ ...scope, limit: 5 }))).toEqual(["ours"]);
      await bench.store.execute(changeSession, { sessionId: other.id, verb: "pause" });
      expect(await bench.claim({ labels: ["gpu"], limit: 5 })).toEqual([]);
      await bench.store.execute(changeSession, { sessionId: other.id, verb: "resume" });
      expect(titlesOf(await bench.claim({ labels: ["gpu"], limit: 5 }))).toEqual(["theirs"]);
    });

    it("are looked for also when what requires them has only just woken", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", labels: ["gpu"] });
      for (const claimed of await bench.claim({ labels: ["gpu"] })) {
        const wait = { type: "signal", signal: "go", expiresAt: bench.clock.now() + 100 } as const;
        await bench.store.execute(suspendExecution, { hold: holdOf(claimed), waits: [wait] });
      }
      expect(await claimAll(bench)).toMatchObject({ claimed: [] });
      bench.clock.advance(100);
      expect(titlesOf((await claimAll(bench, { labels: ["gpu"] })).claimed)).toEqual(["a"]);
    });

    it("can be changed until the task runs", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", labels: ["gpu"] });
      const taskId = await bench.id("a");
      await bench.store.execute(editTask, { taskId, edit: { labels: [] } });
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
      await expectRefused(bench, "wrong-state", () =>
        bench.store.execute(editTask, { taskId, edit: { labels: ["x"] } }),
      );
    });

    it("are shown with the task, and of what is ready", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", labels: ["gpu", "linux"] }, { ref: "b" });
      expect(await bench.task("a")).toMatchObject({ labels: ["gpu", "linux"], limit: null });
      const { ready } = await bench.store.execute(describeQueue, { sessionId: null });
      expect(ready).toEqual(
        expect.arrayContaining([
          { executor: "function", labels: ["gpu", "linux"], count: 1 },
          { executor: "function", labels: [], count: 1 },
        ]),
      );
      const next = { executors: ["function"], sessionId: null };
      expect(await bench.store.execute(findNextTask, next)).toBe(await bench.id("b"));
      expect(await bench.store.execute(findNextTask, { ...next, labels: ["gpu", "linux"] })).toBe(await bench.id("a"));
    });
  });
}

function concurrencySuite(suite: Suite): void {
  describe("a limit on how many tasks of a key run", () => {
    it("is never exceeded, and what ends makes room", async () => {
      const bench = await suite.open();
      const shared = limit("customer-1", { concurrency: 2 });
      await bench.create(...["a", "b", "c", "d"].map((ref) => ({ ref, limit: shared })), { ref: "free" });
      const first = await bench.claim({ limit: 10 });
      expect(titlesOf(first)).toEqual(["a", "b", "free"]);
      await expectQuiet(bench);
      for (const claimed of first.slice(0, 1)) await bench.complete(claimed);
      expect(titlesOf(await bench.claim({ limit: 10 }))).toEqual(["c"]);
      for (const claimed of first.slice(1, 2)) await bench.fail(claimed);
      expect(titlesOf(await bench.claim({ limit: 10 }))).toEqual(["d"]);
    });

    it("goes by urgency across executors, labels, priorities and sessions", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const shared = limit("one");
      const theirs = [aTask({ ref: "theirs", limit: shared, priority: 7 })];
      await bench.store.execute(createTasks, { sessionId: other.id, tasks: theirs });
      await bench.create(
        { ref: "low", limit: shared, priority: 2 },
        { ref: "high", limit: shared, priority: 9, executor: "command" },
        { ref: "labelled", limit: shared, priority: 5, labels: ["gpu"] },
      );
      const order: string[] = [];
      for (;;) {
        const claimed = await bench.claim({ executors: ["function", "command"], labels: ["gpu"], limit: 10 });
        if (claimed.length === 0) break;
        expect(claimed).toHaveLength(1);
        order.push(...titlesOf(claimed));
        for (const each of claimed) await bench.complete(each);
      }
      expect(order).toEqual(["high", "theirs", "labelled", "low"]);
    });

    it("lets others go on behind tasks that wait, and claims all it may at once", async () => {
      const bench = await suite.open();
      await bench.create(
        ...["a", "b", "c"].map((key) => ({ ref: `${key}1`, limit: limit(key), priority: 8 })),
        ...["a", "b", "c"].map((key) => ({ ref: `${key}2`, limit: limit(key), priority: 7 })),
        { ref: "x", priority: 1 },
      );
      expect(titlesOf(await bench.claim({ limit: 4 }))).toEqual(["a1", "b1", "c1", "x"]);
      await expectQuiet(bench);
    });

    it("frees the places of what is suspended, let go, cancelled or lost with its worker", async () => {
      const bench = await suite.open();
      const refs = ["a", "b", "c", "d", "e"];
      await bench.create(...refs.map((ref) => ({ ref, limit: limit("one") })));
      const next = async () => {
        const claimed = await bench.claim({ limit: 10 });
        const [first] = claimed;
        expect(claimed).toHaveLength(1);
        if (first === undefined) throw new Error("nothing was claimed");
        return first;
      };
      const a = await next();
      await bench.store.execute(suspendExecution, {
        hold: holdOf(a),
        waits: [{ type: "signal", signal: "go", expiresAt: null }],
      });
      const b = await next();
      expect(b.task.title).toBe("b");
      await bench.store.execute(releaseHold, { hold: holdOf(b), why: "test" });
      const again = await next();
      expect(again.task.title).toBe("b");
      await bench.store.execute(cancelTask, { taskId: again.task.id, note: null });
      expect((await next()).task.title).toBe("c");
      await bench.store.execute(recoverWorkers, { dead: [{ id: WORKER, why: "gone" }] });
      expect((await bench.claim({ workerId: asId("w2"), limit: 10 })).map(({ task }) => task.title)).toEqual(["c"]);
    });

    it("waits for what is not due yet without holding back what is", async () => {
      const bench = await suite.open();
      const later = bench.clock.now() + 5_000;
      await bench.create(
        { ref: "later", limit: limit("one"), priority: 9, runAt: later },
        { ref: "now", limit: limit("one"), priority: 1 },
      );
      const result = await claimAll(bench);
      expect(titlesOf(result.claimed)).toEqual(["now"]);
      for (const claimed of result.claimed) await bench.complete(claimed);
      expect(await claimAll(bench)).toMatchObject({ claimed: [], nextDueAt: later, isMoreComing: true });
      bench.clock.advanceTo(later);
      expect(titlesOf(await bench.claim())).toEqual(["later"]);
    });

    it("refuses a claim by name that has no place", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", limit: limit("one") }, { ref: "b", limit: limit("one") });
      const running = await bench.start("a");
      const taskId = await bench.id("b");
      await expectRefused(bench, "limit-reached", () => bench.store.execute(claimTask, { taskId, workerId: WORKER }));
      await bench.complete(running);
      expect((await bench.start("b")).task.title).toBe("b");
    });

    it("says what waits for it", async () => {
      const bench = await suite.open();
      await bench.create(...["a", "b", "c"].map((ref) => ({ ref, limit: limit("one") })));
      await bench.claim({ limit: 5 });
      const { limited, ready } = await bench.store.execute(describeQueue, { sessionId: null });
      expect(limited).toEqual([
        { limit: { id: "key:one", concurrency: 1, rate: null }, count: 2, running: 1, opensAt: null },
      ]);
      expect(ready).toEqual([{ executor: "function", labels: [], count: 2 }]);
      expect(await claimAll(bench)).toMatchObject({ isMoreComing: true, nextDueAt: null });
    });

    it("looks at lanes anew when a waiting task is given other numbers", async () => {
      const bench = await suite.open();
      await bench.create(...["a", "b"].map((ref) => ({ ref, limit: limit("one") })));
      await bench.claim({ limit: 5 });
      await expectQuiet(bench);
      await bench.store.execute(editTask, {
        taskId: await bench.id("b"),
        edit: { limit: limit("one", { concurrency: 2 }) },
      });
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["b"]);
    });

    it("finds what is ready behind very many lanes that are full", async () => {
      const bench = await suite.open({ maxUnfinished: 10_000 });
      const keys = Array.from({ length: 450 }, (_, index) => `k${index}`);
      await bench.create(...keys.map((key) => ({ ref: `${key}-run`, limit: limit(key), priority: 9 })));
      for (let left = keys.length; left > 0;) left -= (await bench.claim({ limit: 100 })).length;
      await bench.create(...keys.map((key) => ({ ref: `${key}-wait`, limit: limit(key), priority: 8 })), {
        ref: "last",
        limit: limit("last"),
        priority: 7,
      });
      const titles: string[] = [];
      for (let calls = 0; calls < 10; calls += 1) {
        const { claimed, isMoreReady } = await claimAll(bench);
        titles.push(...titlesOf(claimed));
        if (!isMoreReady) break;
      }
      expect(titles).toEqual(["last"]);
      await expectQuiet(bench);
    });

    suite.itWithSecond("holds for claims over two connections at once", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      const refs = Array.from({ length: 30 }, (_, index) => `t${index}`);
      await bench.create(...refs.map((ref) => ({ ref, limit: limit("shared", { concurrency: 3 }) })));
      const claims = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? bench : second).claim());
      expect((await Promise.all(claims)).flatMap(titlesOf)).toHaveLength(3);
    });
  });
}

function ratesSuite(suite: Suite): void {
  describe("a limit on how often tasks start", () => {
    it("lets as many start in any window as it says, and says when the next may", async () => {
      const bench = await suite.open();
      const shared = limit("api", { rate: { count: 3, perMs: 1_000 } });
      await bench.create(...["a", "b", "c", "d", "e"].map((ref) => ({ ref, limit: shared })));
      const startedAt = bench.clock.now();
      const first = await claimAll(bench, { limit: 2 });
      expect(titlesOf(first.claimed)).toEqual(["a", "b"]);
      bench.clock.advance(600);
      const second = await claimAll(bench);
      expect(titlesOf(second.claimed)).toEqual(["c"]);
      expect(second).toMatchObject({ nextDueAt: startedAt + 1_000, isMoreComing: true });
      for (const claimed of [...first.claimed, ...second.claimed]) await bench.complete(claimed);
      await expectQuiet(bench);
      expect(await claimAll(bench)).toMatchObject({ claimed: [], nextDueAt: startedAt + 1_000 });
      bench.clock.advanceTo(startedAt + 999);
      expect(await bench.claim({ limit: 5 })).toEqual([]);
      bench.clock.advanceTo(startedAt + 1_000);
      expect(titlesOf(await bench.claim({ limit: 5 }))).toEqual(["d", "e"]);
    });

    it("counts retries", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", limit: limit("api", { rate: { count: 1, perMs: 1_000 } }) });
      for (const claimed of await bench.claim()) await bench.fail(claimed, bench.clock.now());
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(1_000);
      expect(titlesOf(await bench.claim())).toEqual(["a"]);
    });

    it("forgets starts that count no more", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", limit: limit("api", { rate: { count: 1, perMs: 1_000 } }) });
      await bench.claim();
      expect(await bench.store.execute(forgetEndedStarts, null)).toBe(0);
      bench.clock.advance(1_000);
      expect(await bench.store.execute(forgetEndedStarts, null)).toBe(1);
    });

    suite.itWithSecond("is known to every connection", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      const shared = limit("api", { rate: { count: 2, perMs: 1_000 } });
      await bench.create(...["a", "b", "c", "d"].map((ref) => ({ ref, limit: shared })));
      for (const claimed of await bench.claim({ limit: 5 })) await bench.complete(claimed);
      expect(await second.claim({ limit: 5 })).toEqual([]);
      bench.clock.advance(1_000);
      for (const claimed of await second.claim({ limit: 5 })) await bench.complete(claimed);
      expect(await bench.claim({ limit: 5 })).toEqual([]);
    });
  });
}

function rulesSuite(suite: Suite): void {
  describe("limits of the project", () => {
    it("hold for all tasks of an executor together", async () => {
      const bench = await suite.open();
      await bench.store.execute(setLimitRules, { rules: [rule("executor", "command", { concurrency: 2 })] });
      await bench.create(
        ...["a", "b", "c"].map((ref) => ({ ref, executor: "command" })),
        { ref: "keyed", executor: "command", priority: 9, limit: limit("one") },
        { ref: "f" },
      );
      const first = await bench.claim({ executors: ["command", "function"], limit: 10 });
      expect(titlesOf(first)).toEqual(["keyed", "a", "f"]);
      await expectQuiet(bench, { executors: ["command", "function"] });
      for (const claimed of first) await bench.complete(claimed);
      expect(titlesOf(await bench.claim({ executors: ["command"], limit: 10 }))).toEqual(["b", "c"]);
    });

    it("hold for all tasks that require a label together", async () => {
      const bench = await suite.open();
      await bench.store.execute(setLimitRules, { rules: [rule("label", "gpu", { concurrency: 1 })] });
      await bench.create(
        { ref: "a", labels: ["gpu"] },
        { ref: "b", labels: ["gpu", "linux"] },
        { ref: "c", labels: ["linux"] },
      );
      const labels = ["gpu", "linux"];
      const first = await bench.claim({ labels, limit: 10 });
      expect(titlesOf(first)).toEqual(["a", "c"]);
      for (const claimed of first) await bench.complete(claimed);
      expect(titlesOf(await bench.claim({ labels, limit: 10 }))).toEqual(["b"]);
    });

    it("hold for each key that fits, whatever its tasks say", async () => {
      const bench = await suite.open();
      const rules = [rule("key", "vip-*", { concurrency: 2 }), rule("key", "*-x", { concurrency: 1 })];
      await bench.store.execute(setLimitRules, { rules });
      await bench.create(
        ...["vip-x", "vip-y"].flatMap((key) => [1, 2, 3].map((n) => ({ ref: `${key}${n}`, limit: limit(key) }))),
        ...[1, 2].map((n) => ({ ref: `a-x${n}`, limit: limit("a-x", { concurrency: 9 }) })),
      );
      expect(titlesOf(await bench.claim({ limit: 20 }))).toEqual(["vip-x1", "vip-x2", "vip-y1", "vip-y2", "a-x1"]);
    });

    it("say when an executor may start again", async () => {
      const bench = await suite.open();
      const rate = { count: 2, perMs: 10_000 };
      await bench.store.execute(setLimitRules, { rules: [rule("executor", "function", { rate })] });
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c", labels: ["gpu"] }, { ref: "d" });
      const opensAt = bench.clock.now() + 10_000;
      const result = await claimAll(bench, { labels: ["gpu"] });
      expect(titlesOf(result.claimed)).toEqual(["a", "b"]);
      expect(result).toMatchObject({ nextDueAt: opensAt, isMoreComing: true });
      await expectQuiet(bench, { labels: ["gpu"] });
      const { limited } = await bench.store.execute(describeQueue, { sessionId: null });
      expect(limited).toMatchObject([{ limit: { id: "executor:function" }, count: 2, opensAt }]);
      bench.clock.advanceTo(opensAt);
      expect(titlesOf(await bench.claim({ labels: ["gpu"], limit: 5 }))).toEqual(["c", "d"]);
    });

    it("hold at once when they are set, changed or taken away, also for keys that had no place", async () => {
      const bench = await suite.open();
      await bench.create(...["a", "b", "c", "d"].map((ref) => ({ ref, limit: limit("one") })));
      expect(await bench.claim({ limit: 10 })).toHaveLength(1);
      await expectQuiet(bench);
      const set = (...rules: readonly LimitRule[]) => bench.store.execute(setLimitRules, { rules });
      expect(await set(rule("key", "one", { concurrency: 2 }))).toBe(true);
      expect(await set(rule("key", "one", { concurrency: 2 }))).toBe(false);
      expect(await bench.claim({ limit: 10 })).toHaveLength(1);
      expect(await set(rule("key", "one", { concurrency: 3 }))).toBe(true);
      expect(await bench.claim({ limit: 10 })).toHaveLength(1);
      expect(await bench.store.execute(listLimitRules, null)).toEqual([rule("key", "one", { concurrency: 3 })]);
      expect(await set()).toBe(true);
      expect(await bench.claim({ limit: 10 })).toEqual([]);
    });
  });
}
