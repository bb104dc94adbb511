/** Reads one task of a Perdure plan, and the settings that a plan's `defaults` share with its tasks. */

import type { JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import type { TaskDraft } from "../domain/plan-draft.ts";
import { CATCH_UPS, OVERLAPS } from "../domain/schedule.ts";
import { DEPENDENCY_FAILURE_POLICIES } from "../domain/task.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Fields } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask, Reference } from "./finish-plan.ts";
import type { PlanNode } from "./plan-tree.ts";
import { nodeToJson } from "./plan-tree.ts";
import type { Place, Problems } from "./problems.ts";
import { instantOf, scheduleOf } from "./schedule-of.ts";
import type { KeyRegistry } from "./slug.ts";
import { slugOf } from "./slug.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { blankTask } from "./task-defaults.ts";
import { labelsOf, limitOf } from "./task-limit.ts";
import type { CommandDefaults } from "./task-work.ts";
import { WORK_KEYS, workOf } from "./task-work.ts";

export const SETTING_KEYS = [
  "priority",
  "weight",
  "retries",
  "retry",
  "timeout",
  "on_dependency_failure",
  "overlap",
  "catch_up",
  "labels",
  "limit",
] as const;

const TASK_KEYS: readonly string[] = [
  "id",
  "title",
  "description",
  ...WORK_KEYS,
  "needs",
  "parent",
  "tasks",
  ...SETTING_KEYS,
  "schedule",
  "context",
  "status",
  "completed_at",
];

const STATUSES = ["pending", "completed", "cancelled"] as const;
const NO_LIMIT_WORDS: ReadonlySet<string> = new Set(["none", "never"]);

export interface PerdureTaskContext {
  readonly problems: Problems;
  readonly defaults: TaskDefaults & CommandDefaults;
  /** Ids said so far, so that one made from a title does not take another's. */
  readonly keys: KeyRegistry;
  readonly parent: Reference | null;
}

/** Settings that are said, over the ones given. */
export function settingsOf(fields: Fields, given: TaskDefaults, problems: Problems): TaskDefaults {
  return {
    priority: fields.number("priority", { min: 1, max: 10, whole: true }) ?? given.priority,
    weight: fields.number("weight", { min: 0, max: 1_000_000, whole: false }) ?? given.weight,
    maxRetries: fields.number("retries", { min: 0, max: LIMITS.maxRetries, whole: true }) ?? given.maxRetries,
    retry: retryOf(fields, given.retry, problems),
    timeoutMs: timeoutOf(fields, given.timeoutMs),
    onDependencyFailure:
      fields.choice("on_dependency_failure", DEPENDENCY_FAILURE_POLICIES) ?? given.onDependencyFailure,
    overlap: fields.choice("overlap", OVERLAPS) ?? given.overlap,
    catchUp: fields.choice("catch_up", CATCH_UPS) ?? given.catchUp,
    labels: labelsOf(fields, given.labels, problems),
    limit: limitOf(fields, given.limit, problems),
  };
}

/** `none` takes away a limit that the defaults set. */
function timeoutOf(fields: Fields, given: number | null): number | null {
  const node = fields.node("timeout");
  if (node === null) return given;
  if (node.kind === "scalar" && NO_LIMIT_WORDS.has(node.written)) return null;
  return fields.durationMs("timeout", { min: 1 });
}

function retryOf(fields: Fields, given: RetryPolicy, problems: Problems): RetryPolicy {
  const node = fields.map("retry");
  if (node === null) return given;
  const retry = fieldsOf(node, problems, { what: "retry", known: ["backoff", "initial_delay", "max_delay", "factor"] });
  return {
    backoff: retry.choice("backoff", ["exponential", "fixed"]) ?? given.backoff,
    initialDelayMs: retry.durationMs("initial_delay", { min: 0 }) ?? given.initialDelayMs,
    factor: retry.number("factor", { min: 1, max: 100, whole: false }) ?? given.factor,
    maxDelayMs: retry.durationMs("max_delay", { min: 0 }) ?? given.maxDelayMs,
  };
}

export interface PerdureTask extends LocatedTask {
  /** `executor: null` keeps a task that has others below it from becoming a group of them. */
  readonly refusesGroup: boolean;
}

/** A task and, behind it, the tasks nested in it. */
export function perdureTasksOf(node: PlanNode, context: PerdureTaskContext): readonly PerdureTask[] {
  const { problems, defaults, keys, parent } = context;
  const fields = fieldsOf(node, problems, { what: "a task", known: TASK_KEYS });
  if (node.kind !== "map") return [];
  const key = keyOf(fields, keys, problems);
  if (key === null) return [];

  const self: Reference = { key: key.text, place: key.place };
  const nested =
    fields.list("tasks")?.items.flatMap((item) => perdureTasksOf(item, { ...context, parent: self })) ?? [];
  const work = workOf(fields, defaults, problems);
  const schedule = fields.node("schedule");
  const draft: TaskDraft = {
    ...blankTask(key.text, fields.text("title")?.text ?? key.text, settingsOf(fields, defaults, problems)),
    description: fields.text("description")?.text ?? null,
    ...work,
    schedule: schedule === null ? null : scheduleOf(schedule, problems),
    context: contextOf(fields, problems),
    status: fields.choice("status", STATUSES) ?? "pending",
    completedAt: fields.has("completed_at") ? instantOf("completed_at", fields, problems) : null,
  };
  const located: PerdureTask = {
    draft,
    place: key.place,
    needs: (fields.texts("needs") ?? []).map(({ text, place }) => ({ key: text, place })),
    parent: parentOf(fields, parent, problems),
    refusesGroup: node.entries.has("executor"),
  };
  return [located, ...nested];
}

/** Its `id`, else a slug of its title. */
function keyOf(
  fields: Fields,
  keys: KeyRegistry,
  problems: Problems,
): { readonly text: string; readonly place: Place } | null {
  const id = fields.text("id");
  if (id !== null) {
    if (id.text.trim() !== "" && !/\p{Cc}/u.test(id.text)) return id;
    problems.add(id.place, "an id is one line of text that is not empty");
    return null;
  }
  const title = fields.text("title");
  if (title !== null) return { text: keys.take(slugOf(title.text)), place: fields.place };
  problems.add(fields.place, "a task needs an id or a title");
  return null;
}

function parentOf(fields: Fields, nestedIn: Reference | null, problems: Problems): Reference | null {
  const said = fields.text("parent");
  if (said === null) return nestedIn;
  if (nestedIn !== null && nestedIn.key !== said.text) {
    problems.add(said.place, `this task stands inside "${nestedIn.key}" and names another parent`);
  }
  return { key: said.text, place: said.place };
}

function contextOf(fields: Fields, problems: Problems): JsonObject {
  const node = fields.map("context");
  const value = node === null ? null : nodeToJson(node, problems);
  return isJsonObject(value) ? value : {};
}
