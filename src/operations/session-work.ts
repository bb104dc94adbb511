/** Works a session to its end, as far as this process can: the heart of `run` and `resume`. */

import type { ExecutionId, SessionId } from "../domain/ids.ts";
import type { Session } from "../domain/session.ts";
import type { Worker, WorkerEvent } from "../engine/worker.ts";
import { createWorker } from "../engine/worker.ts";
import { resumeSession, changeSession, getSession, settleSession } from "../store/commands/sessions.ts";
import type { SessionOverview } from "../store/commands/session-overview.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import { requestInterrupt } from "../store/commands/task-actions.ts";
import { isPerdureError, messageOf } from "../base/errors.ts";
import { toIsoOrNull } from "./json/times.ts";
import type { OperationContext, OperationEvent, RunOptions } from "./operation.ts";

/** How a graceful stop waits for the steps in flight. */
export const GRACE_MS = 10_000;

export interface WorkSession {
  readonly sessionId: SessionId;
  readonly concurrency: number;
  /** Keep waiting for people: approvals, manual tasks, unknown outcomes. */
  readonly wait: boolean;
  /** Tick completed tasks off in the plan's file. */
  readonly tick: boolean;
}

/** Why the work ended. */
export type WorkEnd =
  | "completed"
  /** Something failed and nothing more can run. */
  | "failed"
  /** Nothing can run until somebody does something. */
  | "blocked"
  /** Only later occurrences of recurring tasks are left. */
  | "scheduled"
  | "interrupted"
  | "cancelled";

export interface WorkedSession {
  readonly end: WorkEnd;
  readonly overview: SessionOverview;
}

/** Resolves when nothing more can be done, or in good order after `options.signal` aborts (the session is paused then). */
export async function workSession(
  context: OperationContext,
  input: WorkSession,
  options: RunOptions = {},
): Promise<WorkedSession> {
  const executors = await context.loadExecutors();
  const ticker = input.tick ? await planTicker(context, input.sessionId) : null;
  const { config } = context;
  const worker = createWorker(context, {
    executors: () => executors,
    concurrency: input.concurrency,
    sessionId: input.sessionId,
    leaseMs: config.worker.leaseMs,
    heartbeatMs: config.worker.heartbeatMs,
    graceMs: GRACE_MS,
    onEvent: (event) => {
      for (const told of toOperationEvents(event)) options.onEvent?.(told);
      if (event.kind === "ended") ticker?.tickSoon();
    },
  });
  const stopListening = onAbort(options.signal, () => pauseSession(context, input.sessionId));
  await worker.start();
  try {
    const end = await workToEnd(context, worker, input, options);
    const overview = await context.store.execute(getSessionOverview, {
      sessionId: input.sessionId,
      lines: 1_000,
      concurrency: input.concurrency,
    });
    return { end, overview };
  } finally {
    stopListening();
    await worker.stop();
    await ticker?.finish();
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
    if (!isPerdureError(error, "wrong-state")) throw error;
  }
  return await context.store.execute(requestInterrupt, { sessionId });
}

async function workToEnd(
  context: OperationContext,
  worker: Worker,
  input: WorkSession,
  options: RunOptions,
): Promise<WorkEnd> {
  let version = 0;
  for (;;) {
    const idle = await worker.nextIdle(version);
    version = idle.version;
    const session = await context.store.execute(settleSession, { sessionId: input.sessionId });
    const overview = await context.store.execute(getSessionOverview, {
      sessionId: input.sessionId,
      lines: 1,
      concurrency: input.concurrency,
    });
    const isWorkedElsewhere = overview.counts.in_progress > 0;
    if (session.status === "paused" && !isWorkedElsewhere) return "interrupted";
    if (session.status === "completed" || session.status === "failed" || session.status === "cancelled")
      return session.status;
    if (session.status === "active" && !isWorkedElsewhere && !idle.isMoreComing && !input.wait)
      return restingEnd(overview);
    const until = toIsoOrNull(idle.nextDueAt);
    options.onEvent?.({
      type: "waiting",
      until,
      message: isWorkedElsewhere ? "others work on it" : waitingMessage(overview),
    });
  }
}

/** An active session in which nothing can run now: blocked, unless only recurring tasks are left, waiting for their time. */
function restingEnd({ counts, next }: SessionOverview): WorkEnd {
  const isOnlyScheduled =
    counts.blocked === 0 && counts.failed === 0 && next.every((task) => task.executor !== "manual");
  return isOnlyScheduled ? "scheduled" : "blocked";
}

function waitingMessage({ blocked, next }: SessionOverview): string {
  const [first] = blocked;
  if (first !== undefined) return `${first.key ?? first.title} is blocked: ${first.note ?? first.reason}`;
  const [due] = next;
  return due === undefined ? "nothing to do" : `next is ${due.key ?? due.title}`;
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
  if (session.status === "completed" || session.status === "cancelled") return { session, continued: 0, retried: 0 };
  return await context.store.execute(resumeSession, { sessionId, retryFailed: true });
}
