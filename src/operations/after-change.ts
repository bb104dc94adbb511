/** What follows when somebody changed a task by hand: its session may have come to its end, and its plan's boxes are ticked. */

import type { TaskId } from "../domain/ids.ts";
import { getTask } from "../store/commands/task-queries.ts";
import { settleSession } from "../store/commands/sessions.ts";
import { checkpointIfDue, sealEnded } from "./checkpointer.ts";
import type { TaskJson } from "./json/task.ts";
import { taskToJson } from "./json/task.ts";
import type { OperationContext } from "./operation.ts";

/** The task as it is now. */
export async function taskNow(context: Pick<OperationContext, "store">, taskId: TaskId): Promise<TaskJson> {
  return taskToJson(await context.store.execute(getTask, { taskId }));
}

/** Settles the session of a task that ended by hand, makes the checkpoint that is due, and ticks its plan. */
export async function settleAfterEnd(context: OperationContext, taskId: TaskId): Promise<void> {
  const { sessionId } = await context.store.execute(getTask, { taskId });
  const session = await context.store.execute(settleSession, { sessionId });
  await sealEnded(context, session);
  if (session.status === "active") await checkpointIfDue(context, sessionId);
  const { planFile } = session;
  if (planFile === null) return;
  const { tickPlan } = await import("./plan-ticker.ts");
  // A plan that cannot be ticked (moved, read-only) is no reason to refuse what was done; `import --sync` mends it.
  await tickPlan(context, sessionId).catch(() => {});
}
