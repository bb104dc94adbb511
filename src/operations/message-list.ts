/** Lists the messages of a session and what they come to. */

import * as v from "valibot";

import { getMessageTotals, listMessages } from "../store/commands/messages.ts";
import { sessionReference } from "./json/inputs.ts";
import { messageSchema, messageToJson } from "./json/message.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const messageList = defineOperation({
  name: "message-list",
  summary: "Lists the messages of a session with their tokens: the newest, or from the beginning.",
  input: v.object({
    session: sessionReference,
    /** Which end to begin at. The items of a page are in the order asked for. */
    order: v.optional(v.picklist(["newest", "oldest"]), "newest"),
    ...pageInput,
  }),
  output: v.object({
    sessionId: v.string(),
    ...pageSchema(messageSchema).entries,
    totals: v.object({ count: v.number(), tokenCount: v.number() }),
  }),
  async run(context, { session, order, cursor, limit }) {
    const sessionId = await findSessionId(context, session);
    const from = fromCursor(cursor);
    const [{ messages, next }, totals] = await Promise.all([
      context.store.execute(listMessages, { sessionId, order, from, limit }),
      context.store.execute(getMessageTotals, { sessionId }),
    ]);
    return { sessionId, items: messages.map(messageToJson), nextCursor: toCursor(next), totals };
  },
});
