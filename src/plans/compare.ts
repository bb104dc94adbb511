/** Where a plan's file and what the store holds of it have drifted apart, both ways. */

import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import type { TaskStatus } from "../domain/task.ts";
import type { TaskDefinition } from "./fingerprint.ts";
import { canonicalJson, definitionOf } from "./fingerprint.ts";

/** A task as the store has it. Of its definition, only what is given is compared; needs and parent by key. */
export interface StoredPlanTask extends Partial<Omit<TaskDefinition, "key" | "title">> {
  readonly key: string | null;
  readonly title: string;
  readonly status: TaskStatus;
}

export interface PlanDrift {
  /** Ticked in the file, not completed in the store. */
  readonly tickedOnly: readonly string[];
  /** Completed in the store, not ticked in the file. */
  readonly completedOnly: readonly string[];
  readonly onlyInFile: readonly string[];
  /** By key, else by title. */
  readonly onlyInStore: readonly string[];
  readonly changed: readonly ChangedTask[];
  /** Nothing of all that. */
  readonly isInSync: boolean;
}

interface ChangedTask {
  readonly key: string;
  /** What differs, by its name in `TaskDraft`. */
  readonly fields: readonly string[];
}

export function comparePlans(draft: PlanDraft, current: readonly StoredPlanTask[]): PlanDrift {
  const stored = new Map(current.flatMap((task) => (task.key === null ? [] : [[task.key, task] as const])));
  const inFile = new Set(draft.tasks.map((task) => task.key));
  const pairs = draft.tasks.flatMap((task) => {
    const other = stored.get(task.key);
    return other === undefined ? [] : [{ task, other }];
  });
  const keysWhere = (isSuch: (task: TaskDraft, other: StoredPlanTask) => boolean): readonly string[] =>
    pairs.filter(({ task, other }) => isSuch(task, other)).map(({ task }) => task.key);

  const drift = {
    tickedOnly: keysWhere((task, other) => task.status === "completed" && other.status !== "completed"),
    completedOnly: keysWhere((task, other) => task.status !== "completed" && other.status === "completed"),
    onlyInFile: draft.tasks.filter((task) => !stored.has(task.key)).map((task) => task.key),
    onlyInStore: current
      .filter((task) => task.key === null || !inFile.has(task.key))
      .map((task) => task.key ?? task.title),
    changed: pairs
      .map(({ task, other }) => ({ key: task.key, fields: differingFields(task, other) }))
      .filter(({ fields }) => fields.length > 0),
  };
  return { ...drift, isInSync: Object.values(drift).every((list) => list.length === 0) };
}

function differingFields(task: TaskDraft, other: StoredPlanTask): readonly string[] {
  const said: Readonly<Record<string, unknown>> = { ...definitionOf(task), needs: task.needs.toSorted() };
  const { needs, ...rest } = other;
  const held: Readonly<Record<string, unknown>> = needs === undefined ? rest : { ...rest, needs: needs.toSorted() };
  return Object.keys(said).filter(
    (field) => held[field] !== undefined && canonicalJson(held[field]) !== canonicalJson(said[field]),
  );
}
