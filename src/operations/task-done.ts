/** Completes a task that somebody carried out. */

import * as v from "valibot";

import type { Json } from "../base/json.ts";
import { isJsonObject, toJsonText } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import { finishTask } from "../store/commands/task-actions.ts";
import { settleAfterEnd, taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf, forgetHolder, refuseOtherHolder } from "./manual-claims.ts";
import { nextAfterHand } from "./next-after-hand.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskDone = defineOperation({
  name: "task-done",
  summary: "Completes a task that a person or an agent carried out.",
  input: v.object({
    task: taskReference,
    /** What shows that it is done; kept with the result and in the log. */
    evidence: v.optional(v.pipe(v.string(), v.nonEmpty("is empty"), v.maxLength(LIMITS.errorChars))),
    /** Any JSON. */
    result: v.optional(v.unknown()),
    /** Also when it waits for dependencies, is claimed by another, or gathers other tasks. */
    force: v.optional(v.boolean(), false),
    /** Who did it; refused when the task is claimed by another. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task, evidence, result, force, as }) {
    const taskId = await findTaskId(context, task);
    const holder = await refuseOtherHolder(context, { taskId, as: force ? undefined : as });
    const kept = JSON.parse(toJsonText(result, "The result")) as Json;
    await context.store.execute(
      finishTask,
      {
        taskId,
        outcome: { status: "completed", result: withEvidence(kept, evidence) },
        next: await nextAfterHand(context, taskId),
        evenIfBlocked: force,
        note: evidence === undefined ? null : `evidence: ${evidence}`,
      },
      actorOf(as),
    );
    await forgetHolder(context, holder);
    await settleAfterEnd(context, taskId);
    return await taskNow(context, taskId);
  },
});

/** Beside the fields of a result that has some, else beside the result. */
function withEvidence(result: Json, evidence: string | undefined): Json {
  if (evidence === undefined) return result;
  if (result === null) return { evidence };
  return isJsonObject(result) ? { ...result, evidence } : { result, evidence };
}
