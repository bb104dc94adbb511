/**
 * What befalls a deployment, one scenario each: under load, so many times over. Recovery is counted from the fault where
 * others are there to take over, and from its end where everybody was hit.
 */

import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

import type { Lab } from "./lab.ts";
import { runsOf } from "./lab.ts";
import { createNamespaces } from "./network-namespaces.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";
import type { WorkerProcess } from "./worker-fleet.ts";

export interface Scenario {
  readonly name: string;
  /** Of the server. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Whether connections stay open at the server of which the other end is not there any more. */
  readonly leavesSilentClients?: boolean;
  run(lab: Lab, size: Size): Promise<void | Skipped>;
}

export interface Size {
  /** How often the fault strikes. */
  readonly rounds: number;
  /** How many tasks there are to do when it does. */
  readonly unfinished: number;
}

export interface Skipped {
  readonly skipped: string;
}

/** Rounds of a fault under load, with enough left to do that workers are busy throughout. */
async function rounds(lab: Lab, size: Size, strike: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < size.rounds; round++) {
    await lab.topUp(size.unfinished);
    await busy(lab);
    await pause(Math.random() * 300);
    await strike(round);
  }
}

/** Until every worker has something to do, or all but those that have not found out yet that they are cut off. */
async function busy(lab: Lab): Promise<void> {
  const pids = lab.fleet.running().map(({ pid }) => pid);
  const deadline = performance.now() + 5_000;
  for (;;) {
    const held = await Promise.all(pids.map(async (pid) => (await runsOf(lab, [pid])).length));
    if (held.every((count) => count > 0)) return;
    if (held.some((count) => count > 0) && performance.now() > deadline) return;
    await lab.topUp(pids.length * 6);
    await pause(50);
  }
}

function startWorkers(lab: Lab, count: number, hostOf: (index: number) => string | undefined): void {
  for (let index = 0; index < count; index++) startWorker(lab, { host: hostOf(index) });
}

function startWorker(lab: Lab, { url = lab.url, host }: { readonly url?: string; readonly host?: string | undefined }) {
  return lab.fleet.start({ storeUrl: url, ...(host === undefined ? {} : { host }) });
}

function anyOf<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error("there is none to choose from");
  return item;
}

/** Something happens to one worker; what it held must go on elsewhere. */
async function strikeWorker(
  lab: Lab,
  worker: WorkerProcess,
  { name, act }: { readonly name: string; readonly act: () => Promise<void> | void },
): Promise<void> {
  const before = await runsOf(lab, [worker.pid]);
  const from = Date.now();
  await act();
  const after = new Set(await runsOf(lab, [worker.pid]));
  await lab.recovered({ name, from, executions: before.filter((execution) => after.has(execution)) });
}

export const killWorkers: Scenario = {
  name: "kill -9 of random workers",
  async run(lab, size) {
    startWorkers(lab, 4, (index) => (index < 2 ? undefined : `host-${index}`));
    await rounds(lab, size, async (round) => {
      const worker = anyOf(lab.fleet.running());
      const { host } = worker.options;
      const name = host === undefined ? "killed, others on its host" : "killed, others on other hosts";
      await strikeWorker(lab, worker, { name, act: async () => worker.kill() });
      startWorker(lab, { host: host === undefined ? undefined : `host-${round + 10}` });
    });
  },
};

export const terminateBackends: Scenario = {
  name: "pg_terminate_backend of random connections",
  async run(lab, size) {
    startWorkers(lab, 3, () => undefined);
    await rounds(lab, size, async () => {
      const executions = await runsOf(lab);
      await lab.server.terminateBackends(lab.url, 1 + Math.floor(Math.random() * 8));
      await lab.recovered({ name: "connections terminated", from: Date.now(), executions });
    });
  },
};

