/** One run of an execution by this process: the handle given to the executor, and how the run is stopped and comes to its outcome. */

import { PerdureError } from "../base/errors.ts";
import type { Step } from "../domain/step.ts";
import { addArtifact } from "../store/commands/artifacts.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import { noteExecution } from "../store/commands/executions.ts";
import { getResultOfNeed } from "../store/commands/task-queries.ts";
import type { Executor } from "./executor.ts";
import { createJournal } from "./journal.ts";
import type { ArtifactInput, Run, StopReason } from "./run.ts";
import type { RunContext, RunDeps } from "./run-context.ts";
import { handledSteps, toError } from "./run-context.ts";
import { createRunGate } from "./run-gate.ts";
import type { RunOutcome } from "./run-outcome.ts";
import { createProgressReporter } from "./run-progress.ts";
import { runStep, writing } from "./run-steps.ts";
import { approval, children, sleep, waitForSignal } from "./run-waits.ts";

export interface TaskRun {
  readonly claimed: Claimed;
  /** Carries the execution out as far as it goes now. Call once. */
  perform(executor: Executor): Promise<RunOutcome>;
  /** Tells the run to stop. The first reason counts, but a lost lease overrides a graceful stop. */
  stop(reason: StopReason): void;
}

export interface TaskRunOptions {
  readonly claimed: Claimed;
  readonly journal: readonly Step[];
  readonly actor: string;
  /** How long a graceful stop waits for the step in flight, and a hard one for the executor to clean up. */
  readonly graceMs: number;
  readonly confirmLease: () => Promise<void>;
}

/** One for all, as each would cost more than the rest of an end does. */
const RUN_IS_OVER = new DOMException("the run is over", "AbortError");

export function createTaskRun(deps: RunDeps, options: TaskRunOptions): TaskRun {
  const { claimed, graceMs } = options;
  const { task, execution } = claimed;
  const runAbort = new AbortController();
  const stepAbort = new AbortController();
  const gate = createRunGate({ hasOverlapped: options.journal.some((step) => step.isConcurrent) });
  const context: RunContext = {
    ...deps,
    task,
    execution,
    hold: { executionId: execution.id, fence: execution.fence },
    journal: createJournal(options.journal, { attempt: execution.attempt }),
    gate,
    confirmLease: options.confirmLease,
    stepSignal: stepAbort.signal,
    windDown: (outcome) => windDown(outcome),
    actor: options.actor,
    failures: [],
  };
  const progress = createProgressReporter(context);
  let stopReason: StopReason | null = null;
  const timers: (() => void)[] = [];
  const later = (delayMs: number, fire: () => void): void => {
    timers.push(deps.clock.setTimer(delayMs, fire));
  };

  let isWindingDown = false;
  const windDown = (outcome: RunOutcome): void => {
    if (isWindingDown) return;
    isWindingDown = true;
    stepAbort.abort();
    later(graceMs, () => gate.close(outcome));
    gate.finish(outcome);
  };
  /** A step that another one's failure left behind must not still be at work when the next attempt asks for it. */
  const settle = (outcome: RunOutcome): RunOutcome | Promise<RunOutcome> => {
    if (!isWindingDown && (outcome.kind !== "failed" || !gate.isBusy())) return outcome;
    windDown(outcome);
    return gate.decided;
  };

  const stop = (reason: StopReason): void => {
    const isGraceful = reason === "interrupted" || reason === "stopping";
    if (stopReason !== null && (isGraceful || stopReason === reason)) return;
    stopReason = reason;
    const outcome = outcomeOfStop(context, reason);
    runAbort.abort(reason);
    if (isGraceful) {
      later(graceMs, () => stepAbort.abort(reason));
      later(graceMs * 2, () => gate.close(outcome));
    } else {
      stepAbort.abort(reason);
      later(graceMs, () => gate.close(outcome));
    }
    gate.stopAtBoundary(outcome);
  };

  return {
    claimed,
    stop,
    async perform(executor) {
      if (task.timeoutMs !== null) later(task.timeoutMs, () => stop("timed-out"));
      const run = createRunHandle(context, { signal: runAbort.signal, progress: (update) => progress.report(update) });
      try {
        const outcome = await Promise.race([execute(context, executor, run).then(settle), gate.decided]);
        const final = stopReason !== null && outcome.kind === "failed" ? outcomeOfStop(context, stopReason) : outcome;
        if (final.kind !== "lost") await progress.flush();
        return final;
      } finally {
        for (const cancel of timers) cancel();
        // Whatever the code still does after this can record nothing.
        stepAbort.abort(RUN_IS_OVER);
        gate.close({ kind: "lost" });
      }
    },
  };
}

async function execute(context: RunContext, executor: Executor, run: Run): Promise<RunOutcome> {
  try {
    const result = await executor.execute(run);
    context.journal.assertAllAsked();
    return { kind: "completed", result };
  } catch (error) {
    return { kind: "failed", error: toError(error), handledSteps: handledSteps(context, error) };
  }
}

function outcomeOfStop(context: RunContext, reason: StopReason): RunOutcome {
  switch (reason) {
    case "interrupted":
    case "stopping":
      return { kind: "stopped", reason };
    case "cancelled":
    case "lease-lost":
      return { kind: "lost" };
    case "timed-out": {
      const error = new PerdureError("work-failed", {
        message: `Attempt ${context.execution.attempt} took longer than the task's timeout of ${context.task.timeoutMs} ms`,
        hint: "Raise the timeout, or split the work into steps: recorded steps are not done again.",
      });
      return { kind: "failed", error, handledSteps: handledSteps(context, error) };
    }
  }
}

function createRunHandle(
  context: RunContext,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Run["progress"] },
): Run {
  const { gate, task, execution } = context;
  return {
    task,
    taskId: task.id,
    executionId: execution.id,
    attempt: execution.attempt,
    idempotencyKey: execution.id,
    signal,
    progress,
    step: (name, perform, options = {}) =>
      gate.call((overlap) => runStep(context, { name, overlap }, { perform, options })),
    sleep: (duration) => gate.call((overlap) => sleep(context, overlap, duration)),
    waitFor: (name, options) =>
      gate.call((overlap) => waitForSignal(context, overlap, { signal: name, timeout: options?.timeout })),
    approval: (question) => gate.call((overlap) => approval(context, overlap, question)),
    child: (child) =>
      gate.call(async (overlap) => {
        const [result] = await children(context, { name: `child ${child.title}`.slice(0, 400), overlap }, [child]);
        return result;
      }),
    children: (tasks) =>
      gate.call((overlap) => children(context, { name: `${tasks.length} children`, overlap }, tasks)),
    resultOf: (need) => gate.call(() => gate.track(context.store.execute(getResultOfNeed, { taskId: task.id, need }))),
    artifact: (artifact) => gate.call(() => gate.track(storeArtifact(context, artifact))),
    log: (message) => {
      const noting = context.store.execute(noteExecution, { hold: context.hold, message }, { actor: context.actor });
      return gate.call(() => gate.track(writing(context, noting)));
    },
  };
}

async function storeArtifact(context: RunContext, { name, mediaType, content }: ArtifactInput): Promise<void> {
  const isMoved = typeof content === "object" && "movedFrom" in content;
  const stored = isMoved
    ? await context.artifactFiles.putMoved(content.movedFrom)
    : await context.artifactFiles.putBytes(typeof content === "string" ? Buffer.from(content) : content);
  const artifact = { hold: context.hold, name, mediaType: mediaType ?? "application/octet-stream", ...stored };
  await writing(context, context.store.execute(addArtifact, artifact, { actor: context.actor }));
}
