/** Instants at the edges: ISO 8601 outside, epoch milliseconds inside. */

import type { Millis } from "../../base/clock.ts";

/** The last instant a date can be; what waits without a time limit is due then. */
const NEVER: Millis = 8_640_000_000_000_000;

/** When something is due; `null` when it is not by any time. */
export function toDueIso(at: Millis): string | null {
  return at >= NEVER ? null : toIso(at);
}

/** For instants that were estimated: `null` for one that no date can be. */
export function toEstimatedIso(at: Millis | null): string | null {
  return at !== null && Math.abs(at) <= NEVER ? toIso(at) : null;
}

export function toIso(at: Millis): string {
  return new Date(at).toISOString();
}

export function toIsoOrNull(at: Millis | null): string | null {
  return at === null ? null : toIso(at);
}
