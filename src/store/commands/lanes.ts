/**
 * Lanes: ready tasks that require labels or have a key, gathered by what decides whether they may start. One with nothing to
 * start now is skipped whole, however many tasks it holds, so tasks of a key with no place left cost claims nothing.
 *
 * The table `lanes` is a hint kept by triggers, which make a lane whenever a task becomes ready, and open those of a key
 * when a task of it ends. Claims close lanes whose key is full, and set right what they find out of date.
 */

import type { Millis } from "../../base/clock.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { LimitId } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { columnsOf, TASKS } from "../tables.ts";
import type { LimitBook, Places } from "./limit-places.ts";
import { limitsOfRow, placesUnder } from "./limit-places.ts";
import { hasAllLabels, textToLabels } from "../../domain/labels.ts";

export interface LaneScope {
  readonly sessionId: SessionId | null;
  readonly executor: string;
}

interface Sql {
  readonly where: string;
  readonly params: readonly SqlValue[];
}

function scopeOf(context: CommandContext, { sessionId, executor }: LaneScope): Sql {
  return sessionId === null
    ? { where: "project_id = ? and executor = ?", params: [context.projectId, executor] }
    : { where: "project_id = ? and session_id = ? and executor = ?", params: [context.projectId, sessionId, executor] };
}

/** The sets of labels an executor's lanes require, of which the worker has all; a probe for each set there is. */
export function* labelSetsOf(
  context: CommandContext,
  scope: LaneScope,
  offered: ReadonlySet<string>,
): Command<readonly string[]> {
  const { where, params } = scopeOf(context, scope);
  const found: string[] = [];
  for (let sql = FIRST_LABELS, last: string[] = []; ;) {
    const row: Row | null = yield* oneRow(sql.replace("WHERE", where), ...params, ...last);
    if (row === null) return found;
    const labels = text(row.labels);
    if (hasAllLabels(offered, textToLabels(labels))) found.push(labels);
    sql = NEXT_LABELS;
    last = [labels];
  }
}

const FIRST_LABELS = "select labels from lanes where WHERE order by labels limit 1";
const NEXT_LABELS = "select labels from lanes where WHERE and labels > ? order by labels limit 1";

export interface LaneTasks {
  readonly tasks: readonly Row[];
  /** Keys that have no place left. */
  readonly full: readonly FullKey[];
  /** Lanes that are out of date: nothing in them is due. */
  readonly stale: readonly Row[];
  /** There were so many lanes without anything to start that not all were looked at. */
  readonly isCutShort: boolean;
}

export interface FullKey {
  readonly id: LimitId;
  readonly places: Places;
  /** One of its tasks, which says what its limit is. */
  readonly task: Row;
}

/** Lanes with nothing to start that one call looks at; what is found of them is remembered, so that the next looks further. */
const MOST_LANES = 200;
const LANE_COLUMNS = "seq, session_id, executor, labels, limit_key, priority, run_at, due_at";

/** The most urgent due tasks in the lanes of these labels, no more of a key than it has places for. */
export function* readyInLanes(
  context: CommandContext,
  book: LimitBook,
  { labels, limit, ...scope }: LaneScope & { readonly labels: string; readonly limit: number },
): Command<LaneTasks> {
  const tasks: Row[] = [];
  const full = new Map<LimitId, FullKey>();
  const stale: Row[] = [];
  let fruitless = 0;
  for (let priority = yield* nextPriority(context, scope, labels, null); priority !== null;) {
    let after: Row | null = null;
    while (tasks.length < limit) {
      const lane: Row | null = yield* nextLane(context, { ...scope, labels, priority, after, until: context.now });
      if (lane === null) break;
      after = lane;
      const found: LaneHead = yield* startable(context, book, { lane, limit: limit - tasks.length });
      tasks.push(...found.tasks);
      if (found.full !== null) full.set(found.full.id, found.full);
      if (found.isStale) stale.push(lane);
      fruitless += found.tasks.length === 0 ? 1 : 0;
      if (fruitless >= MOST_LANES) return { tasks, full: [...full.values()], stale, isCutShort: true };
    }
    if (tasks.length >= limit) break;
    priority = yield* nextPriority(context, scope, labels, priority);
  }
  return { tasks, full: [...full.values()], stale, isCutShort: false };
}

