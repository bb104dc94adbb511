/** Shows one session. */

import * as v from "valibot";

import { getSessionOverview } from "../store/commands/session-overview.ts";
import { describeQueue } from "../store/commands/queue.ts";
import { countsSchema, countsToJson } from "./json/counts.ts";
import { sessionReference } from "./json/inputs.ts";
import { progressSchema, progressToJson } from "./json/progress.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const sessionShow = defineOperation({
  name: "session-show",
  summary: "Shows a session: where it came from, its counts, its progress, what blocks it.",
  input: v.object({ session: sessionReference }),
  output: v.object({
    ...sessionSchema.entries,
    counts: countsSchema,
    progress: progressSchema,
    /** How many tasks are blocked for which reason. */
    blocked: v.record(v.string(), v.number()),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const { concurrency } = context.config.worker;
    const overview = await context.store.execute(getSessionOverview, { sessionId, lines: 1, concurrency });
    const { blocked } = await context.store.execute(describeQueue, { sessionId });
    const byReason: Record<string, number> = {};
    for (const { reason, count } of blocked) byReason[reason] = (byReason[reason] ?? 0) + count;
    return {
      ...sessionToJson(overview.session),
      counts: countsToJson(overview.counts),
      progress: progressToJson(overview.progress),
      blocked: byReason,
    };
  },
});
