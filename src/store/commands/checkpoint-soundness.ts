/** Whether a checkpoint can be returned to: its checksum fits, and so does every change after it. */

import { isPerdureError, PerdureError } from "../../base/errors.ts";
import type { CheckpointId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { changeAt, CHECKPOINT_SQL, checkpointRow } from "./checkpoint-rows.ts";
import { checksumOf, environmentHash } from "./checkpoint-seal.ts";
import type { SessionHistory } from "./session-history.ts";
import { historySince } from "./session-history.ts";
import { loadValue } from "../values.ts";

/** What has happened to the session since a sound checkpoint. @throws PerdureError `store-damaged` for one that is not sound, naming the newest that is. */
export function* historySinceCheckpoint(context: CommandContext, checkpoint: Row): Command<SessionHistory> {
  const found = yield* lookThrough(context, checkpoint);
  if ("history" in found) return found.history;
  const sound = yield* newestSound(context, checkpoint);
  const name = `${text(checkpoint.label)} (${text(checkpoint.id).slice(0, 8)})`;
  throw new PerdureError("store-damaged", {
    message: `Checkpoint ${name} is damaged: ${found.problem}`,
    hint:
      sound === null
        ? "Nothing was changed. No checkpoint of its session is sound; `perdure doctor` tells more."
        : `Nothing was changed. The newest sound one is ${text(sound.label)}: \`perdure checkpoint restore ${text(sound.id).slice(0, 8)}\`.`,
    details: { checkpointId: checkpoint.id, soundCheckpointId: sound?.id ?? null },
  });
}

type LookedThrough = { readonly history: SessionHistory } | { readonly problem: string };

function* lookThrough(context: CommandContext, checkpoint: Row): Command<LookedThrough> {
  const problem = yield* sealProblem(context, checkpoint);
  if (problem !== null) return { problem };
  const since = { sessionId: text(checkpoint.session_id), position: integer(checkpoint.position) };
  try {
    const history = yield* historySince(context, since);
    const session = history.rows.get(`sessions ${since.sessionId}`);
    return session?.was === null ? { problem: "its session had not begun" } : { history };
  } catch (error) {
    if (isPerdureError(error, "store-damaged")) return { problem: error.message };
    throw error;
  }
}

/** What its checksum does not fit, in words; `null` when it does. */
export function* sealProblem(context: CommandContext, checkpoint: Row): Command<string | null> {
  const position = integer(checkpoint.position);
  const change = yield* changeAt(context, position);
  if (change === null) return `change ${position} of the log, at which it was made, is missing`;
  if (checksumOf(checkpoint, change) !== checkpoint.checksum) return "its checksum does not fit";
  const sql = "select content from environments where project_id = ? and hash = ?";
  const environment = yield* oneRow(sql, context.projectId, text(checkpoint.environment_hash));
  if (environment === null) return "the environment it was made in is missing";
  const content = JSON.stringify(yield* loadValue(environment.content, "an environment"));
  return environmentHash(content) === checkpoint.environment_hash ? null : "the environment it was made in is damaged";
}

/** More are not looked through for one that is sound. */
const MOST_LOOKED_THROUGH = 100;

function* newestSound(context: CommandContext, damaged: Row): Command<Row | null> {
  const sql = `${CHECKPOINT_SQL} where project_id = ? and session_id = ? and id <> ? order by seq desc limit ?`;
  const others = yield* rows(sql, context.projectId, text(damaged.session_id), text(damaged.id), MOST_LOOKED_THROUGH);
  for (const other of others) {
    const found = yield* lookThrough(context, other);
    if ("history" in found) return other;
  }
  return null;
}

/** How many changes a checkpoint is behind. @throws PerdureError `store-damaged` as a restore would, which changes nothing either. */
export const checkCheckpoint = defineRead(
  "check-checkpoint",
  function* (context, input: { readonly checkpointId: CheckpointId }): Command<{ readonly changeCount: number }> {
    const { changeCount } = yield* historySinceCheckpoint(context, yield* checkpointRow(context, input.checkpointId));
    return { changeCount };
  },
);
