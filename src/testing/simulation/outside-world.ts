/** What lies outside the processes and the store and survives both: the effects of steps, and who watches that none is wrong. */

import { assert } from "../../base/assert.ts";

export interface OutsideWorld {
  /** A step's effect takes place. `isZombie`: in a process that was paused long enough to be taken for dead. */
  perform(effect: Effect): void;
  hasHappened(key: string): boolean;
  /** The store has the step as completed from now on. */
  recordCompleted(key: string): void;
  /** An attempt of the execution was recorded as failed. */
  recordFailure(executionId: string): void;
  failuresOf(executionId: string): number;
  readonly effectCount: number;
}

export interface Effect {
  /** The step's idempotency key. */
  readonly key: string;
  readonly kind: "repeatable" | "once";
  readonly isZombie: boolean;
}

export function createOutsideWorld(): OutsideWorld {
  const performed = new Map<string, { count: number; zombies: number }>();
  const completed = new Set<string>();
  const failures = new Map<string, number>();
  let effectCount = 0;
  return {
    perform({ key, kind, isZombie }) {
      const entry = performed.get(key) ?? { count: 0, zombies: 0 };
      effectCount += 1;
      // No lease reaches outside: a paused process may finish the one effect it was about to bring about.
      if (isZombie) entry.zombies += 1;
      else {
        assert(!completed.has(key), `the effect of ${key} does not take place after it was recorded (INV-2)`);
        assert(kind === "repeatable" || entry.count === 0, `${key} takes place once (INV-8)`);
        entry.count += 1;
      }
      assert(entry.zombies <= 2, `zombies bring about no more of ${key} than was in flight`);
      performed.set(key, entry);
    },
    hasHappened: (key) => performed.has(key),
    recordCompleted: (key) => completed.add(key),
    recordFailure: (executionId) => failures.set(executionId, (failures.get(executionId) ?? 0) + 1),
    failuresOf: (executionId) => failures.get(executionId) ?? 0,
    get effectCount() {
      return effectCount;
    },
  };
}
