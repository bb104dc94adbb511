/** Makes a checkpoint. */

import * as v from "valibot";

import type { Checkpoint } from "../domain/checkpoint.ts";
import type { SessionId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import { createCheckpoint } from "../store/commands/checkpoints.ts";
import { checkpointSchema, checkpointToJson } from "./json/checkpoint.ts";
import { sessionReference } from "./json/inputs.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { takeSnapshot } from "./workspace-of.ts";

export const checkpointCreate = defineOperation({
  name: "checkpoint-create",
  summary: "Makes a checkpoint of a session: a point to return to, or to fork from.",
  input: v.object({
    session: sessionReference,
    label: v.optional(
      v.nullable(v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars))),
      null,
    ),
    /** With a snapshot of the project's files. Default: as configured. */
    workspace: v.optional(v.nullable(v.boolean()), null),
  }),
  output: checkpointSchema,
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const { label, workspace: withFiles } = input;
    return checkpointToJson(await makeCheckpoint(context, { sessionId, label, withFiles }));
  },
});

/** Checkpoints made right after each other share one look at the environment: it takes longer than they do. */
const ENVIRONMENT_AGE_MS = 1_000;

/** One that somebody asked for. */
export async function makeCheckpoint(
  context: OperationContext,
  {
    sessionId,
    label,
    withFiles,
  }: {
    readonly sessionId: SessionId;
    readonly label: string | null;
    /** With a snapshot of the project's files; `null` is as configured. */
    readonly withFiles: boolean | null;
  },
): Promise<Checkpoint> {
  const isSnapshotWanted = withFiles ?? context.config.workspace.mode !== "off";
  const workspace = isSnapshotWanted ? await takeSnapshot(context, label ?? "manual") : null;
  return await context.store.execute(createCheckpoint, {
    sessionId,
    label: label ?? "manual",
    kind: "manual",
    environment: await context.environment({ maxAgeMs: ENVIRONMENT_AGE_MS }),
    workspace,
  });
}
