/**
 * How long work will still take, from its own rate so far and from how long the same kind of work took before.
 * Estimates are for people to plan by; nothing is decided by them.
 */

import type { Millis } from "../base/clock.ts";
import type { TaskStatus } from "./task.ts";

export interface RemainingInput {
  /** 0–100, as reported or derived from steps. 0 says nothing about the rate. */
  readonly percent: number;
  readonly elapsedMs: number;
  /** Durations of earlier executions of the same kind, in any order. */
  readonly historyMs: readonly number[];
}

/**
 * Milliseconds one running execution still needs; `null` when nothing is known. Never negative.
 *
 * Two estimates are mixed, its own by `percent`, history by the rest: early on history knows more, near the end its own
 * rate does.
 * - Its own: what is left takes as long per percent as what is done took (linear extrapolation).
 * - History: the median of those earlier durations that lasted longer than this one has so far, less the time it has
 *   taken (the empirical median residual life). So an execution that outlives the usual duration is compared only with
 *   those that did too; one that outlives them all has no history, and without a rate of its own nothing is promised.
 */
export function estimateRemainingMs({ percent, elapsedMs, historyMs }: RemainingInput): number | null {
  const done = clampFraction(percent / 100);
  if (done === 1) return 0;
  const elapsed = Math.max(0, finiteOr(elapsedMs, 0));
  const ownMs = done > 0 && elapsed > 0 ? (elapsed * (1 - done)) / done : null;
  const residualMs = medianResidualMs(historyMs, elapsed);
  if (ownMs === null) return residualMs === null ? null : residualMs * (1 - done);
  if (residualMs === null) return finiteOr(ownMs, null);
  // done × own + (1 - done) × residual, where done × own is elapsed × (1 - done).
  return (1 - done) * (elapsed + residualMs);
}

/** The instant `remainingMs` from now; `null` stays `null`. */
export function completionAt(now: Millis, remainingMs: number | null): Millis | null {
  return remainingMs === null ? null : Math.round(now + remainingMs);
}

/** A task as the estimate for a session sees it. */
export interface SessionEtaTask {
  readonly status: TaskStatus;
  /** Of one in progress: what `estimateRemainingMs` said. */
  readonly remainingMs: number | null;
  /** The whole duration: measured for one that ended, the median of its kind for another; `null` when not known. */
  readonly durationMs: number | null;
}

export interface SessionRemainingInput {
  /** Leaves only: a parent takes as long as its children. */
  readonly tasks: readonly SessionEtaTask[];
  /** How many tasks run side by side. */
  readonly concurrency: number;
}

/**
 * Milliseconds until nothing is left to do in a session; 0 when all is done, `null` when nothing is known. Never negative.
 *
 * The work left, divided by the tasks that run side by side, but at least the longest single one: the two lower bounds
 * of list scheduling (Graham, 1969). Dependencies may make it longer. A task of unknown duration counts as the mean of
 * the known ones, or of the remaining times of running tasks when no duration is known.
 */
export function estimateSessionRemainingMs({ tasks, concurrency }: SessionRemainingInput): number | null {
  const unfinished = tasks.filter((task) => ["pending", "blocked", "in_progress"].includes(task.status));
  if (unfinished.length === 0) return 0;
  const typicalMs =
    mean(knownOf(tasks, (task) => task.durationMs)) ?? mean(knownOf(unfinished, (task) => task.remainingMs));
  if (typicalMs === null) return null;

  let sumMs = 0;
  let longestMs = 0;
  for (const task of unfinished) {
    const leftMs =
      known(task.status === "in_progress" ? task.remainingMs : null) ?? known(task.durationMs) ?? typicalMs;
    sumMs += leftMs;
    longestMs = Math.max(longestMs, leftMs);
  }
  return Math.max(longestMs, sumMs / Math.max(1, concurrency));
}

/** The median of the durations longer than `elapsed`, less it; `null` when none is. */
function medianResidualMs(historyMs: readonly number[], elapsed: number): number | null {
  const longer = historyMs
    .filter((duration) => Number.isFinite(duration) && duration > elapsed)
    .toSorted((a, b) => a - b);
  const upper = longer[Math.floor(longer.length / 2)];
  const lower = longer[Math.floor((longer.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : lower + (upper - lower) / 2 - elapsed;
}

function knownOf<T>(items: readonly T[], read: (item: T) => number | null): readonly number[] {
  return items.map((item) => known(read(item))).filter((ms) => ms !== null);
}

function known(ms: number | null): number | null {
  return ms !== null && Number.isFinite(ms) && ms >= 0 ? ms : null;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function clampFraction(value: number): number {
  return Math.min(1, Math.max(0, finiteOr(value, 0)));
}

function finiteOr<Fallback>(value: number, fallback: Fallback): number | Fallback {
  return Number.isFinite(value) ? value : fallback;
}
