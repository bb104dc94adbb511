/** A task's schedule as a column: JSON that begins with its type, so that conditions in SQL can tell what recurs. */

import type { Schedule } from "../domain/schedule.ts";
import type { SqlValue } from "./command.ts";

export function scheduleToText(schedule: Schedule | null): string | null {
  if (schedule === null) return null;
  const { type, ...rest } = schedule;
  return JSON.stringify({ type, ...rest });
}

/** Whether the column holds a schedule that comes due again and again. */
export function recursByText(schedule: SqlValue | undefined): boolean {
  return typeof schedule === "string" && /^\{"type":"(every|daily|cron)"/.test(schedule);
}

/** The same as a condition on the column `schedule`. */
export const RECURRING_SQL = `(schedule like '{"type":"every"%' or schedule like '{"type":"daily"%' or schedule like '{"type":"cron"%')`;
