/** Durations as people write them: `250ms`, `30s`, `10m`, `1h30m`, `24h`, `7d`. */

import { PerdureError } from "./errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;

/** Milliseconds of a duration text, or `null` when it is not one. */
export function findDurationMs(text: string): number | null {
  const compact = text.trim().replaceAll(/\s+/g, "");
  if (!WHOLE.test(compact)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of compact.matchAll(PART))
    totalMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? Number.NaN);
  return Number.isFinite(totalMs) ? Math.round(totalMs) : null;
}

/** A duration in milliseconds from a number of milliseconds or a text such as `10m`. @throws PerdureError `invalid-input` */
export function parseDurationMs(value: number | string, what: string): number {
  const ms = typeof value === "number" ? value : findDurationMs(value);
  if (ms !== null && Number.isFinite(ms) && ms >= 0) return ms;
  throw new PerdureError("invalid-input", {
    message: `${what} is not a duration: ${JSON.stringify(value)}`,
    hint: "Write a number with a unit, such as 250ms, 30s, 10m, 1h30m or 7d.",
  });
}

/** For people: `850ms`, `4.2s`, `3m 05s`, `2h 10m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, "0")}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
