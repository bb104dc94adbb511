/** Records how a run ended: the decisions between an outcome and the store's command for it. */

import { isPerdureError, messageOf } from "../base/errors.ts";
import { NonRetryable, RetryAfter, retryDelayMs } from "../domain/retry-policy.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import {
  blockOnUnknownOutcome,
  completeExecution,
  failAttempt,
  interruptExecution,
  releaseHold,
  suspendExecution,
} from "../store/commands/executions.ts";
import { nextOccurrenceAfter } from "./occurrences.ts";
import type { RunDeps } from "./run-context.ts";
import { RecordedError, toTaskError } from "./run-context.ts";
import type { RunOutcome } from "./run-outcome.ts";

export interface RecordedOutcome {
  readonly kind: "completed" | "failed" | "retrying" | "suspended" | "blocked" | "interrupted" | "released" | "lost";
  readonly error: unknown;
}

export interface RecordDeps extends RunDeps {
  readonly actor: string;
}

/** A lease lost in the meantime is no failure: whoever holds it now records instead. */
export async function recordOutcome(deps: RecordDeps, claimed: Claimed, outcome: RunOutcome): Promise<RecordedOutcome> {
  try {
    return await write(deps, claimed, outcome);
  } catch (error) {
    if (isPerdureError(error, "lease-lost")) return { kind: "lost", error: null };
    if (
      outcome.kind === "completed" &&
      (isPerdureError(error, "invalid-input") || isPerdureError(error, "limit-reached"))
    ) {
      // The result cannot be stored; running the task again would not change that.
      return await recordOutcome(deps, claimed, {
        kind: "failed",
        error: new NonRetryable(messageOf(error), { cause: error }),
        handledSteps: [],
      });
    }
    throw error;
  }
}

async function write(deps: RecordDeps, claimed: Claimed, outcome: RunOutcome): Promise<RecordedOutcome> {
  const { store, actor } = deps;
  const hold = { executionId: claimed.execution.id, fence: claimed.execution.fence };
  switch (outcome.kind) {
    case "completed": {
      const next =
        claimed.task.schedule === null
          ? null
          : await nextOccurrenceAfter(claimed.task, claimed.execution, deps.clock.now());
      await store.execute(completeExecution, { hold, result: outcome.result, next }, { actor });
      return { kind: "completed", error: null };
    }
    case "failed":
      return await writeFailure(deps, claimed, outcome);
    case "suspended":
      await store.execute(suspendExecution, { hold, waits: outcome.waits }, { actor });
      return { kind: "suspended", error: null };
    case "unknown":
      await store.execute(
        blockOnUnknownOutcome,
        { hold, position: outcome.position, handledSteps: outcome.handledSteps },
        { actor },
      );
      return { kind: "blocked", error: null };
    case "stopped":
      if (outcome.reason === "interrupted") {
        await store.execute(interruptExecution, { hold }, { actor });
        return { kind: "interrupted", error: null };
      }
      await store.execute(releaseHold, { hold, why: "its worker stopped" }, { actor });
      return { kind: "released", error: null };
    case "lost":
      return { kind: "lost", error: null };
  }
}

async function writeFailure(
  deps: RecordDeps,
  claimed: Claimed,
  { error, handledSteps }: Extract<RunOutcome, { kind: "failed" }>,
): Promise<RecordedOutcome> {
  const { task, execution } = claimed;
  const now = deps.clock.now();
  const isFinal = isNonRetryable(error) || execution.retryCount >= task.maxRetries;
  const retryAt = isFinal ? null : now + delayOf(deps, claimed, error);
  const next = isFinal && task.schedule !== null ? await nextOccurrenceAfter(task, execution, now) : null;
  const hold = { executionId: execution.id, fence: execution.fence };
  await deps.store.execute(
    failAttempt,
    { hold, error: toTaskError(error), retryAt, handledSteps, next },
    { actor: deps.actor },
  );
  return { kind: isFinal ? "failed" : "retrying", error };
}

const NON_RETRYABLE = new NonRetryable().name;

/** Also when the failure is replayed from the journal because the process died before the attempt's end was recorded. */
function isNonRetryable(error: unknown): boolean {
  const isRecordedAsSuch = error instanceof RecordedError && error.code === NON_RETRYABLE;
  return error instanceof NonRetryable || isRecordedAsSuch || isPerdureError(error, "journal-mismatch");
}

/** A server's retry-after is honoured, and never cut short by the policy. */
function delayOf(deps: RecordDeps, { task, execution }: Claimed, error: unknown): number {
  const asked = findRetryAfter(error);
  return asked === null ? retryDelayMs(task.retry, execution.retryCount + 1, deps.random) : asked.delayMs;
}

function findRetryAfter(error: unknown): RetryAfter | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof RetryAfter) return current;
  }
  return null;
}
