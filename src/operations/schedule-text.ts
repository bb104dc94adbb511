/** Schedules as people type them: `daily 07:00 Europe/Berlin`, `every 15m`, `in 30m`, `at 2026-12-01T09:00:00Z`, `cron 0 7 * * 1-5 UTC`. */

import * as v from "valibot";

import { findDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import type { Schedule } from "../domain/schedule.ts";

const timezone = v.optional(v.nullable(v.string()), null);
/** Milliseconds, or a text such as `15m`. */
const duration = v.union([v.number(), v.string()]);

/** A schedule as a text, or as a plan says it. `type` may be left out where the other fields tell. */
export const scheduleInput = v.union(
  [
    v.string(),
    v.strictObject({ type: v.optional(v.literal("daily")), time: v.string(), timezone }),
    v.strictObject({ type: v.optional(v.literal("cron")), cron: v.string(), timezone }),
    v.strictObject({ type: v.optional(v.literal("every")), every: duration }),
    v.strictObject({ type: v.optional(v.literal("in")), in: duration }),
    v.strictObject({ type: v.optional(v.literal("at")), at: v.string() }),
  ],
  'must be such as "daily 07:00", "every 15m", "in 30m", "at 2026-12-01T09:00:00Z", "cron 0 7 * * 1-5", or an object with time, every, in, at or cron',
);

type ScheduleInput = v.InferOutput<typeof scheduleInput>;

/**
 * Whether it can come due is checked when the task is made.
 *
 * @throws PerdureError `invalid-input` for what is no schedule.
 */
export function parseSchedule(said: ScheduleInput): Schedule {
  if (typeof said === "string") return parseScheduleText(said);
  if ("time" in said) return { type: "daily", time: said.time, timezone: said.timezone };
  if ("cron" in said) return { type: "cron", cron: said.cron, timezone: said.timezone };
  if ("every" in said) return { type: "every", intervalMs: millisOf(said.every) };
  if ("in" in said) return { type: "in", delayMs: millisOf(said.in) };
  return { type: "at", at: instantOf(said.at) };
}

/** @throws PerdureError `invalid-input` */
export function parseScheduleText(text: string): Schedule {
  const [type = "", ...words] = text.trim().split(/\s+/);
  const rest = words.join(" ");
  switch (type.toLowerCase()) {
    case "daily": {
      const [time = "", zone = null, ...more] = words;
      if (time === "" || more.length > 0) throw noSchedule(text);
      return { type: "daily", time, timezone: zone };
    }
    case "every":
      return { type: "every", intervalMs: millisOf(rest) };
    case "in":
      return { type: "in", delayMs: millisOf(rest) };
    case "at":
      return { type: "at", at: instantOf(rest) };
    case "cron":
      return { type: "cron", ...cronOf(words, text) };
    default:
      throw noSchedule(text);
  }
}

/** The time zone, if one is said, is the last word. */
function cronOf(words: readonly string[], text: string): { readonly cron: string; readonly timezone: string | null } {
  const last = words.at(-1) ?? "";
  const hasZone = words.length > 5 && isZoneName(last);
  const fields = hasZone ? words.slice(0, -1) : words;
  if (fields.length < 5) throw noSchedule(text);
  return { cron: fields.join(" "), timezone: hasZone ? last : null };
}

/** Names of days and months are no zones; `Area/City` is one even when it is not known, so that the mistake is named. */
function isZoneName(word: string): boolean {
  if (/^[A-Za-z_]{3,}\/[A-Za-z]/.test(word)) return true;
  if (!/^(?:[A-Za-z]{3,}|[+-]\d\d:?\d\d)$/.test(word)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: word });
    return true;
  } catch {
    // Asking is the only way to learn whether a zone is known.
    return false;
  }
}

function millisOf(said: string | number): number {
  const ms = typeof said === "number" ? said : findDurationMs(said);
  if (ms !== null) return ms;
  throw new PerdureError("invalid-input", {
    message: `The schedule has no duration: ${JSON.stringify(said)}`,
    hint: "Write a number with a unit, such as 30s, 15m, 1h30m or 7d.",
  });
}

function instantOf(said: string): number {
  const at = findInstant(said);
  if (at !== null) return at;
  throw new PerdureError("invalid-input", {
    message: `The schedule has no instant with its offset: ${JSON.stringify(said)}`,
    hint: "Write it as 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00.",
  });
}

function noSchedule(text: string): PerdureError {
  return new PerdureError("invalid-input", {
    message: `${JSON.stringify(text)} is no schedule`,
    hint: 'Write such as "daily 07:00 Europe/Berlin", "every 15m", "in 30m", "at 2026-12-01T09:00:00Z" or "cron 0 7 * * 1-5 Europe/Berlin".',
  });
}
