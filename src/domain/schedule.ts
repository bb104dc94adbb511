/** When a scheduled task is due. Only types and words, because they are on the start-up path; the rules are in schedule-rules.ts. */

export type Schedule =
  | { readonly type: "at"; readonly at: number }
  | { readonly type: "in"; readonly delayMs: number }
  | { readonly type: "every"; readonly intervalMs: number }
  /** `time` is `HH:MM` or `HH:MM:SS` on the wall clock of `timezone` (IANA name; `null` is the machine's). */
  | { readonly type: "daily"; readonly time: string; readonly timezone: string | null }
  | { readonly type: "cron"; readonly cron: string; readonly timezone: string | null };

/** What an occurrence does when the one before it still runs. */
export const OVERLAPS = ["skip", "queue"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Which of the occurrences missed while nothing ran are made up for. */
export const CATCH_UPS = ["skip", "last", "all"] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

/** It has one occurrence after another; `at` and `in` have a single one. */
export function isRecurring(schedule: Schedule): boolean {
  return schedule.type !== "at" && schedule.type !== "in";
}
