/** A task in few words, and as the smallest row that says enough. */

import * as v from "valibot";

import type { TaskJson } from "../operations/json/task.ts";
import { TASK_STATUSES } from "../domain/task.ts";
import { ANSWER_LIMITS, shortenTo } from "./answer-limits.ts";

export const taskRowSchema = v.object({
  task_id: v.string(),
  key: v.optional(v.string()),
  title: v.string(),
  status: v.picklist(TASK_STATUSES),
  priority: v.number(),
  /** Why it is blocked. */
  blocked: v.optional(v.string()),
  percent: v.optional(v.number()),
});

export type TaskRow = v.InferInput<typeof taskRowSchema>;

export function toTaskRow(task: TaskJson): TaskRow {
  return {
    task_id: task.id,
    ...(task.key === null ? {} : { key: shortenTo(task.key, ANSWER_LIMITS.titleChars) }),
    title: shortenTo(task.title, ANSWER_LIMITS.titleChars),
    status: task.status,
    priority: task.priority,
    ...(task.blockedReason === null ? {} : { blocked: blockedWords(task) }),
    ...(task.status === "in_progress" ? { percent: task.progress.percent } : {}),
  };
}

/** How a task is called: its key in the plan, else the beginning of its id, which any tool takes. */
export function taskName({ key, id }: { readonly key: string | null; readonly id: string }): string {
  return key === null ? id.slice(0, 8) : shortenTo(key, ANSWER_LIMITS.titleChars);
}

export function blockedWords({ blockedReason, blockedNote }: Pick<TaskJson, "blockedReason" | "blockedNote">): string {
  const reason = (blockedReason ?? "").replaceAll("_", " ");
  return blockedNote === null ? reason : `${reason}: ${shortenTo(blockedNote, ANSWER_LIMITS.noteChars)}`;
}

/** `3f2a91c0 "Write the docs": in_progress, 40 %` */
export function taskLine(task: TaskJson): string {
  const title = shortenTo(task.title, ANSWER_LIMITS.titleChars);
  const state = [
    task.status,
    ...(task.status === "in_progress" ? [`${task.progress.percent} %`] : []),
    ...(task.blockedReason === null ? [] : [blockedWords(task)]),
  ].join(", ");
  return `${taskName(task)} ${JSON.stringify(title)}: ${state}`;
}
