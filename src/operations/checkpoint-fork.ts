/** Makes a session of its own of another as it was at a checkpoint. */

import * as v from "valibot";

import type { CheckpointId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Session } from "../domain/session.ts";
import { getCheckpoint, resolveCheckpoint } from "../store/commands/checkpoints.ts";
import { forkCheckpoint } from "../store/commands/fork.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { checkpointReference, checkpointSchema, checkpointToJson } from "./json/checkpoint.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

export const checkpointFork = defineOperation({
  name: "checkpoint-fork",
  summary: "Makes a session of its own of another as it was at a checkpoint; it is paused until it is resumed.",
  input: v.object({
    checkpoint: checkpointReference,
    /** Default: its source's, with `(fork)`. */
    name: v.optional(
      v.nullable(v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars))),
      null,
    ),
  }),
  output: v.object({ session: sessionSchema, checkpoint: checkpointSchema }),
  async run(context, input) {
    const checkpointId = await context.store.execute(resolveCheckpoint, { reference: input.checkpoint });
    const session = await forkFrom(context, { checkpointId, name: input.name });
    const checkpoint = await context.store.execute(getCheckpoint, { checkpointId });
    return { session: sessionToJson(session), checkpoint: checkpointToJson(checkpoint) };
  },
});

const SUFFIX = " (fork)";

export async function forkFrom(
  { store }: Pick<OperationContext, "store">,
  { checkpointId, name }: { readonly checkpointId: CheckpointId; readonly name: string | null },
): Promise<Session> {
  const { sessionId } = await store.execute(getCheckpoint, { checkpointId });
  const source = await store.execute(getSession, { sessionId });
  const named = name ?? `${source.name.slice(0, LIMITS.nameChars - SUFFIX.length)}${SUFFIX}`;
  return await store.execute(forkCheckpoint, { checkpointId, name: named });
}
