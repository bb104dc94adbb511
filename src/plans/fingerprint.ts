/** Tells whether two plans ask for the same, whatever is ticked in them and wherever their tasks stand. */

import { createHash } from "node:crypto";
import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import { withoutRecord } from "./progress-record.ts";

/** What a task is, apart from how far it is and which line it stands on. */
export type TaskDefinition = Omit<TaskDraft, "needsByPlace" | "status" | "completedAt" | "source">;

export function definitionOf(task: TaskDraft): TaskDefinition {
  const { needsByPlace: _byPlace, status: _status, completedAt: _completedAt, source: _source, ...definition } = task;
  return { ...definition, context: withoutRecord(task.context) };
}

/** SHA-256 in hex of the plan's definition. Ticking boxes, moving lines and renaming the file's folder do not change it. */
export function planFingerprint(draft: PlanDraft): string {
  const { goal, concurrency, tasks } = draft;
  const definition = { goal, concurrency, tasks: tasks.map(saidOf) };
  return createHash("sha256").update(canonicalJson(definition)).digest("hex");
}

/** What came later and is not said is left out, so that plans from before keep their fingerprint. */
function saidOf(task: TaskDraft): Partial<TaskDefinition> {
  const { labels, limit, ...definition } = definitionOf(task);
  return { ...definition, ...(labels.length === 0 ? {} : { labels }), ...(limit === null ? {} : { limit }) };
}

/** The same text for the same value, whatever order its keys stand in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
