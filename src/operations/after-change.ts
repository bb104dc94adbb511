/** What follows when somebody changed a task by hand: its session may have come to its end, and its plan's boxes are ticked. */

import type { TaskId } from "../domain/ids.ts";
import { getTask } from "../store/commands/task-queries.ts";
import { settleSession } from "../store/commands/sessions.ts";
import type { TaskJson } from "./json/task.ts";
import { taskToJson } from "./json/task.ts";
import type { OperationContext } from "./operation.ts";

/** The task as it is now. */
export async function taskNow(context: Pick<OperationContext, "store">, taskId: TaskId): Promise<TaskJson> {
  return taskToJson(await context.store.execute(getTask, { taskId }));
}

/** Settles the session and ticks the plan of a task that ended by hand. */
export async function settleAfterEnd(context: OperationContext, taskId: TaskId): Promise<void> {
  const { sessionId } = await context.store.execute(getTask, { taskId });
  const { planFile } = await context.store.execute(settleSession, { sessionId });
  if (planFile === null) return;
  const { tickPlan } = await import("./plan-ticker.ts");
  // A plan that cannot be ticked (moved, read-only) is no reason to refuse what was done; `import --sync` mends it.
  await tickPlan(context, sessionId).catch(() => {});
}
