/**
 * Simulated crashes: a script is worked by simulated processes on one store in memory that survives them all, under a
 * clock that only moves when nothing else can. A process dies or stalls at a chosen store call, another takes over, until
 * every task has ended. All invariants are checked on the way; what came out can be compared with an undisturbed run.
 */

import { assert } from "../../base/assert.ts";
import { messageOf } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import type { TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { DEFAULT_RETRY_POLICY } from "../../domain/retry-policy.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import { loadCatchUp } from "../../engine/occurrences.ts";
import type { Worker } from "../../engine/worker.ts";
import { createWorker } from "../../engine/worker.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import type { FailAttempt } from "../../store/commands/executions.ts";
import { submitPlan } from "../../store/commands/plan-sessions.ts";
import type { RecordStep } from "../../store/commands/steps.ts";
import { cancelTask } from "../../store/commands/task-actions.ts";
import type { NewTask } from "../../store/new-task.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { aSession, aTask } from "../builders.ts";
import type { FakeClock } from "../fake-clock.ts";
import { fakeClock } from "../fake-clock.ts";
import type { Audit, Tables } from "./audit.ts";
import { createAudit } from "./audit.ts";
import type { OutsideWorld } from "./outside-world.ts";
import { createOutsideWorld } from "./outside-world.ts";
import type { People } from "./people.ts";
import { createPeople } from "./people.ts";
import type { Script, ScriptedTask } from "./script.ts";
import { inputOf, isTimed, LIMIT_MS } from "./script.ts";
import { SCRIPTED, scriptedExecutor } from "./scripted-executor.ts";
import type { Fault, SimulatedProcess } from "./simulated-process.ts";
import { createProcess } from "./simulated-process.ts";

export interface Simulation {
  readonly script: Script;
  /** Ids, jitter and what people do follow from it. */
  readonly seed: number;
  /** What befalls the process started as number `index`, from 0; `null` when it is spared. */
  readonly faultOf: (index: number) => Fault | null;
}

export interface Simulated {
  /** How every task ended, by its title. */
  readonly ends: Readonly<Record<string, TaskEnd>>;
  /** At which commands processes were struck, and how: `after record-step`. */
  readonly strikes: readonly string[];
  /** Store calls of the first process. */
  readonly callCount: number;
}

export interface TaskEnd {
  readonly status: string;
  readonly result: string | null;
  readonly retryCount: number | null;
}

const LEASE_MS = 3_000;
const HEARTBEAT_MS = 1_000;
const GRACE_MS = 2_000;
/** A stalled process goes on after this long, when its lease has run out. */
const STALL_MS = 5_000;
/** By the simulated clock: a run that takes longer is stuck. */
const STUCK_MS = 600_000;
/** Occurrences of a recurring task after which somebody cancels it. */
const OCCURRENCES = 3;

export async function simulate(simulation: Simulation): Promise<Simulated> {
  // Reading a module takes time that `settle` knows nothing of.
  await loadCatchUp();
  const world = await createWorld(simulation);
  try {
    await workToEnd(world);
    return await conclude(world);
  } finally {
    for (const { process } of world.lives) process.kill();
    await world.store.close();
  }
}

interface Life {
  readonly process: SimulatedProcess;
  readonly worker: Worker;
  wakeAt: number | null;
  isAudited: boolean;
}

interface World {
  readonly simulation: Simulation;
  readonly store: ReturnType<typeof openSqliteStore>;
  readonly clock: FakeClock;
  readonly random: Random;
  readonly outside: OutsideWorld;
  readonly audit: Audit;
  readonly people: People;
  readonly lives: Life[];
  readonly inFlight: { count: number };
  readonly errors: unknown[];
  readonly startedAt: number;
}

async function createWorld(simulation: Simulation): Promise<World> {
  const { script, seed } = simulation;
  const clock = fakeClock();
  const random = seededRandom(seed);
  const store = openSqliteStore({ path: ":memory:", projectName: "simulated", actor: "people", clock, random });
  const outside = createOutsideWorld();
  const submitted = await store.execute(submitPlan, {
    session: aSession({ concurrency: script.concurrency }),
    tasks: script.tasks.map((task) => toNewTask(task, clock.now())),
    continueUnfinished: false,
  });
  const sessionId = submitted.session.id;
  return {
    simulation,
    store,
    clock,
    random,
    outside,
    audit: createAudit({ store, concurrency: script.concurrency }),
    people: createPeople({ store, sessionId, script, outside, random: seededRandom(seed + 1), clock }),
    lives: [],
    inFlight: { count: 0 },
    errors: [],
    startedAt: clock.now(),
  };
}

function toNewTask(task: ScriptedTask, now: number): NewTask {
  return aTask({
    ref: task.title,
    needs: task.needs,
    parent: task.parent,
    executor: task.isGroup ? GROUP_EXECUTOR : SCRIPTED,
    kind: SCRIPTED,
    input: inputOf(task),
    priority: task.priority,
    onDependencyFailure: task.policy,
    maxRetries: task.maxRetries,
    retry: { ...DEFAULT_RETRY_POLICY, initialDelayMs: 100 },
    timeoutMs: isTimed(task.ops) ? LIMIT_MS : null,
    schedule: task.schedule,
    scheduledFor: task.schedule === null ? null : now,
    overlap: task.overlap,
    limit: task.limitKey === null ? null : { key: task.limitKey, concurrency: 1, rate: null },
  });
}

async function workToEnd(world: World): Promise<void> {
  const { clock, people, startedAt } = world;
  for (;;) {
    keepWorkersUp(world);
    await settle(world);
    await auditCrashes(world);
    await people.act();
    await cancelRecurring(world);
    await settle(world);
    for (const error of world.errors) throw error;
    if (world.lives.filter((life) => life.process.isAlive).length < world.simulation.script.workers) continue;
    if (await hasEnded(world)) return;
    assert(clock.now() - startedAt < STUCK_MS, `every task ends; stuck with ${await describeStuck(world)}`);
    advance(world);
  }
}

/** Until nothing happens any more at this instant. */
async function settle({ inFlight }: World): Promise<void> {
  for (let quiet = 0; quiet < 4;) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    quiet = inFlight.count > 0 ? 0 : quiet + 1;
  }
}

