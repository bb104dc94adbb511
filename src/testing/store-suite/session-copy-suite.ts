/** Exporting and importing a session: it arrives as it was, its history with it, and touches nothing else. */

import { describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Row } from "../../store/command.ts";
import { checksumOf } from "../../store/commands/checkpoint-seal.ts";
import type { NewCheckpoint } from "../../store/commands/checkpoints.ts";
import { createCheckpoint } from "../../store/commands/checkpoints.ts";
import { readSessionHistory, readSessionRows } from "../../store/commands/export-session.ts";
import type { ImportSession } from "../../store/commands/import-session.ts";
import { importSession } from "../../store/commands/import-session.ts";
import { appendMessages } from "../../store/commands/messages.ts";
import { readRawChanges, rebuildFromChanges } from "../../store/rebuild.ts";
import type { RawChange } from "../../store/rebuild.ts";
import { anEnvironment } from "../builders.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { faultsIn } from "./consistency.ts";
import { readLog } from "./log-suite.ts";
import { aMessage } from "./messages-suite.ts";
import type { SuiteStore } from "./suite-options.ts";
import { playActs, randomActs } from "./workload.ts";

export function sessionCopySuite(suite: Suite): void {
  describe("a session that is exported and imported", () => {
    it.each(suite.seeds(6))("arrives in another project as it was (seed %i)", async (seed) => {
      const bench = await workedBench(suite, seed);
      const exported = await exportSession(bench.store, bench.session.id);
      const there = await suite.openEmpty();
      await there.execute(importSession, exported);
      const again = await exportSession(there, bench.session.id);
      expect(withoutPlaces(again.rows)).toEqual(withoutPlaces(exported.rows));
      expect(tailless(again.history).slice(0, exported.history?.length)).toEqual(tailless(exported.history));
      await expectSound(suite, there);
    });

    it.each(suite.seeds(3))(
      "becomes a copy with ids of its own beside the original, which stays as it was (seed %i)",
      async (seed) => {
        const bench = await workedBench(suite, seed);
        const exported = await exportSession(bench.store, bench.session.id);
        const { session } = await bench.store.execute(importSession, { ...exported, newIds: true });
        expect(session).toMatchObject({ originId: bench.session.id, name: bench.session.name });
        expect(await exportSession(bench.store, bench.session.id)).toEqual(exported);
        const copy = await exportSession(bench.store, session.id);
        expect(shapeOf(copy)).toEqual(shapeOf(exported));
        const ids = idsIn(exported);
        const shared = [...idsIn(copy)].filter((id) => ids.has(id) && id !== bench.session.id);
        expect(shared).toEqual([]);
        await expectSound(suite, bench.store);
      },
    );

    it("comes as a conflict where it is already, and changes nothing", async () => {
      const bench = await workedBench(suite, 7);
      const exported = await exportSession(bench.store, bench.session.id);
      await expectRefused(bench, "conflict", () => bench.store.execute(importSession, exported));
    });

    it("arrives with what ran interrupted, and paused while something is unfinished", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      await bench.start("a");
      const exported = await exportSession(bench.store, bench.session.id);
      const there = await suite.openEmpty();
      const imported = await there.execute(importSession, exported);
      expect(imported).toMatchObject({ interrupted: 1, session: { status: "paused" } });
      const { tasks, executions } = await dumpTables(there);
      expect(tasks?.map((task) => [task.key, task.status, task.blocked_reason]).toSorted()).toEqual([
        ["a", "blocked", "interrupted"],
        ["b", "pending", null],
      ]);
      expect(executions).toMatchObject([{ status: "interrupted", worker_id: null }]);
      await expectSound(suite, there);
    });

    it("keeps its checkpoints: each names the same change of its history, under a seal that fits", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.store.execute(createCheckpoint, aCheckpoint(bench.session.id, "one"));
      await bench.finish("a");
      await bench.store.execute(createCheckpoint, aCheckpoint(bench.session.id, "two"));
      const exported = await exportSession(bench.store, bench.session.id);
      const elsewhere = await suite.open();
      await elsewhere.create({ ref: "x" }, { ref: "y" });
      await elsewhere.store.execute(importSession, exported);
      const checkpoints = (await dumpTables(elsewhere.store)).checkpoints ?? [];
      expect(checkpoints.map(({ label }) => label)).toEqual(expect.arrayContaining(["one", "two"]));
      for (const checkpoint of checkpoints) {
        const named = await changeAt(elsewhere.store, Number(checkpoint.position));
        const original = exported.rows.flatMap(([, rows]) => rows).find(({ id }) => id === checkpoint.id);
        const before = exported.history?.find(({ seq }) => seq === original?.position);
        expect([named.entity, named.verb, named.rowKey, named.at]).toEqual([
          before?.entity,
          before?.verb,
          before?.rowKey,
          before?.at,
        ]);
        expect(checksumOf(checkpoint, rowOf(named))).toBe(checkpoint.checksum);
      }
      await expectSound(suite, elsewhere.store);
    });

    it("begins anew as it is when its history is not known, without its checkpoints", async () => {
      const bench = await workedBench(suite, 8);
      await bench.store.execute(createCheckpoint, aCheckpoint(bench.session.id, "one"));
      const exported = await exportSession(bench.store, bench.session.id);
      const there = await suite.openEmpty();
      const imported = await there.execute(importSession, { ...exported, history: null });
      expect(imported.lostCheckpoints).toBe(1);
      const rows = withoutPlaces((await exportSession(there, bench.session.id)).rows);
      expect({ ...rows, checkpoints: [] }).toEqual({ ...withoutPlaces(exported.rows), checkpoints: [] });
      await expectSound(suite, there);
    });

    it("is refused whole when it reaches for another session", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "victim" });
      const victim = await bench.id("victim");
      const source = await workedBench(suite, 9);
      const exported = await exportSession(source.store, source.session.id);
      const history = exported.history ?? [];
      const last = history.at(-1)?.seq ?? 0;
      const attack = (change: Partial<RawChange>): RawChange => ({
        seq: last + 1,
        sessionId: source.session.id,
        taskId: null,
        at: 0,
        actor: "mallory",
        verb: "edit",
        entity: "tasks",
        rowKey: victim,
        before: JSON.stringify({ title: "victim" }),
        after: JSON.stringify({ title: "owned" }),
        note: null,
        part: 0,
        ...change,
      });
      const own = history.find(({ entity, before }) => entity === "tasks" && before === null)?.rowKey ?? "";
      const edge = { session_id: source.session.id, task_id: victim, depends_on_id: own, kind: "dependency" };
      const attacks = [
        attack({}),
        attack({ sessionId: bench.session.id }),
        attack({
          entity: "dependencies",
          rowKey: JSON.stringify([victim, own]),
          before: null,
          after: JSON.stringify(edge),
        }),
        attack({ entity: "sessions", rowKey: bench.session.id, after: JSON.stringify({ name: "x" }), before: "{}" }),
      ];
      for (const change of attacks)
        await expectRefused(bench, "store-damaged", () =>
          bench.store.execute(importSession, { ...exported, history: [...history, change] }),
        );
    });

    it("is refused whole when its rows are not what its history made", async () => {
      const source = await workedBench(suite, 10);
      const exported = await exportSession(source.store, source.session.id);
      const there = await suite.open();
      const rows = exported.rows.map(
        ([table, found]) =>
          [table, found.map((row) => (table === "tasks" ? { ...row, title: "other" } : row))] as const,
      );
      await expectRefused(there, "invalid-input", () => there.store.execute(importSession, { ...exported, rows }));
      const history = exported.history?.slice(0, -1) ?? [];
      await expectRefused(there, "invalid-input", () => there.store.execute(importSession, { ...exported, history }));
    });
  });
}

