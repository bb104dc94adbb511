/**
 * How far a session is, and when it will be done. Computed from sums, so that it costs the same for ten tasks as for a
 * thousand: this is what `status` waits for.
 */

import type { Millis } from "../../base/clock.ts";
import type { SessionEtaTask } from "../../domain/eta.ts";
import { completionAt, estimateRemainingMs, estimateSessionRemainingMs } from "../../domain/eta.ts";
import { weightedProgress } from "../../domain/progress-rules.ts";
import type { Milestone, Progress } from "../../domain/progress.ts";
import type { Session } from "../../domain/session.ts";
import type { TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext } from "../command.ts";
import { rows } from "../command.ts";
import { integer, integerOrNull, text } from "../entity-rows.ts";
import { recentDurations } from "./task-queries.ts";

/** What is known of a task in progress. */
export interface RunningPart {
  readonly title: string;
  readonly message: string | null;
  readonly percent: number;
  readonly weight: number;
  readonly kind: string;
  readonly startedAt: Millis;
}

export interface ProgressInput {
  readonly session: Session;
  readonly running: readonly RunningPart[];
  readonly concurrency: number;
}

export interface CountedProgress {
  /** Without groups, as the percentage is: their parts count. */
  readonly counts: Readonly<Record<TaskStatus, number>>;
  readonly progress: Progress;
}

/** By its leaves: groups are as far as what is below them. */
export function* countProgress(context: CommandContext, input: ProgressInput): Command<CountedProgress> {
  const { session, running } = input;
  const sums = yield* sumByStatus(context, session);
  const leaves = sums.filter((sum) => !sum.isGroup);
  const counts = { pending: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const { status, count } of leaves) counts[status] += count;
  const percent = weightedProgress([
    ...leaves.map(({ status, weight }) => ({
      weight: status === "in_progress" ? weight - weightOf(running) : weight,
      fraction: status === "completed" ? 1 : 0,
      countsIn: status !== "cancelled",
    })),
    ...running.map((task) => ({ weight: task.weight, fraction: task.percent / 100, countsIn: true })),
  ]);
  const counted = leaves.filter(({ status }) => status !== "cancelled");
  return {
    counts,
    progress: {
      percent,
      currentStep: countOf(leaves, "completed"),
      totalSteps: counted.reduce((sum, { count }) => sum + count, 0),
      milestones: yield* milestonesOf(context, session),
      estimatedCompletionAt: yield* estimateCompletion(context, input, leaves),
      timeElapsedMs: (session.endedAt ?? context.now) - (session.startedAt ?? session.createdAt),
      message: running[0]?.message ?? running[0]?.title ?? null,
      lastUpdatedAt: sums.reduce((latest, { updatedAt }) => Math.max(latest, updatedAt), session.updatedAt),
    },
  };
}

/** Tasks of a session in the same state. */
interface StatusSum {
  readonly status: TaskStatus;
  readonly isGroup: boolean;
  readonly count: number;
  readonly weight: number;
  /** Of those whose duration is known. */
  readonly measured: { readonly count: number; readonly totalMs: number };
  readonly updatedAt: Millis;
}

function* sumByStatus(context: CommandContext, session: Session): Command<readonly StatusSum[]> {
  const isGroup = `case when executor = '${GROUP_EXECUTOR}' then 1 else 0 end`;
  const duration = "case when status = 'completed' then completed_at - started_at end";
  const sql = `select status, ${isGroup} as is_group, count(*) as n, sum(weight) as weight,
      count(${duration}) as measured, sum(${duration}) as duration, max(updated_at) as updated_at
    from tasks where project_id = ? and session_id = ? group by status, ${isGroup}`;
  return (yield* rows(sql, context.projectId, session.id)).map((row) => ({
    status: text(row.status) as TaskStatus,
    isGroup: integer(row.is_group) === 1,
    count: integer(row.n),
    weight: integer(row.weight),
    measured: { count: integer(row.measured), totalMs: integerOrNull(row.duration) ?? 0 },
    updatedAt: integer(row.updated_at),
  }));
}

function countOf(sums: readonly StatusSum[], status: TaskStatus): number {
  return sums.find((sum) => sum.status === status)?.count ?? 0;
}

function weightOf(running: readonly RunningPart[]): number {
  return running.reduce((sum, { weight }) => sum + weight, 0);
}

/** Its outermost groups. */
function* milestonesOf(context: CommandContext, session: Session): Command<readonly Milestone[]> {
  const sql = `select title, completed_at from tasks where project_id = ? and session_id = ?
    and executor = '${GROUP_EXECUTOR}' and parent_id is null order by seq`;
  const found = yield* rows(sql, context.projectId, session.id);
  return found.map((row) => ({ name: text(row.title), reachedAt: integerOrNull(row.completed_at) }));
}

function* estimateCompletion(
  context: CommandContext,
  { session, running, concurrency }: ProgressInput,
  leaves: readonly StatusSum[],
): Command<Millis | null> {
  const waiting = countOf(leaves, "pending") + countOf(leaves, "blocked");
  if (waiting + countOf(leaves, "in_progress") === 0) return null;
  // Nobody works on it: it waits for a person, a time or a worker, and no rate says for how long.
  if (running.length === 0) return null;
  const history = new Map<string, readonly number[]>();
  const tasks: SessionEtaTask[] = [];
  for (const { status, measured } of leaves)
    if (measured.count > 0)
      tasks.push(
        ...repeat(measured.count, { status, remainingMs: null, durationMs: measured.totalMs / measured.count }),
      );
  for (const { kind, percent, startedAt } of running) {
    const historyMs = history.get(kind) ?? (yield* recentDurations(context, kind));
    history.set(kind, historyMs);
    const remainingMs = estimateRemainingMs({ percent, elapsedMs: context.now - startedAt, historyMs });
    tasks.push({ status: "in_progress", remainingMs, durationMs: median(historyMs) });
  }
  let unknown = waiting;
  for (const { kind, count } of yield* waitingKinds(context, session)) {
    const durationMs = median(history.get(kind) ?? (yield* recentDurations(context, kind)));
    tasks.push(...repeat(count, { status: "pending", remainingMs: null, durationMs }));
    unknown -= count;
  }
  tasks.push(...repeat(unknown, { status: "pending", remainingMs: null, durationMs: null }));
  return completionAt(context.now, estimateSessionRemainingMs({ tasks, concurrency }));
}

/** Beyond that many kinds of unfinished work the estimate goes by the average of those known. */
const MAX_KINDS = 30;

/** The most frequent first. */
function* waitingKinds(
  context: CommandContext,
  session: Session,
): Command<readonly { readonly kind: string; readonly count: number }[]> {
  const sql = `select kind, count(*) as n from tasks where project_id = ? and session_id = ?
    and status in ('pending', 'blocked') and executor <> '${GROUP_EXECUTOR}' group by kind order by n desc, kind limit ?`;
  const found = yield* rows(sql, context.projectId, session.id, MAX_KINDS);
  return found.map((row) => ({ kind: text(row.kind), count: integer(row.n) }));
}

function repeat(count: number, task: SessionEtaTask): readonly SessionEtaTask[] {
  return Array.from<SessionEtaTask>({ length: count }).fill(task);
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