function keepWorkersUp(world: World): void {
  const { script, faultOf } = world.simulation;
  const awake = (): number => world.lives.filter(({ process }) => process.isAlive && !process.isPaused).length;
  while (awake() < script.workers) {
    const index = world.lives.length;
    const fault = faultOf(index);
    // Others of the same host see at once that a process is gone; those elsewhere have to wait for its lease.
    const hostId = world.lives.some(({ process }) => process.isPaused) || world.random.next() < 0.2 ? "far" : "near";
    start(world, createSimulatedProcess(world, { index, fault, hostId }));
  }
}

function createSimulatedProcess(
  world: World,
  { index, fault, hostId }: { readonly index: number; readonly fault: Fault | null; readonly hostId: string },
): SimulatedProcess {
  const isAlive = (host: string, pid: number): boolean =>
    world.lives.some(({ process }) => process.isAlive && process.host.id === host && process.pid === pid);
  return createProcess({
    pid: 100 + index,
    hostId,
    store: world.store,
    clock: world.clock,
    fault,
    isAlive,
    inFlight: world.inFlight,
    onEffect: (command, input) => noteEffect(world.outside, command, input),
  });
}

function noteEffect(outside: OutsideWorld, command: string, input: unknown): void {
  if (command === "record-step") {
    const { step, outcome } = input as RecordStep;
    if (outcome.status === "completed") outside.recordCompleted(`${step.hold.executionId}:${step.name}`);
  }
  if (command === "fail-attempt") outside.recordFailure((input as FailAttempt).hold.executionId);
}

function start(world: World, process: SimulatedProcess): void {
  const executor = scriptedExecutor(world.outside, process);
  const worker = createWorker(
    {
      store: process.store,
      clock: process.clock,
      host: process.host,
      random: world.random,
      artifactFiles: artifactFiles({ dir: "/nowhere", random: world.random }),
    },
    {
      executors: () => new Map([[SCRIPTED, executor]]),
      concurrency: world.simulation.script.concurrency,
      sessionId: null,
      leaseMs: LEASE_MS,
      heartbeatMs: HEARTBEAT_MS,
      graceMs: GRACE_MS,
    },
  );
  world.lives.push({ process, worker, wakeAt: null, isAudited: false });
  const onFailure = (error: unknown): void => void world.errors.push(error);
  worker.start().catch(onFailure);
  watch(worker).catch(onFailure);
}

