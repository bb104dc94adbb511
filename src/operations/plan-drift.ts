/** Where a plan's file and its session have drifted apart, leaving out what no file can say. Pure. */

import type { PlanDraft } from "../domain/plan-draft.ts";
import type { Session } from "../domain/session.ts";
import type { TaskDetail } from "../domain/task.ts";
import { COMMAND_EXECUTOR } from "../domain/task.ts";
import type { PlanDrift } from "../plans/compare.ts";
import { comparePlans } from "../plans/compare.ts";
import { withoutRecord } from "../plans/progress-record.ts";
import { storedPlan } from "./stored-plan.ts";

export interface FindDrift {
  readonly draft: PlanDraft;
  readonly stored: readonly TaskDetail[];
  readonly session: Session;
  /** Keys of completed tasks for which the file has no box. */
  readonly untickable: ReadonlySet<string>;
  /** What commands got that say nothing else. */
  readonly commandTimeoutMs: number | null;
}

export function findDrift({ draft, stored, session, untickable, commandTimeoutMs }: FindDrift): PlanDrift {
  const submitted = {
    ...draft,
    tasks: draft.tasks.map((task) => ({
      ...task,
      timeoutMs: task.timeoutMs ?? (task.executor === COMMAND_EXECUTOR ? commandTimeoutMs : null),
    })),
  };
  const inFile = new Set(draft.tasks.map((task) => task.key));
  const kept = storedPlan(session, stored);
  const current = kept.draft.tasks.flatMap(({ key, completedAt: _at, source, context, ...definition }) => {
    const task = kept.taskOf.get(key);
    // Tasks that running ones made or people added are not the file's; cancelled ones were taken out of it.
    const isOfFile = inFile.has(key) || (source !== null && task?.status !== "cancelled");
    if (task === undefined || !isOfFile) return [];
    return [{ ...definition, key, context: withoutRecord(context), status: task.status }];
  });
  const drift = comparePlans(submitted, current);
  const lists = {
    tickedOnly: drift.tickedOnly,
    completedOnly: drift.completedOnly.filter((key) => !untickable.has(key)),
    onlyInFile: drift.onlyInFile,
    onlyInStore: drift.onlyInStore,
    changed: drift.changed,
  };
  return { ...lists, isInSync: Object.values(lists).every((list) => list.length === 0) };
}

/** Whether there is something to bring from the file into the store. */
export function isStoreBehind({ tickedOnly, onlyInFile, onlyInStore, changed }: PlanDrift): boolean {
  return [tickedOnly, onlyInFile, onlyInStore, changed].some((list) => list.length > 0);
}
