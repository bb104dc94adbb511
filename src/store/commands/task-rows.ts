/** Reading tasks and executions inside a command, by id or by what people type. */

import { assert } from "../../base/assert.ts";
import { PerdureError } from "../../base/errors.ts";
import type { ExecutionId, TaskId } from "../../domain/ids.ts";
import { transition } from "../../domain/state-machine.ts";
import type { TaskStatus, TaskVerb } from "../../domain/task.ts";
import { taskMachine } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { both, oneRow } from "../command.ts";
import { text } from "../entity-rows.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";
import { nameOfTask } from "./dependencies.ts";

const TASK_SQL = `select project_id, ${columnsOf(TASKS)} from tasks where project_id = ? and id = ?`;
const EXECUTION_SQL = `select project_id, ${columnsOf(EXECUTIONS)} from executions where project_id = ? and id = ?`;

export function* taskRow(context: CommandContext, id: TaskId | string): Command<Row> {
  const row = yield* oneRow(TASK_SQL, context.projectId, id);
  if (row !== null) return row;
  throw new PerdureError("not-found", {
    message: `There is no task ${id}`,
    hint: "`perdure task list` shows the tasks of the session.",
    details: { taskId: id },
  });
}

export function* executionRow(context: CommandContext, id: ExecutionId | string): Command<Row> {
  const row = yield* oneRow(EXECUTION_SQL, context.projectId, id);
  if (row !== null) return row;
  throw new PerdureError("not-found", {
    message: `There is no execution ${id}`,
    hint: "`perdure execution list` shows them.",
    details: { executionId: id },
  });
}

/** A worker's right to write for an execution: the fencing token it got when it claimed it. */
export interface Hold {
  readonly executionId: ExecutionId;
  readonly fence: number;
}

const HELD_SQL = `${EXECUTION_SQL} and fence = ? and status = 'running'`;

/**
 * The execution, if `hold` is still good: nobody claimed it since and it was not ended (INV-3).
 *
 * @throws PerdureError `lease-lost`
 */
export function* heldExecution(context: CommandContext, hold: Hold): Command<Row> {
  const row = yield* oneRow(HELD_SQL, context.projectId, hold.executionId, hold.fence);
  if (row !== null) return row;
  throw new PerdureError("lease-lost", {
    message: `Execution ${hold.executionId} is no longer held under token ${hold.fence}`,
    hint: "It was taken over, interrupted or cancelled. What the new holder records counts, not this.",
    details: { executionId: hold.executionId, fence: hold.fence },
  });
}

const HELD_TASK_SQL = `select t.project_id as project_id, ${columnsOf(TASKS, "t")}
  from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id where e.project_id = ? and e.id = ?`;

/** The same with its task. @throws PerdureError `lease-lost` */
export function* heldTask(context: CommandContext, hold: Hold): Command<readonly [execution: Row, task: Row]> {
  const [execution, task] = yield* both(
    heldExecution(context, hold),
    oneRow(HELD_TASK_SQL, context.projectId, hold.executionId),
  );
  assert(task !== null, "an execution is of a task");
  return [execution, task];
}

/** The status a verb leads a task's row to. @throws PerdureError `wrong-state` */
export function transitionTask(row: Row, verb: TaskVerb): TaskStatus {
  return transition(taskMachine, { name: nameOfTask(row), from: text(row.status) as TaskStatus }, verb);
}
