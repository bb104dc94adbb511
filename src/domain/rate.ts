/**
 * How often something may start, and the record that is kept of it: a log of starts over a sliding window. So it holds in
 * every window of that length, where a token bucket would let up to twice as many through around a refill, and a burst may
 * still use all of it at once, which evenly spaced starts would not let it.
 *
 * Starts close to each other are kept as one group, so that a record stays small whatever the rate. A group counts until its
 * last start is out of the window: a start may be counted a little too long, never too short.
 */

import { findDurationMs } from "../base/duration.ts";
import type { Millis } from "../base/clock.ts";

export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** Starts that count as one: when the first and the last of them were, and how many they are. */
type StartGroup = readonly [first: Millis, last: Millis, count: number];

/** Oldest first. */
export type StartLog = readonly StartGroup[];

export const RATE_FORM = "a number of starts and a time, such as 10/1s, 100/1m or 5/h";

const MOST_COUNT = 1_000_000;
const SHORTEST_MS = 10;
const LONGEST_MS = 31 * 86_400_000;

/** `100/1m`, or `100/m` for one of the unit. `null` for what is no rate. */
export function findRate(text: string): Rate | null {
  const [, count, said] = /^\s*(\d{1,7})\s*\/\s*(\S.*?)\s*$/.exec(text) ?? [];
  if (count === undefined || said === undefined) return null;
  const perMs = findDurationMs(/^\d/.test(said) ? said : `1${said}`);
  if (perMs === null || perMs < SHORTEST_MS || perMs > LONGEST_MS) return null;
  return Number(count) >= 1 && Number(count) <= MOST_COUNT ? { count: Number(count), perMs } : null;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** As `findRate` reads it. */
export function rateText({ count, perMs }: Rate): string {
  const [unit, unitMs] = UNITS.find(([, ms]) => perMs % ms === 0) ?? ["ms", 1];
  return `${count}/${perMs / unitMs}${unit}`;
}

export interface Allowance {
  /** How many more may start now. */
  readonly left: number;
  /** When the next may, if none may now. */
  readonly opensAt: Millis | null;
}

export function allowanceAt(log: StartLog, rate: Rate, now: Millis): Allowance {
  const inWindow = log.filter(([, last]) => last + rate.perMs > now);
  let left = rate.count - inWindow.reduce((sum, [, , count]) => sum + count, 0);
  if (left > 0) return { left, opensAt: null };
  let opensAt: Millis = now;
  for (const [, last, count] of inWindow) {
    opensAt = last + rate.perMs;
    left += count;
    if (left > 0) break;
  }
  return { left: 0, opensAt };
}

/** A window is divided into so many parts at most; starts within one part are one group. */
const GROUPS_PER_WINDOW = 32;

export function withStart(log: StartLog, rate: Rate, now: Millis): StartLog {
  const kept = log.filter(([, last]) => last + rate.perMs > now);
  const newest = kept.at(-1);
  // A clock that was set back must not make a start count for a shorter time.
  const at = Math.max(now, newest?.[1] ?? now);
  if (newest === undefined || at - newest[0] >= rate.perMs / GROUPS_PER_WINDOW) return [...kept, [at, at, 1]];
  return [...kept.slice(0, -1), [newest[0], at, newest[2] + 1]];
}

/** When the log says nothing any more. */
export function endOfLog(log: StartLog, rate: Rate): Millis {
  return (log.at(-1)?.[1] ?? 0) + rate.perMs;
}