function* nextPriority(
  context: CommandContext,
  scope: LaneScope,
  labels: string,
  below: number | null,
): Command<number | null> {
  const { where, params } = scopeOf(context, scope);
  const sql = `select priority from lanes where ${where} and labels = ? and priority < ? order by priority desc limit 1`;
  const row = yield* oneRow(sql, ...params, labels, below ?? 1_000);
  return row === null ? null : integer(row.priority);
}

interface NextLane extends LaneScope {
  readonly labels: string;
  readonly priority: number;
  readonly after: Row | null;
  /** Only lanes that are due by then. */
  readonly until: Millis;
}

/** By when they are due, then as they were made; found by an index, one after another. */
function* nextLane(
  context: CommandContext,
  { labels, priority, after, until, ...scope }: NextLane,
): Command<Row | null> {
  const { where, params } = scopeOf(context, scope);
  const base = `select ${LANE_COLUMNS} from lanes where ${where} and labels = ? and priority = ?`;
  if (after === null) {
    const sql = `${base} and due_at <= ? order by due_at, seq limit 1`;
    return yield* oneRow(sql, ...params, labels, priority, until);
  }
  const [dueAt, seq] = [integer(after.due_at), integer(after.seq)];
  const sameSql = `${base} and due_at = ? and seq > ? order by seq limit 1`;
  const same = yield* oneRow(sameSql, ...params, labels, priority, dueAt, seq);
  if (same !== null) return same;
  const laterSql = `${base} and due_at > ? and due_at <= ? order by due_at, seq limit 1`;
  return yield* oneRow(laterSql, ...params, labels, priority, dueAt, until);
}

interface LaneHead {
  readonly tasks: readonly Row[];
  readonly full: FullKey | null;
  readonly isStale: boolean;
}

function* startable(
  context: CommandContext,
  book: LimitBook,
  { lane, limit }: { readonly lane: Row; readonly limit: number },
): Command<LaneHead> {
  const [head] = yield* dueTasks(context, lane, 1);
  if (head === undefined) return { tasks: [], full: null, isStale: true };
  const ofKey = limitsOfRow(book, head).find(({ id }) => id.startsWith("key:"));
  const places = ofKey === undefined ? null : yield* placesUnder(context, book, ofKey);
  if (ofKey !== undefined && places?.left === 0)
    return { tasks: [], full: { id: ofKey.id, places, task: head }, isStale: false };
  const wanted = Math.min(limit, places?.left ?? limit);
  return { tasks: wanted > 1 ? yield* dueTasks(context, lane, wanted) : [head], full: null, isStale: false };
}

const IN_LANE = `project_id = ? and session_id = ? and executor = ? and lane = ? and priority = ?
  and status = 'pending' and held = 0`;

function inLane(context: CommandContext, lane: Row): readonly SqlValue[] {
  const { session_id: sessionId, executor, labels, limit_key: key, priority } = lane;
  return [
    context.projectId,
    text(sessionId),
    text(executor),
    `${text(labels ?? "")}|${text(key ?? "")}`,
    integer(priority),
  ];
}

