/** Settles what became of an effect whose outcome is unknown. */

import * as v from "valibot";

import type { Json } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import { resolveUnknownSteps } from "../store/commands/steps.ts";
import { taskNow } from "./after-change.ts";
import { taskReference } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskResolve = defineOperation({
  name: "task-resolve",
  summary: "Says what became of a step whose outcome is unknown, so that its task can go on.",
  input: v.object({
    task: taskReference,
    /** `done`: it took place. `retry`: it did not, do it. `skip`: go on without it. */
    decision: v.picklist(["done", "retry", "skip"]),
    /** What the step would have returned, with `done`. */
    result: v.optional(v.unknown()),
  }),
  output: taskSchema,
  async run(context, { task, decision, result }) {
    const taskId = await findTaskId(context, task);
    const returned = JSON.parse(toJsonText(result, "The result")) as Json;
    await context.store.execute(resolveUnknownSteps, { taskId, decision, result: returned });
    return await taskNow(context, taskId);
  },
});
