/**
 * Forking: a session of its own as another was at a checkpoint, under new ids that remember where they came from. The
 * source is only read. What both refer to (large values, the content of artifacts) is never changed by anyone.
 */

import { assert } from "../../base/assert.ts";
import { isJsonObject, parseStoredJson } from "../../base/json.ts";
import type { CheckpointId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineWrite } from "../command.ts";
import { text } from "../entity-rows.ts";
import { insertRow } from "../rows.ts";
import type { Table } from "../tables.ts";
import { ARTIFACTS, EXECUTIONS, SESSIONS, SIGNALS, STEPS, TASKS } from "../tables.ts";
import { checkpointRow } from "./checkpoint-rows.ts";
import { historySinceCheckpoint } from "./checkpoint-soundness.ts";
import { loadSession, sessionRow } from "./session-rows.ts";
import type { SessionRows } from "./session-state.ts";
import { SESSION_TABLES, sessionRowsThen } from "./session-state.ts";
import { stoppedExecution, stoppedTask } from "./stopped-rows.ts";

export interface ForkCheckpoint {
  readonly checkpointId: CheckpointId;
  readonly name: string;
}

/**
 * Atomic. The fork is paused, whatever its source was, so that no worker begins with it before somebody says so.
 *
 * @throws PerdureError `not-found`; `store-damaged` for a damaged checkpoint, naming the newest sound one.
 */
export const forkCheckpoint = defineWrite(
  "fork-checkpoint",
  function* (context, input: ForkCheckpoint): Command<Session> {
    const checkpoint = yield* checkpointRow(context, input.checkpointId);
    const sessionId = text(checkpoint.session_id);
    const history = yield* historySinceCheckpoint(context, checkpoint);
    const state = yield* sessionRowsThen(context, { sessionId, history });
    const [source] = state.get(SESSIONS) ?? [];
    assert(source !== undefined, "a sound checkpoint is of a session that was there");
    const ids = newIds(context, state);
    const executions = new Map((state.get(EXECUTIONS) ?? []).map((row) => [text(row.id), row]));
    for (const table of SESSION_TABLES) {
      for (const row of state.get(table) ?? []) {
        const values =
          table === SESSIONS ? forkedSession(context, row, input) : copied(context, { table, row, executions });
        yield* insertRow(context, table, withNewIds(table, values, ids), FORK);
      }
    }
    return yield* loadSession(yield* sessionRow(context, idIn(ids, sessionId)));
  },
);

const FORK = { verb: "fork" } as const;

/** Of the plan it came from it keeps no file: that is the source's to tick off and to be found by. */
function forkedSession(context: CommandContext, source: Row, { checkpointId, name }: ForkCheckpoint): Row {
  return {
    ...source,
    name,
    status: "paused",
    plan_file: null,
    plan_fingerprint: null,
    created_at: context.now,
    updated_at: context.now,
    started_at: null,
    ended_at: null,
    end_told_at: null,
    origin_id: source.id ?? null,
    origin_checkpoint_id: checkpointId,
  };
}

interface Copy {
  readonly table: Table;
  readonly row: Row;
  readonly executions: ReadonlyMap<string, Row>;
}

function copied(context: CommandContext, { table, row, executions }: Copy): Row {
  if (table === EXECUTIONS) return stoppedExecution(row, context.now);
  if (table !== TASKS) return row;
  const execution = row.execution_id === null ? undefined : executions.get(text(row.execution_id));
  const stopped = stoppedTask(row, execution, context.now);
  const isUnfinished = !isTerminalTask(text(stopped.status) as TaskStatus);
  return { ...stopped, origin_id: row.id ?? null, ...(isUnfinished ? { held: 1 } : {}) };
}

/** Tables whose rows have an id of their own. */
const WITH_ID: readonly Table[] = [SESSIONS, TASKS, EXECUTIONS, SIGNALS, ARTIFACTS];
/** Columns that hold such an id. */
const ID_COLUMNS = ["id", "session_id", "parent_id", "task_id", "depends_on_id", "execution_id"] as const;

type Ids = ReadonlyMap<string, string>;

function newIds(context: CommandContext, state: SessionRows): Ids {
  const ids = new Map<string, string>();
  for (const table of WITH_ID) for (const { id } of state.get(table) ?? []) ids.set(text(id), context.uuid());
  return ids;
}

function withNewIds(table: Table, row: Row, ids: Ids): Row {
  const renamed: Record<string, SqlValue> = { ...row };
  for (const column of ID_COLUMNS) {
    const id = table.columns.includes(column) ? row[column] : null;
    if (typeof id === "string") renamed[column] = idIn(ids, id);
  }
  if (table === STEPS) renamed.kind = kindWithNewIds(text(row.kind), ids);
  return renamed;
}

/** A step that waits for child tasks names them. */
function kindWithNewIds(stored: string, ids: Ids): string {
  const kind = parseStoredJson(stored, "a step's kind");
  if (!isJsonObject(kind) || kind.type !== "children" || !Array.isArray(kind.taskIds)) return stored;
  return JSON.stringify({ ...kind, taskIds: kind.taskIds.map((id) => idIn(ids, String(id))) });
}

function idIn(ids: Ids, id: string): string {
  const renamed = ids.get(id);
  assert(renamed !== undefined, `${id} is of the forked session`);
  return renamed;
}
