/**
 * How many more tasks may start now, by every limit on them: what runs is counted, what started is in `limit_starts`.
 *
 * Whoever starts tasks looks first and locks then: `lockLimits` writes a row of `limit_starts` for each limit, in the order
 * of their ids, and counts anew. So of two claims under one limit that run side by side the second counts what the first
 * started. One that finds nothing to start writes nothing.
 */

import type { Millis } from "../../base/clock.ts";
import { parseStoredJson } from "../../base/json.ts";
import { textToLabels } from "../../domain/labels.ts";
import type { Rate, StartLog } from "../../domain/rate.ts";
import { allowanceAt, endOfLog, withStart } from "../../domain/rate.ts";
import type { AppliedLimit, LimitId, LimitRule } from "../../domain/task-limit.ts";
import { limitsOn } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { integer, rowToTaskLimit, text, textOrNull } from "../entity-rows.ts";
import { readLimitRules } from "./limit-rules.ts";

/** What one command knows of limits. Counts in it are as of when they were made, and what the command itself started is added. */
export interface LimitBook {
  readonly rules: readonly LimitRule[];
  /** Whether any task is ready that has labels or a key. */
  readonly hasLanes: boolean;
  readonly counts: Map<LimitId, Count>;
  /** What runs, by labels; counted when it is first asked for. */
  labels: ReadonlyMap<string, number> | null;
}

interface Count {
  readonly running: number;
  readonly starts: StartLog;
  readonly isLocked: boolean;
  /** Of the starts that are to be kept. */
  readonly rate: Rate | null;
}

export interface Places {
  readonly left: number;
  /** When there is one again, if the rate alone is in the way; `null` when a task has to end first. */
  readonly opensAt: Millis | null;
  readonly running: number;
}

/** Conditions, each of the project's id. */
export const HAS_RULES = "exists (select 1 from limit_rules where project_id = ?)";
export const HAS_LANES = "exists (select 1 from lanes where project_id = ?)";

/** To be asked for along with other things: of the project's id, twice. */
export const LIMIT_BOOK_COLUMNS = `case when ${HAS_RULES} then 1 else 0 end as has_rules,
  case when ${HAS_LANES} then 1 else 0 end as has_lanes`;

export function* openLimitBook(context: CommandContext): Command<LimitBook> {
  const found = yield* oneRow(`select ${LIMIT_BOOK_COLUMNS}`, context.projectId, context.projectId);
  return yield* limitBookOf(context, found);
}

/** @param found A row with `LIMIT_BOOK_COLUMNS`. */
export function* limitBookOf(context: CommandContext, found: Row | null): Command<LimitBook> {
  const rules = integer(found?.has_rules) === 1 ? yield* readLimitRules(context) : [];
  return { rules, hasLanes: integer(found?.has_lanes) === 1, counts: new Map(), labels: null };
}

export function limitsOfRow({ rules }: LimitBook, task: Row): readonly AppliedLimit[] {
  const limit = rowToTaskLimit(task);
  if (limit === null && rules.length === 0) return [];
  return limitsOn({ executor: text(task.executor), labels: textToLabels(textOrNull(task.labels)), limit }, rules);
}

export function* placesUnder(context: CommandContext, book: LimitBook, limit: AppliedLimit): Command<Places> {
  const count = book.counts.get(limit.id) ?? (yield* countUnder(context, book, limit.id));
  return placesOf(count, limit, context.now);
}

function placesOf({ running, starts }: Count, { concurrency, rate }: AppliedLimit, now: Millis): Places {
  const free = concurrency === null ? Number.POSITIVE_INFINITY : concurrency - running;
  if (free <= 0) return { left: 0, opensAt: null, running };
  const allowance = rate === null ? { left: free, opensAt: null } : allowanceAt(starts, rate, now);
  return { left: Math.min(free, allowance.left), opensAt: allowance.opensAt, running };
}

/** The least there is under several limits; of those that are full, one that a task has to end for comes first. */
export function* placesUnderAll(
  context: CommandContext,
  book: LimitBook,
  limits: readonly AppliedLimit[],
): Command<Places> {
  let least: Places = { left: Number.POSITIVE_INFINITY, opensAt: null, running: 0 };
  for (const limit of limits) {
    const places = yield* placesUnder(context, book, limit);
    if (places.left < least.left || (places.left === 0 && isOpenLater(places, least))) least = places;
  }
  return least;
}

