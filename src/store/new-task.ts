/** A task as it is handed to the store, with every default applied. */

import type { Millis } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { CatchUp, Overlap, Schedule } from "../domain/schedule.ts";
import type { DependencyFailurePolicy, TaskSource } from "../domain/task.ts";
import type { TaskLimit } from "../domain/task-limit.ts";

export interface NewTask {
  /** Names it for the other tasks of the same call. */
  readonly ref: string;
  readonly key: string | null;
  /** A `ref` of the same call, else the key or id of a task in the session. */
  readonly parent: string | null;
  /** Each a `ref` of the same call, else the key or id of a task in the session. */
  readonly needs: readonly string[];
  /** Those of `needs` that follow from the place of the task in its plan (`done-out-of-turn.ts`). */
  readonly needsByPlace: readonly string[];
  readonly title: string;
  readonly description: string | null;
  readonly executor: string;
  readonly input: Json;
  readonly kind: string;
  readonly priority: number;
  readonly weight: number;
  readonly maxRetries: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  readonly onDependencyFailure: DependencyFailurePolicy;
  readonly schedule: Schedule | null;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  /** The first occurrence; `null` without a schedule. */
  readonly scheduledFor: Millis | null;
  /** `null` is at once. */
  readonly runAt: Millis | null;
  /** Of a worker that may run it, in order, each once. */
  readonly labels: readonly string[];
  readonly limit: TaskLimit | null;
  readonly context: JsonObject;
  readonly status: "pending" | "completed" | "cancelled";
  readonly completedAt: Millis | null;
  readonly source: TaskSource | null;
}
