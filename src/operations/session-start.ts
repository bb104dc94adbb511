/** Starts a session that was made to wait. */

import * as v from "valibot";

import { changeSession } from "../store/commands/sessions.ts";
import { sessionReference } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionStart = defineOperation({
  name: "session-start",
  summary: "Starts a session that was made to wait: what is in it may be worked from now on.",
  input: v.object({ session: sessionReference }),
  output: sessionSchema,
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    return sessionToJson(await context.store.execute(changeSession, { sessionId, verb: "start" }));
  },
});
