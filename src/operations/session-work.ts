/** Works a session to its end, as far as this process can: the heart of `run` and `resume`. */

import { isPerdureError, messageOf } from "../base/errors.ts";
import type { ExecutionId, SessionId } from "../domain/ids.ts";
import { parseLabels } from "../domain/labels.ts";
import type { Session } from "../domain/session.ts";
import { isFinishedSession } from "../domain/session.ts";
import type { Worker } from "../engine/worker.ts";
import type { WorkerEvent } from "../engine/worker-options.ts";
import { createWorker } from "../engine/worker.ts";
import { startMemoryCleanup } from "../memory/memory-cleanup.ts";
import { describeQueue } from "../store/commands/queue.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { changeSession, resumeSession, settleSession } from "../store/commands/sessions.ts";
import { requestInterrupt } from "../store/commands/task-actions.ts";
import { toIsoOrNull } from "./json/times.ts";
import { createCheckpointer, sealEnded } from "./checkpointer.ts";
import type { OperationContext, OperationEvent, RunOptions } from "./operation.ts";
import { applyLimitRules } from "./limit-rules.ts";
import type { Offer, WorkEnd } from "./work-end.ts";
import { isMoreComing, missingMessage, restingEnd, waitingMessage } from "./work-end.ts";

/** How a graceful stop waits for the steps in flight. */
export const GRACE_MS = 10_000;

export interface WorkSession {
  readonly sessionId: SessionId;
  readonly concurrency: number;
  /** What this process offers; as configured when not said. */
  readonly labels?: readonly string[] | undefined;
  /** Keep waiting for people: approvals, manual tasks, unknown outcomes. */
  readonly wait: boolean;
  /** Tick completed tasks off in the plan's file. */
  readonly tick: boolean;
}

/** Resolves when nothing more can be done, or in good order after `options.signal` aborts (the session is paused then). */
export async function workSession(
  context: OperationContext,
  input: WorkSession,
  options: RunOptions = {},
): Promise<WorkEnd> {
  const executors = await context.loadExecutors();
  const ticker = input.tick ? await planTicker(context, input.sessionId) : null;
  const checkpointer = createCheckpointer(context);
  const { config } = context;
  const labels = parseLabels("The labels of this worker", input.labels ?? config.worker.labels);
  await applyLimitRules(context);
  const worker = createWorker(context, {
    executors: () => executors,
    labels,
    concurrency: input.concurrency,
    sessionId: input.sessionId,
    leaseMs: config.worker.leaseMs,
    heartbeatMs: config.worker.heartbeatMs,
    graceMs: GRACE_MS,
    onEvent: (event) => {
      for (const told of toOperationEvents(event)) options.onEvent?.(told);
      if (event.kind === "started") checkpointer.taskStarted(input.sessionId);
      if (event.kind !== "ended") return;
      checkpointer.taskEnded(input.sessionId);
      ticker?.tickSoon();
    },
  });
  const stopListening = onAbort(options.signal, () => pauseSession(context, input.sessionId));
  let stopMemoryCleanup = (): void => {};
  try {
    await worker.start();
    stopMemoryCleanup = startMemoryCleanup(context, config.workingMemory.cleanupIntervalMs);
    return await workToEnd(context, worker, {
      ...input,
      ...options,
      offer: { executors: new Set(executors.keys()), labels: new Set(labels) },
    });
  } finally {
    stopListening();
    stopMemoryCleanup();
    try {
      await worker.stop();
    } finally {
      await checkpointer.finish();
      await ticker?.finish();
    }
  }
}

async function planTicker(context: OperationContext, sessionId: SessionId) {
  const { createPlanTicker } = await import("./plan-ticker.ts");
  return createPlanTicker(context, sessionId);
}

/** The session takes no more claims, and what runs in it stops at its next step boundary, in whichever process. */
export async function pauseSession(
  context: Pick<OperationContext, "store">,
  sessionId: SessionId,
): Promise<readonly ExecutionId[]> {
  try {
    await context.store.execute(changeSession, { sessionId, verb: "pause" });
  } catch (error) {
    // One that is paused or over already has nothing more to pause; what runs is asked to stop all the same.
    if (!isPerdureError(error, "wrong-state")) throw error;
  }
  return await context.store.execute(requestInterrupt, { sessionId });
}

interface WorkToEnd extends WorkSession, RunOptions {
  readonly offer: Offer;
}

async function workToEnd(context: OperationContext, worker: Worker, input: WorkToEnd): Promise<WorkEnd> {
  const { sessionId, offer } = input;
  const tell = onceEach(input.onEvent);
  let version = 0;
  let lastMissing: string | null = null;
  for (;;) {
    const idle = await worker.nextIdle(version);
    version = idle.version;
    const session = await context.store.execute(settleSession, { sessionId });
    await sealEnded(context, session);
    // Nothing runs here; what others still run in a paused session is theirs to stop.
    if (session.status === "paused") return "interrupted";
    if (isFinishedSession(session.status) || session.status === "failed") return session.status as WorkEnd;
    const queue = await context.store.execute(describeQueue, { sessionId });
    const missing = missingMessage(queue, offer);
    if (missing !== null && missing !== lastMissing) input.onEvent?.({ type: "notice", message: missing });
    lastMissing = missing;
    const goesOn = queue.workedOn > 0 || isMoreComing(queue, offer) || input.wait;
    if (session.status === "active" && !goesOn) return restingEnd(queue, offer);
    tell({ type: "waiting", until: toIsoOrNull(idle.nextDueAt), message: waitingMessage(queue, offer) });
  }
}

/** Passes an event on unless it says what the one before said. */
function onceEach(onEvent: RunOptions["onEvent"]): (event: OperationEvent) => void {
  let last = "";
  return (event) => {
    const said = JSON.stringify(event);
    if (said !== last) onEvent?.(event);
    last = said;
  };
}

function onAbort(signal: AbortSignal | undefined, act: () => Promise<unknown>): () => void {
  if (signal === undefined) return () => {};
  // A failure to pause shows when the work itself fails on the same store.
  const listener = (): void => void act().catch(() => {});
  if (signal.aborted) listener();
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

export function toOperationEvents(event: WorkerEvent): readonly OperationEvent[] {
  if (event.kind === "recovered") {
    return event.recovered.map(({ executionId, taskTitle, why }) => ({
      type: "recovered",
      executionId,
      title: taskTitle,
      why,
    }));
  }
  const { task, execution, isResumed } = event.claimed;
  const base = { taskId: task.id, key: task.key, title: task.title, executionId: execution.id };
  if (event.kind === "started")
    return [{ type: "task_started", ...base, attempt: execution.attempt, resumed: isResumed }];
  const error = event.error === null || event.error === undefined ? null : messageOf(event.error);
  return [{ type: "task_ended", ...base, outcome: event.outcome, error }];
}

/** Opens the session for work and says what goes on in it. */
export async function openForWork(
  context: OperationContext,
  sessionId: SessionId,
): Promise<{ readonly session: Session; readonly continued: number; readonly retried: number }> {
  const session = await context.store.execute(getSession, { sessionId });
  if (isFinishedSession(session.status)) return { session, continued: 0, retried: 0 };
  return await context.store.execute(resumeSession, { sessionId, retryFailed: true });
}