/** A session that all sorts of things happened in, paused, so that it arrives as it is. */
async function workedBench(suite: Suite, seed: number): Promise<Bench> {
  const bench = await suite.open();
  await playActs(bench, randomActs(seededRandom(seed), 60), () => {});
  const session = (await dumpTables(bench.store)).sessions?.find(({ id }) => id === bench.session.id);
  if (session?.status === "cancelled") return bench;
  await bench.store.execute(appendMessages, {
    sessionId: bench.session.id,
    messages: [aMessage("hello"), aMessage("long ".repeat(100))],
  });
  return bench;
}

async function exportSession(store: SuiteStore, sessionId: SessionId): Promise<ImportSession> {
  const { rows, environments, position } = await store.execute(readSessionRows, { sessionId });
  const history = await store.execute(readSessionHistory, { sessionId, after: 0, upTo: position, limit: 100_000 });
  return { sessionId, rows, environments, history, newIds: false, from: "a test", hasWorkspaces: false, blobs: [] };
}

const OWN = new Set(["seq", "held", "position", "checksum", "workspace", "origin_id", "worker_id", "updated_at"]);

/** Rows as they were but for their place, and for what an import stops. */
function withoutPlaces(rows: ImportSession["rows"]): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    rows.map(([table, found]) => [
      table,
      found.map((row) =>
        Object.fromEntries(
          Object.entries(stopped(table, row)).filter(
            ([column]) => !OWN.has(column) || (table === "messages" && column === "position"),
          ),
        ),
      ),
    ]),
  );
}

