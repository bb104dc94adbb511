/** Opens a session for work again, without working it. */

import * as v from "valibot";

import { resumeSession } from "../store/commands/sessions.ts";
import { sessionReference } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionResume = defineOperation({
  name: "session-resume",
  summary: "Opens a session for work again: workers go on with what was interrupted and try what failed again.",
  input: v.object({ session: sessionReference }),
  output: v.object({
    session: sessionSchema,
    /** Interrupted tasks that go on where they were. */
    continued: v.number(),
    /** Failed tasks that are tried again. */
    retried: v.number(),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const resumed = await context.store.execute(resumeSession, { sessionId, retryFailed: true });
    return {
      session: sessionToJson(resumed.session),
      continued: resumed.continued,
      retried: resumed.retried,
    };
  },
});
