/** Reports how far a task in progress is, and keeps its claim. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { reportTaskProgress } from "../store/commands/task-progress.ts";
import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf, MANUAL_LEASE_MS, refuseOtherHolder } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

const count = v.optional(v.pipe(v.number(), v.minValue(0)));

export const taskProgress = defineOperation({
  name: "task-progress",
  summary: "Reports how far a task in progress is.",
  input: v.object({
    task: taskReference,
    percent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
    currentStep: count,
    totalSteps: count,
    message: v.optional(v.string()),
    /** One that was reached. */
    milestone: v.optional(v.pipe(v.string(), v.nonEmpty("is empty"))),
    /** Who reports; refused when the task is claimed by another. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, input) {
    const { task: reference, as, ...statement } = input;
    if (Object.values(statement).every((said) => said === undefined)) {
      throw new PerdureError("invalid-input", {
        message: "The report says nothing",
        hint: "Give a percent, steps, a message or a milestone.",
      });
    }
    const taskId = await findTaskId(context, reference);
    await refuseOtherHolder(context, { taskId, as });
    await context.store.execute(reportTaskProgress, { taskId, statement, leaseMs: MANUAL_LEASE_MS }, actorOf(as));
    return await taskNow(context, taskId);
  },
});
