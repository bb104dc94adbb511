/** Which occurrence a recurring task runs next, after some were missed. */

import type { Millis } from "../../base/clock.ts";
import type { TaskId } from "../../domain/ids.ts";
import type { Command } from "../command.ts";
import { defineWrite } from "../command.ts";
import { updateRow } from "../rows.ts";
import { TASKS } from "../tables.ts";
import { taskRow } from "./task-rows.ts";

export interface PlanOccurrence {
  readonly taskId: TaskId;
  /** The occurrence that was planned anew; nothing happens if another was chosen meanwhile. */
  readonly scheduledFor: Millis | null;
  readonly planned: {
    readonly scheduledFor: Millis;
    readonly runAt: Millis;
    readonly skipped: number;
    readonly missedUntil: Millis | null;
  };
}

/** Sets which occurrence an overdue recurring task runs next. */
export const planOccurrence = defineWrite("plan-occurrence", function* (context, input: PlanOccurrence): Command<void> {
  const task = yield* taskRow(context, input.taskId);
  if (task.status !== "pending" || task.scheduled_for !== input.scheduledFor) return;
  const { scheduledFor, runAt, skipped, missedUntil } = input.planned;
  yield* updateRow(context, TASKS, task, {
    verb: "plan_occurrence",
    note: skipped === 0 ? null : `${skipped} missed occurrences left out`,
    patch: {
      scheduled_for: scheduledFor,
      missed_until: missedUntil,
      run_at: Math.max(runAt, context.now),
      updated_at: context.now,
    },
  });
});
