/** Stops work gracefully at the next step boundary, from any process. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import { resolveExecution } from "../store/commands/task-queries.ts";
import { requestInterrupt } from "../store/commands/task-actions.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { pauseSession } from "./session-work.ts";

export const interrupt = defineOperation({
  name: "interrupt",
  summary: "Stops an execution, or all that runs in a session, gracefully at the next step boundary.",
  input: v.object({
    /** An execution or a session; without it the present session. */
    target: v.optional(v.nullable(v.string()), null),
  }),
  output: v.object({
    /** Executions that were asked to stop; each is interrupted once it reaches its next step boundary. */
    executions: v.array(v.string()),
    session: v.nullable(sessionSchema),
  }),
  async run(context, input) {
    const execution = input.target === null ? null : await findExecution(context, input.target);
    if (execution !== null) {
      const asked = await context.store.execute(requestInterrupt, { executionId: execution });
      return { executions: [...asked], session: null };
    }
    const sessionId = await findSessionId(context, input.target);
    const executions = await pauseSession(context, sessionId);
    return {
      executions: [...executions],
      session: sessionToJson(await context.store.execute(getSession, { sessionId })),
    };
  },
});

async function findExecution(context: OperationContext, reference: string) {
  try {
    return await context.store.execute(resolveExecution, { reference });
  } catch (error) {
    if (isPerdureError(error, "not-found")) return null;
    throw error;
  }
}
