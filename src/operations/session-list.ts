/** Lists sessions, newest first. */

import * as v from "valibot";

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
  input: v.object({ status: v.optional(listOf(SESSION_STATUSES)), ...pageInput }),
  output: pageSchema(v.object({ ...sessionSchema.entries, counts: countsSchema })),
  async run(context, input) {
    const { sessions, next } = await context.store.execute(listSessions, {
      statuses: input.status ?? null,
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

const NOTHING = { pending: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
