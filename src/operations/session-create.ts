/** Makes a session, or finds the open one of an agent and user. */

import * as v from "valibot";

import { LIMITS } from "../domain/limits.ts";
import { createSession, ensureOwnedSession } from "../store/commands/sessions.ts";
import { concurrencyInput, whoInput } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";

export const sessionCreate = defineOperation({
  name: "session-create",
  summary: "Makes a session; with `ensure` the newest open one of the same agent and user, made if there is none.",
  input: v.pipe(
    v.object({
      name: v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars)),
      goal: v.optional(v.nullable(v.pipe(v.string(), v.maxBytes(LIMITS.descriptionBytes))), null),
      agent: v.optional(v.nullable(whoInput), null),
      user: v.optional(v.nullable(whoInput), null),
      concurrency: concurrencyInput,
      metadata: v.optional(v.record(v.string(), v.any()), {}),
      /** Without it the session waits to be started, and nothing is worked in it. */
      start: v.optional(v.boolean(), true),
      ensure: v.optional(v.boolean(), false),
    }),
    v.check(
      ({ ensure, agent, user }) => !ensure || agent !== null || user !== null,
      "ensure needs an agent or a user to find the session by",
    ),
  ),
  output: sessionSchema,
  async run(context, { agent, user, start, ensure, ...session }) {
    const input = {
      ...session,
      agentId: agent,
      userId: user,
      planFile: null,
      planFingerprint: null,
      maxUnfinished: context.config.limits.unfinishedTasks,
      status: start ? ("active" as const) : ("created" as const),
    };
    return sessionToJson(await context.store.execute(ensure ? ensureOwnedSession : createSession, input));
  },
});
