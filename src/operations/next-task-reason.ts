/** Why there is no task to take: the words for what is left in a queue. */

import type { Millis } from "../base/clock.ts";
import type { BlockedGroup, ExecutorCount, QueueState } from "../store/commands/queue.ts";
import { labelWords, limitWaitText } from "./held-back.ts";

export function whyNoTask(queue: QueueState, showInstant: (at: Millis) => string): string {
  const inProgress = queue.workedOn + queue.claimedByHand;
  const notDue = totalOf(queue.later) + totalOf(queue.recurring);
  const reasons = [
    ...queue.ready.map(readyText),
    ...queue.limited.map((wait) => `${limitWaitText(wait)}${untilText(wait.opensAt, showInstant)}`),
    ...(inProgress > 0 ? [`${inProgress} in progress`] : []),
    ...(notDue > 0 ? [notDueText(notDue, queue.nextDueAt, showInstant)] : []),
    ...queue.blocked.map(blockedText),
    ...(queue.held > 0 ? [`${queue.held} in paused sessions`] : []),
  ];
  if (reasons.length > 0) return reasons.join("; ");
  if (queue.ended === 0) return "no tasks yet";
  return queue.failed > 0 ? `all done, ${queue.failed} failed` : "all done";
}

function readyText({ executor, labels, count }: ExecutorCount): string {
  return `${tasks(count)} ready for ${executor} workers${labels.length === 0 ? "" : ` with ${labelWords(labels)}`}`;
}

function untilText(at: Millis | null, showInstant: (at: Millis) => string): string {
  return at === null ? "" : `, until ${showInstant(at)}`;
}

function blockedText({ reason, hasNote, count, name, note }: BlockedGroup): string {
  if (reason === "dependencies") return `${count} blocked by dependencies`;
  const why = hasNote ? (note ?? "") : reason.replaceAll("_", " ");
  const others = count > 1 ? ` and ${count - 1} more` : "";
  return `${name}${others} blocked: ${why}`;
}

function notDueText(count: number, nextDueAt: Millis | null, showInstant: (at: Millis) => string): string {
  return nextDueAt === null ? `${count} not due yet` : `${count} not due yet, the next at ${showInstant(nextDueAt)}`;
}

function tasks(count: number): string {
  return count === 1 ? "1 task is" : `${count} tasks are`;
}

function totalOf(counts: readonly ExecutorCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
