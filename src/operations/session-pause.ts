/** Pauses a session. */

import * as v from "valibot";

import { getSession } from "../store/commands/session-queries.ts";
import { changeSession } from "../store/commands/sessions.ts";
import { requestInterrupt } from "../store/commands/task-actions.ts";
import { sessionReference } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionPause = defineOperation({
  name: "session-pause",
  summary: "Pauses a session: nothing more is claimed in it, and what runs stops at its next step boundary.",
  input: v.object({ session: sessionReference }),
  output: v.object({
    session: sessionSchema,
    /** Executions that were asked to stop. */
    executions: v.array(v.string()),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const { status } = await context.store.execute(getSession, { sessionId });
    // Safe to repeat: what runs in a paused session is asked to stop once more.
    if (status !== "paused") await context.store.execute(changeSession, { sessionId, verb: "pause" });
    const executions = await context.store.execute(requestInterrupt, { sessionId });
    const session = await context.store.execute(getSession, { sessionId });
    return { session: sessionToJson(session), executions: [...executions] };
  },
});
