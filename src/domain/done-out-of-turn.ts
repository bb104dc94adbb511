/**
 * Keeps the order of a list when something in its middle is done already: what comes after it by its place alone still
 * comes after what that had waited for. Pure.
 */

import { inDependencyOrder } from "./dependency-graph.ts";
import type { Schedule } from "./schedule.ts";
import { isRecurring } from "./schedule.ts";

/** Needs and parent by key. */
export interface PlacedTask {
  readonly key: string;
  readonly parentKey: string | null;
  readonly needs: readonly string[];
  /** Those of `needs` that follow from where it stands. A need that was said is met when that task is done. */
  readonly needsByPlace: readonly string[];
  readonly schedule: Schedule | null;
}

const NOTHING: readonly string[] = [];

/**
 * What each task comes after beyond its own needs, for those where that is anything: the nearest tasks that are not done
 * behind the done ones it follows, without those that another of them waits for. It waits for them anyway as long as
 * nothing is done, so this closes no circle.
 */
export function comesAfter(
  tasks: readonly PlacedTask[],
  isDone: (key: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const after = new Map<string, readonly string[]>();
  if (!tasks.some(({ key, needsByPlace }) => !isDone(key) && needsByPlace.some(isDone))) return after;
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const waitsFor = whatTheyWaitFor(tasks);
  /** For each done task the nearest that are not done among all it would have waited for. */
  const behind = new Map<string, readonly string[]>();
  const nearest = new Nearest();
  for (const key of inDependencyOrder([...waitsFor.keys()], (task) => waitsFor.get(task) ?? NOTHING)) {
    const known = (waitsFor.get(key) ?? NOTHING).filter((need) => waitsFor.has(need));
    const open = known.filter((need) => !isDone(need));
    const followed = (isDone(key) ? known : (byKey.get(key)?.needsByPlace ?? NOTHING)).filter(isDone);
    const lists = followed.map((need) => behind.get(need) ?? NOTHING);
    if (isDone(key)) {
      behind.set(key, nearest.of(open, lists));
      continue;
    }
    const own = new Set(open);
    const more = lists.every((list) => list.length === 0)
      ? NOTHING
      : nearest.of(open, lists).filter((other) => !own.has(other));
    if (more.length > 0) after.set(key, more);
    nearest.add(key, [...open, ...more]);
  }
  return after;
}

/** What each needs, and the tasks below it that end some day, which it may need by name as well. */
function whatTheyWaitFor(tasks: readonly PlacedTask[]): ReadonlyMap<string, readonly string[]> {
  const waitsFor = new Map(tasks.map(({ key, needs }) => [key, new Set(needs)]));
  for (const { key, parentKey, schedule } of tasks) {
    if (parentKey !== null && (schedule === null || !isRecurring(schedule))) waitsFor.get(parentKey)?.add(key);
  }
  return new Map([...waitsFor].map(([key, others]) => [key, [...others]]));
}

/** Open tasks, each added when all it waits for has been. */
class Nearest {
  readonly #waitsFor = new Map<string, readonly string[]>();
  readonly #placeOf = new Map<string, number>();

  add(key: string, waitsFor: readonly string[]): void {
    this.#placeOf.set(key, this.#placeOf.size);
    this.#waitsFor.set(key, waitsFor);
  }

  /** All of `open` and of what was found so before, but those that another of them waits for, also by way of others. */
  of(open: readonly string[], found: readonly (readonly string[])[]): readonly string[] {
    const all = unionOf([open, ...found]);
    if (all.length <= 1 || found.includes(all)) return all;
    const first = all.reduce((least, key) => Math.min(least, this.#place(key)), Infinity);
    const passed = new Set<string>();
    const ahead = all.flatMap((key) => this.#waitsFor.get(key) ?? NOTHING);
    for (let key = ahead.pop(); key !== undefined; key = ahead.pop()) {
      // What was added before all of them waits for none of them.
      if (passed.has(key) || this.#place(key) < first) continue;
      passed.add(key);
      ahead.push(...(this.#waitsFor.get(key) ?? NOTHING));
    }
    return all.some((key) => passed.has(key)) ? all.filter((key) => !passed.has(key)) : all;
  }

  #place(key: string): number {
    return this.#placeOf.get(key) ?? 0;
  }
}

/** The same list again where there is only one, so that a long row of done tasks shares it. */
function unionOf(lists: readonly (readonly string[])[]): readonly string[] {
  const distinct = [...new Set(lists.filter((list) => list.length > 0))];
  return distinct.length <= 1 ? (distinct[0] ?? NOTHING) : [...new Set(distinct.flat())];
}
