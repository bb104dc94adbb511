/** Reading sessions. On the start-up path of the command line, so it imports little. */

import type { SessionId } from "../../domain/ids.ts";
import type { Session, SessionStatus } from "../../domain/session.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext } from "../command.ts";
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

export interface ListSessions {
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
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions where project_id = ? and seq < ?
    and (? is null or instr(?, ' ' || status || ' ') > 0) order by seq desc limit ?`;
  const statuses = input.statuses === null ? null : ` ${input.statuses.join(" ")} `;
  const found = yield* rows(
    sql,
    context.projectId,
    input.before ?? Number.MAX_SAFE_INTEGER,
    statuses,
    statuses,
    input.limit + 1,
  );
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

export function* countTasks(context: CommandContext, sessionId: SessionId | string): Command<SessionCounts> {
  const sql =
    "select status, blocked_reason, count(*) as n from tasks where project_id = ? and session_id = ? group by status, blocked_reason";
  const byStatus = { pending: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  const byBlockedReason: Record<string, number> = {};
  for (const row of yield* rows(sql, context.projectId, sessionId)) {
    byStatus[text(row.status) as TaskStatus] += integer(row.n);
    if (row.blocked_reason !== null) byBlockedReason[text(row.blocked_reason)] = integer(row.n);
  }
  return { byStatus, byBlockedReason };
}

/** The counts of several sessions, in their order. */
export const countSessions = defineRead(
  "count-sessions",
  function* (context, input: { readonly sessionIds: readonly SessionId[] }): Command<readonly SessionCounts[]> {
    const counts: SessionCounts[] = [];
    for (const sessionId of input.sessionIds) counts.push(yield* countTasks(context, sessionId));
    return counts;
  },
);
