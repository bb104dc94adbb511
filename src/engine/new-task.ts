/** From what a user says of a task to what the store takes: defaults applied, limits checked. */

import { createHash } from "node:crypto";

import type { Millis } from "../base/clock.ts";
import { parseDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject, toJsonText } from "../base/json.ts";
import { parseLabels } from "../domain/labels.ts";
import { LIMITS } from "../domain/limits.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import { DEFAULT_MAX_RETRIES, DEFAULT_RETRY_POLICY } from "../domain/retry-policy.ts";
import type { CatchUp, Overlap, Schedule } from "../domain/schedule.ts";
import type { DependencyFailurePolicy, TaskSource } from "../domain/task.ts";
import { COMMAND_EXECUTOR } from "../domain/task.ts";
import type { NewTask } from "../store/new-task.ts";
import type { TaskLimitInput } from "./task-limit-input.ts";
import { parseTaskLimit } from "./task-limit-input.ts";

export interface TaskSpecification {
  readonly ref: string;
  readonly key?: string | null;
  readonly parent?: string | null;
  readonly needs?: readonly string[];
  readonly needsByPlace?: readonly string[];
  readonly title: string;
  readonly description?: string | null | undefined;
  readonly executor: string;
  readonly input?: unknown;
  readonly priority?: number | undefined;
  readonly weight?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly retry?: RetryPolicy;
  /** A number is milliseconds. */
  readonly timeout?: number | string | null | undefined;
  readonly onDependencyFailure?: DependencyFailurePolicy;
  readonly schedule?: Schedule | null;
  /** The schedule's first occurrence. */
  readonly scheduledFor?: Millis | null;
  readonly runAt?: Millis | null;
  readonly overlap?: Overlap;
  readonly catchUp?: CatchUp;
  /** A worker must have all of them to run it. */
  readonly labels?: readonly string[];
  /** A text is a key, and then one task of it runs at a time. */
  readonly limit?: string | TaskLimitInput | null;
  readonly context?: JsonObject;
  readonly status?: "pending" | "completed" | "cancelled";
  readonly completedAt?: Millis | null;
  readonly source?: TaskSource | null;
}

/** @throws PerdureError `invalid-input` or `limit-reached` naming the task and what is wrong with it. */
export function toNewTask(task: TaskSpecification, now: Millis): NewTask {
  const name = task.key ?? task.title.slice(0, 60);
  requireLength(`The title of task ${JSON.stringify(name)}`, task.title, LIMITS.titleChars);
  if (task.key !== null && task.key !== undefined) requireLength("A task's key", task.key, LIMITS.keyChars);
  requireLength(`The executor of task ${name}`, task.executor, LIMITS.nameChars);
  if (Buffer.byteLength(task.description ?? "") > LIMITS.descriptionBytes) {
    throw overLimit(`The description of task ${name}`, `${LIMITS.descriptionBytes} bytes`);
  }
  requireNumber(`The priority of task ${name}`, task.priority, { min: 1, max: 10, isInteger: true });
  requireNumber(`The weight of task ${name}`, task.weight, { min: 0, max: 1e6, isInteger: false });
  requireNumber(`maxRetries of task ${name}`, task.maxRetries, { min: 0, max: LIMITS.maxRetries, isInteger: true });
  const input =
    task.input === undefined ? null : (JSON.parse(toJsonText(task.input, `The input of task ${name}`)) as Json);
  return {
    ref: task.ref,
    key: task.key ?? null,
    parent: task.parent ?? null,
    needs: task.needs ?? [],
    needsByPlace: task.needsByPlace ?? [],
    title: task.title,
    description: task.description ?? null,
    executor: task.executor,
    input,
    kind: kindOf(task.executor, input),
    priority: task.priority ?? 5,
    weight: task.weight ?? 1,
    maxRetries: task.maxRetries ?? DEFAULT_MAX_RETRIES,
    retry: task.retry ?? DEFAULT_RETRY_POLICY,
    timeoutMs:
      task.timeout === undefined || task.timeout === null
        ? null
        : parseDurationMs(task.timeout, `The timeout of task ${name}`),
    onDependencyFailure: task.onDependencyFailure ?? "block",
    schedule: task.schedule ?? null,
    overlap: task.overlap ?? "skip",
    catchUp: task.catchUp ?? "last",
    scheduledFor: task.scheduledFor ?? null,
    runAt: task.runAt ?? task.scheduledFor ?? now,
    labels: parseLabels(`The labels of task ${name}`, task.labels ?? []),
    limit: parseTaskLimit(`The limit of task ${name}`, task.limit ?? null),
    context: task.context ?? {},
    status: task.status ?? "pending",
    completedAt: task.completedAt ?? null,
    source: task.source ?? null,
  };
}

/** Tasks of one kind are expected to take alike: the same executor, and for commands the same line. */
export function kindOf(executor: string, input: Json): string {
  if (executor !== COMMAND_EXECUTOR || !isJsonObject(input)) return executor;
  return `${executor}:${createHash("sha256").update(String(input.run)).digest("hex").slice(0, 12)}`;
}

function requireLength(what: string, value: string, maxChars: number): void {
  if (value.trim().length === 0) {
    throw new PerdureError("invalid-input", { message: `${what} is empty`, hint: "Give it one." });
  }
  if (value.length > maxChars) throw overLimit(what, `${maxChars} characters`);
}

function overLimit(what: string, limit: string): PerdureError {
  return new PerdureError("limit-reached", {
    message: `${what} is over the limit of ${limit}`,
    hint: "Shorten it; put long text into the description or a file.",
  });
}

function requireNumber(
  what: string,
  value: number | undefined,
  { min, max, isInteger }: { readonly min: number; readonly max: number; readonly isInteger: boolean },
): void {
  if (value === undefined) return;
  if (value >= min && value <= max && (!isInteger || Number.isInteger(value))) return;
  throw new PerdureError("invalid-input", {
    message: `${what} is ${value}`,
    hint: `It must be ${isInteger ? "a whole number" : "a number"} from ${min} to ${max}.`,
  });
}
