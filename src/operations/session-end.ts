/** Ends a session by hand: its goal was reached, or it was not. */

import * as v from "valibot";

import type { ExecutionId, SessionId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Session } from "../domain/session.ts";
import { changeSession, completeSession } from "../store/commands/sessions.ts";
import { requestInterrupt } from "../store/commands/task-actions.ts";
import { sealEnded } from "./checkpointer.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

const endInput = v.object({
  /** Named, because what ends cannot go on by itself. */
  session: v.pipe(v.string(), v.nonEmpty("names no session")),
  /** For the change log: what came of it, or why. */
  note: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(LIMITS.errorChars))), null),
});

export const sessionComplete = defineOperation({
  name: "session-complete",
  summary: "Says that a session has reached its goal; refused while tasks of it are unfinished.",
  input: endInput,
  output: sessionSchema,
  async run(context, { session, note }) {
    const sessionId = await findSessionId(context, session);
    return sessionToJson(await completeByHand(context, { sessionId, note }));
  },
});

export const sessionFail = defineOperation({
  name: "session-fail",
  summary: "Says that a session has failed: nothing more is claimed in it, and what runs stops. It can be resumed.",
  input: endInput,
  output: v.object({
    ...sessionSchema.entries,
    /** Executions that were asked to stop. */
    executions: v.array(v.string()),
  }),
  async run(context, { session, note }) {
    const sessionId = await findSessionId(context, session);
    const { session: failed, executions } = await failByHand(context, { sessionId, note });
    return { ...sessionToJson(failed), executions: [...executions] };
  },
});

type EndContext = Parameters<typeof sealEnded>[0];

export interface EndByHand {
  readonly sessionId: SessionId;
  readonly note: string | null;
}

export async function completeByHand(context: EndContext, input: EndByHand): Promise<Session> {
  const session = await context.store.execute(completeSession, input);
  await sealEnded(context, session);
  return session;
}

export async function failByHand(
  context: EndContext,
  { sessionId, note }: EndByHand,
): Promise<{ readonly session: Session; readonly executions: readonly ExecutionId[] }> {
  const session = await context.store.execute(changeSession, { sessionId, verb: "fail", note });
  const executions = await context.store.execute(requestInterrupt, { sessionId });
  await sealEnded(context, session);
  return { session, executions };
}
