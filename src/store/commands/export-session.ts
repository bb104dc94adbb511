/** Reading a whole session, to carry it elsewhere: its rows in one consistent read, its history and large values page by page. */

import type { SessionId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer } from "../entity-rows.ts";
import type { RawChange } from "../rebuild.ts";
import { CHANGE_COLUMNS, rowToRawChange } from "../rebuild.ts";
import type { Table } from "../tables.ts";
import { CHECKPOINTS, columnsOf, ENVIRONMENTS, LOGGED_TABLES, SESSIONS } from "../tables.ts";
import { sessionRow } from "./session-rows.ts";

/** The tables that hold rows of sessions, in an order in which they can be inserted. */
export const SESSION_TABLES: readonly Table[] = LOGGED_TABLES.filter(
  (table) => table === SESSIONS || table.columns.includes("session_id"),
);

export interface SessionRows {
  /** By table, in the order of `SESSION_TABLES`; values that are blobs as references. Without `project_id`. */
  readonly rows: readonly (readonly [table: string, rows: readonly Row[]])[];
  /** Those its checkpoints were made in. */
  readonly environments: readonly Row[];
  /** The last change the rows include. */
  readonly position: number;
  /** Whether the log still has all of its changes, from the first. */
  readonly hasWholeHistory: boolean;
}

export const readSessionRows = defineRead(
  "read-session-rows",
  function* (context, input: { readonly sessionId: SessionId }): Command<SessionRows> {
    yield* sessionRow(context, input.sessionId);
    const of = [context.projectId, input.sessionId] as const;
    const found: (readonly [string, readonly Row[]])[] = [];
    for (const table of SESSION_TABLES) found.push([table.name, yield* rowsOf(context, table, input.sessionId)]);
    const environments = yield* rows(
      `select ${columnsOf(ENVIRONMENTS)} from environments where project_id = ? and hash in
        (select environment_hash from ${CHECKPOINTS.name} where project_id = ? and session_id = ?) order by hash`,
      context.projectId,
      ...of,
    );
    const ends = "select seq, entity, before from changes where project_id = ? and session_id = ? order by seq";
    const first = yield* oneRow(`${ends} limit 1`, ...of);
    const last = yield* oneRow(`${ends} desc limit 1`, ...of);
    return {
      rows: found,
      environments,
      position: integer(last?.seq ?? 0),
      hasWholeHistory: first?.entity === SESSIONS.name && first.before === null,
    };
  },
);

export function* rowsOf(context: CommandContext, table: Table, sessionId: SessionId | string): Command<readonly Row[]> {
  const column = table === SESSIONS ? "id" : "session_id";
  const order = table.hasSeq ? "seq" : table.key.join(", ");
  const sql = `select ${columnsOf(table)} from ${table.name} where project_id = ? and ${column} = ? order by ${order}`;
  return yield* rows(sql, context.projectId, sessionId);
}

export interface ReadSessionHistory {
  readonly sessionId: SessionId;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** In the order they were made. */
export const readSessionHistory = defineRead(
  "read-session-history",
  function* (context, input: ReadSessionHistory): Command<readonly RawChange[]> {
    const sql = `select ${CHANGE_COLUMNS} from changes
    where project_id = ? and session_id = ? and seq > ? and seq <= ? order by seq limit ?`;
    const { sessionId, after, upTo, limit } = input;
    return (yield* rows(sql, context.projectId, sessionId, after, upTo, limit)).map(rowToRawChange);
  },
);
