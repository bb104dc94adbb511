/** The fault tools themselves, with a store on SQLite: what they do to processes, and that the audit sees what is wrong. */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { submitPlan } from "../../src/store/commands/plan-sessions.ts";
import type { Store } from "../../src/store/port.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { EffectsDatabase, EffectsServer, Happening } from "./effects-database.ts";
import { startEffectsServer } from "./effects-database.ts";
import { auditFaults } from "./fault-audit.ts";
import { readLoadState } from "./load-state.ts";
import type { LoadProject } from "./load-project.ts";
import { createLoadProject } from "./load-project.ts";
import { recoveries } from "./recovery.ts";
import type { WorkerFleet } from "./worker-fleet.ts";
import { createFleet } from "./worker-fleet.ts";

const LEASE_MS = 2_000;

let effectsServer: EffectsServer;
let effects: EffectsDatabase;
let project: LoadProject;
let fleet: WorkerFleet;
let storeUrl: string;

beforeAll(async () => {
  effectsServer = await startEffectsServer();
}, 60_000);
afterAll(async () => effectsServer.remove());
beforeEach(async () => {
  effects = await effectsServer.createDatabase();
  project = createLoadProject({ leaseMs: LEASE_MS, effectsUrl: effects.url, stepMs: 40 });
  fleet = createFleet({ projectDir: project.dir, concurrency: 2 });
  storeUrl = join(project.dir, "store.db");
});
afterEach(async () => {
  await fleet.killAll();
  project.remove();
});

describe("a fleet", () => {
  test(
    "is killed in part, and the audit finds nothing wrong and says how long it took",
    { timeout: 60_000 },
    async () => {
      await submit(24);
      const [first] = [fleet.start({ storeUrl }), fleet.start({ storeUrl })];
      await first.ready;
      await until(async () =>
        (await effects.happenings()).some(({ kind, pid }) => kind === "effect" && pid === first.pid),
      );
      const killedAt = Date.now();
      await first.kill();
      const store = await openStore();
      const { running } = await store.execute(readLoadState, null);
      const met = running.filter(({ pid }) => pid === first.pid).map(({ execution }) => execution);
      await until(async () => (await store.execute(readLoadState, null)).completed === 24);
      const audit = await auditNow(store);
      const [recovery] = recoveries(audit.changes, [{ name: "kill", from: killedAt, executions: met }]);
      expect(audit.problems).toEqual([]);
      expect(audit).toMatchObject({ tasks: 24, steps: 96, repeatedOnce: [], staleBegins: [] });
      expect(audit.takeovers).toBeGreaterThanOrEqual(met.length);
      expect(recovery?.slowestMs).toBeLessThan(2_000);
      await store.close();
      await fleet.stopAll();
      expect(fleet.surprises()).toEqual([]);
    },
  );

  test("takes itself to be elsewhere, and at another time", { timeout: 30_000 }, async () => {
    await submit(400);
    const worker = fleet.start({ storeUrl, host: "elsewhere" });
    await worker.ready;
    worker.setClock(3_600_000);
    const store = await openStore();
    await until(async () => (await auditNow(store)).changes.some(({ at }) => at > Date.now() + 3_500_000));
    await store.close();
    worker.pause();
    // What it had sent arrives.
    await pause(100);
    const before = (await effects.happenings()).length;
    await pause(300);
    expect((await effects.happenings()).length).toBe(before);
    worker.resume();
    await until(async () => (await effects.happenings()).length > before);
    expect(await worker.stop()).toBe(0);
  });
});

describe("the audit", () => {
  test("names what was not done", { timeout: 30_000 }, async () => {
    await submit(3);
    const store = await openStore();
    expect((await auditNow(store)).problems).toContain("task t0 is pending (null)");
    await store.close();
  });

  test("tells what a process did on waking from what was done twice", async () => {
    const store = await openStore();
    const happened = (kind: "begin" | "effect", name: string, pid: number, at: number): Happening => {
      const key = `${name}:pay`;
      return { kind, key, pid, at, execution: name, task: "t0", step: "pay", attempt: 1 };
    };
    const twice = (name: string, firstEffectAt: number): Happening[] =>
      [
        happened("begin", name, 1, 0),
        happened("effect", name, 1, firstEffectAt),
        happened("begin", name, 2, LEASE_MS),
        happened("effect", name, 2, LEASE_MS + 40),
      ].toSorted((one, other) => one.at - other.at);
    const audit = await auditNow(store, [...twice("woke", LEASE_MS + 300), ...twice("twice", 40)]);
    expect(audit.repeatedOnce).toEqual(["twice:pay × 2"]);
    expect(audit.lateOnce).toEqual(["woke:pay"]);
    await store.close();
  });
});

async function openStore(): Promise<Store> {
  return await openSqliteStore({
    path: storeUrl,
    projectName: "faults",
    actor: "audit",
    clock: systemClock,
    random: systemRandom,
  });
}

async function auditNow(store: Store, happenings?: readonly Happening[]) {
  const seen = happenings ?? (await effects.happenings());
  return await auditFaults(store, { happenings: seen, concurrency: 2, leaseMs: LEASE_MS });
}

async function submit(taskCount: number): Promise<void> {
  const store = await openStore();
  await store.execute(submitPlan, project.nextPlan(taskCount));
  await store.close();
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(50);
}