export const restartServer: Scenario = {
  name: "server stopped, stopped at once, and restarted under load",
  async run(lab, size) {
    startWorkers(lab, 3, () => undefined);
    await rounds(lab, size, async (round) => {
      const executions = await runsOf(lab);
      const mode = round % 2 === 0 ? "immediate" : "fast";
      await lab.server.stop(mode);
      await pause(Math.random() * 4_000);
      await lab.server.start();
      await lab.recovered({ name: `server back after a stop (${mode})`, from: Date.now(), executions });
    });
  },
};

export const exhaustConnections: Scenario = {
  name: "max_connections reached, other clients hold them",
  settings: { max_connections: 30 },
  async run(lab, size) {
    startWorkers(lab, 3, () => undefined);
    await rounds(lab, size, async () => {
      const admin = new pg.Client({ connectionString: lab.url });
      admin.on("error", () => undefined);
      await admin.connect();
      const hogs = [admin, ...(await takeAllConnections(lab))];
      // Whoever has a connection goes on; so they are cut off, until others have all of their places.
      for (;;) {
        const { rowCount } = await admin.query(CUT_OFF_SQL);
        if (rowCount === 0) break;
        hogs.push(...(await takeAllConnections(lab)));
      }
      await pause(2_000 + Math.random() * 2_000);
      const { rows } = await admin.query<{ id: string }>(RUNNING_SQL);
      const from = Date.now();
      await Promise.all(hogs.map(async (hog) => hog.end()));
      await lab.recovered({ name: "connections free again", from, executions: rows.map(({ id }) => id) });
    });
  },
};

const CUT_OFF_SQL = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'perdure'";
const RUNNING_SQL = "select id from perdure.executions where status = 'running'";

async function takeAllConnections(lab: Lab): Promise<readonly pg.Client[]> {
  const hogs: pg.Client[] = [];
  for (;;) {
    const hog = new pg.Client({ connectionString: lab.server.url() });
    hog.on("error", () => undefined);
    try {
      await hog.connect();
    } catch {
      // One place is left to whoever ends the others.
      return hogs;
    }
    hogs.push(hog);
  }
}

/** One worker has a network of its own; the others are straight at the server. */
export const networkOfOne: Scenario = {
  name: "the network of one worker: delays, cuts, half-open, swallowing",
  leavesSilentClients: true,
  async run(lab, size) {
    startWorkers(lab, 2, (index) => `host-${index}`);
    const proxy = await startTcpProxy(lab.server);
    try {
      await rounds(lab, size, async (round) => {
        const worker = startWorker(lab, { url: proxy.through(lab.url), host: `remote-${round}` });
        while ((await runsOf(lab, [worker.pid])).length === 0) {
          await lab.topUp(30);
          await pause(50);
        }
        await strikeWorker(lab, worker, anyNetworkFault(proxy, round));
        await proxy.heal();
        // Earlier ones have found out by themselves that their connections were dead, and go on.
        if (lab.fleet.running().length > 5) await lab.fleet.running()[2]?.stop();
      });
      await finished(lab);
    } finally {
      await lab.fleet.stopAll();
      await proxy.close();
    }
  },
};

/** All workers reach the server through the one network that fails. */
export const networkOfServer: Scenario = {
  name: "the network of the server: delays, cuts, half-open, swallowing",
  leavesSilentClients: true,
  async run(lab, size) {
    const proxy = await startTcpProxy(lab.server);
    try {
      for (let index = 0; index < 3; index++) startWorker(lab, { url: proxy.through(lab.url), host: `host-${index}` });
      await rounds(lab, size, async (round) => {
        const executions = await runsOf(lab);
        const { name, act } = anyNetworkFault(proxy, round);
        await act();
        await pause(1_000 + Math.random() * 2_000);
        await proxy.heal();
        await lab.recovered({ name: `${name}, healed`, from: Date.now(), executions });
      });
      await finished(lab);
    } finally {
      await lab.fleet.stopAll();
      await proxy.close();
    }
  },
};

interface NetworkFault {
  readonly name: string;
  readonly act: () => Promise<void> | void;
}

