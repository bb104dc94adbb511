/** Which tasks a worker could claim now, and when the next one comes due. Reads only. */

import type { Millis } from "../../base/clock.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { integer } from "../entity-rows.ts";
import { RECURRING_SQL } from "../schedule-column.ts";
import { columnsOf, TASKS } from "../tables.ts";

export interface ClaimScope {
  /** Only tasks of these executors, so that nothing is claimed that cannot be carried out. */
  readonly executors: readonly string[];
  /** Only of this session; `null` is any active one. */
  readonly sessionId: SessionId | null;
  readonly limit: number;
}

const SCOPE = { any: "project_id = ?", session: "project_id = ? and session_id = ?" } as const;
const READY = "executor = ? and status = 'pending' and held = 0";

function scopeOf(
  context: CommandContext,
  sessionId: SessionId | null,
): { readonly where: string; readonly params: readonly SqlValue[] } {
  return sessionId === null
    ? { where: SCOPE.any, params: [context.projectId] }
    : { where: SCOPE.session, params: [context.projectId, sessionId] };
}

/**
 * The most urgent due tasks of one executor. Goes priority by priority, so that tasks of a high priority that are not
 * due yet are never read past.
 */
export function* readyTasks(context: CommandContext, input: ClaimScope, executor: string): Command<readonly Row[]> {
  const { where, params } = scopeOf(context, input.sessionId);
  const found: Row[] = [];
  for (let below = ABOVE_ALL_PRIORITIES; found.length < input.limit;) {
    const priority = yield* nextPriority(context, { scope: input, executor, below });
    if (priority === null) break;
    below = priority;
    const due = yield* rows(
      `select project_id, ${columnsOf(TASKS)} from tasks
        where ${where} and ${READY} and priority = ? and run_at <= ? order by run_at, seq limit ${roundedLimit(input.limit - found.length)}`,
      ...params,
      executor,
      priority,
      context.now,
    );
    found.push(...due);
  }
  return found;
}

/** The highest priority below `below` at which an executor has tasks pending; a probe of an index, however many there are. */
function* nextPriority(
  context: CommandContext,
  { scope, executor, below }: { readonly scope: ClaimScope; readonly executor: string; readonly below: number },
): Command<number | null> {
  const { where, params } = scopeOf(context, scope.sessionId);
  const sql = `select priority from tasks where ${where} and ${READY} and priority < ? order by priority desc limit 1`;
  const head = yield* oneRow(sql, ...params, executor, below);
  return head === null ? null : integer(head.priority);
}

const ABOVE_ALL_PRIORITIES = 11;

/** A limit as a literal, because SQLite compiles a statement with `limit ?` anew at every use; rounded up so that few statements are cached. */
function roundedLimit(limit: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, limit)));
}

export function* nextDue(context: CommandContext, input: ClaimScope): Command<Millis | null> {
  const { where, params } = scopeOf(context, input.sessionId);
  let next: number | null = null;
  for (const executor of input.executors) {
    for (let below = ABOVE_ALL_PRIORITIES; ;) {
      const priority = yield* nextPriority(context, { scope: input, executor, below });
      if (priority === null) break;
      below = priority;
      const first = yield* oneRow(
        `select run_at from tasks where ${where} and ${READY} and priority = ? and run_at > ? order by run_at limit 1`,
        ...params,
        executor,
        priority,
        context.now,
      );
      if (first !== null) next = Math.min(next ?? Number.POSITIVE_INFINITY, integer(first.run_at));
    }
  }
  const waking = yield* oneRow(
    `select min(run_at) as run_at from tasks where project_id = ? and status = 'blocked' and blocked_reason = 'waiting' and run_at > ?`,
    context.projectId,
    context.now,
  );
  if (typeof waking?.run_at === "number" && waking.run_at < NEVER)
    next = Math.min(next ?? Number.POSITIVE_INFINITY, waking.run_at);
  return next;
}

/** `runAt` of a task that waits for a signal without a time limit: the last instant a JavaScript date can be. */
export const NEVER: Millis = 8_640_000_000_000_000;

/** Whether a task of these executors will come due that is not just the next occurrence of a recurring one. */
export function* isMoreComing(context: CommandContext, input: ClaimScope): Command<boolean> {
  const { where, params } = scopeOf(context, input.sessionId);
  for (const executor of input.executors) {
    const sql = `select id from tasks where ${where} and ${READY} and (schedule is null or not ${RECURRING_SQL}) limit 1`;
    if ((yield* oneRow(sql, ...params, executor)) !== null) return true;
  }
  const waking = `select id from tasks where ${where} and status = 'blocked' and blocked_reason = 'waiting' and run_at < ? limit 1`;
  return (yield* oneRow(waking, ...params, NEVER)) !== null;
}
