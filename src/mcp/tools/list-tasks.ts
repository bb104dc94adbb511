/** `list_all_tasks` */

import * as v from "valibot";

import { TASK_STATUSES } from "../../domain/task.ts";
import { runOperation } from "../../operations/operation.ts";
import { taskList } from "../../operations/task-list.ts";
import { ANSWER_LIMITS, countFitting } from "../answer-limits.ts";
import { taskLine, taskRowSchema, toTaskRow } from "../task-words.ts";
import { answer, defineTool, READS } from "../tool.ts";

export const listAllTasks = defineTool({
  name: "list_all_tasks",
  description:
    "Lists tasks in order of creation, smallest rows first: get_task_status tells more of one. Without session: the present one; `*` is all.",
  annotations: READS,
  input: v.strictObject({
    status: v.optional(v.array(v.picklist(TASK_STATUSES))),
    search: v.optional(v.string()),
    session: v.optional(v.string()),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 20),
    cursor: v.optional(v.pipe(v.string(), v.description("next_cursor of the page before"))),
  }),
  output: v.object({
    tasks: v.array(taskRowSchema),
    next_cursor: v.nullable(v.string()),
  }),
  beforeProject: { tasks: [], next_cursor: null },
  async run(context, { status, search, session, limit, cursor }) {
    const read = (most: number) =>
      runOperation(taskList, context, {
        input: {
          all: session === "*",
          session: session === "*" ? null : (session ?? null),
          search: search ?? null,
          cursor: cursor ?? null,
          limit: most,
          ...(status === undefined || status.length === 0 ? {} : { status }),
        },
      });
    const whole = await read(limit);
    const fitting = await countFitting(
      whole.items.map((task) => JSON.stringify(toTaskRow(task))),
      ANSWER_LIMITS.pageTokens,
    );
    // Read again where the page was too much, so that its cursor is that of the last row told.
    const page = fitting < whole.items.length ? await read(fitting) : whole;
    const lines = page.items.map(taskLine);
    if (lines.length === 0) lines.push(cursor === undefined ? "There are no such tasks." : "There are no more.");
    if (page.nextCursor !== null) lines.push(`There are more: cursor ${page.nextCursor}`);
    return answer({ tasks: page.items.map(toTaskRow), next_cursor: page.nextCursor }, lines.join("\n"));
  },
});
