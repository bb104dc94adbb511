/** From a plan as it was read to what the store takes. */

import type { Millis } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import type { Schedule } from "../domain/schedule.ts";
import { COMMAND_EXECUTOR, MANUAL_EXECUTOR } from "../domain/task.ts";
import { toNewTask } from "../engine/new-task.ts";
import type { NewTask } from "../store/new-task.ts";

export interface PlanTaskOptions {
  readonly now: Millis;
  /** For commands that say nothing else; `null` is no limit. */
  readonly commandTimeoutMs: number | null;
}

export async function draftToNewTasks(draft: PlanDraft, options: PlanTaskOptions): Promise<readonly NewTask[]> {
  const tasks: NewTask[] = [];
  for (const task of draft.tasks) tasks.push(await draftToNewTask(task, options));
  return tasks;
}

async function draftToNewTask(task: TaskDraft, { now, commandTimeoutMs }: PlanTaskOptions): Promise<NewTask> {
  const executor = task.executor ?? MANUAL_EXECUTOR;
  return toNewTask(
    {
      ref: task.key,
      key: task.key,
      parent: task.parentKey,
      needs: task.needs,
      needsByPlace: task.needsByPlace,
      title: task.title,
      description: task.description,
      executor,
      input: task.input,
      priority: task.priority,
      weight: task.weight,
      maxRetries: task.maxRetries,
      retry: task.retry,
      timeout: task.timeoutMs ?? (executor === COMMAND_EXECUTOR ? commandTimeoutMs : null),
      onDependencyFailure: task.onDependencyFailure,
      schedule: task.schedule,
      scheduledFor: await firstOccurrence(task.key, task.schedule, now),
      overlap: task.overlap,
      catchUp: task.catchUp,
      labels: task.labels,
      limit: task.limit,
      context: task.context,
      status: task.status,
      completedAt: task.completedAt,
      source: task.source,
    },
    now,
  );
}

/** @throws PerdureError `invalid-plan` for a schedule that is wrong or never comes due. */
export async function firstOccurrence(name: string, schedule: Schedule | null, now: Millis): Promise<Millis | null> {
  if (schedule === null) return null;
  const { firstDueAt, validateSchedule } = await import("../domain/schedule-rules.ts");
  const problem = validateSchedule(schedule);
  const dueAt = problem === null ? firstDueAt(schedule, now) : null;
  if (dueAt !== null) return dueAt;
  throw new PerdureError("invalid-plan", {
    message: `The schedule of task ${name} ${problem ?? "never comes due"}`,
    hint: 'Write such as { type: daily, time: "07:00", timezone: Europe/Berlin }, { cron: "0 7 * * 1-5" }, { every: 15m }, { in: 30m } or { at: 2026-12-01T09:00:00Z }.',
  });
}
