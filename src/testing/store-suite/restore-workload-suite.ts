/** Checkpoints under random workloads: any of them can be returned to, and what was left can be returned to again. */

import { describe, expect, it } from "vitest";

import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import type { Checkpoint } from "../../domain/checkpoint.ts";
import type { SessionId } from "../../domain/ids.ts";
import { createCheckpoint } from "../../store/commands/checkpoints.ts";
import { forkCheckpoint } from "../../store/commands/fork.ts";
import { restoreCheckpoint } from "../../store/commands/restore.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import { anEnvironment, aSession } from "../builders.ts";
import type { TableDump } from "../table-dump.ts";
import { dumpState, dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { faultsIn } from "./consistency.ts";
import { readLog } from "./log-suite.ts";
import { comparableRows, rowsOf, rowsOnceRestored } from "./restored-rows.ts";
import { writeEntry, writeMessage } from "./session-writes.ts";
import type { Player } from "./workload.ts";
import { createPlayer, playAct, randomActs } from "./workload.ts";

const WORKLOADS = 3;
const ACTS_BETWEEN = 30;
/** Everything that is stored is compared again and again. */
const TIMEOUT_MS = 120_000;

export function restoreWorkloadSuite(suite: Suite): void {
  const seeds = suite.seeds(WORKLOADS);
  const actsBefore = suite.isBrief ? 200 : 500;
  const restores = suite.isBrief ? 8 : 20;

  describe("checkpoints of a random workload", () => {
    it.each(seeds)(
      "are each returned to exactly, in any order, and undone (seed %i)",
      async (seed) => {
        const workload = await startWorkload(suite, seed);
        await workload.play(actsBefore);
        for (let round = 0; round < restores; round += 1) {
          await restoreSome(workload);
          if (round % 3 === 0) await workload.play(ACTS_BETWEEN);
        }
        const { store } = workload.bench;
        const log = await readLog(store);
        expect(repeatedFences(log)).toEqual([]);
        const rebuilt = await suite.openEmpty();
        await rebuilt.execute(rebuildFromChanges, { changes: log });
        expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(await dumpTables(store)));
      },
      TIMEOUT_MS,
    );

    it.each(seeds)(
      "are each forked exactly, and source and fork do not touch each other (seed %i)",
      async (seed) => {
        const workload = await startWorkload(suite, seed);
        await workload.play(actsBefore / 2);
        for (let round = 0; round < 5; round += 1) {
          await forkSome(workload);
          await workload.play(ACTS_BETWEEN);
        }
      },
      TIMEOUT_MS,
    );
  });
}

interface Taken {
  readonly checkpoint: Checkpoint;
  readonly tables: TableDump;
}

interface Workload {
  readonly bench: Bench;
  readonly random: Random;
  readonly taken: Taken[];
  /** Plays acts in two sessions of the store by turns, taking checkpoints on the way. */
  play(acts: number): Promise<void>;
}

async function startWorkload(suite: Suite, seed: number): Promise<Workload> {
  const bench = await suite.open();
  const other = await bench.store.execute(createSession, aSession({ name: "other" }));
  const random = seededRandom(seed);
  const players = [bench, { ...bench, session: other }].map(createPlayer);
  const taken: Taken[] = [];
  return {
    bench,
    random,
    taken,
    async play(acts) {
      for (const act of randomActs(random, acts)) {
        const player = pickOf(players, random);
        await playAct(player, act);
        await writeSomething(player, random);
        if (random.next() < 0.04) taken.push(await take(player));
      }
    },
  };
}

async function take({ bench }: Player): Promise<Taken> {
  const input = { label: "point", kind: "manual", environment: anEnvironment(), workspace: null } as const;
  const checkpoint = await bench.store.execute(createCheckpoint, { sessionId: bench.session.id, ...input });
  return { checkpoint, tables: await dumpState(bench.store) };
}

async function writeSomething({ bench }: Player, random: Random): Promise<void> {
  const sessionId = bench.session.id;
  const chance = random.next();
  const text = "x".repeat(Math.floor(random.next() * 400));
  if (chance < 0.1) await bench.store.execute(writeMessage, { sessionId, text });
  else if (chance < 0.3) {
    const value = chance < 0.15 ? undefined : { text };
    await bench.store.execute(writeEntry, { sessionId, key: `key ${Math.floor(random.next() * 8)}`, value });
  }
}

async function restoreSome({ bench, random, taken }: Workload): Promise<void> {
  const { store, clock } = bench;
  const { checkpoint, tables } = pickOf(taken, random);
  const { sessionId } = checkpoint;
  const pausesActive = random.next() < 0.3;
  clock.advance(1);
  const before = await dumpState(store);
  const input = { environment: anEnvironment(), workspace: null };
  const restored = await store.execute(restoreCheckpoint, { checkpointId: checkpoint.id, pausesActive, ...input });
  const after = await dumpState(store);
  expect(faultsIn(after)).toEqual([]);
  const expected = rowsOnceRestored(tables, sessionId, clock.now());
  const [session] = expected.sessions ?? [];
  const status = pausesActive && session?.status === "active" ? "paused" : session?.status;
  expect(comparableRows(after, sessionId)).toEqual({ ...expected, sessions: [{ ...session, status }] });
  expect(othersIn(after, sessionId)).toEqual(othersIn(before, sessionId));
  if (random.next() < 0.5) return;

  const stoppedAt = clock.now();
  clock.advance(1);
  await store.execute(restoreCheckpoint, { checkpointId: restored.undo.id, pausesActive: false, ...input });
  const undone = await dumpState(store);
  expect(faultsIn(undone)).toEqual([]);
  expect(comparableRows(undone, sessionId)).toEqual(rowsOnceRestored(before, sessionId, stoppedAt));
  expect(othersIn(undone, sessionId)).toEqual(othersIn(before, sessionId));
}

