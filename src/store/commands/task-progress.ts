/** Progress that is reported from outside a worker: by the person or agent who claimed a task, or by what a command started. */

import { PerdureError } from "../../base/errors.ts";
import type { TaskId } from "../../domain/ids.ts";
import { applyProgressUpdate } from "../../domain/progress-rules.ts";
import type { ProgressStatement, ReportedProgress } from "../../domain/progress.ts";
import type { Command } from "../command.ts";
import { defineWrite, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { EXECUTIONS } from "../tables.ts";
import { loadValue } from "../values.ts";
import { nameOfTask } from "./dependencies.ts";
import { executionRow, taskRow } from "./task-rows.ts";

export interface ReportTaskProgress {
  readonly taskId: TaskId;
  readonly statement: ProgressStatement;
  /** By how much the lease of whoever claimed the task by hand is extended. */
  readonly leaseMs: number;
}

/** Adds a statement to what was reported so far. Refused with `wrong-state` unless the task is in progress. */
export const reportTaskProgress = defineWrite(
  "report-task-progress",
  function* (context, input: ReportTaskProgress): Command<void> {
    const task = yield* taskRow(context, input.taskId);
    if (task.status !== "in_progress") {
      throw new PerdureError("wrong-state", {
        message: `Task ${nameOfTask(task)} is ${text(task.status)}; only one in progress reports progress`,
        hint: "Claim it first: `perdure task start`.",
        details: { taskId: input.taskId, status: task.status },
      });
    }
    const execution = yield* executionRow(context, text(task.execution_id));
    const before = (yield* loadValue(execution.progress, "progress")) as unknown as ReportedProgress | null;
    const progress = JSON.stringify(applyProgressUpdate(before, input.statement, context.now));
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "progress",
      patch: { progress, updated_at: context.now },
    });
    yield* rows(
      "update workers set lease_expires_at = ? where project_id = ? and id = ? and by_hand = 1",
      context.now + input.leaseMs,
      context.projectId,
      execution.worker_id ?? null,
    );
  },
);
