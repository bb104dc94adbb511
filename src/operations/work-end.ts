/** Why work on a session ends when nothing can run in it any more: a pure rule over what is left in its queue. */

import { hasAllLabels } from "../domain/labels.ts";
import { MANUAL_EXECUTOR } from "../domain/task.ts";
import type { ExecutorCount, QueueState } from "../store/commands/queue.ts";
import { labelWords, limitWaitText } from "./held-back.ts";

/** What this process can carry out. */
export interface Offer {
  readonly executors: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

function isFor({ executors, labels }: Offer, group: ExecutorCount): boolean {
  return executors.has(group.executor) && hasAllLabels(labels, group.labels);
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

/**
 * The end of work on an active session in which this process can run nothing now or later by itself.
 *
 * What a person or an agent can do comes first, because it may let the rest go on; then what was interrupted and only
 * needs `perdure resume`; then what failed.
 */
export function restingEnd(queue: QueueState, offer: Offer): WorkEnd {
  const others = [...queue.ready, ...queue.later].filter((group) => !isFor(offer, group));
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
export function isMoreComing(queue: QueueState, offer: Offer): boolean {
  return queue.timedWaits > 0 || [...queue.ready, ...queue.later].some((group) => isFor(offer, group));
}

/** Tasks that are ready for executors or labels this process does not have, besides those for people; `null` when there are none. */
export function missingMessage(queue: QueueState, offer: Offer): string | null {
  const others = queue.ready.filter(({ executor }) => executor !== MANUAL_EXECUTOR);
  const parts = [
    ...missingExecutors(others.filter(({ executor }) => !offer.executors.has(executor))),
    ...missingLabels(others.filter((group) => offer.executors.has(group.executor) && !isFor(offer, group))),
  ];
  return parts.length === 0 ? null : parts.join("; ");
}

function missingExecutors(missing: readonly ExecutorCount[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { executor, count } of missing) counts.set(executor, (counts.get(executor) ?? 0) + count);
  if (counts.size === 0) return [];
  const parts = [...counts].map(([executor, count]) => `${tasks(count)} for ${executor}`);
  return [
    `${parts.join(", ")}: nobody here has ${counts.size === 1 ? "that executor" : "those executors"}; modules under executors: in perdure.yaml define them`,
  ];
}

function missingLabels(missing: readonly ExecutorCount[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { labels, count } of missing) {
    const words = labelWords(labels);
    counts.set(words, (counts.get(words) ?? 0) + count);
  }
  if (counts.size === 0) return [];
  const parts = [...counts].map(([words, count]) => `${tasks(count)} for a worker with ${words}`);
  return [`${parts.join(", ")}: this one does not have them all; \`perdure worker --labels …\` offers them`];
}

function tasks(count: number): string {
  return `${count} ${count === 1 ? "task" : "tasks"}`;
}

/** What work waits for, in words. */
export function waitingMessage(queue: QueueState, offer: Offer): string {
  const [limited] = queue.limited;
  if (limited !== undefined && isMoreComing(queue, offer)) return limitWaitText(limited);
  if (queue.workedOn > 0) return `${queue.workedOn} in progress in another process`;
  const asking = queue.blocked.find(({ reason }) => reason !== "dependencies");
  if (asking !== undefined) return `${asking.name} is blocked: ${asking.note ?? asking.reason.replaceAll("_", " ")}`;
  const byHand = queue.ready.find((group) => !isFor(offer, group));
  if (byHand !== undefined)
    return `${byHand.count} ${byHand.executor} ${byHand.count === 1 ? "task" : "tasks"} to be done`;
  if (queue.claimedByHand > 0) return `${queue.claimedByHand} being done by hand`;
  const notDue = [...queue.later, ...queue.recurring].reduce((sum, { count }) => sum + count, 0);
  return notDue > 0 ? `${notDue} not due yet` : "nothing to do";
}
