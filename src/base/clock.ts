/** Time comes in from outside (INV-10): the one place that reads the system clock or sets a timer. */

/** Milliseconds since the Unix epoch. */
export type Millis = number;

export interface Clock {
  now(): Millis;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. Timers do not keep the process alive. */
  setTimer(delayMs: number, fire: () => void): () => void;
}

export interface ClockDep {
  readonly clock: Clock;
}

/** The longest delay `setTimeout` takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
