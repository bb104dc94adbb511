/** Changing what a task is, before it has run. */

import { PerdureError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { TaskId } from "../../domain/ids.ts";
import { textToLabels } from "../../domain/labels.ts";
import type { TaskLimit } from "../../domain/task-limit.ts";
import type { Command, Row, SqlValue } from "../command.ts";
import { defineWrite } from "../command.ts";
import { fleetColumns, rowToTaskLimit, text, textOrNull } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { nameOfTask, refuseCycleThrough } from "./dependencies.ts";
import { replaceNeeds } from "./plan-needs.ts";
import { taskRow } from "./task-rows.ts";

export interface TaskEdit {
  readonly title?: string;
  readonly description?: string | null;
  readonly priority?: number;
  readonly weight?: number;
  readonly maxRetries?: number;
  readonly timeoutMs?: number | null;
  readonly runAt?: number;
  readonly input?: Json;
  readonly kind?: string;
  readonly labels?: readonly string[];
  readonly limit?: TaskLimit | null;
  /** Keys or ids of tasks in the same session; replaces those before. */
  readonly needs?: readonly string[];
}

/** Refused with `wrong-state` for what would change work that has begun, or where it runs: only title, description, priority and weight may then. */
export const editTask = defineWrite(
  "edit-task",
  function* (context, { taskId, edit }: { readonly taskId: TaskId; readonly edit: TaskEdit }): Command<void> {
    const task = yield* taskRow(context, taskId);
    // What runs is counted by the key it was claimed under.
    const isUnderLimit = edit.limit !== undefined || edit.labels !== undefined;
    const touchesWork = edit.input !== undefined || edit.needs !== undefined || isUnderLimit;
    if (touchesWork && (task.status === "in_progress" || task.status === "completed")) {
      throw new PerdureError("wrong-state", {
        message: `Cannot change the work of task ${nameOfTask(task)}: it is ${text(task.status)}`,
        hint: "Interrupt or cancel it first, or add a new task.",
        details: { taskId, status: task.status },
      });
    }
    const patch: Record<string, SqlValue> = { updated_at: context.now };
    if (edit.title !== undefined) patch.title = edit.title;
    if (edit.description !== undefined) patch.description = edit.description;
    if (edit.priority !== undefined) patch.priority = edit.priority;
    if (edit.weight !== undefined) patch.weight = edit.weight;
    if (edit.maxRetries !== undefined) patch.max_retries = edit.maxRetries;
    if (edit.timeoutMs !== undefined) patch.timeout_ms = edit.timeoutMs;
    if (edit.runAt !== undefined) patch.run_at = edit.runAt;
    if (edit.kind !== undefined) patch.kind = edit.kind;
    if (edit.labels !== undefined || edit.limit !== undefined) Object.assign(patch, fleetPatch(task, edit));
    if (edit.input !== undefined) patch.input = yield* storeValue(edit.input, `The input of task ${nameOfTask(task)}`);
    const edited = yield* updateRow(context, TASKS, task, { verb: "edit", patch });
    if (edit.needs === undefined) return;
    yield* replaceNeeds(context, edited, { needs: edit.needs, needsByPlace: [], order: [] });
    yield* refuseCycleThrough(context, edited);
  },
);

function fleetPatch(task: Row, edit: Pick<TaskEdit, "labels" | "limit">): Readonly<Record<string, SqlValue>> {
  return fleetColumns({
    labels: edit.labels ?? textToLabels(textOrNull(task.labels)),
    limit: edit.limit === undefined ? rowToTaskLimit(task) : edit.limit,
  });
}
