/**
 * Keeps the order of a list when something in its middle is done already: what comes after it by its place alone still
 * comes after what that had waited for. Pure.
 */

import { inDependencyOrder } from "./dependency-graph.ts";

/** Needs and parent by key. */
export interface PlacedTask {
  readonly key: string;
  readonly parentKey: string | null;
  readonly needs: readonly string[];
  /** Those of `needs` that follow from where it stands. A need that was said is met when that task is done. */
  readonly needsByPlace: readonly string[];
}

const NOTHING: readonly string[] = [];

/**
 * What each task comes after beyond its own needs, for those where that is anything: the nearest tasks that are not done
 * behind the done ones it follows. It waits for them anyway as long as nothing is done, so this closes no circle.
 */
export function comesAfter(
  tasks: readonly PlacedTask[],
  isDone: (key: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const following = tasks.filter(({ key, needsByPlace }) => !isDone(key) && needsByPlace.some(isDone));
  if (following.length === 0) return new Map();
  const waitsFor = whatTheyWaitFor(tasks);
  const open = openBehindDone(waitsFor, isDone);
  return new Map(
    following.flatMap(({ key, needsByPlace }) => {
      const own = new Set(waitsFor.get(key));
      const behind = unionOf(needsByPlace.filter(isDone).map((need) => open.get(need) ?? NOTHING));
      const more = behind.filter((other) => !own.has(other));
      return more.length === 0 ? [] : [[key, more] as const];
    }),
  );
}

/** What each needs, and the tasks below it. */
function whatTheyWaitFor(tasks: readonly PlacedTask[]): ReadonlyMap<string, readonly string[]> {
  const waitsFor = new Map(tasks.map(({ key, needs }) => [key, [...needs]]));
  for (const { key, parentKey } of tasks) if (parentKey !== null) waitsFor.get(parentKey)?.push(key);
  return waitsFor;
}

/** For each done task the nearest that are not done among all it would have waited for. */
function openBehindDone(
  waitsFor: ReadonlyMap<string, readonly string[]>,
  isDone: (key: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const open = new Map<string, readonly string[]>();
  for (const key of inDependencyOrder([...waitsFor.keys()], (task) => waitsFor.get(task) ?? NOTHING)) {
    if (!isDone(key)) continue;
    const needs = (waitsFor.get(key) ?? NOTHING).filter((need) => waitsFor.has(need));
    const behind = needs.filter(isDone).map((need) => open.get(need) ?? NOTHING);
    open.set(key, unionOf([needs.filter((need) => !isDone(need)), ...behind]));
  }
  return open;
}

/** The same list again where there is only one, so that a long row of done tasks shares it. */
function unionOf(lists: readonly (readonly string[])[]): readonly string[] {
  const distinct = [...new Set(lists.filter((list) => list.length > 0))];
  return distinct.length <= 1 ? (distinct[0] ?? NOTHING) : [...new Set(distinct.flat())];
}
