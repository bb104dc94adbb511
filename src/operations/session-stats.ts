/** What a session has come to, in numbers. */

import * as v from "valibot";

import { getSessionStatistics } from "../store/commands/session-statistics.ts";
import { countsSchema, countsToJson } from "./json/counts.ts";
import { sessionReference } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionStats = defineOperation({
  name: "session-stats",
  summary: "Shows what a session has come to, in numbers: tasks, durations, attempts, messages, memory, sizes.",
  input: v.object({ session: sessionReference }),
  output: v.object({
    session: sessionSchema,
    counts: countsSchema,
    /** Of completed tasks, from start to completion. */
    taskDurations: v.object({
      totalMs: v.number(),
      meanMs: v.nullable(v.number()),
      longestMs: v.nullable(v.number()),
    }),
    executions: v.object({
      running: v.number(),
      suspended: v.number(),
      interrupted: v.number(),
      completed: v.number(),
      failed: v.number(),
    }),
    attempts: v.number(),
    retries: v.number(),
    steps: v.number(),
    messages: v.object({ count: v.number(), tokenCount: v.number() }),
    memory: v.object({ entries: v.number(), sizeBytes: v.number() }),
    checkpoints: v.number(),
    artifacts: v.object({ count: v.number(), sizeBytes: v.number() }),
    /** Entries of the change log. */
    changes: v.number(),
    /** How long it was active, all periods together. */
    activeMs: v.number(),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const { session, tasks, ...numbers } = await context.store.execute(getSessionStatistics, { sessionId });
    return { session: sessionToJson(session), counts: countsToJson(tasks), ...numbers };
  },
});
