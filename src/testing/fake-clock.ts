/** A clock that stands still until it is told to go on. Timers fire in the order they are due, from inside `advance`. */

import type { Clock, Millis } from "../base/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time on and fires what comes due on the way, each at its own instant; also timers those set. */
  advance(ms: number): void;
  /** Moves time to an instant that is not in the past. */
  advanceTo(instant: Millis): void;
  /** When the next timer is due; `null` without one. */
  readonly nextTimerAt: Millis | null;
}

interface Timer {
  readonly dueAt: Millis;
  readonly order: number;
  readonly fire: () => void;
}

/** 2026-01-20T10:00:00Z. */
const START: Millis = 1_768_903_200_000;

export function fakeClock(startAt: Millis = START): FakeClock {
  let now = startAt;
  let count = 0;
  const timers = new Set<Timer>();

  const nextTimer = (): Timer | null => {
    let next: Timer | null = null;
    for (const timer of timers) {
      const isEarlier =
        next === null || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.order < next.order);
      if (isEarlier) next = timer;
    }
    return next;
  };

  const advanceTo = (instant: Millis): void => {
    if (instant < now) throw new RangeError(`Time does not go back from ${now} to ${instant}`);
    for (let timer = nextTimer(); timer !== null && timer.dueAt <= instant; timer = nextTimer()) {
      timers.delete(timer);
      now = Math.max(now, timer.dueAt);
      timer.fire();
    }
    now = Math.max(now, instant);
  };

  return {
    now: () => now,
    setTimer(delayMs, fire) {
      const timer = { dueAt: now + Math.max(0, delayMs), order: count++, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (ms) => advanceTo(now + ms),
    advanceTo,
    get nextTimerAt() {
      return nextTimer()?.dueAt ?? null;
    },
  };
}
