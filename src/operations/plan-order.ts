/** The waves in which the tasks of a plan can run: pure, from what they need. */

import { inDependencyOrder } from "../domain/dependency-graph.ts";
import { comesAfter } from "../domain/done-out-of-turn.ts";
import type { TaskDraft } from "../domain/plan-draft.ts";
import { GROUP_EXECUTOR } from "../domain/task.ts";

export interface PlanOrder {
  /** Keys that can run side by side, wave after wave. Groups and what is done already stand in none. */
  readonly waves: readonly (readonly string[])[];
  /** The wave of each task, from 0. A group is in that of the last of its parts. `null` for what is done already. */
  readonly levelOf: ReadonlyMap<string, number | null>;
  /** What each waits for: what it needs, and what it comes after although something between them is done already. */
  readonly needsOf: ReadonlyMap<string, readonly string[]>;
}

type OrderedTask = Pick<TaskDraft, "key" | "needs" | "needsByPlace" | "parentKey" | "executor" | "status" | "schedule">;

/** Each task comes one wave after the last of what it waits for. The tasks have no cycle. */
export function orderPlan(tasks: readonly OrderedTask[]): PlanOrder {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const after = comesAfter(tasks, (key) => byKey.get(key)?.status === "completed");
  const needsOf = new Map(tasks.map(({ key, needs }) => [key, [...needs, ...(after.get(key) ?? [])]]));
  const waitsFor = new Map<string, readonly string[]>(needsOf);
  for (const { key, parentKey } of tasks) {
    if (parentKey !== null) waitsFor.set(parentKey, [...(waitsFor.get(parentKey) ?? []), key]);
  }
  const levelOf = new Map<string, number | null>();
  for (const key of inDependencyOrder([...byKey.keys()], (task) => waitsFor.get(task) ?? [])) {
    const task = byKey.get(key);
    if (task === undefined) continue;
    const levels = (waitsFor.get(key) ?? []).map((need) => levelOf.get(need) ?? -1);
    const last = Math.max(-1, ...levels);
    const own = task.executor === GROUP_EXECUTOR ? Math.max(0, last) : last + 1;
    levelOf.set(key, task.status === "pending" ? own : null);
  }
  return { waves: wavesOf(tasks, levelOf), levelOf, needsOf };
}

function wavesOf(tasks: readonly OrderedTask[], levelOf: PlanOrder["levelOf"]): readonly (readonly string[])[] {
  const waves: string[][] = [];
  for (const { key, executor } of tasks) {
    const level = levelOf.get(key) ?? null;
    if (level === null || executor === GROUP_EXECUTOR) continue;
    (waves[level] ??= []).push(key);
  }
  return waves.filter((wave) => wave.length > 0);
}