/** @throws what made the worker give up. */
async function watch(worker: Worker): Promise<never> {
  for (let version = 0; ; version += 1) await worker.nextIdle(version);
}

async function auditCrashes(world: World): Promise<void> {
  const struck = world.lives.filter((life) => life.process.struckAt !== null && !life.isAudited);
  if (struck.length === 0) return;
  for (const life of struck) {
    life.isAudited = true;
    if (life.process.isPaused) life.wakeAt = world.clock.now() + STALL_MS;
  }
  await world.audit.compareTables();
}

async function cancelRecurring(world: World): Promise<void> {
  const recurring = world.simulation.script.tasks.filter((task) => task.schedule !== null);
  if (recurring.length === 0) return;
  const { executions, tasks } = await world.audit.compareTables();
  for (const { title } of recurring) {
    const task = tasks?.find((row) => row.title === title);
    const done = executions?.filter((row) => row.task_id === task?.id && row.status === "completed") ?? [];
    if (task === undefined || task.status === "cancelled" || done.length < OCCURRENCES) continue;
    await world.store.execute(cancelTask, { taskId: asId<TaskId>(String(task.id)), note: null });
  }
}

async function hasEnded(world: World): Promise<boolean> {
  const { tasks } = await world.audit.compareTables();
  return (tasks ?? []).every(
    (task) =>
      ["completed", "failed", "cancelled"].includes(String(task.status)) ||
      (task.status === "blocked" && isStuckBehindFailure(task, tasks ?? [])),
  );
}

/** Blocked by what failed, or in a chain behind something that is. */
function isStuckBehindFailure(task: Tables[string][number], tasks: Tables[string]): boolean {
  if (task.blocked_reason === "dependency_failed") return true;
  const hasLive = tasks.some((row) => ["pending", "in_progress"].includes(String(row.status)));
  const waitsForPeople = tasks.some(
    (row) => row.status === "blocked" && !String(row.blocked_reason).startsWith("dependenc"),
  );
  return task.blocked_reason === "dependencies" && !hasLive && !waitsForPeople;
}

async function describeStuck(world: World): Promise<string> {
  const { tasks } = await world.audit.compareTables();
  return (tasks ?? [])
    .map((row) => `${String(row.title)} ${String(row.status)} ${String(row.blocked_reason)}`)
    .join(", ");
}

/** To whatever happens next: a timer, somebody's deed, a stalled process that goes on. */
function advance(world: World): void {
  const { clock, people, lives } = world;
  const wakes = lives.flatMap((life) => (life.wakeAt === null ? [] : [life.wakeAt]));
  const instants = [clock.nextTimerAt, people.nextDeedAt, ...wakes].filter((at) => at !== null);
  clock.advanceTo(Math.max(clock.now(), Math.min(...instants)));
  for (const life of lives) {
    if (life.wakeAt === null || life.wakeAt > clock.now()) continue;
    life.wakeAt = null;
    life.process.wake();
  }
}

async function conclude(world: World): Promise<Simulated> {
  for (const { process, worker } of world.lives) {
    if (!process.isAlive || process.isPaused) continue;
    process.spare();
    await worker.stop().catch((error: unknown) => {
      throw new Error(`a worker stops in good order: ${messageOf(error)}`, { cause: error });
    });
  }
  const tables = await world.audit.compareTables();
  const executions = new Map((tables.executions ?? []).map((row) => [row.id, row]));
  const ends = (tables.tasks ?? []).map((task) => {
    const execution = executions.get(task.execution_id ?? null);
    const end = {
      status: String(task.status),
      result: execution?.result == null ? null : String(execution.result),
      retryCount: execution === undefined ? null : Number(execution.retry_count),
    };
    return [String(task.title), end] as const;
  });
  const struck = world.lives.filter(({ process }) => process.struckAt !== null);
  return {
    ends: Object.fromEntries(ends),
    strikes: struck.map(({ process }) => `${process.wasPaused ? "pause" : "death"} at ${process.struckAt}`),
    callCount: world.lives[0]?.process.calls ?? 0,
  };
}
