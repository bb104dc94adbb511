/** The change log: who did what when. */

import * as v from "valibot";

import type { Millis } from "../base/clock.ts";
import { findDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import type { Change } from "../domain/change.ts";
import type { SessionId, TaskId } from "../domain/ids.ts";
import { listChanges, nameChanges } from "../store/commands/changes.ts";
import { getTask } from "../store/commands/task-queries.ts";
import type { ChangeJson } from "./json/change.ts";
import { changeSchema, changeToJson } from "./json/change.ts";
import { sessionReference, taskReference } from "./json/inputs.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { tableOf } from "../store/tables.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId, findTaskId } from "./references.ts";

/** Which changes: of one session, of one task, of one kind. */
export const logFilterInput = {
  session: sessionReference,
  task: v.optional(v.nullable(taskReference), null),
  /** A verb (`claim`, `complete`) or an entity (`tasks`, `steps`). */
  kind: v.optional(v.nullable(v.string()), null),
  /** Who made them: `cli`, `worker` for all workers, `worker:3f2a91c0` for one. */
  actor: v.optional(v.nullable(v.string()), null),
  /** An instant with its offset, or a duration such as `2h`: that long ago. */
  since: v.optional(v.nullable(v.string()), null),
  until: v.optional(v.nullable(v.string()), null),
  /** In the note of a change, whatever the case. */
  search: v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty("is empty"))), null),
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
  /** `nextCursor` leads to later changes, where the page is one of changes after a given one and there are more. */
  output: v.object({
    ...pageSchema(changeSchema).entries,
    /** Of the newest: whether there are older ones, which `after` leads to. */
    hasEarlier: v.boolean(),
  }),
  async run(context, input) {
    const filter = await findLogFilter(context, input);
    const after = fromCursor(input.cursor) ?? input.after;
    const from = after === null ? "newest" : "oldest";
    const found = await context.store.execute(listChanges, { ...filter, after, from, limit: input.limit + 1 });
    const hasMore = found.length > input.limit;
    const changes = from === "newest" ? found.slice(-input.limit) : found.slice(0, input.limit);
    return {
      items: await toJson(context, changes),
      nextCursor: toCursor(hasMore && from === "oldest" ? (changes.at(-1)?.seq ?? null) : null),
      hasEarlier: hasMore && from === "newest",
    };
  },
});

export interface LogFilter {
  readonly sessionId: SessionId | null;
  readonly taskId: TaskId | null;
  readonly kind: string | null;
  readonly actor?: string | null;
  readonly since?: Millis | null;
  readonly until?: Millis | null;
  readonly search?: string | null;
}

interface LogFilterInput {
  readonly session: string | null;
  readonly task: string | null;
  readonly kind: string | null;
  readonly actor: string | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly search: string | null;
}

/** @throws PerdureError `not-found` for a session or task that there is none; `invalid-input` for a time that is none. */
export async function findLogFilter(
  context: Pick<OperationContext, "store" | "clock">,
  { session, task, kind, actor, since, until, search }: LogFilterInput,
): Promise<LogFilter> {
  const now = context.clock.now();
  const filter = {
    kind: kind === null ? null : kindOf(kind),
    actor,
    since: instantOf(since, "since", now),
    until: instantOf(until, "until", now),
    search,
  };
  const sessionId = session === null ? null : await findSessionId(context, session);
  if (task === null) return { ...filter, sessionId, taskId: null };
  const taskId = await findTaskId(context, task);
  // The log is looked through by session; a task's says where its changes are.
  const found = await context.store.execute(getTask, { taskId });
  return { ...filter, sessionId: sessionId ?? found.sessionId, taskId };
}

/** People look for a checkpoint; what is logged are checkpoints. */
function kindOf(kind: string): string {
  return tableOf(`${kind}s`) === undefined ? kind : `${kind}s`;
}

function instantOf(text: string | null, name: string, now: Millis): Millis | null {
  if (text === null) return null;
  const agoMs = findDurationMs(text);
  const at = agoMs === null ? findInstant(text) : now - agoMs;
  if (at !== null) return at;
  throw new PerdureError("invalid-input", {
    message: `${name} is neither an instant nor a duration: ${JSON.stringify(text)}`,
    hint: "Write 2026-11-21T09:00:00Z, or 2h for two hours ago.",
  });
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
