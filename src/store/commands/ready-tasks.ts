/** Which tasks a worker could claim now, and when the next one comes due. Reads only. */

import type { Millis } from "../../base/clock.ts";
import type { SessionId } from "../../domain/ids.ts";
import { textToLabels } from "../../domain/labels.ts";
import { limitsOn } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { both, oneRow, rows, together } from "../command.ts";
import { integer } from "../entity-rows.ts";
import { RECURRING_SQL } from "../schedule-column.ts";
import { columnsOf, TASKS } from "../tables.ts";
import type { FullKey, LaneTasks } from "./lanes.ts";
import { hasInLanes, labelSetsOf, nextLaneDue, readyInLanes } from "./lanes.ts";
import type { LimitBook, Places } from "./limit-places.ts";
import { placesUnderAll } from "./limit-places.ts";

export interface ClaimScope {
  /** Only tasks of these executors, so that nothing is claimed that cannot be carried out. */
  readonly executors: readonly string[];
  /** What the worker offers: only tasks that require no other labels. Default: none. */
  readonly labels?: readonly string[];
  /** Only of this session; `null` is any active one. */
  readonly sessionId: SessionId | null;
  readonly limit: number;
}

const SCOPE = { any: "project_id = ?", session: "project_id = ? and session_id = ?" } as const;
/** For a signal, an instant or an approval; ready at the latest at its `run_at`. */
export const IS_WAITING = "status = 'blocked' and blocked_reason = 'waiting'";
/** Conditions: of the project's id and now; of the project's id, the worker's and now. */
export const IS_ANY_WOKEN = `exists (select 1 from tasks where project_id = ? and ${IS_WAITING} and run_at <= ?)`;
export const IS_LEASED = "exists (select 1 from workers where project_id = ? and id = ? and lease_expires_at > ?)";
/** Tasks without labels and key, which are most: those that have some are found by their lanes. */
const READY = "executor = ? and status = 'pending' and held = 0 and lane is null";

function scopeOf(
  context: CommandContext,
  sessionId: SessionId | null,
): { readonly where: string; readonly params: readonly SqlValue[] } {
  return sessionId === null
    ? { where: SCOPE.any, params: [context.projectId] }
    : { where: SCOPE.session, params: [context.projectId, sessionId] };
}

export interface ReadyTasks extends LaneTasks {
  /** When a rate lets something start that is due now and was left out; `null` when there is no such thing. */
  readonly opensAt: Millis | null;
}

/** The most urgent due tasks, `limit` of each executor and set of labels at most, and no more than their limits have places for. */
export function* readyTasks(context: CommandContext, input: ClaimScope, book: LimitBook): Command<ReadyTasks> {
  const offered = new Set(input.labels);
  const tasks: Row[] = [];
  const full: FullKey[] = [];
  const stale: Row[] = [];
  let isCutShort = false;
  let opensAt: Millis | null = null;
  if (book.rules.length === 0 && !book.hasLanes) return yield* readyUnlimited(context, input);
  for (const executor of input.executors) {
    const places = yield* placesOf(context, book, executor, "");
    if (places.left > 0) {
      const limit = Math.min(input.limit, places.left);
      tasks.push(...(yield* readyWithoutLane(context, { ...input, limit }, executor)).tasks);
    } else if (places.opensAt !== null && (yield* isAnyDue(context, input, executor))) {
      opensAt = earliest(opensAt, places.opensAt);
    }
    if (!book.hasLanes) continue;
    const scope = { sessionId: input.sessionId, executor };
    for (const labels of yield* labelSetsOf(context, scope, offered)) {
      const inLanes = yield* placesOf(context, book, executor, labels);
      if (inLanes.left === 0) {
        if (inLanes.opensAt !== null) opensAt = earliest(opensAt, inLanes.opensAt);
        continue;
      }
      const limit = Math.min(input.limit, inLanes.left);
      const found = yield* readyInLanes(context, book, { ...scope, labels, limit });
      tasks.push(...found.tasks);
      full.push(...found.full);
      stale.push(...found.stale);
      isCutShort ||= found.isCutShort;
    }
  }
  return { tasks, full, stale, isCutShort, opensAt };
}

