/** What is left to do in one consistent read, by who could do it: why work goes on, waits or is over. */

import type { Millis } from "../../base/clock.ts";
import type { SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { textToLabels } from "../../domain/labels.ts";
import type { BlockedReason } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { AppliedLimit } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { RECURRING_SQL } from "../schedule-column.ts";
import { limitsOfRow, openLimitBook, placesUnder } from "./limit-places.ts";
import { byUrgency, NEVER, readyTasks } from "./ready-tasks.ts";
import { nameOfTask } from "./dependencies.ts";

export interface BlockedGroup {
  readonly reason: BlockedReason;
  /** Whether somebody or something gave a note with the block. */
  readonly hasNote: boolean;
  readonly count: number;
  /** Of the first of them. */
  readonly name: string;
  readonly note: string | null;
}

export interface ExecutorCount {
  readonly executor: string;
  /** Of the worker that may run them. */
  readonly labels: readonly string[];
  readonly count: number;
}

/** Ready tasks that do not start because a limit has no place left. */
export interface LimitWait {
  readonly limit: AppliedLimit;
  readonly count: number;
  /** How many run under it. */
  readonly running: number;
  /** When the next may start; `null` when one that runs has to end first. */
  readonly opensAt: Millis | null;
}

export interface QueueState {
  /** Completed, failed and cancelled. */
  readonly ended: number;
  readonly failed: number;
  /** In progress in a worker's process. */
  readonly workedOn: number;
  /** In progress because a person or an agent claimed it. */
  readonly claimedByHand: number;
  /** Due and free to be claimed, those that wait for a place under a limit among them. */
  readonly ready: readonly ExecutorCount[];
  /** The limits that have no place left and hold back most. */
  readonly limited: readonly LimitWait[];
  /** Free to be claimed once they are due: retries, sleeps, what is scheduled once. */
  readonly later: readonly ExecutorCount[];
  /** Recurring tasks whose next occurrence is not due yet. */
  readonly recurring: readonly ExecutorCount[];
  /** When the first of those two is due. */
  readonly nextDueAt: Millis | null;
  /** Blocked tasks whose wait for a signal has a time limit. */
  readonly timedWaits: number;
  /** Pending in sessions that are not active. */
  readonly held: number;
  /** Without groups, which only wait for their parts. */
  readonly blocked: readonly BlockedGroup[];
}

/** Of one session, or of the whole project. */
export const describeQueue = defineRead(
  "describe-queue",
  function* (context, input: { readonly sessionId: SessionId | null }): Command<QueueState> {
    const scope = scopeOf(context, input.sessionId);
    const ended = yield* rows(
      `select t.status as status, count(*) as n from tasks t
        where ${scope.where} and t.status in ('completed', 'failed', 'cancelled') group by t.status`,
      ...scope.params,
    );
    const pending = yield* pendingCounts(context, scope);
    const claimedByHand = yield* countClaimedByHand(scope);
    const inProgress = yield* oneRow(
      `select count(*) as n from tasks t where ${scope.where} and t.status = 'in_progress'`,
      ...scope.params,
    );
    return {
      ended: ended.reduce((sum, row) => sum + integer(row.n), 0),
      failed: integer(ended.find((row) => row.status === "failed")?.n ?? 0),
      workedOn: integer(inProgress?.n) - claimedByHand,
      claimedByHand,
      ...pending,
      limited: yield* limitWaits(context, scope),
      timedWaits: yield* countTimedWaits(scope),
      blocked: yield* blockedGroups(scope),
    };
  },
);

interface Scope {
  readonly where: string;
  readonly params: readonly SqlValue[];
}

function scopeOf(context: CommandContext, sessionId: SessionId | null): Scope {
  return sessionId === null
    ? { where: "t.project_id = ?", params: [context.projectId] }
    : { where: "t.project_id = ? and t.session_id = ?", params: [context.projectId, sessionId] };
}

type PendingCounts = Pick<QueueState, "ready" | "later" | "recurring" | "nextDueAt" | "held">;

function* pendingCounts(context: CommandContext, { where, params }: Scope): Command<PendingCounts> {
  const groups = yield* rows(
    `select t.executor as executor, t.labels as labels, t.held as held, case when t.run_at > ? then 1 else 0 end as is_later,
        case when schedule is not null and ${RECURRING_SQL} then 1 else 0 end as recurs, count(*) as n,
        min(t.run_at) as first_at
      from tasks t where ${where} and t.status = 'pending' and t.executor <> '${GROUP_EXECUTOR}' group by 1, 2, 3, 4, 5`,
    context.now,
    ...params,
  );
  const free = groups.filter((row) => row.held === 0);
  const later = free.filter((row) => row.is_later === 1);
  return {
    ready: byExecutor(free.filter((row) => row.is_later === 0)),
    later: byExecutor(later.filter((row) => row.recurs === 0)),
    recurring: byExecutor(later.filter((row) => row.recurs === 1)),
    nextDueAt: later.length === 0 ? null : Math.min(...later.map((row) => integer(row.first_at))),
    held: groups.filter((row) => row.held !== 0).reduce((sum, row) => sum + integer(row.n), 0),
  };
}

function byExecutor(groups: readonly Row[]): readonly ExecutorCount[] {
  const counts = new Map<string, ExecutorCount>();
  for (const { executor, labels, n } of groups) {
    const name = JSON.stringify([executor, labels]);
    const before = counts.get(name)?.count ?? 0;
    counts.set(name, {
      executor: text(executor),
      labels: textToLabels(textOrNull(labels)),
      count: before + integer(n),
    });
  }
  return [...counts.values()];
}

/** Of so many limits, those on most ready tasks, it is looked whether they have a place left. */
const MOST_LIMITS = 50;

function* limitWaits(context: CommandContext, { where, params }: Scope): Command<readonly LimitWait[]> {
  const book = yield* openLimitBook(context);
  if (book.rules.length === 0 && !book.hasLanes) return [];
  const groups = yield* rows(
    `select t.executor as executor, t.labels as labels, t.limit_key as limit_key, t.limit_concurrency as limit_concurrency,
        t.limit_rate_count as limit_rate_count, t.limit_rate_ms as limit_rate_ms, count(*) as n
      from tasks t where ${where} and t.status = 'pending' and t.held = 0 and t.run_at <= ?
        and t.executor <> '${GROUP_EXECUTOR}' group by 1, 2, 3, 4, 5, 6`,
    ...params,
    context.now,
  );
  const counts = new Map<string, { readonly limit: AppliedLimit; count: number }>();
  for (const group of groups) {
    for (const limit of limitsOfRow(book, group)) {
      const known = counts.get(limit.id);
      if (known === undefined) counts.set(limit.id, { limit, count: integer(group.n) });
      else known.count += integer(group.n);
    }
  }
  const waits: LimitWait[] = [];
  const most = [...counts.values()].toSorted((one, other) => other.count - one.count).slice(0, MOST_LIMITS);
  for (const { limit, count } of most) {
    const { left, running, opensAt } = yield* placesUnder(context, book, limit);
    if (left === 0) waits.push({ limit, count, running, opensAt });
  }
  return waits;
}

function* countTimedWaits({ where, params }: Scope): Command<number> {
  const sql = `select count(*) as n from tasks t
    where ${where} and t.status = 'blocked' and t.blocked_reason = 'waiting' and t.run_at < ?`;
  return integer((yield* oneRow(sql, ...params, NEVER))?.n);
}

function* countClaimedByHand({ where, params }: Scope): Command<number> {
  const sql = `select count(*) as n from tasks t
    join executions e on e.project_id = t.project_id and e.id = t.execution_id
    join workers w on w.project_id = e.project_id and w.id = e.worker_id
    where ${where} and t.status = 'in_progress' and w.by_hand = 1`;
  return integer((yield* oneRow(sql, ...params))?.n);
}

function* blockedGroups({ where, params }: Scope): Command<readonly BlockedGroup[]> {
  const groups = yield* rows(
    `select t.blocked_reason as reason, (t.blocked_note is not null) as has_note, count(*) as n, min(t.seq) as first_seq
      from tasks t where ${where} and t.status = 'blocked' and t.executor <> '${GROUP_EXECUTOR}' group by 1, 2 order by 4`,
    ...params,
  );
  const described: BlockedGroup[] = [];
  for (const group of groups) {
    const first = yield* oneRow("select key, title, blocked_note from tasks where seq = ?", integer(group.first_seq));
    described.push({
      reason: text(group.reason) as BlockedReason,
      hasNote: group.has_note === 1,
      count: integer(group.n),
      name: first === null ? "" : nameOfTask(first),
      note: textOrNull(first?.blocked_note),
    });
  }
  return described;
}

/** The most urgent task that is due, free and has a place under its limits, without claiming it; by priority, then `runAt`, then creation. */
export const findNextTask = defineRead(
  "find-next-task",
  function* (
    context,
    input: {
      readonly executors: readonly string[];
      readonly labels?: readonly string[];
      readonly sessionId: SessionId | null;
    },
  ): Command<TaskId | null> {
    const { tasks } = yield* readyTasks(context, { ...input, limit: 1 }, yield* openLimitBook(context));
    const [first] = tasks.toSorted(byUrgency);
    return first === undefined ? null : asId(text(first.id));
  },
);
