/** Reading sessions. On the start-up path of the command line, so it imports little. */

import type { Millis } from "../../base/clock.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Session, SessionStatus } from "../../domain/session.ts";
import type { TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, SqlValue } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { columnsOf, SESSIONS } from "../tables.ts";
import { loadSession, sessionRow } from "./session-rows.ts";

export const getSession = defineRead(
  "get-session",
  function* (context, input: { readonly sessionId: SessionId }): Command<Session> {
    return yield* loadSession(yield* sessionRow(context, input.sessionId));
  },
);

export interface SessionFilter {
  readonly agentId?: string | null;
  readonly userId?: string | null;
  /** In name or goal, whatever the case, taken literally. */
  readonly search?: string | null;
  /** Both ends included. */
  readonly createdAfter?: Millis | null;
  readonly createdBefore?: Millis | null;
}

export interface ListSessions extends SessionFilter {
  readonly statuses: readonly SessionStatus[] | null;
  /** Sessions older than this position. */
  readonly before: number | null;
  readonly limit: number;
}

export interface SessionPage {
  readonly sessions: readonly Session[];
  readonly next: number | null;
}

/** Newest first. */
export const listSessions = defineRead("list-sessions", function* (context, input: ListSessions): Command<SessionPage> {
  const where = ["project_id = ?", "seq < ?"];
  const params: SqlValue[] = [context.projectId, input.before ?? Number.MAX_SAFE_INTEGER];
  const add = (condition: string, ...values: readonly SqlValue[]): void => {
    where.push(condition);
    params.push(...values);
  };
  if (input.statuses !== null) add("instr(?, ' ' || status || ' ') > 0", ` ${input.statuses.join(" ")} `);
  if (typeof input.agentId === "string") add("agent_id = ?", input.agentId);
  if (typeof input.userId === "string") add("user_id = ?", input.userId);
  if (typeof input.search === "string") {
    add("(instr(lower(name), lower(?)) > 0 or instr(lower(goal), lower(?)) > 0)", input.search, input.search);
  }
  if (typeof input.createdAfter === "number") add("created_at >= ?", input.createdAfter);
  if (typeof input.createdBefore === "number") add("created_at <= ?", input.createdBefore);
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions where ${where.join(" and ")} order by seq desc limit ?`;
  const found = yield* rows(sql, ...params, input.limit + 1);
  const page = found.slice(0, input.limit);
  const sessions: Session[] = [];
  for (const row of page) sessions.push(yield* loadSession(row));
  return { sessions, next: found.length > input.limit ? integer(page.at(-1)?.seq) : null };
});

/** The newest session with work left in it, or `null`: where `resume` goes on. */
export const findResumableSession = defineRead("find-resumable-session", function* (context): Command<Session | null> {
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions
    where project_id = ? and status in ('created', 'active', 'paused', 'failed') order by seq desc limit 1`;
  const row = yield* oneRow(sql, context.projectId);
  return row === null ? null : yield* loadSession(row);
});

export interface SessionCounts {
  readonly byStatus: Readonly<Record<TaskStatus, number>>;
  readonly byBlockedReason: Readonly<Record<string, number>>;
}

/** Groups included. */
export function* countTasks(
  context: CommandContext,
  sessionId: SessionId | string,
  besides: string | null = null,
): Command<SessionCounts> {
  const sql = `select status, blocked_reason, count(*) as n from tasks
    where project_id = ? and session_id = ? and (cast(? as text) is null or executor <> ?) group by status, blocked_reason`;
  const byStatus = { pending: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  const byBlockedReason: Record<string, number> = {};
  for (const row of yield* rows(sql, context.projectId, sessionId, besides, besides)) {
    byStatus[text(row.status) as TaskStatus] += integer(row.n);
    if (row.blocked_reason !== null) byBlockedReason[text(row.blocked_reason)] = integer(row.n);
  }
  return { byStatus, byBlockedReason };
}

/** The counts of several sessions, in their order. Without groups, as `status` counts. */
export const countSessions = defineRead(
  "count-sessions",
  function* (context, input: { readonly sessionIds: readonly SessionId[] }): Command<readonly SessionCounts[]> {
    const counts: SessionCounts[] = [];
    for (const sessionId of input.sessionIds) counts.push(yield* countTasks(context, sessionId, GROUP_EXECUTOR));
    return counts;
  },
);
