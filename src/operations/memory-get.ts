/** Reads an entry of a session's working memory. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { sessionReference } from "./json/inputs.ts";
import { memoryEntrySchema, memoryEntryToJson, memoryKey } from "./json/memory.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { sessionMemory } from "./session-memory.ts";

export const memoryGet = defineOperation({
  name: "memory-get",
  summary: "Reads an entry of a session's working memory.",
  input: v.object({ session: sessionReference, key: memoryKey }),
  output: memoryEntrySchema,
  async run(context, { session, key }) {
    const memory = await sessionMemory(context, await findSessionId(context, session));
    const entry = await memory.retrieve(key);
    if (entry === null) throw noEntry(key);
    return memoryEntryToJson(entry);
  },
});

export function noEntry(key: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no memory entry ${JSON.stringify(key)}, or it has expired`,
    hint: "`perdure memory list` shows what there is.",
    details: { key },
  });
}
