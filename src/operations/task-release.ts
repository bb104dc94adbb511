/** Gives back a task that was claimed by hand. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { forgetHolder, refuseOtherHolder } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskRelease = defineOperation({
  name: "task-release",
  summary: "Gives back a claimed task: it is ready for the next one, or interrupted if that was asked for.",
  input: v.object({
    task: taskReference,
    /** Who gives it back; refused when the task is claimed by another. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task, as }) {
    const taskId = await findTaskId(context, task);
    const holder = await refuseOtherHolder(context, { taskId, as });
    if (holder === null) {
      const { key, title, status } = await taskNow(context, taskId);
      throw new PerdureError("wrong-state", {
        message: `Task ${key ?? title} is ${status} and claimed by nobody`,
        hint: "Only a claimed task can be given back.",
        details: { taskId, status },
      });
    }
    // Whoever holds a claim by hand holds this one alone.
    await forgetHolder(context, holder);
    return await taskNow(context, taskId);
  },
});
