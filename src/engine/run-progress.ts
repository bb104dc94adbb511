/** Progress of one run: the newest report counts, written at most four times a second. */

import { applyProgressUpdate } from "../domain/progress-rules.ts";
import type { ReportedProgress } from "../domain/progress.ts";
import { isPerdureError } from "../base/errors.ts";
import { reportProgress } from "../store/commands/executions.ts";
import type { ProgressUpdate } from "./run.ts";
import type { RunContext } from "./run-context.ts";

const MIN_INTERVAL_MS = 250;

export interface ProgressReporter {
  report(update: ProgressUpdate): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

export function createProgressReporter(context: RunContext): ProgressReporter {
  let current: ReportedProgress | null = context.execution.progress;
  let isDirty = false;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  let lastWrite: Promise<void> = Promise.resolve();

  const write = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    if (!isDirty || current === null) return;
    isDirty = false;
    writtenAt = context.clock.now();
    const writing = context.store.execute(
      reportProgress,
      { hold: context.hold, progress: current },
      { actor: context.actor },
    );
    // A report that comes too late, after the hold is gone, is of no use to anyone.
    lastWrite = writing.catch((error: unknown) => {
      if (!isPerdureError(error)) throw error;
    });
  };

  return {
    report(update) {
      current = applyProgressUpdate(current, update, context.clock.now());
      isDirty = true;
      const dueInMs = writtenAt + MIN_INTERVAL_MS - context.clock.now();
      if (dueInMs <= 0) write();
      else cancelTimer ??= context.clock.setTimer(dueInMs, write);
    },
    async flush() {
      write();
      await lastWrite;
    },
  };
}
