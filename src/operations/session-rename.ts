/** Gives a session another name. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { renameSession } from "../store/commands/sessions.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionRename = defineOperation({
  name: "session-rename",
  summary: "Gives a session another name.",
  input: v.object({
    session: v.pipe(v.string(), v.nonEmpty("names no session")),
    name: v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars)),
  }),
  output: sessionSchema,
  async run(context, { session, name }) {
    const sessionId = await findSessionId(context, session);
    return sessionToJson(await context.store.execute(renameSession, { sessionId, name }));
  },
});
