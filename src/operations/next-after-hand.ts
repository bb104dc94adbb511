/** What a recurring task runs next when somebody ends its present occurrence by hand. */

import type { TaskId } from "../domain/ids.ts";
import { nextOccurrenceAfter } from "../engine/occurrences.ts";
import type { NextOccurrence } from "../store/commands/executions.ts";
import { getExecution, getTask } from "../store/commands/task-queries.ts";
import type { OperationContext } from "./operation.ts";

/** `null` when it does not recur. */
export async function nextAfterHand(
  { store, clock }: Pick<OperationContext, "store" | "clock">,
  taskId: TaskId,
): Promise<NextOccurrence | null> {
  const task = await store.execute(getTask, { taskId });
  if (task.schedule === null) return null;
  const { executionId } = task;
  const execution = executionId === null ? null : await store.execute(getExecution, { executionId });
  // The execution of an earlier occurrence says nothing of this one.
  const isPresent = execution !== null && execution.scheduledFor === task.scheduledFor;
  return await nextOccurrenceAfter(task, isPresent ? execution : null, clock.now());
}
