/** Times and durations on a terminal. */

import { formatDuration } from "../../base/duration.ts";

/** From whole seconds on without fractions, for what is shown again and again. */
export function formatElapsed(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1_000))}s` : formatDuration(ms);
}

/** An instant in local time: the time today, with its day otherwise. */
export function formatInstant(iso: string, now: number): string {
  const at = new Date(iso);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = new Date(now);
  const isToday = at.toDateString() === today.toDateString();
  return isToday ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** How long ago, or in how long. */
export function formatRelative(iso: string, now: number): string {
  const ms = Date.parse(iso) - now;
  if (Math.abs(ms) < 1_000) return "now";
  return ms > 0 ? `in ${formatElapsed(ms)}` : `${formatElapsed(-ms)} ago`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
