/** Sends a signal to a task, whether or not it waits for it yet. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { sendSignal } from "../store/commands/signals.ts";
import { taskNow } from "./after-change.ts";
import { taskReference } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskSignal = defineOperation({
  name: "task-signal",
  summary: "Sends a signal to a task; one sent before the task waits for it is kept.",
  input: v.object({
    task: taskReference,
    name: v.pipe(v.string(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars)),
    /** Any JSON. */
    payload: v.optional(v.unknown(), null),
  }),
  output: taskSchema,
  async run(context, { task, name, payload }) {
    const taskId = await findTaskId(context, task);
    await context.store.execute(sendSignal, { taskId, name, payload });
    return await taskNow(context, taskId);
  },
});