/** The first of them that has no place left. */
export function* fullLimit(
  context: CommandContext,
  book: LimitBook,
  limits: readonly AppliedLimit[],
): Command<AppliedLimit | null> {
  for (const limit of limits) if ((yield* placesUnder(context, book, limit)).left === 0) return limit;
  return null;
}

function isOpenLater(one: Places, other: Places): boolean {
  return other.opensAt !== null && (one.opensAt === null || one.opensAt > other.opensAt);
}

function* countUnder(context: CommandContext, book: LimitBook, id: LimitId): Command<Count> {
  const starts = yield* oneRow(STARTS_SQL, context.projectId, id);
  const count = {
    running: yield* countRunning(context, book, id),
    starts: toStartLog(starts),
    isLocked: false,
    rate: null,
  };
  book.counts.set(id, count);
  return count;
}

const STARTS_SQL = "select starts from limit_starts where project_id = ? and id = ?";

function toStartLog(row: Row | null | undefined): StartLog {
  const said = text(row?.starts ?? "");
  return said === "" ? [] : (parseStoredJson(said, "The starts under a limit") as unknown as StartLog);
}

function* countRunning(context: CommandContext, book: LimitBook, id: LimitId): Command<number> {
  const [subject] = id.split(":", 1);
  const name = id.slice(id.indexOf(":") + 1);
  if (subject === "label") {
    book.labels ??= yield* countByLabels(context);
    let running = 0;
    for (const [labels, n] of book.labels) if (textToLabels(labels).includes(name)) running += n;
    return running;
  }
  const column = subject === "executor" ? "executor" : "limit_key";
  const sql = `select count(*) as n from tasks where project_id = ? and ${column} = ? and status = 'in_progress'`;
  return integer((yield* oneRow(sql, context.projectId, name))?.n);
}

function* countByLabels(context: CommandContext): Command<ReadonlyMap<string, number>> {
  const sql = `select labels, count(*) as n from tasks
    where project_id = ? and status = 'in_progress' and labels is not null group by labels`;
  const found = yield* rows(sql, context.projectId);
  return new Map(found.map((row) => [text(row.labels), integer(row.n)]));
}

const LOCK_SQL = `insert into limit_starts (project_id, id, starts, expires_at) values (?, ?, '', ?)
  on conflict (project_id, id) do update set expires_at = limit_starts.expires_at returning starts`;

/** Of the limits on these tasks. */
export function* lockLimits(context: CommandContext, book: LimitBook, tasks: readonly Row[]): Command<void> {
  const ids = new Set(tasks.flatMap((task) => limitsOfRow(book, task).map(({ id }) => id)));
  for (const id of [...ids].toSorted()) {
    if (book.counts.get(id)?.isLocked === true) continue;
    const [locked] = yield* rows(LOCK_SQL, context.projectId, id, context.now);
    book.labels = null;
    const running = yield* countRunning(context, book, id);
    book.counts.set(id, { running, starts: toStartLog(locked), isLocked: true, rate: null });
  }
}

/** Counts a task that was started, under limits that are locked. */
export function takePlaces(book: LimitBook, limits: readonly AppliedLimit[], now: Millis): void {
  book.labels = null;
  for (const { id, rate } of limits) {
    const count = book.counts.get(id);
    if (count === undefined) continue;
    const starts = rate === null ? count.starts : withStart(count.starts, rate, now);
    book.counts.set(id, { ...count, running: count.running + 1, starts, rate: rate ?? count.rate });
  }
}

/** Writes what was started down, and lets rows go that say nothing any more. */
export function* closeLimitBook(context: CommandContext, { counts }: LimitBook): Command<void> {
  for (const [id, { isLocked, starts, rate }] of counts) {
    if (!isLocked) continue;
    if (rate === null) {
      const sql = "delete from limit_starts where project_id = ? and id = ? and expires_at <= ?";
      yield* rows(sql, context.projectId, id, context.now);
      continue;
    }
    const sql = "update limit_starts set starts = ?, expires_at = ? where project_id = ? and id = ?";
    yield* rows(sql, JSON.stringify(starts), endOfLog(starts, rate), context.projectId, id);
  }
}

/** Starts that no rate counts any more. Those of limits still in use go as they are used. */
export const forgetEndedStarts = defineWrite("forget-ended-starts", function* (context): Command<number> {
  const sql = "delete from limit_starts where project_id = ? and expires_at <= ? returning id";
  return (yield* rows(sql, context.projectId, context.now)).length;
});
