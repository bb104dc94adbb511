/** Where engine tests work: a store in memory, a clock that stands still, tasks whose code is given in place, workers on demand. */

import { afterEach } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { Json } from "../../base/json.ts";
import type { TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import type { Step } from "../../domain/step.ts";
import type { TaskDetail } from "../../domain/task.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import type { CommandDefinition } from "../../store/command.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { listSteps } from "../../store/commands/steps.ts";
import { getTask, resolveTask } from "../../store/commands/task-queries.ts";
import type { ExecuteOptions, Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite-store.ts";
import type { TaskSketch } from "../../testing/builders.ts";
import { aSession, aTask } from "../../testing/builders.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Executor } from "../executor.ts";
import type { Host } from "../host.ts";
import { loadCatchUp } from "../occurrences.ts";
import type { Run } from "../run.ts";
import type { Worker } from "../worker.ts";
import type { WorkerEvent, WorkerOptions } from "../worker-options.ts";
import { createWorker } from "../worker.ts";

export type TaskCode = (run: Run, input: Json) => unknown;

export interface Workplace {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly session: Session;
  /** Commands executed so far, by name. */
  readonly calls: string[];
  /** Why the next call of a command fails; each reason is used once. */
  readonly failures: Map<string, unknown>;
  /** Adds a task that runs `code`; its key is its title. */
  add(key: string, code: TaskCode | null, sketch?: Partial<TaskSketch>): Promise<TaskId>;
  define(name: string, code: TaskCode): void;
  /** Not started yet. */
  employ(options?: WorkOptions): Worker;
  /** Started. `process` tells processes apart, `host` machines. */
  work(options?: WorkOptions): Promise<Worker>;
  /** The process is gone, as `kill -9` does it: whatever its worker still does reaches nobody. */
  kill(process: number): void;
  /** Once its next call of this command is done, the process is cut off from the store: the answer and all later calls wait until `heal`. */
  cutOff(process: number, commandName: string): void;
  heal(process: number): void;
  readonly events: WorkerEvent[];
  /** Until nothing happens any more at this instant. */
  settle(): Promise<void>;
  /** Lets time pass, with everything that happens meanwhile. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until every given task has ended, or all of the session. @throws Error when that takes an hour. */
  finish(...keys: readonly string[]): Promise<void>;
  task(key: string): Promise<TaskDetail>;
  steps(key: string): Promise<readonly Step[]>;
}

export interface WorkOptions extends Partial<WorkerOptions> {
  readonly process?: number;
  readonly host?: string;
}

const HOUR_MS = 3_600_000;

export function workplaces(): { open(): Promise<Workplace> } {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  return {
    async open() {
      const { place, close } = await openWorkplace();
      closers.push(close);
      return place;
    },
  };
}

async function openWorkplace(): Promise<{ readonly place: Workplace; close(): Promise<void> }> {
  // Reading a module takes time that `settle` knows nothing of.
  await loadCatchUp();
  const clock = fakeClock();
  const random = seededRandom(7);
  const database = openSqliteStore({ path: ":memory:", projectName: "test", actor: "test", clock, random });
  const calls: string[] = [];
  const failures = new Map<string, unknown>();
  const events: WorkerEvent[] = [];
  const executors = new Map<string, Executor>();
  const dead = new Set<number>();
  const workers: { readonly worker: Worker; readonly process: number }[] = [];
  let inFlight = 0;

  async function execute<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    options?: ExecuteOptions,
  ): Promise<Result> {
    calls.push(command.name);
    inFlight += 1;
    try {
      if (failures.has(command.name)) {
        const failure = failures.get(command.name);
        failures.delete(command.name);
        throw failure;
      }
      return await database.execute(command, input, options);
    } finally {
      inFlight -= 1;
    }
  }
  const store: Store = { execute, onCommit: (listener) => database.onCommit(listener), close: () => database.close() };
  const session = await store.execute(createSession, aSession());

  /** The command that a process is cut off by, and once it is, what wakes the calls that wait. */
  const cuts = new Map<number, { readonly by: string; isCut: boolean; readonly waiting: (() => void)[] }>();
  const connected = (process: number): Promise<void> | null => {
    const cut = cuts.get(process);
    return cut?.isCut === true ? new Promise((resolve) => cut.waiting.push(resolve)) : null;
  };
  const executeOver = async <Input, Result>(
    process: number,
    command: CommandDefinition<Input, Result>,
    call: () => Promise<Result>,
  ): Promise<Result> => {
    await connected(process);
    const result = await call();
    const cut = cuts.get(process);
    if (cut?.by === command.name) cut.isCut = true;
    await connected(process);
    return result;
  };

  /** A dead process makes no calls and hears of none. */
  const storeOf = (process: number): Store => ({
    execute: (command, input, options) =>
      dead.has(process)
        ? new Promise(() => {})
        : executeOver(process, command, () => execute(command, input, options)).then((result) =>
            dead.has(process) ? new Promise(() => {}) : result,
          ),
    onCommit: (listener) => database.onCommit(() => dead.has(process) || listener()),
    close: () => Promise.resolve(),
  });

  const place: Workplace = {
    store,
    clock,
    session,
    calls,
    failures,
    events,
    async add(key, code, sketch = {}) {
      const executor = sketch.executor ?? (code === null ? "group" : `code of ${key}`);
      if (code !== null) place.define(executor, code);
      const task = aTask({ ref: key, executor, kind: executor, ...sketch });
      const [created] = await store.execute(createTasks, { sessionId: session.id, tasks: [task] });
      return asId<TaskId>(created?.id ?? "");
    },
    define(name, code) {
      executors.set(name, { name, execute: async (run) => await code(run, run.task.input) });
    },
    employ({ process = 1, host = "here", ...options } = {}) {
      const worker = createWorker(
        {
          store: storeOf(process),
          clock,
          random,
          host: hostOf(host, process, (pid) => !dead.has(pid)),
          artifactFiles: artifactFiles({ dir: "/nowhere", random }),
        },
        {
          executors: () => executors,
          concurrency: 3,
          sessionId: null,
          leaseMs: 30_000,
          heartbeatMs: 10_000,
          graceMs: 5_000,
          onEvent: (event) => events.push(event),
          ...options,
        },
      );
      workers.push({ worker, process });
      return worker;
    },
    async work(options) {
      const worker = place.employ(options);
      await worker.start();
      return worker;
    },
    cutOff: (process, commandName) => void cuts.set(process, { by: commandName, isCut: false, waiting: [] }),
    heal(process) {
      const cut = cuts.get(process);
      cuts.delete(process);
      for (const wake of cut?.waiting ?? []) wake();
    },
    kill: (process) => void dead.add(process),
    async settle() {
      for (let quiet = 0; quiet < 5;) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        quiet = inFlight > 0 ? 0 : quiet + 1;
      }
    },
    async pass(ms) {
      const until = clock.now() + ms;
      await place.settle();
      for (let next = clock.nextTimerAt; next !== null && next <= until; next = clock.nextTimerAt) {
        clock.advanceTo(Math.max(clock.now(), next));
        await place.settle();
      }
      clock.advanceTo(until);
      await place.settle();
    },
    async finish(...keys) {
      const until = clock.now() + HOUR_MS;
      for (;;) {
        await place.settle();
        const tasks = await Promise.all(keys.map((key) => place.task(key)));
        if (tasks.every((task) => ["completed", "failed", "cancelled"].includes(task.status))) return;
        if (clock.now() > until) throw new Error(`Not ended: ${tasks.map((task) => `${task.title} ${task.status}`)}`);
        await place.pass(Math.max(1, (clock.nextTimerAt ?? clock.now()) - clock.now()));
      }
    },
    async task(key) {
      const taskId = await store.execute(resolveTask, { reference: key, sessionId: session.id });
      return await store.execute(getTask, { taskId });
    },
    async steps(key) {
      const { executionId } = await place.task(key);
      return executionId === null ? [] : await store.execute(listSteps, { executionId });
    },
  };
  return {
    place,
    async close() {
      for (const { worker, process } of workers) {
        if (dead.has(process)) continue;
        const stopped = worker.stop().catch(() => {});
        await place.pass(30_000);
        await stopped;
      }
      await database.close();
    },
  };
}

function hostOf(id: string, pid: number, isAlive: (pid: number) => boolean): Host {
  const tokenOf = (of: number): string => `started-${of}`;
  return { id, pid, startToken: tokenOf(pid), startTokenOf: (of) => (isAlive(of) ? tokenOf(of) : null) };
}
