/**
 * A plan as read from a file, before it is submitted: tasks by key, with no ids and nothing stored.
 * Every format produces this and the store's `submitPlan` takes it.
 */

import type { Millis } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import type { CatchUp, Overlap, Schedule } from "./schedule.ts";
import type { DependencyFailurePolicy, TaskSource } from "./task.ts";
import type { TaskLimit } from "./task-limit.ts";

export interface PlanDraft {
  readonly name: string;
  readonly goal: string | null;
  readonly concurrency: number | null;
  /** In file order; a parent stands before its children. */
  readonly tasks: readonly TaskDraft[];
  /** What the file said that has no place in a plan; shown, never dropped silently. */
  readonly notices: readonly PlanNotice[];
}

export interface PlanNotice {
  readonly message: string;
  readonly source: TaskSource | null;
}

export interface TaskDraft {
  /** Unique in the plan. */
  readonly key: string;
  readonly title: string;
  readonly description: string | null;
  readonly parentKey: string | null;
  /** `null` when the plan names none: the submitter decides (`--executor`, else `manual`). */
  readonly executor: string | null;
  readonly input: Json;
  readonly needs: readonly string[];
  /** Those of `needs` that the file does not say: they follow from where the task stands. */
  readonly needsByPlace: readonly string[];
  readonly priority: number;
  readonly weight: number;
  readonly maxRetries: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  readonly onDependencyFailure: DependencyFailurePolicy;
  readonly schedule: Schedule | null;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  /** Of a worker that may run it. In order, each once. */
  readonly labels: readonly string[];
  readonly limit: TaskLimit | null;
  readonly context: JsonObject;
  /** `completed` for a ticked box. */
  readonly status: "pending" | "completed" | "cancelled";
  readonly completedAt: Millis | null;
  readonly source: TaskSource | null;
}
