/** Lists a session's working memory. */

import * as v from "valibot";

import { sessionReference } from "./json/inputs.ts";
import { memoryEntrySchema, memoryEntryToJson } from "./json/memory.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { sessionMemory } from "./session-memory.ts";

export const memoryList = defineOperation({
  name: "memory-list",
  summary: "Lists a session's working memory, in the order in which the keys were first stored.",
  input: v.object({
    session: sessionReference,
    /** Only keys that begin with it. */
    prefix: v.optional(v.nullable(v.string()), null),
    ...pageInput,
  }),
  output: pageSchema(memoryEntrySchema),
  async run(context, { session, prefix, limit, cursor }) {
    const memory = await sessionMemory(context, await findSessionId(context, session));
    const after = fromCursor(cursor);
    const { entries, next } = await memory.list({
      limit,
      ...(prefix === null ? {} : { prefix }),
      ...(after === null ? {} : { after }),
    });
    return { items: entries.map(memoryEntryToJson), nextCursor: toCursor(next) };
  },
});
