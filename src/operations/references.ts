/** From what people type to ids: a prefix, a key, a name, or nothing at all. */

import { PerdureError } from "../base/errors.ts";
import type { SessionId, TaskId } from "../domain/ids.ts";
import { findResumableSession, listSessions } from "../store/commands/session-queries.ts";
import { resolveSession, resolveTask } from "../store/commands/task-queries.ts";
import type { OperationContext } from "./operation.ts";

type ReferenceContext = Pick<OperationContext, "store">;

/** Without a reference: the newest unfinished session, else the newest. @throws PerdureError `not-found` */
export async function findSessionId(context: ReferenceContext, reference: string | null): Promise<SessionId> {
  if (reference !== null) return await context.store.execute(resolveSession, { reference });
  const resumable = await context.store.execute(findResumableSession, null);
  if (resumable !== null) return resumable.id;
  const { sessions } = await context.store.execute(listSessions, { statuses: null, before: null, limit: 1 });
  const [newest] = sessions;
  if (newest !== undefined) return newest.id;
  throw new PerdureError("not-found", {
    message: "This project has no session yet",
    hint: "Start with `perdure run PLAN`, or add a task: `perdure task add TITLE`.",
  });
}

/** A task by id, the beginning of one, or key; a key is looked for in the present session first. */
export async function findTaskId(context: ReferenceContext, reference: string): Promise<TaskId> {
  const session = await context.store.execute(findResumableSession, null);
  return await context.store.execute(resolveTask, { reference, sessionId: session?.id ?? null });
}
