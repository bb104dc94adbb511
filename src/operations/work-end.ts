/** Why work on a session ends when nothing can run in it any more: a pure rule over what is left in its queue. */

import { MANUAL_EXECUTOR } from "../domain/task.ts";
import type { QueueState } from "../store/commands/queue.ts";

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

/**
 * The end of work on an active session in which this process can run nothing now or later by itself.
 *
 * What a person or an agent can do comes first, because it may let the rest go on; then what was interrupted and only
 * needs `perdure resume`; then what failed.
 */
export function restingEnd(queue: QueueState, executors: ReadonlySet<string>): WorkEnd {
  const others = [...queue.ready, ...queue.later].filter(({ executor }) => !executors.has(executor));
  const interrupted = queue.blocked.filter(({ reason, hasNote }) => reason === "interrupted" && !hasNote);
  const waiting = queue.blocked.filter(
    (group) => !interrupted.includes(group) && group.reason !== "dependencies" && group.reason !== "dependency_failed",
  );
  if (others.length > 0 || queue.claimedByHand > 0 || waiting.length > 0) return "blocked";
  if (interrupted.length > 0) return "interrupted";
  if (queue.failed > 0) return "failed";
  return queue.blocked.length > 0 ? "blocked" : "scheduled";
}

/** Whether this process will have something to do without anyone doing something first. */
export function isMoreComing(queue: QueueState, executors: ReadonlySet<string>): boolean {
  return queue.timedWaits > 0 || [...queue.ready, ...queue.later].some(({ executor }) => executors.has(executor));
}

/** Tasks that are ready for executors this process does not have, besides those for people; `null` when there are none. */
export function missingExecutorsMessage(queue: QueueState, executors: ReadonlySet<string>): string | null {
  const missing = queue.ready.filter(({ executor }) => executor !== MANUAL_EXECUTOR && !executors.has(executor));
  if (missing.length === 0) return null;
  const parts = missing.map(({ executor, count }) => `${count} ${count === 1 ? "task" : "tasks"} for ${executor}`);
  return `${parts.join(", ")}: nobody here has ${missing.length === 1 ? "that executor" : "those executors"}; modules under executors: in perdure.yaml define them`;
}

/** What work waits for, in words. */
export function waitingMessage(queue: QueueState, executors: ReadonlySet<string>): string {
  if (queue.workedOn > 0) return `${queue.workedOn} in progress in another process`;
  const asking = queue.blocked.find(({ reason }) => reason !== "dependencies");
  if (asking !== undefined) return `${asking.name} is blocked: ${asking.note ?? asking.reason.replaceAll("_", " ")}`;
  const byHand = queue.ready.find(({ executor }) => !executors.has(executor));
  if (byHand !== undefined)
    return `${byHand.count} ${byHand.executor} ${byHand.count === 1 ? "task" : "tasks"} to be done`;
  if (queue.claimedByHand > 0) return `${queue.claimedByHand} being done by hand`;
  const notDue = [...queue.later, ...queue.recurring].reduce((sum, { count }) => sum + count, 0);
  return notDue > 0 ? `${notDue} not due yet` : "nothing to do";
}
