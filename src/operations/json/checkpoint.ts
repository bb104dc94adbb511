/** A checkpoint, and the environment it was made in, as JSON. */

import * as v from "valibot";

import type { Checkpoint } from "../../domain/checkpoint.ts";
import { CHECKPOINT_KINDS } from "../../domain/checkpoint.ts";
import type { EnvironmentDifference } from "../../domain/environment.ts";
import { toIso } from "./times.ts";

const environmentSchema = v.object({
  perdureVersion: v.string(),
  schemaVersion: v.number(),
  nodeVersion: v.string(),
  platform: v.string(),
  gitCommit: v.nullable(v.string()),
  isGitDirty: v.boolean(),
  configHash: v.string(),
  changedFiles: v.array(v.string()),
});

export const checkpointSchema = v.object({
  id: v.string(),
  sessionId: v.string(),
  label: v.string(),
  kind: v.picklist(CHECKPOINT_KINDS),
  /** The last change of the log that it includes. */
  seq: v.number(),
  createdAt: v.string(),
  environment: environmentSchema,
  /** The snapshot of the workspace that belongs to it. */
  workspace: v.nullable(v.string()),
});

export type CheckpointJson = v.InferInput<typeof checkpointSchema>;

export function checkpointToJson(checkpoint: Checkpoint): CheckpointJson {
  const { id, sessionId, label, kind, seq, createdAt, environment, workspace } = checkpoint;
  return {
    id,
    sessionId,
    label,
    kind,
    seq,
    createdAt: toIso(createdAt),
    environment: { ...environment, changedFiles: [...environment.changedFiles] },
    workspace,
  };
}

export const environmentDifferenceSchema = v.object({
  what: v.string(),
  recorded: v.string(),
  present: v.string(),
  message: v.string(),
  /** Whether work may go on all the same. */
  compatible: v.boolean(),
});

export function differencesToJson(
  differences: readonly EnvironmentDifference[],
): v.InferInput<typeof environmentDifferenceSchema>[] {
  return differences.map((difference) => ({ ...difference }));
}

/** An id, the beginning of one, or a label. */
export const checkpointReference = v.pipe(v.string(), v.nonEmpty("names no checkpoint"));
