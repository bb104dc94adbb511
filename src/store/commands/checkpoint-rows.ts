/** Reading checkpoints inside a command. */

import { PerdureError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Checkpoint, CheckpointKind } from "../../domain/checkpoint.ts";
import type { EnvironmentFingerprint } from "../../domain/environment.ts";
import type { CheckpointId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { oneRow } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { CHANGE_COLUMNS, IN_LOG } from "../rebuild.ts";
import { CHECKPOINTS, columnsOf } from "../tables.ts";
import { loadValue } from "../values.ts";

export const CHECKPOINT_SQL = `select project_id, ${columnsOf(CHECKPOINTS)} from checkpoints`;

export function* checkpointRow(context: CommandContext, id: CheckpointId | string): Command<Row> {
  const row = yield* oneRow(`${CHECKPOINT_SQL} where project_id = ? and id = ?`, context.projectId, id);
  if (row !== null) return row;
  throw new PerdureError("not-found", {
    message: `There is no checkpoint ${id}`,
    hint: "`perdure checkpoint list` shows those of a session.",
    details: { checkpointId: id },
  });
}

/** With the environment it was made in. */
export function* loadCheckpoint(context: CommandContext, row: Row): Command<Checkpoint> {
  return {
    id: asId(text(row.id)),
    sessionId: asId(text(row.session_id)),
    label: text(row.label),
    kind: text(row.kind) as CheckpointKind,
    seq: integer(row.position),
    environment: yield* loadEnvironment(context, text(row.environment_hash)),
    workspace: textOrNull(row.workspace),
    createdAt: integer(row.created_at),
  };
}

function* loadEnvironment(context: CommandContext, hash: string): Command<EnvironmentFingerprint> {
  const sql = "select content from environments where project_id = ? and hash = ?";
  const row = yield* oneRow(sql, context.projectId, hash);
  const content = row === null ? null : yield* loadValue(row.content, "an environment");
  return isJsonObject(content) ? { ...NO_ENVIRONMENT, ...content } : NO_ENVIRONMENT;
}

/** Of a checkpoint whose environment cannot be read: that is damage, which listing it need not fail over. */
const NO_ENVIRONMENT: EnvironmentFingerprint = {
  perdureVersion: "unknown",
  schemaVersion: 0,
  nodeVersion: "unknown",
  platform: "unknown",
  gitCommit: null,
  isGitDirty: false,
  configHash: "unknown",
  changedFiles: [],
};

const CHANGE_SQL = `select ${CHANGE_COLUMNS} from changes`;

/** The newest change of the project; `null` when there is none. */
export function* newestChange(context: CommandContext): Command<Row | null> {
  return yield* oneRow(`${CHANGE_SQL} where ${IN_LOG} order by seq desc limit 1`, context.projectId);
}

export function* changeAt(context: CommandContext, position: number): Command<Row | null> {
  return yield* oneRow(`${CHANGE_SQL} where project_id = ? and seq = ?`, context.projectId, position);
}
