/** Answers the approval a task waits for. */

import * as v from "valibot";

import { answerApproval } from "../store/commands/signals.ts";
import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskAnswer = defineOperation({
  name: "task-answer",
  summary: "Answers the question a task waits with.",
  input: v.object({
    task: taskReference,
    approved: v.boolean(),
    comment: v.optional(v.nullable(v.string()), null),
    /** Who answers. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task, approved, comment, as }) {
    const taskId = await findTaskId(context, task);
    await context.store.execute(answerApproval, { taskId, approved, comment, by: as ?? null }, actorOf(as));
    return await taskNow(context, taskId);
  },
});
