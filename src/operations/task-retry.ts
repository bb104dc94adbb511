/** Lets a task be tried again. */

import * as v from "valibot";

import { retryTask } from "../store/commands/task-actions.ts";
import { taskNow } from "./after-change.ts";
import { taskReference } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskRetry = defineOperation({
  name: "task-retry",
  summary: "Lets a failed, cancelled or blocked task be tried again; recorded steps stay recorded.",
  input: v.object({ task: taskReference }),
  output: taskSchema,
  async run(context, input) {
    const taskId = await findTaskId(context, input.task);
    await context.store.execute(retryTask, { taskId });
    return await taskNow(context, taskId);
  },
});