/** The same where there are no limits and no tasks with labels or a key. */
export function* readyUnlimited(context: CommandContext, input: ClaimScope): Command<ReadyTasks> {
  // On a server one more of each priority tells whether there are more.
  const limit = context.dialect === "postgres" ? input.limit + 1 : input.limit;
  const scope = { ...input, limit };
  const found = yield* together(input.executors.map((executor) => readyWithoutLane(context, scope, executor)));
  const isCutShort = found.some((ofExecutor) => ofExecutor.isCutShort);
  return { tasks: found.flatMap(({ tasks }) => tasks), full: [], stale: [], isCutShort, opensAt: null };
}

/** A condition: no task of these executors without labels and key is due. A probe of an index for each of them and priority. */
export function noneReadySql(
  projectId: string,
  now: Millis,
  { executors, sessionId }: Pick<ClaimScope, "executors" | "sessionId">,
): { readonly sql: string; readonly params: readonly (string | number)[] } {
  const scope = sessionId === null ? SCOPE.any : SCOPE.session;
  const priorities = PRIORITIES.map((priority) => `(${priority})`).join(", ");
  const each = `not exists (select 1 from (values ${priorities}) as p(level) cross join lateral
    (select 1 from tasks where ${scope} and ${READY} and priority = p.level and run_at <= ? limit 1) as found)`;
  const own = sessionId === null ? [projectId] : [projectId, sessionId];
  return {
    sql: executors.map(() => each).join(" and "),
    params: executors.flatMap((executor) => [...own, executor, now]),
  };
}

/** By priority, then `runAt`, then creation. */
export function byUrgency(a: Row, b: Row): number {
  return (
    integer(b.priority) - integer(a.priority) ||
    integer(a.run_at) - integer(b.run_at) ||
    integer(a.seq) - integer(b.seq)
  );
}

/** Under the limits that hold for all tasks of an executor with these labels, whatever their keys. */
function* placesOf(context: CommandContext, book: LimitBook, executor: string, labels: string): Command<Places> {
  if (book.rules.length === 0) return UNLIMITED;
  const limits = limitsOn({ executor, labels: textToLabels(labels), limit: null }, book.rules);
  return yield* placesUnderAll(context, book, limits);
}

const UNLIMITED: Places = { left: Number.POSITIVE_INFINITY, opensAt: null, running: 0 };

export function earliest(one: Millis | null, other: Millis | null): Millis | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function* isAnyDue(context: CommandContext, input: ClaimScope, executor: string): Command<boolean> {
  return (yield* readyWithoutLane(context, { ...input, limit: 1 }, executor)).tasks.length > 0;
}

interface ReadyOfExecutor {
  readonly tasks: readonly Row[];
  /** There may be more than these. */
  readonly isCutShort: boolean;
}

/**
 * The most urgent due tasks of one executor. Goes priority by priority, so that tasks of a high priority that are not
 * due yet are never read past.
 */
function* readyWithoutLane(context: CommandContext, scope: ClaimScope, executor: string): Command<ReadyOfExecutor> {
  if (context.dialect === "postgres") {
    const { limit } = scope;
    const ofPriorities = yield* together(
      PRIORITIES.map((priority) => dueAt(context, { scope, executor, priority, limit })),
    );
    return { tasks: ofPriorities.flat(), isCutShort: ofPriorities.some(({ length }) => length >= limit) };
  }
  const tasks: Row[] = [];
  for (let below = ABOVE_ALL_PRIORITIES; tasks.length < scope.limit;) {
    const priority = yield* nextPriority(context, { scope, executor, below });
    if (priority === null) return { tasks, isCutShort: false };
    below = priority;
    tasks.push(...(yield* dueAt(context, { scope, executor, priority, limit: scope.limit - tasks.length })));
  }
  return { tasks, isCutShort: true };
}

interface AtPriority {
  readonly scope: ClaimScope;
  readonly executor: string;
  readonly priority: number;
}

