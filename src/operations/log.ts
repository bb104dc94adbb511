/** The change log: who did what when. */

import * as v from "valibot";

import type { Change } from "../domain/change.ts";
import type { SessionId, TaskId } from "../domain/ids.ts";
import { listChanges, nameChanges } from "../store/commands/changes.ts";
import { getTask } from "../store/commands/task-queries.ts";
import type { ChangeJson } from "./json/change.ts";
import { changeSchema, changeToJson } from "./json/change.ts";
import { sessionReference, taskReference } from "./json/inputs.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId, findTaskId } from "./references.ts";

/** Which changes: of one session, of one task, of one kind. */
export const logFilterInput = {
  session: sessionReference,
  task: v.optional(v.nullable(taskReference), null),
  /** A verb (`claim`, `complete`) or an entity (`tasks`, `steps`). */
  kind: v.optional(v.nullable(v.string()), null),
};

export const log = defineOperation({
  name: "log",
  summary: "Shows the change log: who did what when; the newest changes, or those after a given one.",
  input: v.object({
    ...logFilterInput,
    /** Only changes after this `seq`, the oldest first. Without it the newest. Either way in the order they were made. */
    after: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))), null),
    ...pageInput,
  }),
  /** `nextCursor` leads to later changes, where the page is one of changes after a given one and full. */
  output: pageSchema(changeSchema),
  async run(context, input) {
    const filter = await findLogFilter(context, input);
    const after = fromCursor(input.cursor) ?? input.after;
    const from = after === null ? "newest" : "oldest";
    const changes = await context.store.execute(listChanges, { ...filter, after, from, limit: input.limit });
    const isFull = from === "oldest" && changes.length === input.limit;
    return {
      items: await toJson(context, changes),
      nextCursor: toCursor(isFull ? (changes.at(-1)?.seq ?? null) : null),
    };
  },
});

export interface LogFilter {
  readonly sessionId: SessionId | null;
  readonly taskId: TaskId | null;
  readonly kind: string | null;
}

/** @throws PerdureError `not-found` for a session or task that there is none. */
export async function findLogFilter(
  context: Pick<OperationContext, "store">,
  input: { readonly session: string | null; readonly task: string | null; readonly kind: string | null },
): Promise<LogFilter> {
  const { kind } = input;
  const sessionId = input.session === null ? null : await findSessionId(context, input.session);
  if (input.task === null) return { sessionId, taskId: null, kind };
  const taskId = await findTaskId(context, input.task);
  // The log is looked through by session; a task's says where its changes are.
  const task = await context.store.execute(getTask, { taskId });
  return { sessionId: sessionId ?? task.sessionId, taskId, kind };
}

/** With the words for them. */
export async function toJson(
  context: Pick<OperationContext, "store">,
  changes: readonly Change[],
): Promise<ChangeJson[]> {
  if (changes.length === 0) return [];
  const names = await context.store.execute(nameChanges, { changes });
  return changes.map((change) => changeToJson(change, names));
}
