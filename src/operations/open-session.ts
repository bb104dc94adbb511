/** The session that something new goes into when none is named. */

import type { SessionId } from "../domain/ids.ts";
import { listSessions } from "../store/commands/session-queries.ts";
import type { NewSession } from "../store/commands/sessions.ts";
import { ensureSession } from "../store/commands/sessions.ts";
import type { OperationContext } from "./operation.ts";
import { findSessionId } from "./references.ts";

/** Of what belongs to no other session. */
const DEFAULT_SESSION = "tasks";

/** The one named, else the newest open one, else the default one, which is made when there is none. */
export async function sessionFor(
  context: Pick<OperationContext, "store" | "config">,
  reference: string | null,
): Promise<SessionId> {
  const found = await findSessionFor(context, reference);
  return found ?? (await context.store.execute(ensureSession, defaultSession(context))).id;
}

/** The one named, else the newest open one; `null` when there is none. */
export async function findSessionFor(
  context: Pick<OperationContext, "store">,
  reference: string | null,
): Promise<SessionId | null> {
  if (reference !== null) return await findSessionId(context, reference);
  const open = { statuses: ["created", "active", "paused"] as const, before: null, limit: 1 };
  const [newest] = (await context.store.execute(listSessions, open)).sessions;
  return newest?.id ?? null;
}

export function defaultSession({ config }: Pick<OperationContext, "config">): NewSession {
  return {
    name: DEFAULT_SESSION,
    goal: null,
    planFile: null,
    planFingerprint: null,
    concurrency: null,
    maxUnfinished: config.limits.unfinishedTasks,
    metadata: {},
    status: "active",
  };
}
