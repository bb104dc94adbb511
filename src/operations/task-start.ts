/** Claims one named task for a person or an agent. */

import * as v from "valibot";

import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { claimByHand } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskStart = defineOperation({
  name: "task-start",
  summary: "Claims a task by hand; reports of its progress keep the claim.",
  input: v.object({
    task: taskReference,
    /** Who claims it. */
    as: v.optional(whoInput, "agent"),
  }),
  output: taskSchema,
  async run(context, input) {
    const taskId = await findTaskId(context, input.task);
    await claimByHand(context, { taskId, as: input.as });
    return await taskNow(context, taskId);
  },
});
