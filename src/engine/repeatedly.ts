/** Something done again and again, each time so long after the last has ended. */

import type { Clock } from "../base/clock.ts";

export interface RepeatOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Is not called again once this has failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Returns what ends it. */
export function repeatedly(act: () => Promise<void>, { clock, intervalMs, onFailure }: RepeatOptions): () => void {
  let cancel = (): void => {};
  let isEnded = false;
  const arm = (): void => {
    if (isEnded) return;
    cancel = clock.setTimer(intervalMs, () => {
      act().then(arm, onFailure);
    });
  };
  arm();
  return () => {
    isEnded = true;
    cancel();
  };
}
