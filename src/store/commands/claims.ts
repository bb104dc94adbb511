/** Claiming: which tasks a worker gets next, and the execution it gets for each. */

import type { Millis } from "../../base/clock.ts";
import { PerdureError } from "../../base/errors.ts";
import type { TaskId, WorkerId } from "../../domain/ids.ts";
import type { Task } from "../../domain/task.ts";
import type { AppliedLimit } from "../../domain/task-limit.ts";
import { boundsText, limitName } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { both, defineRead, defineWrite, notingReady, oneRow, patiently, rows, together } from "../command.ts";
import { integer, rowToTask, text } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { recursByText } from "../schedule-column.ts";
import { columnsOf, TASKS } from "../tables.ts";
import { withValues } from "../values.ts";
import { claimNew } from "./claim-new.ts";
import type { Claimed } from "./claim-row.ts";
import { claimRow } from "./claim-row.ts";
import { nameOfTask } from "./dependencies.ts";
import type { FullKey } from "./lanes.ts";
import { closeLanes, openLanes, settleLane } from "./lanes.ts";
import type { LimitBook } from "./limit-places.ts";
import {
  closeLimitBook,
  fullLimit,
  limitsOfRow,
  lockLimits,
  LIMIT_BOOK_COLUMNS,
  limitBookOf,
  openLimitBook,
  placesUnder,
  placesUnderAll,
  takePlaces,
} from "./limit-places.ts";
import type { ClaimScope, ReadyTasks } from "./ready-tasks.ts";
import {
  byUrgency,
  earliest,
  IS_ANY_WOKEN,
  IS_LEASED,
  IS_WAITING,
  isMoreComing,
  isMoreComingInLanes,
  nextDue,
  nextDueInLanes,
  readyTasks,
  readyUnlimited,
} from "./ready-tasks.ts";
import { executionRow, taskRow, transitionTask } from "./task-rows.ts";

export interface ClaimTasks extends ClaimScope {
  readonly workerId: WorkerId;
}

export interface ClaimResult {
  /** The worker is not registered, or its lease ran out: it has to register again before it gets anything. */
  readonly isLeaseOver: boolean;
  readonly claimed: readonly Claimed[];
  /** Occurrences of recurring tasks that came due a while ago: what is missed has to be planned (`planOccurrence`) before they are claimed. */
  readonly overdue: readonly Task[];
  /** There may be more to claim at once. */
  readonly isMoreReady: boolean;
  /** Nothing was left that is ready, not even under a limit: there will be more only once a task becomes ready or comes due. */
  readonly isExhausted: boolean;
  /** When a rate lets something start that is due now and was left out; `null` when there is no such thing. */
  readonly opensAt: Millis | null;
  /** What was due by then has been looked at; `lookAhead` tells what comes after. */
  readonly at: Millis;
  /** How many could have been claimed. */
  readonly limit: number;
}

/** A recurring task this late is planned anew before it is claimed. */
const OVERDUE_MS = 500;

/**
 * Claims the most urgent ready tasks: by priority, then `runAt`, then creation. Atomic: no task is given to two callers, and
 * no limit is exceeded.
 *
 * Of tasks without labels, key or limits it writes only those it claims. Under a limit it first writes, in the order of
 * their ids, the rows of `limit_starts` of all limits on what it is about to claim, and counts what runs after that: claims
 * under one limit follow one another. It writes the lanes of what it claims, and of keys that it finds full.
 */
export const claimTasks = patiently(
  notingReady({
    ...defineWrite("claim-tasks", claim),
    inserts: ({ limit }: ClaimTasks) => ({ executions: limit }),
  }),
);

function* claim(context: CommandContext, input: ClaimTasks): Command<ClaimResult> {
  const none = { isLeaseOver: false, isMoreReady: false, isExhausted: false, opensAt: null };
  const asked = { at: context.now, limit: input.limit };
  const allNew = yield* claimNew(context, input);
  if (allNew !== null) return { ...none, ...asked, isExhausted: true, claimed: allNew, overdue: [] };
  const { book, isLeased, isPlain, ...looked } = yield* lookAround(context, input);
  let { found } = looked;
  if (found.tasks.length > 0 && !isLeased) return { ...none, ...asked, isLeaseOver: true, claimed: [], overdue: [] };
  const round: Round = { claimed: [], overdue: [], rows: [], full: [], isShortOfPlaces: false };
  for (;;) {
    const before = round.claimed.length;
    yield* lockLimits(context, book, found.tasks);
    yield* claimEach(context, book, { ...input, found, round });
    // Where a key ran out of places among the tasks that were found, there may be others behind them.
    if (!round.isShortOfPlaces || round.claimed.length === before || round.claimed.length >= input.limit) break;
    found = yield* readyTasks(context, { ...input, limit: input.limit - round.claimed.length }, book);
  }
  yield* closeLimitBook(context, book);
  yield* settleLanes(context, book, round);
  const { claimed, overdue } = round;
  const done = { ...none, ...asked, claimed, overdue };
  if (isPlain && isAllOf(found, claimed.length)) return { ...done, isExhausted: true };
  if (claimed.length >= input.limit) return { ...done, isMoreReady: true };
  if (claimed.length > 0 && book.rules.length > 0) found = yield* readyTasks(context, { ...input, limit: 1 }, book);
  return { ...done, isMoreReady: found.isCutShort, opensAt: found.opensAt };
}

