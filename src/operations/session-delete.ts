/** Deletes a session with all that is in it. */

import * as v from "valibot";

import type { SessionId } from "../domain/ids.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { deleteSessionPiece, discardSession } from "../store/commands/delete-session.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

/** In one transaction: others wait for some tens of milliseconds at most. */
const ROWS_AT_ONCE = 200;

export const sessionDelete = defineOperation({
  name: "session-delete",
  summary: "Deletes a session with its tasks, messages, memory and checkpoints; refused while work runs in it.",
  input: v.object({
    /** Named, because it cannot be undone. */
    session: v.pipe(v.string(), v.nonEmpty("names no session")),
  }),
  output: v.object({
    session: v.object({ id: v.string(), name: v.string() }),
    /** How many rows went. */
    rows: v.number(),
  }),
  async run(context, input) {
    // What cannot be undone is not done to one of several.
    const sessionId = await context.store.execute(resolveSession, { reference: input.session, isOnly: true });
    const { name } = await context.store.execute(getSession, { sessionId });
    return { session: { id: sessionId, name }, rows: await deleteSession(context, sessionId) };
  },
});

type DeletingContext = Pick<OperationContext, "store" | "config" | "loadMemory">;

/** Returns how many rows went. Killed half-way, it leaves a cancelled session; called again, it goes on. */
export async function deleteSession(context: DeletingContext, sessionId: SessionId): Promise<number> {
  await context.store.execute(discardSession, { sessionId });
  return await deletePieces(context, sessionId);
}

/**
 * Of a session that was discarded.
 *
 * @throws PerdureError `store-unreachable` when its working memory lies elsewhere and cannot be reached: then it is still there
 */
export async function deletePieces(
  { store, config, loadMemory }: DeletingContext,
  sessionId: SessionId,
): Promise<number> {
  // What the store does not hold would be nobody's once the session is gone.
  if (config.workingMemory.backend !== "memory") await (await loadMemory()).clear({ sessionId });
  let deleted = 0;
  for (;;) {
    const piece = await store.execute(deleteSessionPiece, { sessionId, limit: ROWS_AT_ONCE });
    deleted += piece.rows;
    if (piece.isDone) return deleted;
  }
}
