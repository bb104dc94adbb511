/** Lists the checkpoints of a session, newest first. */

import * as v from "valibot";

import { CHECKPOINT_KINDS } from "../domain/checkpoint.ts";
import { listCheckpoints } from "../store/commands/checkpoints.ts";
import { checkpointSchema, checkpointToJson } from "./json/checkpoint.ts";
import { sessionReference } from "./json/inputs.ts";
import { listOf } from "./json/list-of.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const checkpointList = defineOperation({
  name: "checkpoint-list",
  summary: "Lists the checkpoints of a session, newest first.",
  input: v.object({ session: sessionReference, kind: v.optional(listOf(CHECKPOINT_KINDS)), ...pageInput }),
  output: pageSchema(checkpointSchema),
  async run(context, input) {
    const { checkpoints, next } = await context.store.execute(listCheckpoints, {
      sessionId: await findSessionId(context, input.session),
      kinds: input.kind ?? null,
      before: fromCursor(input.cursor),
      limit: input.limit,
    });
    return { items: checkpoints.map(checkpointToJson), nextCursor: toCursor(next) };
  },
});
