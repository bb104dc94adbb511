/** A change as JSON, with the line that says it in words. */

import * as v from "valibot";

import type { Change } from "../../domain/change.ts";
import type { ChangeNames } from "../../store/commands/changes.ts";
import { describeChange } from "../change-text.ts";
import { toIso } from "./times.ts";

const columns = v.nullable(v.record(v.string(), v.unknown()));

export const changeSchema = v.object({
  seq: v.number(),
  at: v.string(),
  actor: v.string(),
  verb: v.string(),
  /** The table. */
  entity: v.string(),
  /** The row in it. */
  rowKey: v.string(),
  sessionId: v.nullable(v.string()),
  taskId: v.nullable(v.string()),
  taskKey: v.nullable(v.string()),
  taskTitle: v.nullable(v.string()),
  /** The changed columns as they were; `null` for a new row. */
  before: columns,
  /** The changed columns as they became; `null` for a deleted row. */
  after: columns,
  note: v.nullable(v.string()),
  /** The change in one line, for people. */
  summary: v.string(),
  /** Says only what another change of the same act says better. */
  minor: v.boolean(),
});

export type ChangeJson = v.InferInput<typeof changeSchema>;

export function changeToJson(change: Change, names: ChangeNames): ChangeJson {
  const task = change.taskId === null ? undefined : names.tasks.get(change.taskId);
  const { summary, isMinor } = describeChange(change, {
    task: shorten(task?.key ?? task?.title ?? change.taskId?.slice(0, 8) ?? ""),
    session: names.sessions.get(change.sessionId ?? "") ?? change.sessionId?.slice(0, 8) ?? "",
    step: names.steps.get(change.rowKey) ?? "",
  });
  return {
    seq: change.seq,
    at: toIso(change.at),
    actor: change.actor,
    verb: change.verb,
    entity: change.entity,
    rowKey: change.rowKey,
    sessionId: change.sessionId,
    taskId: change.taskId,
    taskKey: task?.key ?? null,
    taskTitle: task?.title ?? null,
    before: change.before === null ? null : { ...change.before },
    after: change.after === null ? null : { ...change.after },
    note: change.note,
    summary,
    minor: isMinor,
  };
}

function shorten(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}…` : name;
}
