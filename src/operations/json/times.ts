/** Instants at the edges: ISO 8601 outside, epoch milliseconds inside. */

import * as v from "valibot";

import type { Millis } from "../../base/clock.ts";

export const isoTime = v.pipe(v.string(), v.isoTimestamp("must be an ISO 8601 time, such as 2026-12-01T09:00:00Z"));

export function toIso(at: Millis): string {
  return new Date(at).toISOString();
}

export function toIsoOrNull(at: Millis | null): string | null {
  return at === null ? null : toIso(at);
}
