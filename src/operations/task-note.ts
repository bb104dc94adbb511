/** Says something about a task, for the record. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { noteTask } from "../store/commands/task-actions.ts";
import { taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf } from "./manual-claims.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskNote = defineOperation({
  name: "task-note",
  summary: "Keeps a remark about a task in the change log.",
  input: v.object({
    task: taskReference,
    note: v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.errorChars)),
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task, note, as }) {
    const taskId = await findTaskId(context, task);
    await context.store.execute(noteTask, { taskId, note }, actorOf(as));
    return await taskNow(context, taskId);
  },
});
