/** Checkpoints: making, finding and thinning them. Making one is O(1), whatever the session holds: it names a change. */

import { assert } from "../../base/assert.ts";
import type { Millis } from "../../base/clock.ts";
import { PerdureError } from "../../base/errors.ts";
import type { Checkpoint, CheckpointKind } from "../../domain/checkpoint.ts";
import { checkpointsToGiveUp } from "../../domain/checkpoint-thinning.ts";
import type { EnvironmentFingerprint } from "../../domain/environment.ts";
import type { CheckpointId, SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, notingReady, oneOf, oneRow, patiently, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { deleteRow, insertRow } from "../rows.ts";
import { CHECKPOINTS, ENVIRONMENTS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { CHECKPOINT_SQL, checkpointRow, loadCheckpoint, newestChange } from "./checkpoint-rows.ts";
import { checksumOf, environmentHash } from "./checkpoint-seal.ts";
import { sessionRow } from "./session-rows.ts";
import { findWhole, resolvePrefix } from "./task-queries.ts";

export interface NewCheckpoint {
  readonly sessionId: SessionId;
  readonly label: string;
  readonly kind: CheckpointKind;
  readonly environment: EnvironmentFingerprint;
  /** The snapshot of the workspace taken for it; `null` without one. */
  readonly workspace: string | null;
}

/** @throws PerdureError `not-found`, `limit-reached` */
export const createCheckpoint = notingReady(
  defineWrite("create-checkpoint", function* (context, input: NewCheckpoint): Command<Checkpoint> {
    yield* sessionRow(context, input.sessionId);
    yield* refuseTooMany(context, input);
    return yield* loadCheckpoint(context, yield* insertCheckpoint(context, input));
  }),
);

/**
 * The same, unless nothing has happened in the session since its newest checkpoint (of the same kind, for a final one);
 * then `null`. Making an automatic one thins out those that have grown old.
 */
export const createCheckpointIfChanged = patiently(
  notingReady(
    defineWrite("create-checkpoint-if-changed", function* (context, input: NewCheckpoint): Command<Checkpoint | null> {
      yield* sessionRow(context, input.sessionId);
      const { lastPosition, lastChange } = yield* lastOf(context, input);
      if (lastChange <= lastPosition) return null;
      const made = yield* insertCheckpoint(context, input);
      if (input.kind === "automatic") yield* thinOut(context, input.sessionId);
      return yield* loadCheckpoint(context, made);
    }),
  ),
  { lingerMs: 25 },
);

export function* insertCheckpoint(context: CommandContext, input: NewCheckpoint): Command<Row> {
  const newest = yield* newestChange(context);
  assert(newest !== null, "a session was made by a change");
  const values = {
    id: context.uuid(),
    session_id: input.sessionId,
    label: input.label,
    kind: input.kind,
    position: integer(newest.seq),
    environment_hash: yield* ensureEnvironment(context, input.environment),
    workspace: input.workspace,
    created_at: context.now,
  };
  const sealed = { ...values, checksum: checksumOf(values, newest) };
  return yield* insertRow(context, CHECKPOINTS, sealed, { verb: "create" });
}

/** Kept once for all checkpoints made in it. Returns its hash. */
function* ensureEnvironment(context: CommandContext, environment: EnvironmentFingerprint): Command<string> {
  const content = JSON.stringify(environment);
  const hash = environmentHash(content);
  const sql = "select hash from environments where project_id = ? and hash = ?";
  if ((yield* oneRow(sql, context.projectId, hash)) !== null) return hash;
  const values = { hash, content: yield* storeValue(environment, "An environment"), created_at: context.now };
  yield* insertRow(context, ENVIRONMENTS, values, { verb: "create" });
  return hash;
}

function* refuseTooMany(context: CommandContext, { sessionId }: NewCheckpoint): Command<void> {
  const sql = `select seq from checkpoints where project_id = ? and session_id = ? order by seq limit 1 offset ?`;
  if ((yield* oneRow(sql, context.projectId, sessionId, LIMITS.checkpoints - 1)) === null) return;
  throw new PerdureError("limit-reached", {
    message: `Session ${sessionId} has ${LIMITS.checkpoints} checkpoints; more are not kept`,
    hint: "Fork the session to go on with a fresh list.",
    details: { sessionId, limit: LIMITS.checkpoints },
  });
}

/** Telling somebody of the end is no work: a checkpoint need not include it. */
const LAST_CHANGE_SQL = `select seq from changes
  where project_id = ? and session_id = ? and entity <> 'checkpoints' and verb <> 'tell' order by seq desc limit 1`;

function* lastOf(
  context: CommandContext,
  { sessionId, kind }: Pick<NewCheckpoint, "sessionId" | "kind">,
): Command<{ readonly lastPosition: number; readonly lastChange: number }> {
  const ofKind = kind === "final" ? " and kind = 'final'" : "";
  const sql = `select position from checkpoints where project_id = ? and session_id = ?${ofKind} order by seq desc limit 1`;
  const checkpoint = yield* oneRow(sql, context.projectId, sessionId);
  const change = yield* oneRow(LAST_CHANGE_SQL, context.projectId, sessionId);
  return { lastPosition: integer(checkpoint?.position ?? 0), lastChange: integer(change?.seq ?? 0) };
}

function* thinOut(context: CommandContext, sessionId: SessionId): Command<void> {
  const sql = `${CHECKPOINT_SQL} where project_id = ? and session_id = ? and kind = 'automatic' order by seq desc`;
  const automatic = (yield* rows(sql, context.projectId, sessionId)).map((row) => ({
    id: text(row.id),
    createdAt: integer(row.created_at),
    row,
  }));
  for (const { row } of checkpointsToGiveUp(automatic, context.now)) {
    yield* deleteRow(context, CHECKPOINTS, row, { verb: "thin" });
  }
}

export const getCheckpoint = defineRead(
  "get-checkpoint",
  function* (context, input: { readonly checkpointId: CheckpointId }): Command<Checkpoint> {
    return yield* loadCheckpoint(context, yield* checkpointRow(context, input.checkpointId));
  },
);

/** By id, the beginning of one, or label (the newest of that label). @throws PerdureError `not-found`, `invalid-input` */
export const resolveCheckpoint = defineRead(
  "resolve-checkpoint",
  function* (context, input: { readonly reference: string }): Command<CheckpointId> {
    const { reference } = input;
    const whole = yield* findWhole(context, "checkpoints", reference);
    if (whole !== null) return asId(whole);
    const sql = "select id from checkpoints where project_id = ? and label = ? order by seq desc limit 1";
    const byLabel = yield* oneRow(sql, context.projectId, reference);
    if (byLabel !== null) return asId(text(byLabel.id));
    return asId(yield* resolvePrefix(context, { table: "checkpoints", noun: "checkpoint", label: "label", reference }));
  },
);

export interface ListCheckpoints {
  readonly sessionId: SessionId;
  readonly kinds: readonly CheckpointKind[] | null;
  /** Checkpoints older than this position of the list. */
  readonly before: number | null;
  readonly limit: number;
}

export interface CheckpointPage {
  readonly checkpoints: readonly Checkpoint[];
  /** For `before` of the page after; `null` on the last. */
  readonly next: number | null;
}

/** Newest first. */
export const listCheckpoints = defineRead(
  "list-checkpoints",
  function* (context, input: ListCheckpoints): Command<CheckpointPage> {
    const ofKind = input.kinds === null ? "" : ` and ${oneOf("kind", input.kinds)}`;
    const sql = `${CHECKPOINT_SQL} where project_id = ? and session_id = ? and seq < ?${ofKind} order by seq desc limit ?`;
    const found = yield* rows(
      sql,
      context.projectId,
      input.sessionId,
      input.before ?? Number.MAX_SAFE_INTEGER,
      ...(input.kinds ?? []),
      input.limit + 1,
    );
    const page = found.slice(0, input.limit);
    const checkpoints: Checkpoint[] = [];
    for (const row of page) checkpoints.push(yield* loadCheckpoint(context, row));
    return { checkpoints, next: found.length > input.limit ? integer(page.at(-1)?.seq) : null };
  },
);

/** The newest of a session, or for a fork that has none yet, the one it came from; `null` without either. */
export const findNewestCheckpoint = defineRead(
  "find-newest-checkpoint",
  function* (context, input: { readonly sessionId: SessionId }): Command<Checkpoint | null> {
    const sql = `${CHECKPOINT_SQL} where project_id = ? and session_id = ? order by seq desc limit 1`;
    const newest = yield* oneRow(sql, context.projectId, input.sessionId);
    if (newest !== null) return yield* loadCheckpoint(context, newest);
    const { origin_checkpoint_id: originId } = yield* sessionRow(context, input.sessionId);
    const origin = yield* oneRow(
      `${CHECKPOINT_SQL} where project_id = ? and id = ?`,
      context.projectId,
      originId ?? null,
    );
    return origin === null ? null : yield* loadCheckpoint(context, origin);
  },
);

export interface SinceCheckpoint {
  /** Tasks that ended since the newest checkpoint, counted up to a bound. */
  readonly endedTasks: number;
  /** When that was made; without one, when the session was. */
  readonly since: Millis;
}

/** For those who have no memory of their own of what they finished: processes that do one thing and end. */
export const measureSinceCheckpoint = defineRead(
  "measure-since-checkpoint",
  function* (context, input: { readonly sessionId: SessionId; readonly bound: number }): Command<SinceCheckpoint> {
    const session = yield* sessionRow(context, input.sessionId);
    const sql = `select position, created_at from checkpoints where project_id = ? and session_id = ? order by seq desc limit 1`;
    const newest = yield* oneRow(sql, context.projectId, input.sessionId);
    const ended = yield* rows(
      `select seq from changes where project_id = ? and session_id = ? and seq > ?
        and entity = 'tasks' and verb in ('complete', 'fail', 'await_next_occurrence') order by seq limit ?`,
      context.projectId,
      input.sessionId,
      integer(newest?.position ?? 0),
      input.bound,
    );
    return { endedTasks: ended.length, since: integer(newest?.created_at ?? session.created_at) };
  },
);