/** The due tasks of one priority. */
function* dueAt(
  context: CommandContext,
  { scope, executor, priority, limit }: AtPriority & { readonly limit: number },
): Command<readonly Row[]> {
  const { where, params } = scopeOf(context, scope.sessionId);
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks
    where ${where} and ${READY} and priority = ? and run_at <= ? order by run_at, seq limit ${roundedLimit(limit)}`;
  return yield* rows(sql, ...params, executor, priority, context.now);
}

/** When the next of one priority comes due. */
function* nextDueAt(context: CommandContext, { scope, executor, priority }: AtPriority): Command<Millis | null> {
  const { where, params } = scopeOf(context, scope.sessionId);
  const sql = `select run_at from tasks where ${where} and ${READY} and priority = ? and run_at > ? order by run_at limit 1`;
  const first = yield* oneRow(sql, ...params, executor, priority, context.now);
  return first === null ? null : integer(first.run_at);
}

/** The highest first. On a server a statement is a round trip, so there all are asked for at once; here it is a probe of an index. */
const PRIORITIES = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

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

/** Of what needs no labels and has no key. */
export function* nextDue(context: CommandContext, input: ClaimScope): Command<Millis | null> {
  const [ofExecutors, waking] = yield* both(
    together(input.executors.map((executor) => nextDueOf(context, input, executor))),
    nextWaking(context),
  );
  return [...ofExecutors, waking].reduce(earliest, null);
}

function* nextWaking(context: CommandContext): Command<Millis | null> {
  const waking = yield* oneRow(
    `select min(run_at) as run_at from tasks where project_id = ? and ${IS_WAITING} and run_at > ?`,
    context.projectId,
    context.now,
  );
  return typeof waking?.run_at === "number" && waking.run_at < NEVER ? waking.run_at : null;
}

function* nextDueOf(context: CommandContext, scope: ClaimScope, executor: string): Command<Millis | null> {
  if (context.dialect === "postgres") {
    const each = PRIORITIES.map((priority) => nextDueAt(context, { scope, executor, priority }));
    return (yield* together(each)).reduce(earliest, null);
  }
  let next: Millis | null = null;
  for (let below = ABOVE_ALL_PRIORITIES; ;) {
    const priority = yield* nextPriority(context, { scope, executor, below });
    if (priority === null) return next;
    below = priority;
    next = earliest(next, yield* nextDueAt(context, { scope, executor, priority }));
  }
}

export function* nextDueInLanes(
  context: CommandContext,
  { sessionId, executors, labels }: ClaimScope,
): Command<Millis | null> {
  let next: Millis | null = null;
  for (const executor of executors) {
    for (const set of yield* labelSetsOf(context, { sessionId, executor }, new Set(labels)))
      next = earliest(next, yield* nextLaneDue(context, { sessionId, executor }, set));
  }
  return next;
}

/** `runAt` of a task that waits for a signal without a time limit: the last instant a JavaScript date can be. */
export const NEVER: Millis = 8_640_000_000_000_000;

const ONCE = `(schedule is null or not ${RECURRING_SQL})`;

/** Whether a task of these executors will come due that is not just the next occurrence of a recurring one. */
export function* isMoreComing(context: CommandContext, input: ClaimScope): Command<boolean> {
  const { where, params } = scopeOf(context, input.sessionId);
  const ready = `select id from tasks where ${where} and ${READY} and ${ONCE} limit 1`;
  const waking = `select id from tasks where ${where} and ${IS_WAITING} and run_at < ? limit 1`;
  const found = yield* together([
    ...input.executors.map((executor) => oneRow(ready, ...params, executor)),
    oneRow(waking, ...params, NEVER),
  ]);
  return found.some((row) => row !== null);
}

export function* isMoreComingInLanes(context: CommandContext, input: ClaimScope): Command<boolean> {
  for (const executor of input.executors) {
    const scope = { sessionId: input.sessionId, executor };
    for (const labels of yield* labelSetsOf(context, scope, new Set(input.labels)))
      if (yield* hasInLanes(context, { ...scope, labels, condition: ONCE })) return true;
  }
  return false;
}
