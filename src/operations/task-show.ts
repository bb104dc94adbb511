/** Shows one task with everything that belongs to it. */

import * as v from "valibot";

import type { TaskDetail } from "../domain/task.ts";
import { TASK_STATUSES } from "../domain/task.ts";
import { findHeldBack } from "../store/commands/held-back.ts";
import { listArtifacts } from "../store/commands/artifacts.ts";
import { listSteps } from "../store/commands/steps.ts";
import { getExecution, getTask, listDependents, listExecutions, listNeeds } from "../store/commands/task-queries.ts";
import { heldBackSchema, heldBackToJson } from "./held-back.ts";
import { artifactSchema, artifactToJson } from "./json/artifact.ts";
import { executionSchema, executionToJson } from "./json/execution.ts";
import { taskReference } from "./json/inputs.ts";
import { stepSchema, stepToJson } from "./json/step.ts";
import { taskSchema, taskToJson } from "./json/task.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";

/** A recurring task has one execution per occurrence; so many of the newest are shown. */
const MAX_EXECUTIONS = 10;

const related = v.object({
  id: v.string(),
  key: v.nullable(v.string()),
  title: v.string(),
  status: v.picklist(TASK_STATUSES),
  /** `needs` is of the plan, said or by place; `order` is for what was done between them; a parent waits for a `part`; a running task waits for its `child`. */
  kind: v.picklist(["needs", "order", "part", "child"]),
});

export const taskShow = defineOperation({
  name: "task-show",
  summary: "Shows a task with its steps, executions, artifacts and the tasks that wait for it.",
  input: v.object({ task: taskReference }),
  output: v.object({
    ...taskSchema.entries,
    /** Why it does not start although it is due; `null` when nothing holds it back. */
    heldBack: heldBackSchema,
    /** The journal of its newest execution. */
    steps: v.array(stepSchema),
    /** Newest first. */
    executions: v.array(executionSchema),
    artifactsDetail: v.array(artifactSchema),
    /** What it needs by name, `dependencies`, and what else it comes after, with what those are called and how they stand. */
    needs: v.array(related),
    dependents: v.array(related),
  }),
  async run(context, input) {
    const taskId = await findTaskId(context, input.task);
    const { store } = context;
    const task = await store.execute(getTask, { taskId });
    const executions = await executionsOf(context, task);
    const { executionId } = task;
    const [heldBack, steps, artifacts, needs, dependents] = await Promise.all([
      store.execute(findHeldBack, { taskId }),
      executionId === null ? [] : store.execute(listSteps, { executionId }),
      store.execute(listArtifacts, { taskId }),
      store.execute(listNeeds, { taskId }),
      store.execute(listDependents, { taskId }),
    ]);
    return {
      ...taskToJson(task),
      heldBack: heldBackToJson(heldBack),
      steps: steps.map(stepToJson),
      executions: executions.map((execution) =>
        executionToJson({ ...execution, taskTitle: task.title, taskKey: task.key }),
      ),
      artifactsDetail: artifacts.map((artifact) => artifactToJson(context.projectDir, artifact)),
      needs: needs.map((need) => ({ ...need })),
      dependents: dependents.map((dependent) => ({ ...dependent })),
    };
  },
});

async function executionsOf({ store }: OperationContext, { id, schedule, executionId }: TaskDetail) {
  if (executionId === null) return [];
  // One that does not recur has a single execution, which is found without looking through all there are.
  if (schedule === null) return [await store.execute(getExecution, { executionId })];
  const filter = { taskId: id, sessionId: null, before: null, limit: MAX_EXECUTIONS };
  return (await store.execute(listExecutions, filter)).executions;
}
