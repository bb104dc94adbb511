/**
 * What must hold when everything is over, whatever befell the workers, the network and the server: proved from the store's
 * tables, its change log, and what took place outside.
 */

import { parseStoredJson } from "../../src/base/json.ts";
import type { Store } from "../../src/store/port.ts";
import type { RawChange } from "../../src/store/rebuild.ts";
import { readRawChanges } from "../../src/store/rebuild.ts";
import type { Tables } from "../../src/testing/simulation/audit.ts";
import { createAudit } from "../../src/testing/simulation/audit.ts";
import type { Happening } from "./effects-database.ts";
import { STEPS } from "./load-executor.ts";

export interface FaultAudit {
  readonly changes: readonly RawChange[];
  readonly tasks: number;
  readonly steps: number;
  /** Runs that a worker went on with after another, or after itself. */
  readonly takeovers: number;
  /** Effects of repeatable steps that happened again, as their record had not been made. */
  readonly repeatedEffects: number;
  /** Effects of `once` steps that happened again. */
  readonly repeatedOnce: readonly string[];
  /**
   * Effects of `once` steps that a process made on waking, long after it began the step: by then another had seen that nothing
   * took place, and did it. Only who receives them can refuse these, by their idempotency key.
   */
  readonly lateOnce: readonly string[];
  /** Step functions called by a process when another had already taken the execution over. */
  readonly staleBegins: readonly string[];
  /** What must not be. Empty. */
  readonly problems: readonly string[];
}

export interface FaultAuditOptions {
  readonly happenings: readonly Happening[];
  readonly concurrency: number;
  readonly leaseMs: number;
}

/** Clocks of this machine's processes agree to within so much. */
const SKEW_MS = 50;

export async function auditFaults(
  store: Store,
  { happenings, concurrency, leaseMs }: FaultAuditOptions,
): Promise<FaultAudit> {
  const problems: string[] = [];
  const tables = await createAudit({ store, concurrency })
    .compareTables()
    .catch((error: unknown): Tables => {
      problems.push(String(error));
      return {};
    });
  const changes = await store.execute(readRawChanges, { after: 0, limit: 1e9 });
  const tasks = tables.tasks ?? [];
  const steps = (tables.steps ?? []).filter(({ kind }) => String(kind).includes("run"));
  problems.push(...unfinished(tables), ...lostSteps(tables));

  const effects = groupBy(
    happenings.filter(({ kind }) => kind === "effect"),
    ({ key }) => key,
  );
  const begins = groupBy(
    happenings.filter(({ kind }) => kind === "begin"),
    ({ key }) => key,
  );
  for (const step of steps) {
    const key = `${String(step.execution_id)}:${String(step.name)}`;
    if (step.status !== "completed") problems.push(`step ${key} is ${String(step.status)}`);
    if (!effects.has(key)) problems.push(`step ${key} is recorded and never took place`);
  }
  const recordedAt = recordTimes(changes);
  for (const [key, calls] of begins) {
    const recorded = recordedAt.get(key);
    // Called once, it is that call which was recorded, whatever the clocks say: a process that looked at the server's over a slow connection may be further off.
    if (calls.length === 1) continue;
    for (const call of calls) {
      if (recorded !== undefined && call.at > recorded + SKEW_MS)
        problems.push(`step ${key} was called ${Math.round(call.at - recorded)} ms after it was recorded (INV-2)`);
    }
  }
  const late = lateEffects(happenings, leaseMs);
  const once = [...effects].filter(([key]) => key.endsWith(":pay"));
  const inTime = once.map(([key, each]) => [key, each.filter((effect) => !late.has(effect))] as const);
  return {
    changes,
    tasks: tasks.length,
    steps: steps.length,
    takeovers: changes.filter(
      ({ entity, verb, before }) => entity === "executions" && verb === "claim" && before !== null,
    ).length,
    repeatedEffects: [...effects]
      .filter(([key]) => !key.endsWith(":pay"))
      .reduce((sum, [, each]) => sum + each.length - 1, 0),
    repeatedOnce: inTime.filter(([, each]) => each.length > 1).map(([key, each]) => `${key} × ${each.length}`),
    lateOnce: once.filter(([, each]) => each.length > 1 && each.some((effect) => late.has(effect))).map(([key]) => key),
    staleBegins: staleBegins(happenings),
    problems,
  };
}

function unfinished(tables: Tables): readonly string[] {
  return (tables.tasks ?? [])
    .filter(({ status, result }) => status !== "completed" || result === null)
    .map((task) => `task ${String(task.key)} is ${String(task.status)} (${String(task.blocked_reason)})`);
}

function lostSteps(tables: Tables): readonly string[] {
  const named = new Map<string, string[]>();
  for (const step of tables.steps ?? []) {
    const names = named.get(String(step.task_id)) ?? [];
    named.set(String(step.task_id), [...names, String(step.name)]);
  }
  return (tables.tasks ?? [])
    .filter(({ id }) => STEPS.some((step) => !(named.get(String(id)) ?? []).includes(step)))
    .map(({ key }) => `task ${String(key)} has recorded only some of its steps`);
}

/** When each step was recorded as completed, by `execution:name`. */
function recordTimes(changes: readonly RawChange[]): ReadonlyMap<string, number> {
  const names = new Map<string, string>();
  const times = new Map<string, number>();
  for (const change of changes) {
    if (change.entity !== "steps" || change.after === null) continue;
    const after = parseStoredJson(change.after, `change ${change.seq}`) as Readonly<Record<string, unknown>>;
    const key = `${stepExecution(change)}:${String(after.name ?? names.get(change.rowKey))}`;
    if (typeof after.name === "string") names.set(change.rowKey, after.name);
    if (after.status === "completed") times.set(key, change.at);
  }
  return times;
}

/** The key of a step's row is its execution and position. */
function stepExecution(change: RawChange): string {
  return String((JSON.parse(change.rowKey) as readonly unknown[])[0]);
}

/** Effects whose process stood still between the beginning of their step and them, for so long that its lease may have ended. */
function lateEffects(happenings: readonly Happening[], leaseMs: number): ReadonlySet<Happening> {
  const begun = new Map<string, number>();
  const late = new Set<Happening>();
  for (const happening of happenings) {
    const { kind, key, pid, at } = happening;
    if (kind === "begin") begun.set(`${pid} ${key}`, at);
    // A lease that is renewed in time has at least half of its time left.
    if (kind === "effect" && at - (begun.get(`${pid} ${key}`) ?? at) > leaseMs / 2) late.add(happening);
  }
  return late;
}

/** A process has been taken over from once another has begun a run of the same execution. */
function staleBegins(happenings: readonly Happening[]): readonly string[] {
  const holders = new Map<string, number>();
  const stale: string[] = [];
  for (const { kind, execution, pid, key } of happenings) {
    if (kind === "start") holders.set(execution, pid);
    if (kind === "begin" && holders.get(execution) !== pid) stale.push(`${key} by process ${pid}`);
  }
  return stale;
}

function groupBy(
  happenings: readonly Happening[],
  keyOf: (happening: Happening) => string,
): ReadonlyMap<string, readonly Happening[]> {
  return Map.groupBy(happenings, keyOf);
}
