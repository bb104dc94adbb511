/** Values and lists: large values kept once, pages, recurring tasks, and calls that share a transaction. */

import { describe, expect, it } from "vitest";

import { LIMITS } from "../../domain/limits.ts";
import { claimTasks } from "../../store/commands/claims.ts";
import { planOccurrence } from "../../store/commands/plan-occurrence.ts";
import type { ListChanges } from "../../store/commands/changes.ts";
import { listChanges } from "../../store/commands/changes.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { completeExecution, failAttempt } from "../../store/commands/executions.ts";
import type { NextOccurrence } from "../../store/commands/executions.ts";
import { findResumableSession, getSession, listSessions } from "../../store/commands/session-queries.ts";
import { createSession, settleSession } from "../../store/commands/sessions.ts";
import { cancelTask, noteTask } from "../../store/commands/task-actions.ts";
import { listExecutions, listTasks } from "../../store/commands/task-queries.ts";
import type { ListTasks, TaskPage } from "../../store/commands/task-queries.ts";
import { asId } from "../../domain/ids.ts";
import { aSession, aTask } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { holdOf } from "./bench.ts";

const EVERYTHING: ListTasks = {
  sessionId: null,
  statuses: null,
  minPriority: null,
  parentId: null,
  search: null,
  after: null,
  limit: 100,
};

