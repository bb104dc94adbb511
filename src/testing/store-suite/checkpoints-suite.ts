/** Checkpoints one by one: what they are, what becomes of those who worked, and what a damaged one does. */

import { describe, expect, it } from "vitest";

import type { Checkpoint } from "../../domain/checkpoint.ts";
import type { CheckpointId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, SqlValue } from "../../store/command.ts";
import { defineWrite, rows } from "../../store/command.ts";
import { checkCheckpoint } from "../../store/commands/checkpoint-soundness.ts";
import type { NewCheckpoint } from "../../store/commands/checkpoints.ts";
import {
  createCheckpoint,
  createCheckpointIfChanged,
  findNewestCheckpoint,
  getCheckpoint,
  listCheckpoints,
  measureSinceCheckpoint,
  resolveCheckpoint,
} from "../../store/commands/checkpoints.ts";
import { comparePoints } from "../../store/commands/compare-points.ts";
import { forkCheckpoint } from "../../store/commands/fork.ts";
import type { Restored } from "../../store/commands/restore.ts";
import { restoreCheckpoint } from "../../store/commands/restore.ts";
import { getSession } from "../../store/commands/session-queries.ts";
import {
  cancelSession,
  completeSession,
  createSession,
  resumeSession,
  settleSession,
} from "../../store/commands/sessions.ts";
import { recordStep } from "../../store/commands/steps.ts";
import { anEnvironment, aSession } from "../builders.ts";
import { dumpTables } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused, holdOf } from "./bench.ts";
import { rowsOf } from "./restored-rows.ts";
import { writeEntry, writeMessage } from "./session-writes.ts";

