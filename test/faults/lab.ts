/** A server, a project on it, and workers under load; and what came of it when a scenario is over. */

import { setTimeout as pause } from "node:timers/promises";

import { systemRandom } from "../../src/base/random.ts";
import { submitPlan } from "../../src/store/commands/plan-sessions.ts";
import type { PostgresStore } from "../../src/store/postgres/postgres-store.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres-store.ts";
import type { RawChange } from "../../src/store/rebuild.ts";
import { readRawChanges } from "../../src/store/rebuild.ts";
import type { PostgresServer, ServerSettings } from "../../src/store/testing/postgres/postgres-server.ts";
import { startPostgres } from "../../src/store/testing/postgres/postgres-server.ts";
import type { EffectsServer } from "./effects-database.ts";
import type { FaultAudit } from "./fault-audit.ts";
import { auditFaults } from "./fault-audit.ts";
import type { LoadState } from "./load-state.ts";
import { readLoadState } from "./load-state.ts";
import type { LoadProject } from "./load-project.ts";
import { createLoadProject } from "./load-project.ts";
import type { Fault, Recovery } from "./recovery.ts";
import { recoveries } from "./recovery.ts";
import type { WorkerFleet } from "./worker-fleet.ts";
import { createFleet } from "./worker-fleet.ts";

export interface LabOptions {
  readonly leaseMs: number;
  /** Where effects are counted: no part of what faults strike. */
  readonly effectsServer: EffectsServer;
  readonly settings?: ServerSettings;
}

export interface Lab {
  readonly server: PostgresServer;
  /** Of the store, straight to the server. */
  readonly url: string;
  readonly leaseMs: number;
  readonly fleet: WorkerFleet;
  readonly project: LoadProject;
  state(): Promise<LoadState>;
  /** Submits so many tasks, or as many as are missing to so many unfinished ones. */
  submit(taskCount: number): Promise<void>;
  topUp(unfinished: number): Promise<void>;
  /** Notes a fault, and waits until all it met have gone on. */
  recovered(fault: Fault): Promise<void>;
  /** Waits until every task is completed, stops the workers and looks at what came of it. */
  finish(): Promise<LabReport>;
  close(): Promise<void>;
}

export interface LabReport {
  readonly audit: Omit<FaultAudit, "changes">;
  readonly recoveries: readonly Recovery[];
  readonly surprises: readonly string[];
  readonly exitCodes: readonly (number | null)[];
  readonly seconds: number;
}

/** Of each worker. */
const CONCURRENCY = 3;
/** How long a fault may hold things up before the scenario is given up. */
const GIVE_UP_MS = 60_000;

export async function openLab({ leaseMs, effectsServer, settings }: LabOptions): Promise<Lab> {
  const startedAt = performance.now();
  const server = await startPostgres(settings);
  const url = `${await server.createDatabase()}?project=load`;
  const effects = await effectsServer.createDatabase();
  const project = createLoadProject({ leaseMs, effectsUrl: effects.url, stepMs: 40 });
  const fleet = createFleet({ projectDir: project.dir, concurrency: CONCURRENCY });
  const store: PostgresStore = await openPostgresStore({
    url,
    projectName: "load",
    actor: "lab",
    random: systemRandom,
  });
  const faults: Fault[] = [];
  const state = async (): Promise<LoadState> => store.execute(readLoadState, null);
  const changesAfter = async (seq: number): Promise<readonly RawChange[]> =>
    store.execute(readRawChanges, { after: seq, limit: 1e9 });
  const lab: Lab = {
    server,
    url,
    leaseMs,
    fleet,
    project,
    state,
    async submit(taskCount) {
      await store.execute(submitPlan, project.nextPlan(taskCount));
    },
    async topUp(unfinished) {
      const { total, completed } = await state();
      const missing = unfinished - (total - completed);
      // Keys of a plan need each other in threes.
      if (missing > unfinished / 2) await lab.submit(missing - (missing % 3));
    },
    async recovered(fault) {
      faults.push(fault);
      const deadline = performance.now() + GIVE_UP_MS;
      const isOver = async (): Promise<boolean> =>
        recoveries(await changesAfter(0), [fault]).every(({ slowestMs }) => Number.isFinite(slowestMs));
      while (!(await isOver())) {
        if (performance.now() > deadline) throw new Error(`${fault.name}: ${JSON.stringify(await state())}`);
        await pause(100);
      }
    },
    async finish() {
      let last = { completed: -1, at: performance.now() };
      for (;;) {
        const now = await state();
        if (now.completed === now.total) break;
        if (now.completed > last.completed) last = { completed: now.completed, at: performance.now() };
        if (performance.now() - last.at > GIVE_UP_MS) break;
        await pause(100);
      }
      const exitCodes = await Promise.all(fleet.running().map(async (worker) => worker.stop()));
      const happenings = await effects.happenings();
      const { changes, ...audit } = await auditFaults(store, { happenings, concurrency: CONCURRENCY, leaseMs });
      return {
        audit,
        recoveries: recoveries(changes, faults),
        surprises: fleet.surprises(),
        exitCodes,
        seconds: Math.round((performance.now() - startedAt) / 100) / 10,
      };
    },
    async close() {
      await fleet.killAll();
      // With the server stopped first, nothing waits for it in vain.
      await Promise.all([store.close().catch(() => undefined), pause(50).then(async () => server.remove())]);
      project.remove();
    },
  };
  return lab;
}

/** Runs that one of these processes holds, or any at all. */
export async function runsOf(lab: Lab, pids?: readonly number[]): Promise<readonly string[]> {
  const { running } = await lab.state();
  return running
    .filter(({ pid }) => pids === undefined || (pid !== null && pids.includes(pid)))
    .map(({ execution }) => execution);
}
