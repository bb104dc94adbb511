/** Where a session stands, in one consistent read: counts, progress, ETA, what runs, what is next, what is blocked. */

import type { Millis } from "../../base/clock.ts";
import type { ExecutionId, SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { completionAt, estimateRemainingMs, estimateSessionRemainingMs } from "../../domain/eta.ts";
import { executionPercent, weightedProgress } from "../../domain/progress-rules.ts";
import type { Progress, ReportedProgress } from "../../domain/progress.ts";
import type { Session } from "../../domain/session.ts";
import type { BlockedReason, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, text, textOrNull } from "../entity-rows.ts";
import { loadValue } from "../values.ts";
import { loadSession, sessionRow } from "./session-rows.ts";
import { countTasks } from "./session-queries.ts";
import { countCompletedSteps, recentDurations } from "./task-queries.ts";

export interface TaskLine {
  readonly taskId: TaskId;
  readonly key: string | null;
  readonly title: string;
  readonly executor: string;
  readonly priority: number;
  readonly runAt: Millis;
}

export interface RunningTask extends TaskLine {
  readonly executionId: ExecutionId;
  readonly attempt: number;
  readonly startedAt: Millis;
  /** The newest step of its journal. */
  readonly step: string | null;
  readonly percent: number;
  readonly message: string | null;
  readonly workerId: string | null;
}

export interface BlockedTask extends TaskLine {
  readonly reason: BlockedReason;
  readonly note: string | null;
}

export interface SessionOverview {
  readonly session: Session;
  readonly counts: Readonly<Record<TaskStatus, number>>;
  readonly progress: Progress;
  readonly running: readonly RunningTask[];
  readonly next: readonly TaskLine[];
  readonly blocked: readonly BlockedTask[];
  readonly failed: readonly (TaskLine & { readonly error: string | null })[];
}

export interface GetOverview {
  readonly sessionId: SessionId;
  /** Most lines of each list. */
  readonly lines: number;
  readonly concurrency: number;
}

export const getSessionOverview = defineRead(
  "get-session-overview",
  function* (context, input: GetOverview): Command<SessionOverview> {
    const session = yield* loadSession(yield* sessionRow(context, input.sessionId));
    const { byStatus } = yield* countTasks(context, input.sessionId);
    const running = yield* runningTasks(context, input);
    return {
      session,
      counts: byStatus,
      progress: yield* sessionProgress(context, { session, running, concurrency: input.concurrency }),
      running,
      next: (yield* linesOf(context, input, {
        where: "t.status = 'pending'",
        order: "t.priority desc, t.run_at, t.seq",
      })).map(rowToLine),
      blocked: (yield* linesOf(context, input, {
        where: `t.status = 'blocked' and t.executor <> '${GROUP_EXECUTOR}'`,
        order: BLOCKED_FIRST,
      })).map((row) => ({
        ...rowToLine(row),
        reason: text(row.blocked_reason) as BlockedReason,
        note: textOrNull(row.blocked_note),
      })),
      failed: yield* failedTasks(context, input),
    };
  },
);

/** Those someone has to do something about come before those that only wait for others. */
const BLOCKED_FIRST = "t.blocked_reason = 'dependencies', t.seq";
const LINE_COLUMNS =
  "t.id as id, t.key as key, t.title as title, t.executor as executor, t.priority as priority, t.run_at as run_at, t.kind as kind";

function* linesOf(
  context: CommandContext,
  input: GetOverview,
  { where, order }: { readonly where: string; readonly order: string },
): Command<readonly Row[]> {
  const sql = `select ${LINE_COLUMNS}, t.blocked_reason as blocked_reason, t.blocked_note as blocked_note, t.execution_id as execution_id
    from tasks t where t.project_id = ? and t.session_id = ? and ${where} order by ${order} limit ?`;
  return yield* rows(sql, context.projectId, input.sessionId, input.lines);
}

function rowToLine(row: Row): TaskLine {
  return {
    taskId: asId(text(row.id)),
    key: textOrNull(row.key),
    title: text(row.title),
    executor: text(row.executor),
    priority: integer(row.priority),
    runAt: integer(row.run_at),
  };
}

function* failedTasks(context: CommandContext, input: GetOverview): Command<SessionOverview["failed"]> {
  const failed: SessionOverview["failed"][number][] = [];
  for (const row of yield* linesOf(context, input, { where: "t.status = 'failed'", order: "t.seq" })) {
    const execution = yield* oneRow(
      "select error from executions where project_id = ? and id = ?",
      context.projectId,
      textOrNull(row.execution_id),
    );
    const error = (yield* loadValue(execution?.error, "a task's error")) as { readonly message?: string } | null;
    failed.push({ ...rowToLine(row), error: error?.message ?? null });
  }
  return failed;
}

function* runningTasks(
  context: CommandContext,
  input: GetOverview,
): Command<readonly (RunningTask & { readonly kind: string })[]> {
  const sql = `select ${LINE_COLUMNS}, e.id as execution_id, e.attempt as attempt, e.started_at as started_at, e.progress as progress,
      e.worker_id as worker_id,
      (select s.name from steps s where s.project_id = e.project_id and s.execution_id = e.id order by s.position desc limit 1) as step
    from tasks t join executions e on e.project_id = t.project_id and e.id = t.execution_id
    where t.project_id = ? and t.session_id = ? and t.status = 'in_progress' order by e.started_at, e.seq limit 1000`;
  const running: (RunningTask & { kind: string })[] = [];
  for (const row of yield* rows(sql, context.projectId, input.sessionId)) {
    const reported = (yield* loadValue(row.progress, "progress")) as unknown as ReportedProgress | null;
    const hasSteps = reported !== null && reported.totalSteps !== null;
    const completedSteps = hasSteps ? yield* countCompletedSteps(context, text(row.execution_id)) : 0;
    running.push({
      ...rowToLine(row),
      kind: text(row.kind),
      executionId: asId(text(row.execution_id)),
      attempt: integer(row.attempt),
      startedAt: integer(row.started_at),
      step: textOrNull(row.step),
      percent: executionPercent({ status: "in_progress", reported, completedSteps }),
      message: reported?.message ?? null,
      workerId: textOrNull(row.worker_id),
    });
  }
  return running;
}

interface ProgressInput {
  readonly session: Session;
  readonly running: readonly (RunningTask & { readonly kind: string })[];
  readonly concurrency: number;
}

/** By its leaves: parents are as far as what is below them. */
function* sessionProgress(
  context: CommandContext,
  { session, running, concurrency }: ProgressInput,
): Command<Progress> {
  const sql = `select id, key, title, parent_id, executor, status, kind, weight, started_at, completed_at, updated_at from tasks
    where project_id = ? and session_id = ?`;
  const all = yield* rows(sql, context.projectId, session.id);
  const leaves = all.filter((row) => row.executor !== GROUP_EXECUTOR);
  const runningById = new Map<string, RunningTask>(running.map((task) => [task.taskId, task]));
  const percent = weightedProgress(
    leaves.map((row) => ({
      weight: integer(row.weight),
      fraction: row.status === "completed" ? 1 : (runningById.get(text(row.id))?.percent ?? 0) / 100,
      countsIn: row.status !== "cancelled",
    })),
  );
  const counted = leaves.filter((row) => row.status !== "cancelled");
  const lastUpdatedAt = all.reduce((latest, row) => Math.max(latest, integer(row.updated_at)), session.updatedAt);
  return {
    percent,
    currentStep: counted.filter((row) => row.status === "completed").length,
    totalSteps: counted.length,
    milestones: all
      .filter((row) => row.executor === GROUP_EXECUTOR && row.parent_id === null)
      .map((row) => ({ name: text(row.title), reachedAt: integerOrNull(row.completed_at) })),
    estimatedCompletionAt: yield* estimateCompletion(context, { leaves, runningById, concurrency }),
    timeElapsedMs: (session.endedAt ?? context.now) - (session.startedAt ?? session.createdAt),
    message: running[0]?.message ?? running[0]?.title ?? null,
    lastUpdatedAt,
  };
}

function* estimateCompletion(
  context: CommandContext,
  {
    leaves,
    runningById,
    concurrency,
  }: {
    readonly leaves: readonly Row[];
    readonly runningById: ReadonlyMap<string, RunningTask>;
    readonly concurrency: number;
  },
): Command<Millis | null> {
  if (!leaves.some((row) => ["pending", "blocked", "in_progress"].includes(text(row.status)))) return null;
  const history = new Map<string, readonly number[]>();
  for (const row of leaves) {
    const kind = text(row.kind);
    const isUnfinished = row.status === "pending" || row.status === "blocked" || row.status === "in_progress";
    if (isUnfinished && !history.has(kind) && history.size < MAX_KINDS)
      history.set(kind, yield* recentDurations(context, kind));
  }
  const tasks = leaves.map((row) => {
    const running = runningById.get(text(row.id));
    const historyMs = history.get(text(row.kind)) ?? [];
    return {
      status: text(row.status) as TaskStatus,
      remainingMs:
        running === undefined
          ? null
          : estimateRemainingMs({ percent: running.percent, elapsedMs: context.now - running.startedAt, historyMs }),
      durationMs: measuredDuration(row) ?? median(historyMs),
    };
  });
  return completionAt(context.now, estimateSessionRemainingMs({ tasks, concurrency }));
}

/** Beyond that many kinds of unfinished work the estimate goes by the average of those known. */
const MAX_KINDS = 200;

function measuredDuration(row: Row): number | null {
  const startedAt = integerOrNull(row.started_at);
  const completedAt = integerOrNull(row.completed_at);
  return row.status === "completed" && startedAt !== null && completedAt !== null ? completedAt - startedAt : null;
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
