/**
 * Which occurrence of a recurring task is run next, when some came due while nothing ran or while the one before ran long.
 *
 * Two moments decide, and each has one function:
 * - `planDueOccurrence`, when a due occurrence is about to start for the first time: what was missed since, by `catchUp`.
 * - `planNextOccurrence`, when an occurrence has ended: what came due while it ran, by `overlap`.
 *
 * Between two calls the engine keeps the last plan with the task: `scheduledFor`, `runAt` and `missedUntil`.
 * Every occurrence is either run once or counted as skipped, and they are run in order.
 */

import type { Millis } from "../base/clock.ts";
import { isRecurring, type CatchUp, type Overlap, type Schedule } from "./schedule.ts";
import { occurrencesOf, type Occurrences } from "./schedule-rules.ts";

/**
 * Most occurrences that wait at once (INV-9). Older ones are skipped, so that a year of missed minutes does not run half
 * a million times. Counts of skipped occurrences stop here too: this many means "this many or more".
 */
export const MAX_WAITING_OCCURRENCES = 1_000;

/** An occurrence that starts later than this, or than half the time to the one after it, was missed. */
const MISSED_AFTER_MS = 60_000;

export interface PlannedOccurrence {
  /** The instant of the schedule it stands for; identifies the occurrence. */
  readonly scheduledFor: Millis;
  /** When it may start: `scheduledFor`, or `now` when that has passed. */
  readonly runAt: Millis;
  /** Occurrences given up by this decision; at most `MAX_WAITING_OCCURRENCES`. */
  readonly skipped: number;
  /**
   * While missed occurrences are worked off under `all`: those up to here were missed and are run, whatever `overlap`
   * says. A further outage before they are worked off moves it on. Handed back to the next call; `null` otherwise.
   */
  readonly missedUntil: Millis | null;
}

export interface DueOccurrence {
  readonly schedule: Schedule;
  /** What an `every` counts from; see `nextOccurrence`. */
  readonly anchor: Millis;
  readonly catchUp: CatchUp;
  /** The occurrence about to start, as it was planned. */
  readonly scheduledFor: Millis;
  readonly runAt: Millis;
  readonly missedUntil?: Millis | null;
  readonly now: Millis;
}

/**
 * What to run in place of an occurrence that is about to start at `now`: itself when it is on time, else what `catchUp`
 * says about the occurrences from it up to `now`, during which nothing ran. Asked once per occurrence, before its
 * execution exists; a retry or a takeover does not ask again.
 *
 * On time means within `MISSED_AFTER_MS` of `runAt`, or within half the time to the following occurrence if that is less.
 * Otherwise:
 * - `skip`: none of the missed is run. The newest is, if it is still on time; else the first one in the future.
 * - `last`: the newest one is run and stands for all.
 * - `all`: each is run, oldest first. This returns the oldest, or, if more than `MAX_WAITING_OCCURRENCES` wait, the oldest of
 *   the newest that many; `planNextOccurrence` returns the others in turn.
 *
 * Run it now when the returned `runAt` is not after `now`; otherwise the task waits until then. A one-shot schedule is
 * run however late it is, since its task would otherwise vanish. `null`: the schedule has come to its end.
 */
export function planDueOccurrence(due: DueOccurrence): PlannedOccurrence | null {
  const asPlanned = {
    scheduledFor: due.scheduledFor,
    runAt: due.runAt,
    skipped: 0,
    missedUntil: due.missedUntil ?? null,
  };
  if (!isRecurring(due.schedule)) return asPlanned;
  const occurrences = occurrencesOf(due.schedule, due.anchor);
  if (due.now <= Math.max(due.runAt, due.scheduledFor) + graceMs(occurrences, due.scheduledFor)) return asPlanned;

  if (due.catchUp === "all") {
    const oldest = oldestWaiting(occurrences, due.scheduledFor, due.now);
    return startNow(occurrences, { from: due.scheduledFor, to: oldest, now: due.now, missedUntil: due.now });
  }
  const newest = Math.max(due.scheduledFor, occurrences.atOrBefore(due.now) ?? due.scheduledFor);
  const isNewestOnTime = newest > due.scheduledFor && due.now <= newest + graceMs(occurrences, newest);
  if (due.catchUp === "last" || isNewestOnTime) {
    return startNow(occurrences, { from: due.scheduledFor, to: newest, now: due.now, missedUntil: null });
  }
  return waitForFuture(occurrences, due.scheduledFor, due.now);
}

