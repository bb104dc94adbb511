/** Lists tasks, page by page. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
import { TASK_STATUSES } from "../domain/task.ts";
import { listTasks } from "../store/commands/task-queries.ts";
import { priorityInput, sessionReference, taskReference } from "./json/inputs.ts";
import { listOf } from "./json/list-of.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { taskSchema, taskToJson } from "./json/task.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId, findTaskId } from "./references.ts";

export const taskList = defineOperation({
  name: "task-list",
  summary: "Lists the tasks of a session, in order of creation.",
  input: v.object({
    session: sessionReference,
    /** Of every session. */
    all: v.optional(v.boolean(), false),
    status: v.optional(listOf(TASK_STATUSES)),
    minPriority: v.optional(priorityInput),
    /** Only what is directly below this task. */
    parent: v.optional(v.nullable(taskReference), null),
    /** In title, description or key, whatever the case. */
    search: v.optional(v.nullable(v.string()), null),
    ...pageInput,
  }),
  output: pageSchema(taskSchema),
  async run(context, input) {
    const after = fromCursor(input.cursor);
    const sessionId = input.all ? null : await presentSession(context, input.session);
    if (sessionId === undefined) return { items: [], nextCursor: null };
    const { tasks, next } = await context.store.execute(listTasks, {
      sessionId,
      statuses: input.status ?? null,
      minPriority: input.minPriority ?? null,
      parentId: input.parent === null ? null : await findTaskId(context, input.parent),
      search: input.search,
      after,
      limit: input.limit,
    });
    return { items: tasks.map(taskToJson), nextCursor: toCursor(next) };
  },
});

/** `undefined` in a project that has no session yet: its list is empty. */
async function presentSession(context: OperationContext, reference: string | null): Promise<SessionId | undefined> {
  try {
    return await findSessionId(context, reference);
  } catch (error) {
    if (reference === null && isPerdureError(error, "not-found")) return undefined;
    throw error;
  }
}
