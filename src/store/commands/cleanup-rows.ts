/**
 * What a cleanup removes of the logged tables: old executions of recurring tasks, old automatic checkpoints, finished
 * sessions. What may go is chosen anew in the transaction that removes it, so work beside it changes nothing, and each
 * row that goes is in the log as any change is.
 */

import type { Millis } from "../../base/clock.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, text } from "../entity-rows.ts";
import { deleteRow, updateRow } from "../rows.ts";
import { ARTIFACTS, CHECKPOINTS, columnsOf, EXECUTIONS, SESSIONS, STEPS } from "../tables.ts";

export const CLEANED_ROWS = ["executions", "checkpoints", "sessions"] as const;
export type CleanedRows = (typeof CLEANED_ROWS)[number];

export interface RowRule {
  readonly kind: CleanedRows;
  /** The newest of their task or session that stay whatever their age. Sessions have no such number. */
  readonly keep: number;
  /** Only what ended, or for checkpoints was made, before this. */
  readonly before: Millis;
  readonly limit: number;
}

export interface Removable {
  readonly id: string;
  /** What it is called, for a person. */
  readonly label: string;
}

/** What `removeRows` would remove, oldest first. */
export const findRemovableRows = defineRead("find-removable-rows", function* (context, rule: RowRule): Command<
  readonly Removable[]
> {
  return (yield* FINDERS[rule.kind](context, rule)).map(toRemovable);
});

/**
 * Removes at most `limit` of them. Returns which; none when nothing is left to remove. Sessions are only closed for good:
 * whoever closed one deletes it (`deleteSessionPiece`), as it may hold more than goes in one transaction.
 */
export const removeRows = defineWrite("remove-rows", function* (context, rule: RowRule): Command<readonly Removable[]> {
  const found = yield* FINDERS[rule.kind](context, rule);
  for (const row of found) yield* REMOVERS[rule.kind](context, row);
  return found.map(toRemovable);
});

function toRemovable(row: Row): Removable {
  return { id: text(row.id), label: text(row.label) };
}

const FINDERS: Readonly<Record<CleanedRows, (context: CommandContext, rule: RowRule) => Command<readonly Row[]>>> = {
  executions: oldExecutions,
  checkpoints: oldCheckpoints,
  sessions: oldSessions,
};

const REMOVERS: Readonly<Record<CleanedRows, (context: CommandContext, row: Row) => Command<void>>> = {
  executions: removeExecution,
  checkpoints: (context, row) => deleteRow(context, CHECKPOINTS, row, CLEAN_UP),
  sessions: closeSession,
};

const CLEAN_UP = { verb: "clean_up" } as const;

/** As many as estimates of a kind's duration are made from (`recentDurations`). */
const ESTIMATED_FROM = 20;

function* oldExecutions(context: CommandContext, rule: RowRule): Command<readonly Row[]> {
  const tasks = yield* rows(
    "select task_id, min(seq) as seq from executions where project_id = ? and scheduled_for is not null group by task_id order by 2",
    context.projectId,
  );
  const found: Row[] = [];
  for (const { task_id: taskId } of tasks) {
    if (found.length >= rule.limit) break;
    const oldestKept = yield* oneRow(
      `select seq from executions where project_id = ? and task_id = ? and scheduled_for is not null
        order by seq desc limit 1 offset ?`,
      context.projectId,
      text(taskId),
      rule.keep - 1,
    );
    if (oldestKept === null) continue;
    const sql = `select e.project_id as project_id, coalesce(t.key, t.title) as label, ${columnsOf(EXECUTIONS, "e")}
      from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id
      where e.project_id = ? and e.task_id = ? and e.scheduled_for is not null and e.seq < ?
        and e.status in ('completed', 'failed') and e.ended_at < ? and e.id is distinct from t.execution_id
        and (select count(*) from (select seq from executions n where n.project_id = e.project_id and n.kind = e.kind
          and n.status = 'completed' and n.seq > e.seq limit ${ESTIMATED_FROM}) as newer) >= ${ESTIMATED_FROM}
      order by e.seq limit ?`;
    const least = integer(oldestKept.seq);
    found.push(...(yield* rows(sql, context.projectId, text(taskId), least, rule.before, rule.limit - found.length)));
  }
  return found;
}

