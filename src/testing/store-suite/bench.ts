/** What the tests of the store suite work with: a fresh store, a session in it, and short ways to do common things. */

import { afterEach, expect, it } from "vitest";

import type { Millis } from "../../base/clock.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { isPerdureError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import type { Session } from "../../domain/session.ts";
import { asId } from "../../domain/ids.ts";
import type { TaskId, WorkerId } from "../../domain/ids.ts";
import type { Task, TaskDetail } from "../../domain/task.ts";
import type { Claimed } from "../../store/commands/claim-row.ts";
import type { Ahead, ClaimResult, ClaimTasks } from "../../store/commands/claims.ts";
import { claimTask, claimTasks, lookAhead } from "../../store/commands/claims.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { completeExecution, failAttempt } from "../../store/commands/executions.ts";
import { earliest } from "../../store/commands/ready-tasks.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { getTask, resolveTask } from "../../store/commands/task-queries.ts";
import type { Hold } from "../../store/commands/task-rows.ts";
import { registerWorker } from "../../store/commands/workers.ts";
import type { TaskSketch } from "../builders.ts";
import { aSession, aTask, aWorker } from "../builders.ts";
import type { Store } from "../../store/port.ts";
import type { FakeClock } from "../fake-clock.ts";
import { fakeClock } from "../fake-clock.ts";
import { dumpTables } from "../table-dump.ts";
import type { SuiteStore, StoreSuiteOptions } from "./suite-options.ts";

export interface Bench {
  readonly store: SuiteStore;
  readonly clock: FakeClock;
  readonly session: Session;
  /** Another connection to the same store, with the same clock and session. */
  second(): Promise<Bench>;
  create(...tasks: readonly TaskSketch[]): Promise<readonly Task[]>;
  /** By worker `w1`, executor `function`, one task, any session, unless said otherwise. */
  claim(options?: Partial<ClaimTasks>): Promise<readonly Claimed[]>;
  /** Claims the task of that key. */
  start(key: string): Promise<Claimed>;
  complete(claimed: Claimed, result?: unknown): Promise<void>;
  fail(claimed: Claimed, retryAt?: Millis): Promise<void>;
  /** Starts and completes the tasks of those keys one after another. */
  finish(...keys: readonly string[]): Promise<void>;
  id(key: string): Promise<TaskId>;
  task(key: string): Promise<TaskDetail>;
  /** `pending`, or `blocked: dependencies` with the reason. */
  states(...keys: readonly string[]): Promise<readonly string[]>;
}

export interface Suite {
  /** Of what other stores are looked at for at length. */
  readonly isBrief: boolean;
  /** Of random workloads, as many as that unless the suite is brief. */
  seeds(count: number): readonly number[];
  open(session?: Parameters<typeof aSession>[0]): Promise<Bench>;
  /** A fresh store without anything in it. */
  openEmpty(): Promise<SuiteStore>;
  /** A test that needs a second connection; skipped with the reason where a store has only one. */
  itWithSecond(title: string, test: () => Promise<void>): void;
}

/** Longer than any test that is not about leases moves the clock. */
const LONG_LEASE_MS = 30 * 86_400_000;

/** A seed that failed, to be played again. */
const ONLY_SEED = Number(process.env.PERDURE_SEED ?? Number.NaN);

let storeCount = 0;

export function createSuite(options: StoreSuiteOptions): Suite {
  const opened: SuiteStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await options.cleanUp?.();
  });

  const connect = async (storeName: string, clock: FakeClock, isFirst: boolean): Promise<SuiteStore> => {
    const connection = {
      storeName,
      clock,
      random: seededRandom(opened.length + 1),
      actor: `test:${opened.length + 1}`,
    };
    const store =
      isFirst || options.openSecond === null ? await options.open(connection) : await options.openSecond(connection);
    opened.push(store);
    return store;
  };

  const isBrief = options.isBrief === true;
  return {
    isBrief,
    seeds(count) {
      if (!Number.isNaN(ONLY_SEED)) return [ONLY_SEED];
      return Array.from({ length: isBrief ? 1 : count }, (_, index) => index + 1);
    },
    openEmpty: () => connect(nextStoreName(), fakeClock(), true),
    async open(sketch) {
      const clock = fakeClock();
      const storeName = nextStoreName();
      const store = await connect(storeName, clock, true);
      for (const worker of ["w1", "w2"])
        await store.execute(registerWorker, aWorker(worker, { leaseMs: LONG_LEASE_MS }));
      const session = await store.execute(createSession, aSession(sketch));
      return benchOf({ store, clock, session }, () => connect(storeName, clock, false));
    },
    itWithSecond(title, test) {
      if (options.openSecond !== null) it(title, test);
      else it.skip(`${title} (${options.name} has no second connection)`, test);
    },
  };
}

function nextStoreName(): string {
  storeCount += 1;
  return `store-${storeCount}`;
}

function benchOf(base: Pick<Bench, "store" | "clock" | "session">, connect: () => Promise<SuiteStore>): Bench {
  const { store, session } = base;
  const id = (key: string): Promise<TaskId> => store.execute(resolveTask, { reference: key, sessionId: session.id });
  const bench: Bench = {
    ...base,
    id,
    second: async () => benchOf({ ...base, store: await connect() }, connect),
    create: (...tasks) => store.execute(createTasks, { sessionId: session.id, tasks: tasks.map(aTask) }),
    async claim(options) {
      const input = { workerId: asId<WorkerId>("w1"), executors: ["function"], sessionId: null, limit: 1, ...options };
      return (await store.execute(claimTasks, input)).claimed;
    },
    start: async (key) => store.execute(claimTask, { taskId: await id(key), workerId: asId<WorkerId>("w1") }),
    complete: (claimed, result = null) =>
      store.execute(completeExecution, { hold: holdOf(claimed), result, next: null }),
    fail: (claimed, retryAt) =>
      store.execute(failAttempt, {
        hold: holdOf(claimed),
        error: { code: "boom", message: "It broke" },
        retryAt: retryAt ?? null,
        handledSteps: [],
        next: null,
      }),
    async finish(...keys) {
      for (const key of keys) await bench.complete(await bench.start(key));
    },
    task: async (key) => store.execute(getTask, { taskId: await id(key) }),
    async states(...keys) {
      const tasks = await Promise.all(keys.map((key) => bench.task(key)));
      return tasks.map((task) => (task.blockedReason === null ? task.status : `${task.status}: ${task.blockedReason}`));
    },
  };
  return bench;
}

export function holdOf(claimed: Claimed): Hold {
  return { executionId: claimed.execution.id, fence: claimed.execution.fence };
}

export function titlesOf(claimed: readonly Claimed[]): readonly string[] {
  return claimed.map(({ task }) => task.title);
}

/** The call is refused with `code`, and the store holds exactly what it held before, the change log included. */
export async function expectRefused(
  bench: { readonly store: SuiteStore },
  code: ErrorCode,
  call: () => Promise<unknown>,
): Promise<void> {
  const before = await dumpTables(bench.store);
  const error: unknown = await call().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!isPerdureError(error, code)) expect(error).toMatchObject({ code });
  expect(await dumpTables(bench.store)).toEqual(before);
}

/** As a worker does: claims, and looks what comes due next. */
export async function claimAndLookAhead(store: Store, input: ClaimTasks): Promise<ClaimResult & Ahead> {
  const result = await store.execute(claimTasks, input);
  const ahead = await store.execute(lookAhead, { ...input, after: result.at });
  return { ...result, ...ahead, nextDueAt: earliest(result.opensAt, ahead.nextDueAt) };
}
