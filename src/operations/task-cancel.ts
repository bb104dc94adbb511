/** Cancels a task and what is below it. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { cancelTask } from "../store/commands/task-actions.ts";
import { settleAfterEnd, taskNow } from "./after-change.ts";
import { taskReference } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { forgetHolder, refuseOtherHolder } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskCancel = defineOperation({
  name: "task-cancel",
  summary: "Cancels a task and every unfinished one below it; what runs is stopped.",
  input: v.object({
    task: taskReference,
    reason: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(LIMITS.errorChars))), null),
  }),
  output: taskSchema,
  async run(context, { task, reason }) {
    const taskId = await findTaskId(context, task);
    const holder = await refuseOtherHolder(context, { taskId, as: undefined });
    await context.store.execute(cancelTask, { taskId, note: reason });
    await forgetHolder(context, holder);
    await settleAfterEnd(context, taskId);
    return await taskNow(context, taskId);
  },
});
