/** Lists sessions, newest first. */

import * as v from "valibot";

import type { Millis } from "../base/clock.ts";
import { findDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import { SESSION_STATUSES } from "../domain/session.ts";
import { countSessions, listSessions } from "../store/commands/session-queries.ts";
import { countsSchema, countsToJson } from "./json/counts.ts";
import { listOf } from "./json/list-of.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";

export const sessionList = defineOperation({
  name: "session-list",
  summary: "Lists the sessions of the project with what is done in them, newest first.",
  input: v.object({
    status: v.optional(listOf(SESSION_STATUSES)),
    agent: v.optional(v.nullable(v.string()), null),
    user: v.optional(v.nullable(v.string()), null),
    /** In name or goal, whatever the case. */
    search: v.optional(v.nullable(v.string()), null),
    /** Instants with an offset, or how long ago: `2026-01-20T10:00:00Z`, `2d`. */
    createdAfter: v.optional(v.nullable(v.string()), null),
    createdBefore: v.optional(v.nullable(v.string()), null),
    ...pageInput,
  }),
  output: pageSchema(v.object({ ...sessionSchema.entries, counts: countsSchema })),
  async run(context, input) {
    const { sessions, next } = await context.store.execute(listSessions, {
      statuses: input.status ?? null,
      agentId: input.agent,
      userId: input.user,
      search: input.search,
      createdAfter: pointInTime(input.createdAfter, context.clock.now(), "createdAfter"),
      createdBefore: pointInTime(input.createdBefore, context.clock.now(), "createdBefore"),
      before: fromCursor(input.cursor),
      limit: input.limit,
    });
    const counts = await context.store.execute(countSessions, { sessionIds: sessions.map(({ id }) => id) });
    const items = sessions.map((session, index) => ({
      ...sessionToJson(session),
      counts: countsToJson(counts[index]?.byStatus ?? NOTHING),
    }));
    return { items, nextCursor: toCursor(next) };
  },
});

/** @throws PerdureError `invalid-input` for what is neither an instant nor a duration */
function pointInTime(text: string | null, now: Millis, what: string): Millis | null {
  if (text === null) return null;
  const ago = findDurationMs(text);
  const at = ago === null ? findInstant(text) : now - ago;
  if (at !== null) return at;
  throw new PerdureError("invalid-input", {
    message: `${what} is neither an instant nor a duration: ${JSON.stringify(text)}`,
    hint: "Write an instant with an offset, such as 2026-01-20T10:00:00Z, or how long ago, such as 2d.",
  });
}

const NOTHING = { pending: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
