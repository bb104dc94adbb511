/** Every task of a session, read page by page. */

import type { SessionId } from "../domain/ids.ts";
import type { TaskDetail, TaskStatus } from "../domain/task.ts";
import type { TaskPage } from "../store/commands/task-queries.ts";
import { listTasks } from "../store/commands/task-queries.ts";
import type { OperationContext } from "./operation.ts";

const PAGE = 500;

/** In order of creation. `statuses` absent is any. */
export async function listAllTasks(
  { store }: Pick<OperationContext, "store">,
  { sessionId, statuses = null }: { readonly sessionId: SessionId; readonly statuses?: readonly TaskStatus[] | null },
): Promise<readonly TaskDetail[]> {
  const tasks: TaskDetail[] = [];
  let after: number | null = null;
  do {
    const filter = { sessionId, statuses, minPriority: null, parentId: null, search: null };
    const page: TaskPage = await store.execute(listTasks, { ...filter, after, limit: PAGE });
    tasks.push(...page.tasks);
    after = page.next;
  } while (after !== null);
  return tasks;
}