function* dueTasks(context: CommandContext, lane: Row, limit: number): Command<readonly Row[]> {
  // As a literal and rounded up, so that few statements are prepared and none anew at every use.
  const rounded = 2 ** Math.ceil(Math.log2(limit));
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks where ${IN_LANE} and run_at <= ? order by run_at, seq limit ${rounded}`;
  return (yield* rows(sql, ...inLane(context, lane), context.now)).slice(0, limit);
}

const LANE_KEY = "project_id = ? and session_id = ? and executor = ? and labels = ? and limit_key = ? and priority = ?";

/**
 * Makes the lane of a task, or one that was found out of date, say what is in it now. It is written first and looked at
 * then, so that a task which becomes ready at the same time is either seen here or makes the lane again after this.
 */
export function* settleLane(context: CommandContext, of: Row): Command<void> {
  const key = [
    context.projectId,
    text(of.session_id),
    text(of.executor),
    text(of.labels ?? ""),
    text(of.limit_key ?? ""),
    integer(of.priority),
  ];
  const [lane] = yield* rows(
    `update lanes set run_at = run_at where ${LANE_KEY} returning seq, run_at, due_at`,
    ...key,
  );
  if (lane === undefined) return;
  const head = yield* oneRow(
    `select run_at from tasks where ${IN_LANE} order by run_at, seq limit 1`,
    ...inLane(context, of),
  );
  if (head === null) {
    yield* rows(`delete from lanes where ${LANE_KEY}`, ...key);
    return;
  }
  const runAt = integer(head.run_at);
  const isClosed = integer(lane.due_at) > integer(lane.run_at);
  const dueAt = isClosed ? Math.max(runAt, integer(lane.due_at)) : runAt;
  if (runAt === lane.run_at && dueAt === lane.due_at) return;
  yield* rows(`update lanes set run_at = ?, due_at = ? where ${LANE_KEY}`, runAt, dueAt, ...key);
}

/** `due_at` of lanes whose key has no place until a task ends. */
export const CLOSED: Millis = 8_640_000_000_000_000;

/** Nothing in the lanes of the key is looked at until a place becomes free, or until `opensAt`. Returns whether any was open. */
export function* closeLanes(context: CommandContext, key: string, opensAt: Millis | null): Command<boolean> {
  const until = opensAt ?? CLOSED;
  const sql = `update lanes set due_at = ? where project_id = ? and limit_key = ? and limit_key <> '' and due_at < ?
    and run_at < ? returning seq`;
  return (yield* rows(sql, until, context.projectId, key, until, until)).length > 0;
}

export function* openLanes(context: CommandContext, key: string): Command<void> {
  yield* rows(
    "update lanes set due_at = run_at where project_id = ? and limit_key = ? and limit_key <> ''",
    context.projectId,
    key,
  );
}

/** When the first lane of these labels comes due that is not due yet; those that wait for a task to end have no such time. */
export function* nextLaneDue(context: CommandContext, scope: LaneScope, labels: string): Command<Millis | null> {
  const { where, params } = scopeOf(context, scope);
  let next: Millis | null = null;
  for (let priority = yield* nextPriority(context, scope, labels, null); priority !== null;) {
    const sql = `select due_at from lanes where ${where} and labels = ? and priority = ? and due_at > ? and due_at < ?
      order by due_at limit 1`;
    const row: Row | null = yield* oneRow(sql, ...params, labels, priority, context.now, CLOSED);
    if (row !== null) next = Math.min(next ?? CLOSED, integer(row.due_at));
    priority = yield* nextPriority(context, scope, labels, priority);
  }
  return next;
}

/** Whether a task in the lanes of these labels fits the condition. */
export function* hasInLanes(
  context: CommandContext,
  { labels, condition, ...scope }: LaneScope & { readonly labels: string; readonly condition: string },
): Command<boolean> {
  const sql = `select id from tasks where ${IN_LANE} and ${condition} limit 1`;
  for (let priority = yield* nextPriority(context, scope, labels, null); priority !== null;) {
    for (let after: Row | null = null; ;) {
      const lane: Row | null = yield* nextLane(context, { ...scope, labels, priority, after, until: CLOSED });
      if (lane === null) break;
      if ((yield* oneRow(sql, ...inLane(context, lane))) !== null) return true;
      after = lane;
    }
    priority = yield* nextPriority(context, scope, labels, priority);
  }
  return false;
}