function stopped(table: string, row: Row): Row {
  if (table === "sessions" && row.status === "active") return { ...row, status: "paused" };
  if (table === "executions" && row.status === "running")
    return { ...row, status: "interrupted", interrupt_requested: 0 };
  if (table === "tasks" && row.status === "in_progress")
    return { ...row, status: "blocked", blocked_reason: "interrupted", blocked_note: null };
  return row;
}

function tailless(history: ImportSession["history"]): readonly unknown[] {
  return (history ?? []).map(({ at, actor, verb, entity, rowKey, note }) => ({
    at,
    actor,
    verb,
    entity,
    rowKey,
    note,
  }));
}

/** What a session is but for its ids. */
function shapeOf({ rows }: ImportSession): unknown {
  return rows.map(([table, found]) => [
    table,
    found
      .map((row) => stopped(table, row))
      .map(({ name, status, title, key, role, kind, attempt }) =>
        JSON.stringify({ name, status, title, key, role, kind: table === "steps" ? 0 : kind, attempt }),
      )
      .toSorted(),
  ]);
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function idsIn({ rows }: ImportSession): ReadonlySet<string> {
  const ids = rows.flatMap(([, found]) =>
    found.flatMap(({ origin_id: _origin, worker_id: _worker, ...row }) => JSON.stringify(row).match(UUID) ?? []),
  );
  return new Set(ids);
}

/** Consistent, and what the log alone rebuilds. */
async function expectSound(suite: Suite, store: SuiteStore): Promise<void> {
  const tables = await dumpTables(store);
  expect(faultsIn(tables)).toEqual([]);
  const rebuilt = await suite.openEmpty();
  await rebuilt.execute(rebuildFromChanges, { changes: await readLog(store) });
  expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(tables));
}

async function changeAt(store: SuiteStore, seq: number): Promise<RawChange> {
  const [change] = await store.execute(readRawChanges, { after: seq - 1, limit: 1 });
  if (change?.seq !== seq) throw new Error(`there is a change ${seq}`);
  return change;
}

function rowOf({ sessionId, taskId, rowKey, ...change }: RawChange): Row {
  return { ...change, session_id: sessionId, task_id: taskId, row_key: rowKey };
}

function aCheckpoint(sessionId: SessionId, label: string): NewCheckpoint {
  return { sessionId, label, kind: "manual", environment: anEnvironment(), workspace: null };
}
