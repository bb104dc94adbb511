/** Where what a file says goes against the order its tasks stand in, what it says holds. */

import { findCycle } from "../domain/dependency-graph.ts";
import type { OrderedReference } from "./markdown-order.ts";

export interface OrderedTask {
  readonly key: string;
  readonly parentKey: string | null;
  readonly needs: readonly OrderedReference[];
}

export interface Yielded {
  readonly key: string;
  readonly need: OrderedReference;
}

/** Circles beyond these are left for the check that refuses them. */
const MAX_YIELDED = 200;

/** Implied needs that close a circle with said ones and so are given up. A circle of said needs alone stays. */
export function yieldToSaid(tasks: readonly OrderedTask[]): readonly Yielded[] {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const parts = new Map<string, string[]>();
  for (const { key, parentKey } of tasks) {
    const siblings = parentKey === null ? undefined : parts.get(parentKey);
    if (siblings !== undefined) siblings.push(key);
    else if (parentKey !== null) parts.set(parentKey, [key]);
  }
  const yielded: Yielded[] = [];
  const isYielded = (key: string, need: OrderedReference): boolean =>
    yielded.some((one) => one.key === key && one.need === need);
  const needsOf = (key: string): readonly OrderedReference[] =>
    byKey.get(key)?.needs.filter((need) => !isYielded(key, need)) ?? [];
  while (yielded.length < MAX_YIELDED) {
    const cycle = findCycle([...byKey.keys()], (key) => [
      ...needsOf(key).map((need) => need.key),
      ...(parts.get(key) ?? []),
    ]);
    const next = cycle === null ? null : impliedEdgeOf(cycle, needsOf);
    if (next === null) break;
    yielded.push(next);
  }
  return yielded;
}

/** The first implied need behind a said one: that of the task which is wanted earlier than it stands. */
function impliedEdgeOf(
  cycle: readonly string[],
  needsOf: (key: string) => readonly OrderedReference[],
): Yielded | null {
  const edges = cycle
    .slice(0, -1)
    .map((key, index) => ({ key, need: needsOf(key).find((need) => need.key === cycle[index + 1]) }));
  const firstSaid = edges.findIndex((edge) => edge.need?.isImplied === false);
  const rotated = [...edges.slice(firstSaid + 1), ...edges.slice(0, firstSaid + 1)];
  for (const { key, need } of rotated) if (need?.isImplied === true) return { key, need };
  return null;
}