export function checkpointsSuite(suite: Suite): void {
  describe("createCheckpoint", () => {
    it("names the newest change, its environment kept once", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const environment = anEnvironment({ changedFiles: ["a file"] });
      const first = await make(bench, { label: "first", environment });
      const second = await make(bench, { label: "second", environment });
      expect(await bench.store.execute(getCheckpoint, { checkpointId: first.id })).toEqual(first);
      expect(first).toMatchObject({ sessionId: bench.session.id, label: "first", kind: "manual", environment });
      expect(second.seq).toBeGreaterThan(first.seq);
      const tables = await dumpTables(bench.store);
      expect(tables.environments).toHaveLength(1);
      expect(tables.changes?.find(({ seq }) => seq === first.seq)).toMatchObject({ entity: "tasks" });
    });

    it("is refused for a session there is none", async () => {
      const bench = await suite.open();
      await expectRefused(bench, "not-found", () => make(bench, { sessionId: asId("none") }));
    });

    it("is found by id, the beginning of one, and the newest of a label", async () => {
      const bench = await suite.open();
      const [first, second] = [await make(bench, { label: "same" }), await make(bench, { label: "same" })];
      const resolve = (reference: string): Promise<CheckpointId> =>
        bench.store.execute(resolveCheckpoint, { reference });
      expect(await resolve("same")).toBe(second.id);
      expect(await resolve(first.id)).toBe(first.id);
      expect(await resolve(first.id.slice(0, 13))).toBe(first.id);
      await expect(resolve("nothing of it")).rejects.toMatchObject({ code: "not-found" });
    });

    it("is listed newest first, page by page, by kind, and only with its session", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      await make(bench, { sessionId: other.id });
      for (const label of ["1", "2", "3"]) await make(bench, { label, kind: label === "2" ? "final" : "manual" });
      const list = (filter: object) =>
        bench.store.execute(listCheckpoints, {
          sessionId: bench.session.id,
          kinds: null,
          before: null,
          limit: 2,
          ...filter,
        });
      const first = await list({});
      const second = await list({ before: first.next });
      expect([first, second].map((page) => page.checkpoints.map(({ label }) => label))).toEqual([["3", "2"], ["1"]]);
      expect(second.next).toBeNull();
      expect((await list({ kinds: ["final"] })).checkpoints.map(({ label }) => label)).toEqual(["2"]);
    });
  });

  describe("createCheckpointIfChanged", () => {
    it("makes none while nothing happens, and one when something has", async () => {
      const bench = await suite.open();
      const automatic = () => makeIfChanged(bench, { kind: "automatic" });
      expect(await automatic()).not.toBeNull();
      expect(await automatic()).toBeNull();
      await bench.create({ ref: "a" });
      expect(await automatic()).not.toBeNull();
      expect(await automatic()).toBeNull();
    });

    it("makes a final one also where another of the same point is", async () => {
      const bench = await suite.open();
      await make(bench, {});
      expect(await makeIfChanged(bench, { kind: "final" })).toMatchObject({ kind: "final" });
      expect(await makeIfChanged(bench, { kind: "final" })).toBeNull();
    });

    it("thins out automatic ones, in the log, and keeps all others", async () => {
      const bench = await suite.open();
      await make(bench, { label: "asked for" });
      for (let count = 0; count < 100; count += 1) {
        bench.clock.advance(60_000);
        await bench.store.execute(writeMessage, { sessionId: bench.session.id, text: `${count}` });
        await makeIfChanged(bench, { kind: "automatic", label: `${count}` });
      }
      const { checkpoints, changes } = await dumpTables(bench.store);
      const labels = (checkpoints ?? []).map(({ label }) => label);
      expect(labels).toContain("asked for");
      expect(labels).toEqual(expect.arrayContaining(["99", "98", "90"]));
      expect(labels.length).toBeLessThan(20);
      expect(changes?.filter(({ verb }) => verb === "thin").length).toBe(101 - labels.length);
    });

    it("tells those without a memory of their own how much has been done since", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c" });
      await bench.finish("a", "b");
      const measure = () => bench.store.execute(measureSinceCheckpoint, { sessionId: bench.session.id, bound: 5 });
      expect(await measure()).toEqual({ endedTasks: 2, since: bench.session.createdAt });
      bench.clock.advance(1_000);
      const { createdAt } = await make(bench, {});
      await bench.finish("c");
      expect(await measure()).toEqual({ endedTasks: 1, since: createdAt });
    });
  });

  describe("restoreCheckpoint", () => {
    it("brings back tasks, journal, messages and working memory, and undoes that again", async () => {
      const bench = await suite.open();
      const { store, session } = bench;
      const sessionId = session.id;
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"] });
      await store.execute(writeEntry, { sessionId, key: "goal", value: "x".repeat(100_000) });
      await store.execute(writeMessage, { sessionId, text: "hello" });
      const { id } = await make(bench, {});
      await bench.finish("a");
      await store.execute(writeEntry, { sessionId, key: "goal", value: undefined });
      await store.execute(writeMessage, { sessionId, text: "good-bye" });
      await bench.create({ ref: "late" });

      const restored = await restore(bench, id);
      expect(await bench.states("a", "b")).toEqual(["pending", "blocked: dependencies"]);
      await expect(bench.task("late")).rejects.toMatchObject({ code: "not-found" });
      expect(restored).toMatchObject({ reopenedTasks: 1, cutOff: [], repeats: [], undo: { kind: "before_restore" } });
      expect(restored.removed).toHaveLength(1);
      const then = await dumpTables(store);
      expect(then.memory).toMatchObject([{ key: "goal", value: expect.stringMatching(/^@sha256:/) }]);
      expect(then.messages).toHaveLength(1);

      await restore(bench, restored.undo.id);
      expect(await bench.states("a", "b", "late")).toEqual(["completed", "pending", "pending"]);
      const now = await dumpTables(store);
      expect([now.memory?.length, now.messages?.length]).toEqual([0, 2]);
    });

    it("lets work go on from there", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"] });
      const { id } = await make(bench, {});
      await bench.finish("a", "b");
      await restore(bench, id);
      await bench.finish("a", "b");
      expect(await bench.states("a", "b")).toEqual(["completed", "completed"]);
    });

    it.each(["completed", "cancelled"] as const)("opens a session that was %s as it was", async (status) => {
      const bench = await suite.open();
      const { store, session } = bench;
      await bench.create({ ref: "a" });
      const { id } = await make(bench, {});
      if (status === "completed") await bench.finish("a");
      await store.execute(status === "completed" ? settleSession : cancelSession, { sessionId: session.id });
      expect(await store.execute(getSession, { sessionId: session.id })).toMatchObject({ status });
      expect((await restore(bench, id)).session).toMatchObject({ status: "active", endedAt: null });
      await bench.finish("a");
    });

    it("pauses an active one when asked, and holds its tasks back", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const { id } = await make(bench, {});
      await bench.finish("a");
      expect((await restore(bench, id, { pausesActive: true })).session.status).toBe("paused");
      expect(await bench.claim()).toEqual([]);
      await bench.store.execute(resumeSession, { sessionId: bench.session.id, retryFailed: false });
      expect(await bench.claim()).toHaveLength(1);
    });

    it("takes what runs from its worker, whose writes change nothing any more (INV-3)", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const { id } = await make(bench, {});
      const before = await bench.start("a");
      const restored = await restore(bench, id);
      expect(restored.cutOff).toEqual([before.execution.id]);
      await expectRefused(bench, "lease-lost", () => bench.complete(before));
      const { undo } = restored;
      await restore(bench, undo.id);
      await expectRefused(bench, "lease-lost", () => bench.complete(before));
      const again = await bench.start("a");
      expect(again.execution.id).toBe(before.execution.id);
      expect(again.execution.fence).toBeGreaterThan(before.execution.fence);
      await expectRefused(bench, "lease-lost", () => bench.complete(before));
      await bench.complete(again);
    });

    it("lets what ran at the checkpoint go on from its journal, under a fence nobody had (INV-3)", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const first = await bench.start("a");
      await step(bench, first, { position: 0, status: "completed" });
      const { id } = await make(bench, {});
      await step(bench, first, { position: 1, status: "completed" });
      await bench.complete(first);
      await restore(bench, id);
      expect(await bench.states("a")).toEqual(["pending"]);
      const second = await bench.start("a");
      expect(second).toMatchObject({ isResumed: true, execution: { id: first.execution.id, attempt: 1 } });
      expect(second.execution.fence).toBeGreaterThan(first.execution.fence + 1);
      const { steps } = await dumpTables(bench.store);
      expect(steps).toMatchObject([{ position: 0, status: "completed" }]);
    });

    it("names the effects that took place since, and those nobody knows of (INV-8)", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      const [a, b] = [await bench.start("a"), await bench.start("b")];
      await step(bench, a, { position: 0, status: "completed" });
      const { id } = await make(bench, {});
      await step(bench, a, { position: 1, status: "completed" });
      await step(bench, a, { position: 2, status: "completed", effect: "repeatable" });
      await step(bench, b, { position: 0, status: "started" });
      const { repeats } = await restore(bench, id);
      expect(repeats).toEqual([
        { taskId: a.task.id, task: "a", step: "s1", outcome: "completed" },
        { taskId: b.task.id, task: "b", step: "s0", outcome: "unknown" },
      ]);
    });

    it("does nothing to another session (INV-7)", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const { id } = await make(bench, {});
      await bench.store.execute(writeEntry, { sessionId: other.id, key: "k", value: 1 });
      await bench.store.execute(writeEntry, { sessionId: bench.session.id, key: "k", value: 1 });
      await restore(bench, id);
      const { memory } = await dumpTables(bench.store);
      expect(memory).toMatchObject([{ session_id: other.id, key: "k" }]);
    });
  });

  describe("a damaged checkpoint", () => {
    const damages: readonly (readonly [string, string, readonly SqlValue[]])[] = [
      ["its position is another", "update checkpoints set position = position - 1 where label = 'bad'", []],
      ["its label is another", "update checkpoints set label = 'bad', kind = 'final' where label = 'bad'", []],
      ["its environment is gone", "delete from environments where content like '%bad commit%'", []],
      [
        "its environment is another",
        "update environments set content = replace(content, 'bad commit', 'worse') where content like '%bad commit%'",
        [],
      ],
      [
        "the change it names is gone",
        "delete from changes where seq in (select position from checkpoints where label = 'bad')",
        [],
      ],
      [
        "the change it names says something else",
        "update changes set note = 'forged' where seq in (select position from checkpoints where label = 'bad')",
        [],
      ],
      [
        "a change after it does not fit",
        "update changes set before = replace(before, 'running', 'suspended') where entity = 'executions' and verb = 'complete'",
        [],
      ],
      [
        "a row is not as its last change left it",
        "update tasks set title = 'forged', status = 'failed' where key = 'a'",
        [],
      ],
      ["a row is gone", "delete from steps where position = 0", []],
    ];

    it.each(damages)("is refused when %s, and the newest sound one is named", async (_, sql, params) => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      const bad = await make(bench, { label: "bad", environment: anEnvironment({ gitCommit: "bad commit" }) });
      const claimed = await bench.start("a");
      await step(bench, claimed, { position: 0, status: "completed" });
      await bench.complete(claimed);
      const good = await make(bench, { label: "good" });
      await bench.store.execute(writeMessage, { sessionId: bench.session.id, text: "later" });
      await bench.store.execute(damage, { sql, params });
      await expectRefused(bench, "store-damaged", () => restore(bench, bad.id));
      await expectRefused(bench, "store-damaged", () =>
        bench.store.execute(forkCheckpoint, { checkpointId: bad.id, name: "x" }),
      );
      await expect(bench.store.execute(checkCheckpoint, { checkpointId: bad.id })).rejects.toMatchObject({
        message: expect.stringMatching(/^Checkpoint bad \([0-9a-f]{8}\) is damaged: /),
        hint: expect.stringContaining(`perdure checkpoint restore ${good.id.slice(0, 8)}`),
        details: { checkpointId: bad.id, soundCheckpointId: good.id },
      });
      await restore(bench, good.id);
      expect((await dumpTables(bench.store)).messages).toEqual([]);
    });

    it("says so when none is sound", async () => {
      const bench = await suite.open();
      const { id } = await make(bench, {});
      await bench.store.execute(damage, { sql: "update checkpoints set checksum = 'none'", params: [] });
      await expect(restore(bench, id)).rejects.toMatchObject({ details: { soundCheckpointId: null } });
    });
  });

  describe("forkCheckpoint", () => {
    it("makes a paused session of its own that remembers where it came from", async () => {
      const bench = await suite.open({ planFile: "plan.md", planFingerprint: "1", goal: "all of it" });
      await bench.create({ ref: "a" }, { ref: "b", needs: ["a"] });
      await bench.finish("a");
      const { id } = await make(bench, {});
      await bench.finish("b");
      await bench.store.execute(completeSession, { sessionId: bench.session.id, note: null });
      const fork = await bench.store.execute(forkCheckpoint, { checkpointId: id, name: "again" });
      expect(fork).toMatchObject({ name: "again", status: "paused", goal: "all of it", planFile: null, endedAt: null });
      const tables = await dumpTables(bench.store);
      expect(tables.sessions?.find((row) => row.id === fork.id)).toMatchObject({
        origin_id: bench.session.id,
        origin_checkpoint_id: id,
      });
      expect(rowsOf(tables, "tasks", fork.id).map((row) => [row.key, row.status])).toEqual([
        ["a", "completed"],
        ["b", "pending"],
      ]);
      expect(await bench.states("a", "b")).toEqual(["completed", "completed"]);
      expect(await bench.store.execute(findNewestCheckpoint, { sessionId: fork.id })).toMatchObject({ id });
    });

    it("is worked without its source noticing, and its source without it", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const running = await bench.start("a");
      const { id } = await make(bench, {});
      const fork = await bench.store.execute(forkCheckpoint, { checkpointId: id, name: "fork" });
      await bench.complete(running, "of the source");
      await bench.store.execute(resumeSession, { sessionId: fork.id, retryFailed: false });
      const [inFork] = await bench.claim({ sessionId: fork.id });
      expect(inFork).toMatchObject({ isResumed: true });
      expect(inFork?.execution.id).not.toBe(running.execution.id);
      if (inFork !== undefined) await bench.complete(inFork, "of the fork");
      expect((await bench.task("a")).result).toBe("of the source");
    });
  });

  describe("comparePoints", () => {
    it("gives each row that differs, from either side, and names its task", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const from = (await make(bench, { label: "from" })).id;
      await bench.finish("a");
      const to = (await make(bench, { label: "to" })).id;
      await bench.create({ ref: "b" });
      const compare = (points: Parameters<typeof comparePoints.perform>[1]) =>
        bench.store.execute(comparePoints, points);
      const states = (compared: Awaited<ReturnType<typeof compare>>) =>
        compared.rows
          .filter(({ entity }) => entity === "tasks")
          .map((row) => [row.from?.status ?? null, row.to?.status ?? null]);
      expect(states(await compare({ from, to }))).toEqual([["pending", "completed"]]);
      expect(states(await compare({ from: to, to: from }))).toEqual([["completed", "pending"]]);
      expect(states(await compare({ from, to: null }))).toEqual([
        ["pending", "completed"],
        [null, "pending"],
      ]);
      expect((await compare({ from, to: from })).rows).toEqual([]);
      expect([...(await compare({ from, to })).taskNames.values()]).toEqual(["a"]);
    });

    it("is refused for checkpoints of two sessions", async () => {
      const bench = await suite.open();
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const [from, to] = [(await make(bench, {})).id, (await make(bench, { sessionId: other.id })).id];
      await expectRefused(bench, "invalid-input", () => bench.store.execute(comparePoints, { from, to }));
    });
  });
}

