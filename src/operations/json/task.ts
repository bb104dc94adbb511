/** A task as JSON: the fields every interface shows. */

import * as v from "valibot";

import { rateText } from "../../domain/rate.ts";
import type { Schedule } from "../../domain/schedule.ts";
import type { TaskDetail } from "../../domain/task.ts";
import { BLOCKED_REASONS, TASK_STATUSES } from "../../domain/task.ts";
import { errorSchema, errorToJson } from "./error.ts";
import { progressSchema, progressToJson } from "./progress.ts";
import { toDueIso, toIso, toIsoOrNull } from "./times.ts";

export const taskSchema = v.object({
  id: v.string(),
  key: v.nullable(v.string()),
  projectId: v.string(),
  sessionId: v.string(),
  parentId: v.nullable(v.string()),
  title: v.string(),
  description: v.nullable(v.string()),
  executor: v.string(),
  input: v.unknown(),
  status: v.picklist(TASK_STATUSES),
  blockedReason: v.nullable(v.picklist(BLOCKED_REASONS)),
  blockedNote: v.nullable(v.string()),
  priority: v.number(),
  weight: v.number(),
  dependencies: v.array(v.string()),
  onDependencyFailure: v.string(),
  context: v.record(v.string(), v.unknown()),
  artifacts: v.array(v.string()),
  progress: progressSchema,
  result: v.unknown(),
  lastError: v.nullable(errorSchema),
  retryCount: v.number(),
  maxRetries: v.number(),
  timeoutMs: v.nullable(v.number()),
  schedule: v.nullable(v.record(v.string(), v.unknown())),
  /** Not claimed before; `null` while it waits for someone without a time limit. */
  runAt: v.nullable(v.string()),
  /** A worker must have all of them to run it. */
  labels: v.array(v.string()),
  /** What it shares with other tasks of the same key; `rate` is such as `100/1m`. */
  limit: v.nullable(v.object({ key: v.string(), concurrency: v.nullable(v.number()), rate: v.nullable(v.string()) })),
  executionId: v.nullable(v.string()),
  createdAt: v.string(),
  updatedAt: v.string(),
  startedAt: v.nullable(v.string()),
  completedAt: v.nullable(v.string()),
});

export type TaskJson = v.InferInput<typeof taskSchema>;

export function taskToJson(task: TaskDetail): TaskJson {
  return {
    id: task.id,
    key: task.key,
    projectId: task.projectId,
    sessionId: task.sessionId,
    parentId: task.parentId,
    title: task.title,
    description: task.description,
    executor: task.executor,
    input: task.input,
    status: task.status,
    blockedReason: task.blockedReason,
    blockedNote: task.blockedNote,
    priority: task.priority,
    weight: task.weight,
    dependencies: [...task.dependencies],
    onDependencyFailure: task.onDependencyFailure,
    context: { ...task.context },
    artifacts: [...task.artifacts],
    progress: progressToJson(task.progress),
    result: task.result,
    lastError: errorToJson(task.lastError),
    retryCount: task.retryCount,
    maxRetries: task.maxRetries,
    timeoutMs: task.timeoutMs,
    schedule: task.schedule === null ? null : scheduleToJson(task.schedule),
    runAt: toDueIso(task.runAt),
    labels: [...task.labels],
    limit: limitToJson(task.limit),
    executionId: task.executionId,
    createdAt: toIso(task.createdAt),
    updatedAt: toIso(task.updatedAt),
    startedAt: toIsoOrNull(task.startedAt),
    completedAt: toIsoOrNull(task.completedAt),
  };
}

function limitToJson(limit: TaskDetail["limit"]): TaskJson["limit"] {
  if (limit === null) return null;
  return {
    key: limit.key,
    concurrency: limit.concurrency,
    rate: limit.rate === null ? null : rateText(limit.rate),
  };
}

function scheduleToJson(schedule: Schedule): Record<string, unknown> {
  return schedule.type === "at" ? { type: "at", at: toIso(schedule.at) } : { ...schedule };
}
