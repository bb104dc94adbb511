/** An execution as JSON. */

import * as v from "valibot";

import type { Execution } from "../../domain/execution.ts";
import { EXECUTION_STATUSES } from "../../domain/execution.ts";
import { errorSchema, errorToJson } from "./error.ts";
import { toIso, toIsoOrNull } from "./times.ts";

export const executionSchema = v.object({
  id: v.string(),
  taskId: v.string(),
  taskKey: v.nullable(v.string()),
  taskTitle: v.string(),
  sessionId: v.string(),
  status: v.picklist(EXECUTION_STATUSES),
  attempt: v.number(),
  retryCount: v.number(),
  workerId: v.nullable(v.string()),
  /** The instant this occurrence of a recurring task was scheduled for. */
  scheduledFor: v.nullable(v.string()),
  /** Somebody asked it to stop at the next step boundary. */
  interruptRequested: v.boolean(),
  result: v.unknown(),
  error: v.nullable(errorSchema),
  startedAt: v.string(),
  updatedAt: v.string(),
  endedAt: v.nullable(v.string()),
});

export type ExecutionJson = v.InferInput<typeof executionSchema>;

export function executionToJson(
  execution: Execution & { readonly taskTitle: string; readonly taskKey: string | null },
): ExecutionJson {
  return {
    id: execution.id,
    taskId: execution.taskId,
    taskKey: execution.taskKey,
    taskTitle: execution.taskTitle,
    sessionId: execution.sessionId,
    status: execution.status,
    attempt: execution.attempt,
    retryCount: execution.retryCount,
    workerId: execution.workerId,
    scheduledFor: toIsoOrNull(execution.scheduledFor),
    interruptRequested: execution.isInterruptRequested,
    result: execution.result,
    error: errorToJson(execution.error),
    startedAt: toIso(execution.startedAt),
    updatedAt: toIso(execution.updatedAt),
    endedAt: toIsoOrNull(execution.endedAt),
  };
}
