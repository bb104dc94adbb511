/** A task with nothing said about it, and what a plan, the configuration or a command line may set for all of its tasks. */

import { DEFAULT_MAX_RETRIES, DEFAULT_RETRY_POLICY } from "../domain/retry-policy.ts";
import type { TaskDraft } from "../domain/plan-draft.ts";

/** What a task that says nothing else gets. */
export type TaskDefaults = Pick<
  TaskDraft,
  | "priority"
  | "weight"
  | "maxRetries"
  | "retry"
  | "timeoutMs"
  | "onDependencyFailure"
  | "overlap"
  | "catchUp"
  | "labels"
  | "limit"
>;

export const TASK_DEFAULTS: TaskDefaults = {
  priority: 5,
  weight: 1,
  maxRetries: DEFAULT_MAX_RETRIES,
  retry: DEFAULT_RETRY_POLICY,
  timeoutMs: null,
  onDependencyFailure: "block",
  overlap: "skip",
  catchUp: "last",
  labels: [],
  limit: null,
};

/** A pending task of no executor that needs nothing. */
export function blankTask(key: string, title: string, defaults: TaskDefaults): TaskDraft {
  return {
    key,
    title,
    description: null,
    parentKey: null,
    executor: null,
    input: null,
    needs: [],
    needsByPlace: [],
    ...defaults,
    schedule: null,
    context: {},
    status: "pending",
    completedAt: null,
    source: null,
  };
}
