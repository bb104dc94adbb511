/** How an attempt or a step failed, as JSON. Its stack stays in the store. */

import * as v from "valibot";

import type { TaskError } from "../../domain/task.ts";

export const errorSchema = v.object({ code: v.string(), message: v.string() });

export function errorToJson(error: TaskError | null): v.InferInput<typeof errorSchema> | null {
  return error === null ? null : { code: error.code, message: error.message };
}
