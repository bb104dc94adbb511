/** Lists executions, newest first. */

import * as v from "valibot";

import { listExecutions } from "../store/commands/task-queries.ts";
import { executionSchema, executionToJson } from "./json/execution.ts";
import { sessionReference, taskReference } from "./json/inputs.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId, findTaskId } from "./references.ts";

export const executionList = defineOperation({
  name: "execution-list",
  summary: "Lists executions, newest first: of a task, of a session, or of the project.",
  input: v.object({
    task: v.optional(v.nullable(taskReference), null),
    session: sessionReference,
    ...pageInput,
  }),
  output: pageSchema(executionSchema),
  async run(context, input) {
    const { executions, next } = await context.store.execute(listExecutions, {
      taskId: input.task === null ? null : await findTaskId(context, input.task),
      sessionId: input.session === null ? null : await findSessionId(context, input.session),
      before: fromCursor(input.cursor),
      limit: input.limit,
    });
    return { items: executions.map(executionToJson), nextCursor: toCursor(next) };
  },
});
