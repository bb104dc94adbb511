/** When a recurring task runs next, from its schedule and how its last occurrence went. */

import type { Millis } from "../base/clock.ts";
import type { Execution } from "../domain/execution.ts";
import { isRecurring } from "../domain/schedule.ts";
import type { Task } from "../domain/task.ts";
import type { NextOccurrence } from "../store/commands/executions.ts";
import type { PlanOccurrence } from "../store/commands/claims.ts";

/** The occurrence after the one that has just ended; `null` when the task does not recur, or no more. */
export async function nextOccurrenceAfter(
  task: Task,
  execution: Pick<Execution, "scheduledFor" | "startedAt"> | null,
  now: Millis,
): Promise<NextOccurrence | null> {
  if (task.schedule === null || !isRecurring(task.schedule)) return null;
  // Loaded when needed: most tasks do not recur.
  const { planNextOccurrence } = await import("../domain/schedule-catch-up.ts");
  return planNextOccurrence({
    schedule: task.schedule,
    anchor: task.createdAt,
    catchUp: task.catchUp,
    overlap: task.overlap,
    lastScheduledFor: execution?.scheduledFor ?? task.scheduledFor ?? now,
    lastStartedAt: execution?.startedAt ?? now,
    missedUntil: task.missedUntil,
    now,
  });
}

/** What an overdue recurring task runs instead of the occurrence it was waiting for. */
export async function planOverdue(task: Task, now: Millis): Promise<PlanOccurrence | null> {
  if (task.schedule === null || task.scheduledFor === null) return null;
  const { planDueOccurrence } = await import("../domain/schedule-catch-up.ts");
  const planned = planDueOccurrence({
    schedule: task.schedule,
    anchor: task.createdAt,
    catchUp: task.catchUp,
    scheduledFor: task.scheduledFor,
    runAt: task.runAt,
    missedUntil: task.missedUntil,
    now,
  });
  return planned === null ? null : { taskId: task.id, scheduledFor: task.scheduledFor, planned };
}