function isAllOf({ tasks, isCutShort }: ReadyTasks, claimedCount: number): boolean {
  return !isCutShort && tasks.length === claimedCount;
}

interface Surroundings {
  readonly book: LimitBook;
  readonly found: ReadyTasks;
  readonly isLeased: boolean;
  /** There are neither limits nor tasks with labels or keys, and none was woken. */
  readonly isPlain: boolean;
}

const AROUND_SQL = `select ${LIMIT_BOOK_COLUMNS},
  case when ${IS_ANY_WOKEN} then 1 else 0 end as is_any_woken, case when ${IS_LEASED} then 1 else 0 end as is_leased`;

/**
 * What there is to claim. On a server all is asked for in one round trip, as if nothing had to be woken and nothing were
 * limited; where it is otherwise, the ready tasks are asked for again.
 *
 * A claim by a worker without a lease, which nobody could take over from later, would be held for ever.
 */
function* lookAround(context: CommandContext, input: ClaimTasks): Command<Surroundings> {
  const { projectId, now } = context;
  const [around, plain] = yield* both(
    oneRow(AROUND_SQL, projectId, projectId, projectId, now, projectId, input.workerId, now),
    readyIfUnlimited(context, input),
  );
  const isAnyWoken = integer(around?.is_any_woken) === 1;
  if (isAnyWoken) yield* wakeWaiting(context);
  // What was woken may be in a lane, and there may have been none.
  const book = isAnyWoken ? yield* openLimitBook(context) : yield* limitBookOf(context, around);
  const isPlain = !isAnyWoken && book.rules.length === 0 && !book.hasLanes;
  const found = isPlain && plain !== null ? plain : yield* readyTasks(context, input, book);
  return { book, found, isPlain, isLeased: integer(around?.is_leased) === 1 };
}

/** On SQLite asking twice is dearer than asking later. */
function* readyIfUnlimited(context: CommandContext, input: ClaimTasks): Command<ReadyTasks | null> {
  return context.dialect === "postgres" ? yield* readyUnlimited(context, input) : null;
}

export interface LookAhead extends ClaimScope {
  /** What is due by then counts as looked at. */
  readonly after: Millis;
}

export interface Ahead {
  /** When the next task that was not due yet will be; `null` when there is none. */
  readonly nextDueAt: Millis | null;
  /** Whether any of those still to come is more than the next occurrence of a recurring task. */
  readonly isMoreComing: boolean;
}

/** What a worker that has claimed all it could has to wait for. */
export const lookAhead = defineRead("look-ahead", function* (context, input: LookAhead): Command<Ahead> {
  const at = { ...context, now: input.after };
  const [book, [nextDueAt, isMore]] = yield* both(openLimitBook(at), both(nextDue(at, input), isMoreComing(at, input)));
  if (!book.hasLanes) return { nextDueAt, isMoreComing: isMore };
  return {
    nextDueAt: earliest(nextDueAt, yield* nextDueInLanes(at, input)),
    isMoreComing: isMore || (yield* isMoreComingInLanes(at, input)),
  };
});

/** What one command has claimed and learnt. */
interface Round {
  readonly claimed: Claimed[];
  readonly overdue: Task[];
  /** Of what it claimed in lanes, and lanes that were out of date. */
  readonly rows: Row[];
  readonly full: FullKey[];
  isShortOfPlaces: boolean;
}

interface ClaimEach extends ClaimTasks {
  readonly found: ReadyTasks;
  readonly round: Round;
}

