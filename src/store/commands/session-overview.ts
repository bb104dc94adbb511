/** Where a session stands, in one consistent read: counts, progress, ETA, what runs, what is next, what is blocked. */

import type { Millis } from "../../base/clock.ts";
import type { ExecutionId, SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { executionPercent } from "../../domain/progress-rules.ts";
import type { Progress, ReportedProgress } from "../../domain/progress.ts";
import type { Session } from "../../domain/session.ts";
import type { BlockedReason, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, text, textOrNull } from "../entity-rows.ts";
import { loadValue } from "../values.ts";
import type { HeldBack } from "./held-back.ts";
import { heldBackBy, openHeldBackBook } from "./held-back.ts";
import { loadSession, sessionRow } from "./session-rows.ts";
import { countProgress } from "./session-progress.ts";
import { countCompletedSteps } from "./task-queries.ts";

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
  /** Who holds it, as registered; `null` when nobody knows that worker any more. */
  readonly holder: Holder | null;
}

export interface Holder {
  readonly host: string;
  /** `null` for an agent or person who holds it without a process of ours. */
  readonly pid: number | null;
  readonly startToken: string | null;
  readonly leaseExpiresAt: Millis;
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
  readonly next: readonly (TaskLine & { readonly heldBack: HeldBack | null })[];
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
    const parts = yield* runningTasks(context, input);
    const running = parts.map(({ kind: _kind, weight: _weight, ...task }) => task);
    const { counts, progress } = yield* countProgress(context, {
      session,
      running: parts,
      concurrency: input.concurrency,
    });
    return {
      session,
      counts,
      progress,
      running,
      next: yield* nextTasks(context, input),
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

function* nextTasks(context: CommandContext, input: GetOverview): Command<SessionOverview["next"]> {
  const found = yield* linesOf(context, input, {
    where: "t.status = 'pending'",
    order: "t.priority desc, t.run_at, t.seq",
  });
  if (found.length === 0) return [];
  const book = yield* openHeldBackBook(context);
  const next: SessionOverview["next"][number][] = [];
  for (const row of found) next.push({ ...rowToLine(row), heldBack: yield* heldBackBy(context, book, row) });
  return next;
}

/** Those someone has to do something about come before those that only wait for others. */
const BLOCKED_FIRST = "t.blocked_reason = 'dependencies', t.seq";
const LINE_COLUMNS =
  "t.id as id, t.key as key, t.title as title, t.executor as executor, t.priority as priority, t.run_at as run_at, t.kind as kind";

function* linesOf(
  context: CommandContext,
  input: GetOverview,
  { where, order }: { readonly where: string; readonly order: string },
): Command<readonly Row[]> {
  const sql = `select ${LINE_COLUMNS}, t.blocked_reason as blocked_reason, t.blocked_note as blocked_note, t.execution_id as execution_id,
      t.status as status, t.held as held, t.labels as labels, t.limit_key as limit_key,
      t.limit_concurrency as limit_concurrency, t.limit_rate_count as limit_rate_count, t.limit_rate_ms as limit_rate_ms
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
): Command<readonly (RunningTask & { readonly kind: string; readonly weight: number })[]> {
  const sql = `select ${LINE_COLUMNS}, e.id as execution_id, e.attempt as attempt, e.started_at as started_at, e.progress as progress,
      e.worker_id as worker_id, t.weight as weight, w.host as host, w.pid as pid, w.start_token as start_token,
      w.lease_expires_at as lease_expires_at,
      (select s.name from steps s where s.project_id = e.project_id and s.execution_id = e.id order by s.position desc limit 1) as step
    from tasks t join executions e on e.project_id = t.project_id and e.id = t.execution_id
      left join workers w on w.project_id = e.project_id and w.id = e.worker_id
    where t.project_id = ? and t.session_id = ? and t.status = 'in_progress' order by e.started_at, e.seq limit 1000`;
  const running: (RunningTask & { kind: string; weight: number })[] = [];
  for (const row of yield* rows(sql, context.projectId, input.sessionId)) {
    const reported = (yield* loadValue(row.progress, "progress")) as unknown as ReportedProgress | null;
    const hasSteps = reported !== null && reported.totalSteps !== null;
    const completedSteps = hasSteps ? yield* countCompletedSteps(context, text(row.execution_id)) : 0;
    running.push({
      ...rowToLine(row),
      kind: text(row.kind),
      weight: integer(row.weight),
      executionId: asId(text(row.execution_id)),
      attempt: integer(row.attempt),
      startedAt: integer(row.started_at),
      step: textOrNull(row.step),
      percent: executionPercent({ status: "in_progress", reported, completedSteps }),
      message: reported?.message ?? null,
      workerId: textOrNull(row.worker_id),
      holder: rowToHolder(row),
    });
  }
  return running;
}

function rowToHolder(row: Row): Holder | null {
  if (row.host === null) return null;
  return {
    host: text(row.host),
    pid: integerOrNull(row.pid),
    startToken: textOrNull(row.start_token),
    leaseExpiresAt: integer(row.lease_expires_at),
  };
}