function newCheckpoint(bench: Bench, sketch: Partial<NewCheckpoint>): NewCheckpoint {
  const environment = anEnvironment();
  return { sessionId: bench.session.id, label: "manual", kind: "manual", environment, workspace: null, ...sketch };
}

function make(bench: Bench, sketch: Partial<NewCheckpoint>): Promise<Checkpoint> {
  return bench.store.execute(createCheckpoint, newCheckpoint(bench, sketch));
}

function makeIfChanged(bench: Bench, sketch: Partial<NewCheckpoint>): Promise<Checkpoint | null> {
  return bench.store.execute(createCheckpointIfChanged, newCheckpoint(bench, sketch));
}

function restore(
  bench: Bench,
  checkpointId: CheckpointId,
  options?: { readonly pausesActive: boolean },
): Promise<Restored> {
  const input = { environment: anEnvironment(), workspace: null, pausesActive: false, ...options };
  return bench.store.execute(restoreCheckpoint, { checkpointId, ...input });
}

interface StepSketch {
  readonly position: number;
  readonly status: "started" | "completed";
  /** Default `once`. */
  readonly effect?: "once" | "repeatable";
}

async function step(
  bench: Bench,
  claimed: Awaited<ReturnType<Bench["start"]>>,
  { position, status, effect = "once" }: StepSketch,
): Promise<void> {
  await bench.store.execute(recordStep, {
    step: { hold: holdOf(claimed), position, name: `s${position}`, kind: { type: "run" }, effect, isConcurrent: false },
    outcome: status === "started" ? { status } : { status, result: position },
    startedAt: bench.clock.now(),
  });
}

/** What a failing disk or a careless hand does to the tables. */
const damage = defineWrite(
  "test-damage",
  function* (_context, input: { readonly sql: string; readonly params: readonly SqlValue[] }): Command<void> {
    yield* rows(input.sql, ...input.params);
  },
);