function* claimEach(context: CommandContext, book: LimitBook, { found, round, ...input }: ClaimEach): Command<void> {
  round.rows.push(...found.stale);
  round.full.push(...found.full);
  round.isShortOfPlaces = false;
  const chosen: Row[] = [];
  for (const row of found.tasks.toSorted(byUrgency)) {
    if (round.claimed.length + chosen.length + round.overdue.length >= input.limit) break;
    const limits = limitsOfRow(book, row);
    if ((yield* placesUnderAll(context, book, limits)).left === 0) {
      round.isShortOfPlaces = true;
      continue;
    }
    if (yield* isOverdueOccurrence(context, row)) {
      round.overdue.push(rowToTask(yield* withValues(row, ["input", "context"])));
      continue;
    }
    chosen.push(row);
    takePlaces(book, limits, context.now);
    if (isInLane(row)) round.rows.push(row);
    const ofKey = limits.find(({ id }) => id.startsWith("key:"));
    const places = ofKey === undefined ? null : yield* placesUnder(context, book, ofKey);
    if (ofKey !== undefined && places?.left === 0) round.full.push({ id: ofKey.id, places, task: row });
  }
  round.claimed.push(...(yield* together(chosen.map((row) => claimRow(context, row, input.workerId)))));
}

function isInLane(task: Row): boolean {
  return task.labels !== null || task.limit_key !== null;
}

function* settleLanes(context: CommandContext, book: LimitBook, { rows: touched, full }: Round): Command<void> {
  const lanes = new Map(touched.map((row) => [laneName(row), row]));
  for (const row of lanes.values()) yield* settleLane(context, row);
  for (const { id, places, task } of new Map(full.map((key) => [key.id, key])).values()) {
    const key = id.slice("key:".length);
    if (!(yield* closeLanes(context, key, places.opensAt))) continue;
    // A task of the key may have ended since it was counted, and opened these lanes before they were closed.
    book.counts.delete(id);
    const ofKey = limitsOfRow(book, task).find((limit) => limit.id === id);
    if (ofKey !== undefined && (yield* placesUnder(context, book, ofKey)).left > 0) yield* openLanes(context, key);
  }
}

function laneName({ session_id: sessionId, executor, labels, limit_key: key, priority }: Row): string {
  return JSON.stringify([sessionId, executor, labels ?? "", key ?? "", priority]);
}

function* isOverdueOccurrence(context: CommandContext, task: Row): Command<boolean> {
  if (!recursByText(task.schedule)) return false;
  if (context.now - integer(task.run_at) <= OVERDUE_MS) return false;
  if (task.execution_id === null) return true;
  const execution = yield* executionRow(context, text(task.execution_id));
  return execution.scheduled_for !== task.scheduled_for || execution.status === "completed";
}

/** Tasks whose wait for a signal has reached its time limit are ready. */
function* wakeWaiting(context: CommandContext): Command<void> {
  const due = yield* rows(
    `select project_id, ${columnsOf(TASKS)} from tasks
      where project_id = ? and ${IS_WAITING} and run_at <= ? order by run_at limit 100`,
    context.projectId,
    context.now,
  );
  for (const task of due) {
    yield* updateRow(context, TASKS, task, {
      verb: "unblock",
      note: "the wait reached its time limit",
      patch: { status: "pending", blocked_reason: null, blocked_note: null, waiting_on: 0, updated_at: context.now },
    });
  }
}

export interface ClaimTask {
  readonly taskId: TaskId;
  readonly workerId: WorkerId;
}

/**
 * Claims one named task for somebody who asks for it, whatever labels it requires. Refused with `wrong-state` unless it is
 * pending in an active session, and with `limit-reached` when a limit on it has no place.
 */
export const claimTask = defineWrite("claim-task", function* (context, input: ClaimTask): Command<Claimed> {
  const row = yield* taskRow(context, input.taskId);
  transitionTask(row, "claim");
  if (row.held === 1) throw sessionNotActive(row);
  const book = yield* openLimitBook(context);
  yield* lockLimits(context, book, [row]);
  const limits = limitsOfRow(book, row);
  const full = yield* fullLimit(context, book, limits);
  if (full !== null) throw noPlace(row, full);
  const claimed = yield* claimRow(context, row, input.workerId);
  takePlaces(book, limits, context.now);
  yield* closeLimitBook(context, book);
  if (isInLane(row)) yield* settleLane(context, row);
  return claimed;
});

function noPlace(task: Row, { id, concurrency, rate }: AppliedLimit): PerdureError {
  return new PerdureError("limit-reached", {
    message: `Task ${nameOfTask(task)} cannot be claimed now: ${limitName(id)} allows ${boundsText({ concurrency, rate })}`,
    hint: "Wait until a task under that limit has ended, or raise it.",
    details: { taskId: task.id, limit: id },
  });
}

function sessionNotActive(task: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Task ${nameOfTask(task)} cannot be claimed: its session is not active`,
    hint: "`perdure resume` lets its session go on.",
    details: { taskId: task.id, sessionId: task.session_id },
  });
}
