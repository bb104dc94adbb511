/** When a recurring task runs next, from its schedule and how its last occurrence went. */

import type { Millis } from "../base/clock.ts";
import type { Execution } from "../domain/execution.ts";
import { isRecurring } from "../domain/schedule.ts";
import type { Task } from "../domain/task.ts";
import type { NextOccurrence } from "../store/commands/executions.ts";
import type { PlanOccurrence } from "../store/commands/plan-occurrence.ts";

type CatchUp = typeof import("../domain/schedule-catch-up.ts");

let catchUp: Promise<CatchUp> | null = null;

/** When it is first needed, for most tasks do not recur, and once. Whoever stops the clock between two instants calls this before. */
export function loadCatchUp(): Promise<CatchUp> {
  catchUp ??= import("../domain/schedule-catch-up.ts");
  return catchUp;
}

/** The occurrence after the one that has just ended; `null` when the task does not recur, or no more. */
export async function nextOccurrenceAfter(
  task: Task,
  execution: Pick<Execution, "scheduledFor" | "startedAt"> | null,
  now: Millis,
): Promise<NextOccurrence | null> {
  if (task.schedule === null || !isRecurring(task.schedule)) return null;
  const lastScheduledFor = execution?.scheduledFor ?? task.scheduledFor ?? now;
  const { planNextOccurrence } = await loadCatchUp();
  return planNextOccurrence({
    schedule: task.schedule,
    // Any occurrence of an interval is an anchor of the others. When the task was created is not: its first occurrence
    // was worked out a moment before, and editing the schedule begins it anew.
    anchor: lastScheduledFor,
    catchUp: task.catchUp,
    overlap: task.overlap,
    lastScheduledFor,
    lastStartedAt: execution?.startedAt ?? now,
    missedUntil: task.missedUntil,
    now,
  });
}

/**
 * What an overdue recurring task runs instead of the occurrence it was waiting for. When its schedule is over by now, it
 * runs that occurrence late, because the task would otherwise never end.
 */
export async function planOverdue(task: Task, now: Millis): Promise<PlanOccurrence | null> {
  if (task.schedule === null || task.scheduledFor === null) return null;
  const { planDueOccurrence } = await loadCatchUp();
  const planned = planDueOccurrence({
    schedule: task.schedule,
    anchor: task.scheduledFor,
    catchUp: task.catchUp,
    scheduledFor: task.scheduledFor,
    runAt: task.runAt,
    missedUntil: task.missedUntil,
    now,
  });
  const late = { scheduledFor: task.scheduledFor, runAt: now, skipped: 0, missedUntil: null };
  return { taskId: task.id, scheduledFor: task.scheduledFor, planned: planned ?? late };
}
