/** Says that a task somebody carries out failed. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { retryDelayMs } from "../domain/retry-policy.ts";
import type { TaskDetail, TaskError } from "../domain/task.ts";
import { failAttempt } from "../store/commands/executions.ts";
import { finishTask } from "../store/commands/task-actions.ts";
import { getExecution, getTask } from "../store/commands/task-queries.ts";
import { settleAfterEnd, taskNow } from "./after-change.ts";
import { taskReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { actorOf, forgetHolder, refuseOtherHolder } from "./manual-claims.ts";
import { nextAfterHand } from "./next-after-hand.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

export const taskFail = defineOperation({
  name: "task-fail",
  summary: "Fails the attempt of whoever claimed a task, which is tried again while it has retries left; or the task.",
  input: v.object({
    task: taskReference,
    message: v.pipe(v.string(), v.nonEmpty("is empty"), v.maxLength(LIMITS.errorChars)),
    /** Not tried again, whatever its retries allow. A task nobody claimed is never tried again by itself. */
    final: v.optional(v.boolean(), false),
    /** Who failed; refused when the task is claimed by another. */
    as: v.optional(whoInput),
  }),
  output: taskSchema,
  async run(context, { task: reference, message, final, as }) {
    const taskId = await findTaskId(context, reference);
    const holder = await refuseOtherHolder(context, { taskId, as });
    const task = await context.store.execute(getTask, { taskId });
    const error: TaskError = { code: "work-failed", message };
    const isTriedAgain = !final && holder !== null && task.retryCount < task.maxRetries;
    if (isTriedAgain) await failOneAttempt(context, { task, error, as });
    else await failForGood(context, { task, error, as });
    await forgetHolder(context, holder);
    await settleAfterEnd(context, taskId);
    return await taskNow(context, taskId);
  },
});

interface Failure {
  readonly task: TaskDetail;
  readonly error: TaskError;
  readonly as: string | undefined;
}

async function failForGood(context: OperationContext, { task, error, as }: Failure): Promise<void> {
  const next = await nextAfterHand(context, task.id);
  const outcome = { status: "failed", error } as const;
  const { message } = error;
  await context.store.execute(
    finishTask,
    { taskId: task.id, outcome, next, evenIfBlocked: true, note: message.slice(0, 200) },
    actorOf(as),
  );
}

/** Proves the fence of the claim, so that nothing is failed that another claimed meanwhile. */
async function failOneAttempt(context: OperationContext, { task, error, as }: Failure): Promise<void> {
  const { executionId } = task;
  if (executionId === null) return;
  const { fence, retryCount } = await context.store.execute(getExecution, { executionId });
  const retryAt = context.clock.now() + retryDelayMs(task.retry, retryCount + 1, context.random);
  await context.store.execute(
    failAttempt,
    { hold: { executionId, fence }, error, retryAt, handledSteps: [], next: null },
    actorOf(as),
  );
}
