/** How many tasks are in which state, as JSON. */

import * as v from "valibot";

import type { TaskStatus } from "../../domain/task.ts";

export const countsSchema = v.object({
  pending: v.number(),
  blocked: v.number(),
  in_progress: v.number(),
  completed: v.number(),
  failed: v.number(),
  cancelled: v.number(),
  total: v.number(),
});

export function countsToJson(counts: Readonly<Record<TaskStatus, number>>): v.InferInput<typeof countsSchema> {
  return { ...counts, total: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}
