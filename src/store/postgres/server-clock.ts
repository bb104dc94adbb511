/**
 * The time of the server, which all processes that use it share: leases end at the same instant for all of them, whatever
 * their own clocks say or how they jump. Between looks at the server it goes on by this process's monotonic clock.
 */

import type { Clock, Millis } from "../../base/clock.ts";
import { systemClock } from "../../base/clock.ts";
import { monotonicMs } from "../../base/stopwatch.ts";

export interface ServerClock extends Clock {
  /** Whether it is time to look at the server's clock again. */
  isDue(): boolean;
  /** What the server said, between the two instants of `monotonicMs`. */
  set(serverNow: Millis, askedAtMs: number, answeredAtMs: number): void;
}

/** A machine that slept has lost time on its monotonic clock; it is made up for after so long. */
const LOOK_EVERY_MS = 10_000;
/** After a look that leaves more than so much open, as over a slow connection or in a process that was just starting, the next one comes soon. */
const UNCERTAIN_MS = 5;
const LOOK_SOON_MS = 500;

export function serverClock(): ServerClock {
  let offsetMs: number | null = null;
  let lookAgainAtMs = Number.NEGATIVE_INFINITY;
  return {
    now: () => (offsetMs === null ? systemClock.now() : Math.floor(monotonicMs() + offsetMs)),
    setTimer: systemClock.setTimer,
    isDue: () => monotonicMs() > lookAgainAtMs,
    set(serverNow, askedAtMs, answeredAtMs) {
      const uncertainMs = (answeredAtMs - askedAtMs) / 2;
      const measured = serverNow - (askedAtMs + uncertainMs);
      // Within what a look can tell, the clock goes on evenly.
      if (offsetMs === null || Math.abs(measured - offsetMs) > uncertainMs + 1) offsetMs = measured;
      lookAgainAtMs = answeredAtMs + (uncertainMs > UNCERTAIN_MS ? LOOK_SOON_MS : LOOK_EVERY_MS);
    },
  };
}