function* removeExecution(context: CommandContext, execution: Row): Command<void> {
  const id = text(execution.id);
  for (const table of [ARTIFACTS, STEPS]) {
    const sql = `select project_id, ${columnsOf(table)} from ${table.name} where project_id = ? and execution_id = ?`;
    for (const row of yield* rows(sql, context.projectId, id)) yield* deleteRow(context, table, row, CLEAN_UP);
  }
  yield* forgetProcesses(context, id);
  const { label: _label, ...row } = execution;
  yield* deleteRow(context, EXECUTIONS, row, CLEAN_UP);
}

function* forgetProcesses(context: CommandContext, executionId: string): Command<void> {
  yield* rows("delete from processes where project_id = ? and execution_id = ?", context.projectId, executionId);
}

function* oldCheckpoints(context: CommandContext, rule: RowRule): Command<readonly Row[]> {
  const sessions = yield* rows(
    "select session_id, min(seq) as seq from checkpoints where project_id = ? and kind = 'automatic' group by session_id order by 2",
    context.projectId,
  );
  const found: Row[] = [];
  for (const { session_id: sessionId } of sessions) {
    if (found.length >= rule.limit) break;
    const oldestKept = yield* oneRow(
      `select seq from checkpoints where project_id = ? and session_id = ? and kind = 'automatic'
        order by seq desc limit 1 offset ?`,
      context.projectId,
      text(sessionId),
      rule.keep - 1,
    );
    if (oldestKept === null) continue;
    const [last, first] = yield* environmentBoundary(context, text(sessionId));
    const sql = `select c.project_id as project_id, ${columnsOf(CHECKPOINTS, "c")} from checkpoints c
      where c.project_id = ? and c.session_id = ? and c.kind = 'automatic' and c.seq < ? and c.created_at < ?
        and c.seq <> ? and c.seq <> ?
        and not exists (select 1 from sessions s where s.project_id = c.project_id and s.origin_checkpoint_id = c.id)
      order by c.seq limit ?`;
    const least = integer(oldestKept.seq);
    const params = [context.projectId, text(sessionId), least, rule.before, last, first, rule.limit - found.length];
    found.push(...(yield* rows(sql, ...params)));
  }
  return found;
}

const NO_SEQ = -1;

/** The last checkpoint before the environment last changed and the first after it: what says that it did. */
function* environmentBoundary(context: CommandContext, sessionId: string): Command<readonly [number, number]> {
  const last = yield* oneRow(
    `select max(c.seq) as seq from checkpoints c where c.project_id = ? and c.session_id = ? and c.environment_hash <> (
      select n.environment_hash from checkpoints n where n.project_id = ? and n.session_id = ? order by n.seq desc limit 1)`,
    context.projectId,
    sessionId,
    context.projectId,
    sessionId,
  );
  const lastSeq = integerOrNull(last?.seq) ?? NO_SEQ;
  const first = yield* oneRow(
    "select min(seq) as seq from checkpoints where project_id = ? and session_id = ? and seq > ?",
    context.projectId,
    sessionId,
    lastSeq,
  );
  return [lastSeq, integerOrNull(first?.seq) ?? NO_SEQ];
}

/** Never the newest of all: it is the one shown where none is named. */
function* oldSessions(context: CommandContext, rule: RowRule): Command<readonly Row[]> {
  const sql = `select project_id, name as label, ${columnsOf(SESSIONS)} from sessions
    where project_id = ? and status in ('completed', 'cancelled') and ended_at < ?
      and seq < (select max(seq) from sessions where project_id = ?) order by seq limit ?`;
  return yield* rows(sql, context.projectId, rule.before, context.projectId, rule.limit);
}

/** Nothing new begins in it from here on; it is deleted piece by piece. Found again by its age should that be cut short. */
function* closeSession(context: CommandContext, { label: _label, ...session }: Row): Command<void> {
  if (session.status === "cancelled") return;
  const patch = { status: "cancelled", updated_at: context.now };
  yield* updateRow(context, SESSIONS, session, { verb: "discard", note: "its time to be kept is over", patch });
}
