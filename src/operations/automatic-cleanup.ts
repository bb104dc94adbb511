/** Cleaning up now and then, beside the work of a process that runs for long. */

import { messageOf } from "../base/errors.ts";
import { findLastCleanup } from "../store/commands/cleanup-log.ts";
import type { OperationContext, RunOptions } from "./operation.ts";

export interface AutomaticCleanup {
  /** When none goes on. */
  settled(): Promise<void>;
  /** Waits for one that goes on. */
  stop(): Promise<void>;
}

/** How often a process looks whether it is time. */
const LOOK_MS = 3_600_000;

/** At most once in `retention.every` for all processes of the project together, unless two look at the same moment, which does no harm. */
export function startAutomaticCleanup(context: OperationContext, { onEvent }: RunOptions): AutomaticCleanup {
  const { isAutomatic, everyMs } = context.config.retention;
  let cancelTimer: (() => void) | null = null;
  let going: Promise<void> = Promise.resolve();

  const lookOnce = async (): Promise<void> => {
    try {
      const last = await context.store.execute(findLastCleanup, null);
      if (last !== null && context.clock.now() - last < everyMs) return;
      const { cleanup } = await import("./cleanup.ts");
      await cleanup.run(context, { dryRun: false });
    } catch (error) {
      // The work goes on without it, and the next look tries again.
      onEvent?.({ type: "notice", message: `the cleanup failed: ${messageOf(error)}` });
    }
  };
  const lookLater = (ms: number): void => {
    cancelTimer = context.clock.setTimer(ms, () => {
      going = lookOnce();
      lookLater(Math.min(LOOK_MS, everyMs));
    });
  };
  if (isAutomatic) lookLater(Math.min(FIRST_LOOK_MS, everyMs));
  return {
    settled: () => going,
    async stop() {
      cancelTimer?.();
      await going;
    },
  };
}

/** Not at once: whoever starts a worker wants work done. */
const FIRST_LOOK_MS = 60_000;
