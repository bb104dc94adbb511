/** Empties a session's working memory. */

import * as v from "valibot";

import { sessionReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { sessionMemory } from "./session-memory.ts";

export const memoryClear = defineOperation({
  name: "memory-clear",
  summary: "Removes every entry of a session's working memory.",
  input: v.object({ session: sessionReference }),
  output: v.object({ removed: v.number() }),
  async run(context, { session }) {
    const memory = await sessionMemory(context, await findSessionId(context, session));
    return { removed: await memory.clear() };
  },
});
