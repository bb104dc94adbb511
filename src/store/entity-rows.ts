/** From rows to entities: the one place that names a column of a logged table and a field of the domain side by side. */

import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject, parseStoredJson } from "../base/json.ts";
import type { Execution, ExecutionStatus } from "../domain/execution.ts";
import { asId } from "../domain/ids.ts";
import { labelsToText, textToLabels } from "../domain/labels.ts";
import type { Message, MessageRole } from "../domain/message.ts";
import type { ReportedProgress } from "../domain/progress.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import { DEFAULT_RETRY_POLICY } from "../domain/retry-policy.ts";
import type { CatchUp, Overlap, Schedule } from "../domain/schedule.ts";
import type { Session, SessionStatus } from "../domain/session.ts";
import type { Step, StepEffect, StepKind, StepStatus } from "../domain/step.ts";
import type {
  BlockedReason,
  DependencyFailurePolicy,
  Task,
  TaskError,
  TaskSource,
  TaskStatus,
} from "../domain/task.ts";
import type { Bounds, LimitRule, LimitSubject, TaskLimit } from "../domain/task-limit.ts";
import type { Row, SqlValue } from "./command.ts";

export function rowToSession(row: Row): Session {
  return {
    id: asId(text(row.id)),
    projectId: asId(text(row.project_id)),
    name: text(row.name),
    status: text(row.status) as SessionStatus,
    goal: textOrNull(row.goal),
    agentId: textOrNull(row.agent_id),
    userId: textOrNull(row.user_id),
    originId: row.origin_id === null || row.origin_id === undefined ? null : asId(text(row.origin_id)),
    originCheckpointId:
      row.origin_checkpoint_id === null || row.origin_checkpoint_id === undefined
        ? null
        : asId(text(row.origin_checkpoint_id)),
    planFile: textOrNull(row.plan_file),
    concurrency: integerOrNull(row.concurrency),
    maxUnfinished: integer(row.max_unfinished),
    metadata: object(row.metadata, "a session's metadata"),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
    startedAt: integerOrNull(row.started_at),
    endedAt: integerOrNull(row.ended_at),
  };
}

/** Values that may be blobs (`input`, `context`) must have been loaded into the row. */
export function rowToTask(row: Row): Task {
  return {
    id: asId(text(row.id)),
    key: textOrNull(row.key),
    projectId: asId(text(row.project_id)),
    sessionId: asId(text(row.session_id)),
    parentId: row.parent_id === null ? null : asId(text(row.parent_id)),
    title: text(row.title),
    description: textOrNull(row.description),
    executor: text(row.executor),
    input: json(row.input, "a task's input"),
    kind: text(row.kind),
    status: text(row.status) as TaskStatus,
    blockedReason: textOrNull(row.blocked_reason) as BlockedReason | null,
    blockedNote: textOrNull(row.blocked_note),
    priority: integer(row.priority),
    weight: integer(row.weight),
    onDependencyFailure: text(row.on_dependency_failure) as DependencyFailurePolicy,
    context: object(row.context, "a task's context"),
    maxRetries: integer(row.max_retries),
    retry: (json(row.retry, "a task's retry policy") as unknown as RetryPolicy | null) ?? DEFAULT_RETRY_POLICY,
    timeoutMs: integerOrNull(row.timeout_ms),
    schedule: json(row.schedule, "a task's schedule") as unknown as Schedule | null,
    overlap: text(row.overlap) as Overlap,
    catchUp: text(row.catch_up) as CatchUp,
    scheduledFor: integerOrNull(row.scheduled_for),
    missedUntil: integerOrNull(row.missed_until),
    runAt: integer(row.run_at),
    labels: textToLabels(textOrNull(row.labels)),
    limit: rowToTaskLimit(row),
    executionId: row.execution_id === null ? null : asId(text(row.execution_id)),
    source: json(row.source, "a task's source") as unknown as TaskSource | null,
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
    startedAt: integerOrNull(row.started_at),
    completedAt: integerOrNull(row.completed_at),
  };
}