export function recordsSuite(suite: Suite): void {
  describe("a value over 64 KiB", () => {
    it("comes back whole from every place that holds one, and is stored once", async () => {
      const bench = await suite.open();
      const large = { text: "é".repeat(LIMITS.inlineBytes) };
      await bench.create({ ref: "a", input: large, context: large }, { ref: "b", input: large });
      const a = await bench.start("a");
      expect(a.task).toMatchObject({ input: large, context: large });
      await bench.complete(a, large);
      expect(await bench.task("a")).toMatchObject({ input: large, context: large, result: large });
      const listed = await bench.store.execute(listExecutions, {
        taskId: null,
        sessionId: null,
        before: null,
        limit: 1,
      });
      expect(listed.executions).toMatchObject([{ result: large }]);
      expect((await dumpTables(bench.store)).blobs).toHaveLength(1);
    });

    it("may be a session's metadata", async () => {
      const bench = await suite.open();
      const metadata = { text: "é".repeat(LIMITS.inlineBytes) };
      const created = await bench.store.execute(createSession, aSession({ name: "large", metadata }));
      expect(created.metadata).toEqual(metadata);
      expect((await bench.store.execute(getSession, { sessionId: created.id })).metadata).toEqual(metadata);
      expect((await bench.store.execute(findResumableSession, null))?.metadata).toEqual(metadata);
      const page = await bench.store.execute(listSessions, { statuses: null, before: null, limit: 1 });
      expect(page.sessions).toMatchObject([{ metadata }]);
    });

    it("is a reference only above the limit", async () => {
      const bench = await suite.open();
      const fits = "x".repeat(LIMITS.inlineBytes - 2);
      await bench.create({ ref: "a", input: fits });
      expect((await dumpTables(bench.store)).blobs).toEqual([]);
      await bench.create({ ref: "b", input: `${fits}x` });
      expect((await dumpTables(bench.store)).blobs).toHaveLength(1);
      expect(await bench.task("b")).toMatchObject({ input: `${fits}x` });
    });

    it("keeps any text as it is, also one that looks like a reference", async () => {
      const bench = await suite.open();
      const inputs = ["@sha256:00", "\u0000", "\u{1F600}", "line\nbreak", ""];
      await bench.create(...inputs.map((input, index) => ({ ref: `t${index}`, input, title: `t${index} ${input}` })));
      const page = await bench.store.execute(listTasks, EVERYTHING);
      expect(page.tasks.map((task) => task.input)).toEqual(inputs);
      expect(page.tasks.map((task) => task.title)).toEqual(inputs.map((input, index) => `t${index} ${input}`));
    });
  });

  describe("listTasks", () => {
    it("gives pages in order of creation, each task once", async () => {
      const bench = await suite.open();
      await bench.create(...Array.from({ length: 7 }, (_, index) => ({ ref: `t${index}` })));
      const titles: string[] = [];
      let after: number | null = null;
      let pages = 0;
      do {
        const page: TaskPage = await bench.store.execute(listTasks, { ...EVERYTHING, after, limit: 3 });
        titles.push(...page.tasks.map((task) => task.title));
        after = page.next;
        pages += 1;
      } while (after !== null && pages < 10);
      expect([titles.join(), pages]).toEqual(["t0,t1,t2,t3,t4,t5,t6", 3]);
    });

    it("filters by status, priority, parent and text, which is taken literally", async () => {
      const bench = await suite.open();
      await bench.create(
        { ref: "g", executor: "group" },
        { ref: "a", parent: "g", priority: 9, title: "100% DONE" },
        { ref: "b", parent: "g", title: "100 percent" },
        { ref: "c", description: "about snake_case" },
      );
      const titles = async (filter: Partial<ListTasks>): Promise<string> =>
        (await bench.store.execute(listTasks, { ...EVERYTHING, ...filter })).tasks.map((task) => task.key).join();
      expect(await titles({ search: "100% d" })).toBe("a");
      expect(await titles({ search: "_" })).toBe("c");
      expect(await titles({ minPriority: 6 })).toBe("a");
      expect(await titles({ parentId: await bench.id("g") })).toBe("a,b");
      expect(await titles({ statuses: ["blocked", "completed"] })).toBe("g");
      expect(await titles({ statuses: [] })).toBe("");
    });
  });

  describe("a recurring task", () => {
    const schedule = { type: "every", intervalMs: 60_000 } as const;

    it("has one execution per occurrence, and waits for the next", async () => {
      const bench = await suite.open();
      const first = bench.clock.now();
      await bench.create({ ref: "tick", schedule, scheduledFor: first, runAt: first });
      const one = await bench.start("tick");
      await endWithNext(bench, one, first + 60_000);
      expect(await bench.task("tick")).toMatchObject({
        status: "pending",
        scheduledFor: first + 60_000,
        runAt: first + 60_000,
      });
      expect(await bench.claim()).toEqual([]);
      bench.clock.advance(60_000);
      const [two] = await bench.claim();
      expect(two).toMatchObject({ isResumed: false, execution: { scheduledFor: first + 60_000, attempt: 1 } });
      expect(two?.execution.id).not.toBe(one.execution.id);
    });

    it("goes on with the next occurrence after one that failed", async () => {
      const bench = await suite.open();
      const first = bench.clock.now();
      await bench.create({ ref: "tick", schedule, scheduledFor: first, runAt: first });
      const hold = holdOf(await bench.start("tick"));
      const error = { code: "boom", message: "no" };
      const next = occurrence(first + 60_000);
      await bench.store.execute(failAttempt, { hold, error, retryAt: null, handledSteps: [], next });
      expect(await bench.task("tick")).toMatchObject({ status: "pending", scheduledFor: first + 60_000 });
    });

    it("that is overdue is handed back to be planned instead of being claimed", async () => {
      const bench = await suite.open();
      const first = bench.clock.now();
      await bench.create({ ref: "tick", schedule, scheduledFor: first, runAt: first });
      bench.clock.advance(600_000);
      const claim = { workerId: asId<never>("w1"), executors: ["function"], sessionId: null, limit: 5 };
      const late = await bench.store.execute(claimTasks, claim);
      expect(late).toMatchObject({ claimed: [], overdue: [{ title: "tick" }] });
      const planned = { scheduledFor: first + 600_000, runAt: first + 600_000, skipped: 9, missedUntil: null };
      const taskId = await bench.id("tick");
      await bench.store.execute(planOccurrence, { taskId, scheduledFor: first, planned });
      await bench.store.execute(planOccurrence, {
        taskId,
        scheduledFor: first,
        planned: { ...planned, scheduledFor: 1 },
      });
      const onTime = await bench.store.execute(claimTasks, claim);
      expect(onTime.claimed).toMatchObject([{ execution: { scheduledFor: first + 600_000 } }]);
    });
  });

  describe("settleSession", () => {
    it("completes a session with its last task, fails one that is stuck, and leaves any other", async () => {
      const bench = await suite.open();
      const settled = async (): Promise<string> =>
        (await bench.store.execute(settleSession, { sessionId: bench.session.id })).status;
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"] });
      expect(await settled()).toBe("active");
      await bench.fail(await bench.start("a"));
      expect(await settled()).toBe("failed");
      await bench.create({ ref: "c" });
      expect(await settled()).toBe("active");
      await bench.store.execute(cancelTask, { taskId: await bench.id("a"), note: null });
      await bench.store.execute(cancelTask, { taskId: await bench.id("b"), note: null });
      await bench.finish("c");
      expect(await settled()).toBe("completed");
    });
  });

  describe("calls made in one turn", () => {
    it("take effect in order, and one that fails undoes its own writes and no other's", async () => {
      const bench = await suite.open();
      const { id: sessionId } = bench.session;
      const create = (...refs: readonly string[]): Promise<unknown> =>
        bench.store.execute(createTasks, { sessionId, tasks: refs.map((ref) => aTask({ ref })) });
      const results = await Promise.allSettled([create("a"), create("b", "a"), create("c"), create("c"), create("d")]);
      expect(results.map((result) => result.status).join()).toBe("fulfilled,rejected,fulfilled,rejected,fulfilled");
      const page = await bench.store.execute(listTasks, EVERYTHING);
      expect(page.tasks.map((task) => task.title).join()).toBe("a,c,d");
    });

    it("see what those before them wrote", async () => {
      const bench = await suite.open();
      const { id: sessionId } = bench.session;
      const [, page] = await Promise.all([
        bench.store.execute(createTasks, { sessionId, tasks: [aTask({ ref: "a" })] }),
        bench.store.execute(listTasks, EVERYTHING),
      ]);
      expect(page.tasks.map((task) => task.title)).toEqual(["a"]);
    });
  });

  describe("the change log", () => {
    it("says who changed which columns of what, from what to what", async () => {
      const bench = await suite.open();
      const [a] = await bench.create({ ref: "a" });
      const { id: sessionId } = bench.session;
      if (a === undefined) throw new Error("nothing was created");
      await bench.store.execute(noteTask, { taskId: a.id, note: "look" }, { actor: "cli" });
      await bench.finish("a");
      const list = { sessionId, taskId: a.id, kind: "tasks", after: null, from: "oldest", limit: 10 } as const;
      const changes = await bench.store.execute(listChanges, list);
      expect(changes.map((change) => change.verb)).toEqual(["create", "note", "claim", "complete"]);
      expect(changes[1]).toMatchObject({ actor: "cli", note: "look", before: {}, after: {} });
      expect(changes[2]).toMatchObject({
        rowKey: a.id,
        before: { status: "pending" },
        after: { status: "in_progress" },
      });
      const newest = await bench.store.execute(listChanges, { ...list, from: "newest", limit: 1 });
      expect(newest).toMatchObject([{ verb: "complete" }]);
    });

    it("is looked through by who, when and note", async () => {
      const bench = await suite.open();
      const [a] = await bench.create({ ref: "a" });
      if (a === undefined) throw new Error("nothing was created");
      const note = (text: string, actor: string): Promise<unknown> =>
        bench.store.execute(noteTask, { taskId: a.id, note: text }, { actor });
      await note("100% Sure_", "cli");
      bench.clock.advance(60_000);
      await note("1000 surer", "worker:7");
      const all = { sessionId: null, taskId: null, kind: "note", after: null, from: "oldest", limit: 10 } as const;
      const found = async (filter: Partial<ListChanges>): Promise<readonly (string | null)[]> =>
        (await bench.store.execute(listChanges, { ...all, ...filter })).map((change) => change.note);
      const now = bench.clock.now();
      expect(await found({ actor: "cli" })).toEqual(["100% Sure_"]);
      expect(await found({ actor: "worker" })).toEqual(["1000 surer"]);
      expect(await found({ actor: "work" })).toEqual([]);
      expect(await found({ since: now })).toEqual(["1000 surer"]);
      expect(await found({ until: now })).toEqual(["100% Sure_"]);
      expect(await found({ search: "SURE" })).toEqual(["100% Sure_", "1000 surer"]);
      expect(await found({ search: "0% sure_" })).toEqual(["100% Sure_"]);
    });
  });
}

function occurrence(at: number): NextOccurrence {
  return { scheduledFor: at, runAt: at, skipped: 0, missedUntil: null };
}

function endWithNext(bench: Bench, claimed: Parameters<typeof holdOf>[0], at: number): Promise<void> {
  return bench.store.execute(completeExecution, { hold: holdOf(claimed), result: null, next: occurrence(at) });
}
