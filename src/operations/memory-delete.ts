/** Removes an entry of a session's working memory. */

import * as v from "valibot";

import { sessionReference } from "./json/inputs.ts";
import { memoryKey } from "./json/memory.ts";
import { noEntry } from "./memory-get.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { sessionMemory } from "./session-memory.ts";

export const memoryDelete = defineOperation({
  name: "memory-delete",
  summary: "Removes an entry of a session's working memory.",
  input: v.object({ session: sessionReference, key: memoryKey }),
  output: v.object({ key: v.string() }),
  async run(context, { session, key }) {
    const memory = await sessionMemory(context, await findSessionId(context, session));
    if (!(await memory.delete(key))) throw noEntry(key);
    return { key };
  },
});