export function rowToTaskLimit(row: Row): TaskLimit | null {
  const key = textOrNull(row.limit_key);
  if (key === null) return null;
  return { key, ...toBounds(row.limit_concurrency, { count: row.limit_rate_count, perMs: row.limit_rate_ms }) };
}

export function rowToLimitRule(row: Row): LimitRule {
  const bounds = toBounds(row.concurrency, { count: row.rate_count, perMs: row.rate_ms });
  return { subject: text(row.subject) as LimitSubject, pattern: text(row.pattern), ...bounds };
}

function toBounds(
  concurrency: SqlValue | undefined,
  rate: { readonly count: SqlValue | undefined; readonly perMs: SqlValue | undefined },
): Bounds {
  const [count, perMs] = [integerOrNull(rate.count), integerOrNull(rate.perMs)];
  return {
    concurrency: integerOrNull(concurrency),
    rate: count === null || perMs === null ? null : { count, perMs },
  };
}

/** The columns of `rowToTaskLimit` and of a task's labels. */
export function fleetColumns({ labels, limit }: Pick<Task, "labels" | "limit">): Readonly<Record<string, SqlValue>> {
  return {
    labels: labelsToText(labels),
    limit_key: limit?.key ?? null,
    limit_concurrency: limit?.concurrency ?? null,
    limit_rate_count: limit?.rate?.count ?? null,
    limit_rate_ms: limit?.rate?.perMs ?? null,
  };
}

/** The value of `result` must have been loaded into the row. */
export function rowToExecution(row: Row): Execution {
  return {
    id: asId(text(row.id)),
    sessionId: asId(text(row.session_id)),
    taskId: asId(text(row.task_id)),
    kind: text(row.kind),
    status: text(row.status) as ExecutionStatus,
    attempt: integer(row.attempt),
    retryCount: integer(row.retry_count),
    fence: integer(row.fence),
    workerId: row.worker_id === null ? null : asId(text(row.worker_id)),
    scheduledFor: integerOrNull(row.scheduled_for),
    isInterruptRequested: row.interrupt_requested === 1,
    result: json(row.result, "an execution's result"),
    error: json(row.error, "an execution's error") as unknown as TaskError | null,
    progress: json(row.progress, "an execution's progress") as unknown as ReportedProgress | null,
    startedAt: integer(row.started_at),
    updatedAt: integer(row.updated_at),
    endedAt: integerOrNull(row.ended_at),
  };
}

/** The value of `parts` must have been loaded into the row. */
export function rowToMessage(row: Row): Message {
  const parts = json(row.parts, "a message's parts");
  return {
    sessionId: asId(text(row.session_id)),
    position: integer(row.position),
    role: text(row.role) as MessageRole,
    parts: Array.isArray(parts) ? parts : [],
    tokenCount: integer(row.token_count),
    createdAt: integer(row.created_at),
  };
}

/** The value of `result` must have been loaded into the row. */
export function rowToStep(row: Row): Step {
  return {
    executionId: asId(text(row.execution_id)),
    position: integer(row.position),
    name: text(row.name),
    kind: json(row.kind, "a step's kind") as unknown as StepKind,
    status: text(row.status) as StepStatus,
    effect: text(row.effect) as StepEffect,
    isConcurrent: row.concurrent === 1,
    isHandled: row.handled === 1,
    attempt: integer(row.attempt),
    result: json(row.result, "a step's result"),
    error: json(row.error, "a step's error") as unknown as TaskError | null,
    startedAt: integer(row.started_at),
    endedAt: integerOrNull(row.ended_at),
  };
}

export function text(value: SqlValue | undefined): string {
  return String(value);
}

export function textOrNull(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

export function integer(value: SqlValue | undefined): number {
  return Number(value);
}

export function integerOrNull(value: SqlValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function json(value: SqlValue | undefined, what: string): Json {
  return typeof value === "string" ? parseStoredJson(value, what) : null;
}

function object(value: SqlValue | undefined, what: string): JsonObject {
  const parsed = json(value, what);
  return isJsonObject(parsed) ? parsed : {};
}
