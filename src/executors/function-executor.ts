/** Makes a user's function the executor of the tasks that name it. */

import type { Json } from "../base/json.ts";
import type { InferOutput, StandardSchemaV1 } from "../base/standard-schema.ts";
import type { Executor } from "../engine/executor.ts";
import type { Run } from "../engine/run.ts";
import { parseTaskInput } from "./task-input.ts";

export interface TaskFunction<Schema extends StandardSchemaV1> {
  /** Tasks refer to it by this name. */
  readonly name: string;
  /** Any Standard Schema. Without one the function gets the input as it was submitted. */
  readonly input?: Schema | undefined;
  /** Its return value, or what that resolves to, is the task's result and must have a JSON form. */
  readonly run: (run: Run, input: InferOutput<Schema>) => unknown;
}

export function functionExecutor<Schema extends StandardSchemaV1 = StandardSchemaV1<Json>>(
  definition: TaskFunction<Schema>,
): Executor {
  const { name, input: schema, run: perform } = definition;
  return {
    name,
    async execute(run) {
      // Without a schema the compiler knows the input as Json, which a task's input is.
      const input =
        schema === undefined ? (run.task.input as InferOutput<Schema>) : await parseTaskInput(schema, run.task);
      return perform(run, input);
    },
  };
}
