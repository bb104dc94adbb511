/** Reading the change log, and rebuilding state from it. */

import type { Millis } from "../../base/clock.ts";
import type { Change } from "../../domain/change.ts";
import { asId } from "../../domain/ids.ts";
import type { SessionId, TaskId } from "../../domain/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { isJsonObject, parseStoredJson } from "../../base/json.ts";
import type { Command, Row, SqlValue } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { IN_LOG } from "../rebuild.ts";
import { tableOf } from "../tables.ts";

export interface ListChanges {
  readonly sessionId: SessionId | null;
  readonly taskId: TaskId | null;
  /** A verb (`claim`, `complete`) or an entity (`tasks`, `steps`). */
  readonly kind: string | null;
  /** Who made them: the whole of it, or what stands before its first colon (`worker` for `worker:3f2a91c0`). */
  readonly actor?: string | null;
  /** Made at that instant or later. */
  readonly since?: Millis | null;
  /** Made before that instant. */
  readonly until?: Millis | null;
  /** In the note, whatever the case. */
  readonly search?: string | null;
  /** Only changes with a greater `seq`. */
  readonly after: number | null;
  /** `newest` gives the last `limit` changes, still in ascending order. */
  readonly from: "oldest" | "newest";
  readonly limit: number;
}

/** In the order they were made. */
export const listChanges = defineRead("list-changes", function* (context, input: ListChanges): Command<
  readonly Change[]
> {
  const where = ["project_id = ?", "seq > ?"];
  const params: SqlValue[] = [context.projectId, input.after ?? 0];
  const add = (condition: string, ...values: readonly SqlValue[]): void => {
    where.push(condition);
    params.push(...values);
  };
  if (input.sessionId !== null) add("session_id = ?", input.sessionId);
  if (input.taskId !== null) add("task_id = ?", input.taskId);
  if (input.kind !== null) add("(verb = ? or entity = ?)", input.kind, input.kind);
  const { actor, since, until, search } = input;
  if (actor != null) add("(actor = ? or substr(actor, 1, ?) = ?)", actor, actor.length + 1, `${actor}:`);
  if (since != null) add("at >= ?", since);
  if (until != null) add("at < ?", until);
  if (search != null) add(String.raw`lower(note) like ? escape '\'`, `%${escapeLike(search.toLowerCase())}%`);
  const order = input.from === "newest" ? "desc" : "asc";
  const sql = `select seq, session_id, task_id, at, actor, verb, entity, row_key, before, after, note from changes
    where ${where.join(" and ")} order by seq ${order} limit ?`;
  const found = yield* rows(sql, ...params, input.limit);
  const changes = found.map(rowToChange);
  return input.from === "newest" ? changes.toReversed() : changes;
});

function escapeLike(searched: string): string {
  return searched.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
/** Of the last change; 0 when there is none. */
export const newestSeq = defineRead("newest-seq", function* (context): Command<number> {
  const row = yield* oneRow(`select max(seq) as seq from changes where ${IN_LOG}`, context.projectId);
  return integer(row?.seq ?? 0);
});

/** How many changes come after that one. */
export const countChangesAfter = defineRead(
  "count-changes-after",
  function* (context, input: { readonly seq: number }): Command<number> {
    const sql = "select count(*) as n from changes where project_id = ? and seq > ?";
    return integer((yield* oneRow(sql, context.projectId, input.seq))?.n);
  },
);

function rowToChange(row: Row): Change {
  return {
    seq: integer(row.seq),
    sessionId: row.session_id === null ? null : asId(text(row.session_id)),
    taskId: row.task_id === null ? null : asId(text(row.task_id)),
    at: integer(row.at),
    actor: text(row.actor),
    verb: text(row.verb),
    entity: text(row.entity),
    rowKey: text(row.row_key),
    before: columns(row.before, text(row.entity)),
    after: columns(row.after, text(row.entity)),
    note: textOrNull(row.note),
  };
}

/** What changes are about, by id: the words for it, as it is called now. Whatever is gone is left out. */
export interface ChangeNames {
  readonly tasks: ReadonlyMap<string, { readonly key: string | null; readonly title: string }>;
  readonly sessions: ReadonlyMap<string, string>;
  /** By the row key of the step. */
  readonly steps: ReadonlyMap<string, string>;
}

export const nameChanges = defineRead(
  "name-changes",
  function* (context, input: { readonly changes: readonly Change[] }): Command<ChangeNames> {
    const tasks = new Map<string, { readonly key: string | null; readonly title: string }>();
    const sessions = new Map<string, string>();
    const steps = new Map<string, string>();
    for (const { taskId, sessionId, entity, rowKey } of input.changes) {
      if (taskId !== null && !tasks.has(taskId)) {
        const sql = "select key, title from tasks where project_id = ? and id = ?";
        const row = yield* oneRow(sql, context.projectId, taskId);
        if (row !== null) tasks.set(taskId, { key: textOrNull(row.key), title: text(row.title) });
      }
      if ((entity === "sessions" || entity === "memory") && sessionId !== null && !sessions.has(sessionId)) {
        const sql = "select name from sessions where project_id = ? and id = ?";
        const row = yield* oneRow(sql, context.projectId, sessionId);
        if (row !== null) sessions.set(sessionId, text(row.name));
      }
      if (entity === "steps" && !steps.has(rowKey)) {
        const [executionId, position] = parseStoredJson(rowKey, "the key of a step") as [string, number];
        const sql = "select name from steps where project_id = ? and execution_id = ? and position = ?";
        const row = yield* oneRow(sql, context.projectId, executionId, position);
        if (row !== null) steps.set(rowKey, text(row.name));
      }
    }
    return { tasks, sessions, steps };
  },
);

/** The logged columns, those that hold JSON as what they hold. */
function columns(value: SqlValue | undefined, entity: string): JsonObject | null {
  if (typeof value !== "string") return null;
  const parsed = parseStoredJson(value, "the change log");
  if (!isJsonObject(parsed)) return null;
  const json = tableOf(entity)?.json ?? [];
  const opened = Object.entries(parsed).map(([column, logged]) => {
    const isValue = json.includes(column) && typeof logged === "string" && !logged.startsWith("@");
    return [column, isValue ? parseStoredJson(logged, `column ${column} in the change log`) : logged] as const;
  });
  return Object.fromEntries(opened);
}