function anyNetworkFault(proxy: TcpProxy, round: number): NetworkFault {
  const faults: readonly NetworkFault[] = [
    { name: "swallowed", act: () => proxy.blackhole() },
    { name: "cut", act: () => void proxy.cut() },
    { name: "half-open to the server", act: () => proxy.halfOpen("toServer") },
    { name: "half-open to the worker", act: () => proxy.halfOpen("toClient") },
    {
      name: "refused",
      act: async () => {
        await proxy.refuse();
        proxy.cut();
      },
    },
    { name: "delayed 50 ms each way", act: () => proxy.delay(50) },
  ];
  const fault = faults[round % faults.length];
  if (fault === undefined) throw new Error("there is a fault for every round");
  return fault;
}

async function finished(lab: Lab): Promise<void> {
  for (;;) {
    const { total, completed } = await lab.state();
    if (total === completed) return;
    await pause(100);
  }
}

export const partitionHosts: Scenario = {
  name: "network namespaces as hosts, partitioned",
  leavesSilentClients: true,
  async run(lab, size) {
    const network = createNamespaces(3);
    if (typeof network === "string") return { skipped: network };
    const { host, port } = lab.server;
    const proxy = await startTcpProxy({ host, port, listenOn: network.address });
    try {
      const workers = network.hosts.map(({ namespace }) =>
        lab.fleet.start({ storeUrl: proxy.through(lab.url), host: namespace, namespace }),
      );
      await rounds(lab, size, async (round) => {
        const at = round % workers.length;
        const [worker, cut] = [workers[at], network.hosts[at]];
        if (worker === undefined || cut === undefined) throw new Error("there is a host for every round");
        await strikeWorker(lab, worker, { name: "partitioned", act: () => cut.partition() });
        cut.heal();
      });
      await finished(lab);
    } finally {
      await lab.fleet.stopAll();
      await proxy.close();
      network.remove();
    }
    return undefined;
  },
};

export const pauseWorkers: Scenario = {
  name: "a paused process wakes after its lease",
  leavesSilentClients: true,
  async run(lab, size) {
    startWorkers(lab, 3, (index) => `host-${index}`);
    await rounds(lab, size, async () => {
      const worker = anyOf(lab.fleet.running());
      await strikeWorker(lab, worker, { name: "paused past its lease", act: () => worker.pause() });
      await pause(Math.random() * 500);
      worker.resume();
    });
  },
};

export const jumpClocks: Scenario = {
  name: "clocks of the workers jump",
  async run(lab, size) {
    startWorkers(lab, 3, (index) => `host-${index}`);
    const minute = 60_000;
    const jumps = [10 * minute, -10 * minute, 3 * 60 * minute, -3 * 60 * minute, 0];
    await rounds(lab, size, async () => {
      const executions = await runsOf(lab);
      for (const worker of lab.fleet.running()) await worker.ready;
      const from = Date.now();
      anyOf(lab.fleet.running()).setClock(anyOf(jumps));
      await lab.recovered({ name: "a clock jumped", from, executions });
    });
  },
};

export const holdTransaction: Scenario = {
  name: "an old transaction is held open",
  async run(lab, size) {
    const holder = new pg.Client({ connectionString: lab.url });
    holder.on("error", () => undefined);
    await holder.connect();
    await holder.query("begin isolation level repeatable read");
    await holder.query("select pg_current_xact_id(), count(*) from pg_class");
    startWorkers(lab, 3, () => undefined);
    await rounds(lab, size, async () => {
      const executions = await runsOf(lab);
      await lab.recovered({ name: "goes on beside it", from: Date.now(), executions });
    });
    await finished(lab);
    await holder.query("commit");
    await holder.end();
  },
};

export const SCENARIOS: readonly Scenario[] = [
  killWorkers,
  terminateBackends,
  restartServer,
  exhaustConnections,
  networkOfOne,
  networkOfServer,
  partitionHosts,
  pauseWorkers,
  jumpClocks,
  holdTransaction,
];
