/** Artifacts: what executions produced, by name; the content lies in content-addressed files. */

import type { Millis } from "../../base/clock.ts";
import type { ArtifactId, ExecutionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { insertRow } from "../rows.ts";
import { ARTIFACTS } from "../tables.ts";
import type { Hold } from "./task-rows.ts";
import { heldExecution } from "./task-rows.ts";

export interface Artifact {
  readonly id: ArtifactId;
  readonly taskId: TaskId;
  readonly executionId: ExecutionId | null;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
  readonly createdAt: Millis;
}

export interface AddArtifact {
  readonly hold: Hold;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly hash: string;
}

/** Records an artifact whose content is stored already. */
export const addArtifact = defineWrite("add-artifact", function* (context, input: AddArtifact): Command<void> {
  const execution = yield* heldExecution(context, input.hold);
  const values = {
    id: context.uuid(),
    session_id: text(execution.session_id),
    task_id: text(execution.task_id),
    execution_id: text(execution.id),
    name: input.name,
    media_type: input.mediaType,
    size_bytes: input.sizeBytes,
    hash: input.hash,
    created_at: context.now,
  };
  yield* insertRow(context, ARTIFACTS, values, { verb: "add" });
});

/** Oldest first. */
export const listArtifacts = defineRead(
  "list-artifacts",
  function* (context, input: { readonly taskId: TaskId }): Command<readonly Artifact[]> {
    const sql = `select id, task_id, execution_id, name, media_type, size_bytes, hash, created_at from artifacts
    where project_id = ? and task_id = ? order by seq`;
    const found = yield* rows(sql, context.projectId, input.taskId);
    return found.map((row) => ({
      id: asId(text(row.id)),
      taskId: asId(text(row.task_id)),
      executionId: row.execution_id === null ? null : asId(text(row.execution_id)),
      name: text(row.name),
      mediaType: text(row.media_type),
      sizeBytes: integer(row.size_bytes),
      hash: text(row.hash),
      createdAt: integer(row.created_at),
    }));
  },
);

/** Of every content there is, in their order, from the one after `after`. */
export const listArtifactHashes = defineRead(
  "list-artifact-hashes",
  function* (context, input: { readonly after: string; readonly limit: number }): Command<readonly string[]> {
    const sql = "select distinct hash from artifacts where project_id = ? and hash > ? order by hash limit ?";
    return (yield* rows(sql, context.projectId, input.after, input.limit)).map(({ hash }) => text(hash));
  },
);
