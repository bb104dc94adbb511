/** Shows one execution with its journal. */

import * as v from "valibot";

import { listSteps } from "../store/commands/steps.ts";
import { getExecution, getTask, resolveExecution } from "../store/commands/task-queries.ts";
import { executionSchema, executionToJson } from "./json/execution.ts";
import { executionReference } from "./json/inputs.ts";
import { stepSchema, stepToJson } from "./json/step.ts";
import { defineOperation } from "./operation.ts";

export const executionShow = defineOperation({
  name: "execution-show",
  summary: "Shows an execution with its journal.",
  input: v.object({ execution: executionReference }),
  output: v.object({
    ...executionSchema.entries,
    /** The journal, in order. */
    steps: v.array(stepSchema),
  }),
  async run({ store }, input) {
    const executionId = await store.execute(resolveExecution, { reference: input.execution });
    const execution = await store.execute(getExecution, { executionId });
    const { title, key } = await store.execute(getTask, { taskId: execution.taskId });
    const steps = await store.execute(listSteps, { executionId });
    return {
      ...executionToJson({ ...execution, taskTitle: title, taskKey: key }),
      steps: steps.map(stepToJson),
    };
  },
});