async function forkSome(workload: Workload): Promise<void> {
  const { bench, random, taken } = workload;
  const { store, clock } = bench;
  const { checkpoint, tables } = pickOf(taken, random);
  const before = await dumpState(store);
  const fork = await store.execute(forkCheckpoint, { checkpointId: checkpoint.id, name: "fork" });
  const after = await dumpState(store);
  expect(faultsIn(after)).toEqual([]);
  expect(othersIn(after, fork.id)).toEqual(othersIn(before, fork.id));
  const expected = rowsOnceRestored(tables, checkpoint.sessionId, clock.now());
  const { sessions: _sessions, ...forked } = withSourceIds(after, fork.id, checkpoint.sessionId);
  const { sessions: _others, ...source } = expected;
  expect(forked).toEqual(withoutOrigin(source));

  // What is done in one is not seen in the other.
  const inFork = comparableRows(after, fork.id);
  const inSource = comparableRows(after, checkpoint.sessionId);
  await store.execute(writeEntry, { sessionId: fork.id, key: "key 1", value: "in the fork" });
  await store.execute(writeMessage, { sessionId: fork.id, text: "in the fork" });
  expect(comparableRows(await dumpState(store), checkpoint.sessionId)).toEqual(inSource);
  const point = await take(createPlayer({ ...bench, session: fork }));
  const undo = { checkpointId: checkpoint.id, pausesActive: false, environment: anEnvironment(), workspace: null };
  await store.execute(restoreCheckpoint, undo);
  const left = comparableRows(await dumpState(store), fork.id);
  expect(left).toEqual(comparableRows(point.tables, fork.id));
  expect(inFork.tasks).toEqual(left.tasks);
}

/** The rows of a fork under the ids of its source. Fails where a fork does not have a counterpart for each id. */
function withSourceIds(tables: TableDump, forkId: string, sourceId: string): ReturnType<typeof comparableRows> {
  const ids = new Map<string, string>([[forkId, sourceId]]);
  for (const row of rowsOf(tables, "tasks", forkId)) ids.set(String(row.id), String(row.origin_id));
  const taskIds = new Set(ids.values());
  expect(taskIds.size).toBe(ids.size);
  // Executions, signals and artifacts say nothing of their origin; they correspond by their place.
  for (const name of ["executions", "signals", "artifacts"]) {
    for (const [index, row] of rowsOf(tables, name, forkId).entries()) ids.set(String(row.id), `${name} ${index}`);
  }
  let text = JSON.stringify(comparableRows(tables, forkId));
  for (const [id, source] of ids) text = text.replaceAll(id, source);
  const renamed: ReturnType<typeof comparableRows> = JSON.parse(text);
  return withoutOrigin(renamed);
}

/** Each in the order of its content, its ids that are new by place. */
function withoutOrigin(rows: Omit<ReturnType<typeof comparableRows>, never>): ReturnType<typeof comparableRows> {
  const ids = new Map<string, string>();
  for (const name of ["executions", "signals", "artifacts"]) {
    for (const [index, row] of (rows[name] ?? []).entries()) ids.set(String(row.id), `${name} ${index}`);
  }
  let text = JSON.stringify(rows);
  for (const [id, place] of ids) text = text.replaceAll(id, place);
  const renamed: Record<string, Record<string, unknown>[]> = JSON.parse(text);
  return Object.fromEntries(
    Object.entries(renamed).map(([name, list]) => [
      name,
      list
        .map(({ origin_id: _origin, ...row }) => row as ReturnType<typeof comparableRows>[string][number])
        .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ]),
  );
}

/** Everything of other sessions and of none. */
function othersIn(tables: TableDump, sessionId: SessionId): TableDump {
  const { checkpoints: _checkpoints, environments: _environments, ...rest } = tables;
  const isOther = (name: string) => (row: TableDump[string][number]) =>
    (name === "sessions" ? row.id : row.session_id) !== sessionId;
  return Object.fromEntries(Object.entries(rest).map(([name, list]) => [name, list.filter(isOther(name))]));
}

/** Claims whose fencing token an earlier claim of the same execution had reached already (INV-3). */
function repeatedFences(log: Awaited<ReturnType<typeof readLog>>): readonly string[] {
  const reached = new Map<string, number>();
  return log.flatMap(({ entity, verb, rowKey, after, seq }) => {
    if (entity !== "executions" || after === null) return [];
    const { fence }: { readonly fence?: number } = JSON.parse(after);
    if (fence === undefined) return [];
    const before = reached.get(rowKey) ?? 0;
    reached.set(rowKey, Math.max(before, fence));
    return fence <= before ? [`change ${seq} (${verb}) gives ${rowKey} the fence ${fence}, and it had ${before}`] : [];
  });
}

function pickOf<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}
