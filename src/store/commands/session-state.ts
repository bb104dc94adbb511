/** All the rows of a session, as they are or as they were at a checkpoint. Reads only. */

import { assert } from "../../base/assert.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { rowKeyText } from "../rows.ts";
import type { Table } from "../tables.ts";
import {
  ARTIFACTS,
  columnsOf,
  DEPENDENCIES,
  EXECUTIONS,
  LOGGED_TABLES,
  MEMORY,
  MESSAGES,
  SESSIONS,
  SIGNALS,
  STEPS,
  TASKS,
} from "../tables.ts";
import type { SessionHistory } from "./session-history.ts";
import { historyKey } from "./session-history.ts";

/** What a session consists of: the tables that a checkpoint brings back, in an order in which rows can be inserted. */
export const SESSION_TABLES: readonly Table[] = LOGGED_TABLES.filter(({ isRestored }) => isRestored);

/** By table, in the order they were made. */
export type SessionRows = ReadonlyMap<Table, readonly Row[]>;

/** As they were, given what has changed since. */
export function* sessionRowsThen(
  context: CommandContext,
  { sessionId, history }: { readonly sessionId: string; readonly history: SessionHistory },
): Command<SessionRows> {
  const state = new Map<Table, readonly Row[]>();
  for (const table of SESSION_TABLES) {
    const found: Row[] = [];
    for (const row of yield* rowsOf(context, table, sessionId)) {
      if (!history.rows.has(historyKey(table, rowKeyText(table, row)))) found.push(row);
    }
    for (const changed of history.rows.values()) {
      if (changed.table === table && changed.was !== null) found.push(changed.was);
    }
    state.set(table, table.hasSeq ? found.toSorted((a, b) => integer(a.seq) - integer(b.seq)) : found);
  }
  return state;
}

/** Where the rows of a table are found by an index: by their session, their task or their execution. */
const BY_SESSION: ReadonlySet<Table> = new Set([TASKS, MESSAGES, MEMORY]);
const BY_TASK: ReadonlySet<Table> = new Set([DEPENDENCIES, ARTIFACTS, SIGNALS]);

function* rowsOf(context: CommandContext, table: Table, sessionId: string): Command<readonly Row[]> {
  const columns = `t.project_id as project_id, ${columnsOf(table, "t")}`;
  if (table === SESSIONS) {
    return yield* rows(
      `select ${columns} from sessions t where t.project_id = ? and t.id = ?`,
      context.projectId,
      sessionId,
    );
  }
  if (BY_SESSION.has(table)) {
    const sql = `select ${columns} from ${table.name} t where t.project_id = ? and t.session_id = ?`;
    return yield* rows(sql, context.projectId, sessionId);
  }
  if (BY_TASK.has(table)) {
    const sql = `select ${columns} from tasks o join ${table.name} t on t.project_id = o.project_id and t.task_id = o.id
      where o.project_id = ? and o.session_id = ?`;
    return yield* rows(sql, context.projectId, sessionId);
  }
  if (table === EXECUTIONS) return yield* executionsOf(context, sessionId, columns);
  assert(table === STEPS, `the rows of ${table.name} are found by an index`);
  const steps: Row[] = [];
  const sql = `select ${columns} from steps t where t.project_id = ? and t.execution_id = ? order by t.position`;
  for (const execution of yield* executionsOf(context, sessionId, "t.id as id")) {
    steps.push(...(yield* rows(sql, context.projectId, text(execution.id))));
  }
  return steps;
}

/** The execution each task names, and the earlier ones of recurring tasks. */
function* executionsOf(context: CommandContext, sessionId: string, columns: string): Command<readonly Row[]> {
  const named = yield* rows(
    `select ${columns}, t.id as found_id from tasks o join executions t on t.project_id = o.project_id and t.id = o.execution_id
      where o.project_id = ? and o.session_id = ?`,
    context.projectId,
    sessionId,
  );
  const recurring = yield* rows(
    `select ${columns}, t.id as found_id from tasks o join executions t
        on t.project_id = o.project_id and t.task_id = o.id and t.scheduled_for is not null
      where o.project_id = ? and o.session_id = ?`,
    context.projectId,
    sessionId,
  );
  return [...new Map([...named, ...recurring].map(({ found_id: id, ...row }) => [id, row])).values()];
}
