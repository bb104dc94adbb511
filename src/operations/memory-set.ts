/** Stores an entry of a session's working memory. */

import * as v from "valibot";

import { sessionReference } from "./json/inputs.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { goneEntrySchema, memoryEntrySchema, memoryEntryToJson, memoryKey } from "./json/memory.ts";
import { sessionFor } from "./open-session.ts";
import { defineOperation } from "./operation.ts";
import { sessionMemory } from "./session-memory.ts";

export const memorySet = defineOperation({
  name: "memory-set",
  summary: "Stores a value in a session's working memory, in place of the one with its key.",
  input: v.object({
    session: sessionReference,
    key: memoryKey,
    value: v.unknown(),
    /** 0–1; less important entries make room first. */
    importance: v.optional(v.number()),
    /** Milliseconds, or a text such as `90m`; `null` or `none` is for ever. */
    ttl: v.optional(v.nullable(v.union([v.number(), v.string()]))),
  }),
  output: v.object({
    entry: memoryEntrySchema,
    /** Whose memory it is in. */
    session: v.object({ id: v.string(), name: v.string() }),
    /** Entries that made room for it. */
    evicted: v.array(goneEntrySchema),
    expired: v.array(goneEntrySchema),
  }),
  async run(context, { session, key, value, importance, ttl }) {
    const { id, name } = await context.store.execute(getSession, { sessionId: await sessionFor(context, session) });
    const memory = await sessionMemory(context, id);
    const stored = await memory.store(key, value, {
      ...(importance === undefined ? {} : { importance }),
      ...(ttl === undefined ? {} : { ttl: ttl === "none" ? null : ttl }),
    });
    return {
      entry: memoryEntryToJson(stored.entry),
      session: { id, name },
      evicted: [...stored.evicted],
      expired: [...stored.expired],
    };
  },
});
