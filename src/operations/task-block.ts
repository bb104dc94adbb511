/** Sets a task aside until someone retries it. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { blockTask } from "../store/commands/task-actions.ts";
import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf, forgetHolder, refuseOtherHolder } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskBlock = defineOperation({
  name: "task-block",
  summary: "Sets a task aside, with a reason, until someone retries it.",
  input: v.object({
    task: taskReference,
    reason: v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.errorChars)),
    /** Who blocks it; refused when the task is claimed by another. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task, reason, as }) {
    const taskId = await findTaskId(context, task);
    const holder = await refuseOtherHolder(context, { taskId, as });
    await context.store.execute(blockTask, { taskId, note: reason }, actorOf(as));
    await forgetHolder(context, holder);
    return await taskNow(context, taskId);
  },
});
