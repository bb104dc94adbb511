/** Which automatic checkpoints are given up as they grow old: dense near the present, ever sparser behind. Pure. */

import type { Millis } from "../base/clock.ts";

export interface ThinnedCheckpoint {
  readonly id: string;
  readonly createdAt: Millis;
}

/** The newest are all kept. */
export const NEWEST_KEPT = 10;
/** Of those older, the newest of each hour, up to this age … */
export const HOURLY_UNTIL_MS = 24 * 3_600_000;
/** … then the newest of each day, up to this one. */
export const DAILY_UNTIL_MS = 30 * 24 * 3_600_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Of a session's automatic checkpoints, newest first, those to give up. Asked again at once it gives up no more, and at
 * most `NEWEST_KEPT` + 25 + 31 remain.
 */
export function checkpointsToGiveUp<C extends ThinnedCheckpoint>(newestFirst: readonly C[], now: Millis): readonly C[] {
  const taken = new Set<string>();
  return newestFirst.slice(NEWEST_KEPT).filter((checkpoint) => {
    const slot = slotOf(checkpoint.createdAt, now);
    if (slot === null || taken.has(slot)) return true;
    taken.add(slot);
    return false;
  });
}

/** Slots are of the calendar rather than of the age, so that a checkpoint does not move from one into another. */
function slotOf(createdAt: Millis, now: Millis): string | null {
  const age = now - createdAt;
  if (age < HOURLY_UNTIL_MS) return `hour ${Math.floor(createdAt / HOUR_MS)}`;
  if (age < DAILY_UNTIL_MS) return `day ${Math.floor(createdAt / DAY_MS)}`;
  return null;
}