export interface EndedOccurrence {
  readonly schedule: Schedule;
  /** What an `every` counts from; see `nextOccurrence`. */
  readonly anchor: Millis;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  /** The occurrence that has ended. */
  readonly lastScheduledFor: Millis;
  /** When its execution first started. */
  readonly lastStartedAt: Millis;
  /** As planned for it. Without it, whatever was waiting when it started counts as missed. */
  readonly missedUntil?: Millis | null;
  readonly now: Millis;
}

/**
 * The occurrence that follows one that ended at `now`, whatever its outcome; `null` when the schedule has no more.
 *
 * Usually that is the next of the schedule, still to come. When occurrences came due while the last one ran, were it
 * suspended or interrupted in between, `overlap` decides:
 * - `skip`: they are skipped and counted; the next is the first after `now`.
 * - `queue`: they are run one after another, oldest first, each returned by one call.
 *
 * Occurrences missed before the last one started and not yet worked off (`catchUp: all`) come first, oldest first, under
 * either. When more than `MAX_WAITING_OCCURRENCES` wait, the oldest beyond are skipped and counted.
 */
export function planNextOccurrence(ended: EndedOccurrence): PlannedOccurrence | null {
  const { now } = ended;
  const occurrences = occurrencesOf(ended.schedule, ended.anchor);
  const following = occurrences.after(ended.lastScheduledFor);
  if (following === null) return null;
  if (following > now) return { scheduledFor: following, runAt: following, skipped: 0, missedUntil: null };

  const missedUntil = ended.missedUntil ?? ended.lastStartedAt;
  if (ended.overlap === "queue") {
    const oldest = oldestWaiting(occurrences, following, now);
    return startNow(occurrences, { from: following, to: oldest, now, missedUntil: null });
  }
  if (ended.catchUp === "all" && following <= missedUntil) {
    const oldest = oldestWaiting(occurrences, following, Math.min(now, missedUntil));
    return startNow(occurrences, { from: following, to: oldest, now, missedUntil });
  }
  return waitForFuture(occurrences, following, now);
}

interface Start {
  readonly from: Millis;
  readonly to: Millis;
  readonly now: Millis;
  readonly missedUntil: Millis | null;
}

/** The occurrence `to`, already due; those from `from` up to it are skipped. */
function startNow(occurrences: Occurrences, { from, to, now, missedUntil }: Start): PlannedOccurrence {
  return { scheduledFor: to, runAt: now, skipped: countFrom(occurrences, from, to), missedUntil };
}

/** The first occurrence after `now`; those from `from` up to it are skipped. */
function waitForFuture(occurrences: Occurrences, from: Millis, now: Millis): PlannedOccurrence | null {
  const next = occurrences.after(now);
  if (next === null) return null;
  return { scheduledFor: next, runAt: next, skipped: countFrom(occurrences, from, next), missedUntil: null };
}

function graceMs(occurrences: Occurrences, scheduledFor: Millis): number {
  const following = occurrences.after(scheduledFor);
  return following === null ? MISSED_AFTER_MS : Math.min(MISSED_AFTER_MS, (following - scheduledFor) / 2);
}

/** The oldest of the newest `MAX_WAITING_OCCURRENCES` from `from` up to `until`, found from the newest backwards. */
function oldestWaiting(occurrences: Occurrences, from: Millis, until: Millis): Millis {
  let oldest = Math.max(from, occurrences.atOrBefore(until) ?? from);
  for (let waiting = 1; waiting < MAX_WAITING_OCCURRENCES && oldest > from; waiting++) {
    oldest = Math.max(from, occurrences.atOrBefore(oldest - 1) ?? from);
  }
  return oldest;
}

/** How many occurrences there are from `from`, itself one, up to but without `to`; counted to `MAX_WAITING_OCCURRENCES`. */
function countFrom(occurrences: Occurrences, from: Millis, to: Millis): number {
  let count = 0;
  for (let at: Millis | null = from; at !== null && at < to && count < MAX_WAITING_OCCURRENCES; count++) {
    at = occurrences.after(at);
  }
  return count;
}
