/** Cancels a session with all its unfinished tasks. */

import * as v from "valibot";

import { countSessions } from "../store/commands/session-queries.ts";
import { cancelSession } from "../store/commands/sessions.ts";
import { sealEnded } from "./checkpointer.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionCancel = defineOperation({
  name: "session-cancel",
  summary: "Cancels a session with all its unfinished tasks; what runs is stopped.",
  input: v.object({
    /** Named, because what it cancels cannot go on. */
    session: v.pipe(v.string(), v.nonEmpty("names no session")),
  }),
  output: v.object({
    session: sessionSchema,
    /** Tasks cancelled by this. */
    cancelled: v.number(),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const cancelledCount = async (): Promise<number> => {
      const [counts] = await context.store.execute(countSessions, { sessionIds: [sessionId] });
      return counts?.byStatus.cancelled ?? 0;
    };
    const before = await cancelledCount();
    const session = await context.store.execute(cancelSession, { sessionId });
    await sealEnded(context, session);
    return { session: sessionToJson(session), cancelled: (await cancelledCount()) - before };
  },
});
