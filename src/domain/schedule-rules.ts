/**
 * When a schedule is due: pure rules over instants. Which of several due occurrences is run is decided in
 * schedule-catch-up.ts.
 *
 * Calendar schedules (`daily`, `cron`) follow the wall clock of their time zone, by croner. Where that clock jumps:
 * - A fixed time of day (`daily`, or a cron with one second, minute and hour) that a jump forward leaves out is due at
 *   the first instant after the gap: 02:30 in Europe/Berlin is due at 03:00 on that day. One that a jump back repeats
 *   is due once, the first time. Only where a gap ends at midnight, so that no later instant of that day is left
 *   (23:30 in America/Nuuk), is the day left out.
 * - Any other cron is due whenever the clock shows a matching time: not in a gap, and twice in an overlap.
 */

import { Cron } from "croner";
import type { Millis } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Schedule } from "./schedule.ts";

const MIN_INTERVAL_MS = 1_000;
const MAX_DELAY_MS = 100 * 365 * 86_400_000;
/** The last instant a `Date` can hold. */
const MAX_INSTANT = 8_640_000_000_000_000;
const MAX_CRON_CHARS = 500;
const TIME_OF_DAY = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;

/** What is wrong with a schedule, in words that continue "the schedule …"; `null` when nothing is. */
export function validateSchedule(schedule: Schedule): string | null {
  switch (schedule.type) {
    case "at":
      return isBetween(schedule.at, 0, MAX_INSTANT) ? null : `has no valid instant: ${schedule.at}`;
    case "in":
      return isBetween(schedule.delayMs, 0, MAX_DELAY_MS) ? null : "needs a delay from 0 s to 100 years";
    case "every":
      return isBetween(schedule.intervalMs, MIN_INTERVAL_MS, MAX_DELAY_MS) && Number.isInteger(schedule.intervalMs)
        ? null
        : "needs an interval from 1 s to 100 years, in whole milliseconds";
    case "daily":
      if (!TIME_OF_DAY.test(schedule.time)) return `has no time of day, such as 07:00 or 23:30:15: ${schedule.time}`;
      return timezoneProblem(schedule.timezone);
    case "cron":
      return timezoneProblem(schedule.timezone) ?? cronProblem(schedule.cron);
  }
}

/**
 * The instant a schedule set at `now` is due for the first time; `null` when that is never, as with a cron whose years
 * are over.
 *
 * `every` is due at once and then each interval after that, so `now` is its anchor. A calendar schedule that matches
 * `now` to the millisecond is due at `now`. An `at` in the past stays what it is: overdue.
 */
export function firstDueAt(schedule: Schedule, now: Millis): Millis | null {
  switch (schedule.type) {
    case "at":
      return schedule.at;
    case "in":
      return now + schedule.delayMs;
    case "every":
      return now;
    case "daily":
    case "cron":
      return occurrencesOf(schedule, now).after(now - 1);
  }
}

/**
 * The first occurrence later than `after`; `null` when there is none, which is always so for `at` and `in`.
 *
 * `anchor` is the instant an `every` counts from, as given to `firstDueAt`: its occurrences are `anchor + k × interval`,
 * so they do not drift however long each takes. Other schedules ignore it.
 */
export function nextOccurrence(schedule: Schedule, after: Millis, anchor: Millis): Millis | null {
  return occurrencesOf(schedule, anchor).after(after);
}

/** The occurrences of a schedule, walked in either direction. */
export interface Occurrences {
  /** The first one later than `instant`. */
  after(instant: Millis): Millis | null;
  /** The last one at `instant` or before. */
  atOrBefore(instant: Millis): Millis | null;
}

/** As `nextOccurrence`, for a caller that asks more than once: reading a cron line takes longer than a step. */
export function occurrencesOf(schedule: Schedule, anchor: Millis): Occurrences {
  switch (schedule.type) {
    case "at":
    case "in":
      return { after: () => null, atOrBefore: () => null };
    case "every":
      return intervals(schedule.intervalMs, anchor);
    case "daily":
      return calendar(dailyToCron(schedule.time), schedule.timezone);
    case "cron":
      return calendar(schedule.cron, schedule.timezone);
  }
}

function intervals(intervalMs: number, anchor: Millis): Occurrences {
  return {
    after: (instant) => anchor + Math.max(0, Math.floor((instant - anchor) / intervalMs) + 1) * intervalMs,
    atOrBefore: (instant) =>
      instant < anchor ? null : anchor + Math.floor((instant - anchor) / intervalMs) * intervalMs,
  };
}

function calendar(pattern: string, timezone: string | null): Occurrences {
  const cron = new Cron(pattern, { timezone: timezone ?? machineTimezone() });
  return {
    after: (instant) => cron.nextRun(new Date(instant))?.getTime() ?? null,
    // `previousRuns` looks before its reference, and an occurrence is always on a whole second.
    atOrBefore: (instant) => cron.previousRuns(1, new Date(instant + 1))[0]?.getTime() ?? null,
  };
}

function dailyToCron(time: string): string {
  const [, hour, minute, second = "00"] = TIME_OF_DAY.exec(time) ?? [];
  return `${second} ${minute} ${hour} * * *`;
}

function machineTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isFinite(value) && value >= least && value <= most;
}

function timezoneProblem(timezone: string | null): string | null {
  if (timezone === null) return null;
  try {
    Intl.DateTimeFormat("en", { timeZone: timezone });
    return null;
  } catch {
    // Asking is the only way to learn whether a zone is known; the answer is worded below.
    const likely = nearest(timezone, Intl.supportedValuesOf("timeZone"));
    return `has an unknown time zone: ${timezone}${likely === null ? "" : `; did you mean ${likely}?`}`;
  }
}

function cronProblem(pattern: string): string | null {
  if (pattern.length > MAX_CRON_CHARS) return `has a cron line over ${MAX_CRON_CHARS} characters`;
  try {
    const cron = new Cron(pattern, { timezone: "UTC" });
    // croner also takes a date in place of a pattern; here that is what `at` is for.
    if (cron.getPattern() === undefined) return `has a date where a cron line belongs: ${pattern}`;
    return cron.nextRun(new Date(0)) === null ? `has a cron line that is never due: ${pattern}` : null;
  } catch (error) {
    return `has a bad cron line: ${pattern} (${messageOf(error).replace(/^CronPattern: /, "")})`;
  }
}
