/**
 * What takes the place of a session of which no copy is left, while there still are tasks, messages or memory of it: without
 * a session nobody would find them. It is paused, so that nothing runs before somebody has looked.
 */

import { LIMITS } from "../domain/limits.ts";
import type { Row, SqlValue } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { Table } from "../store/tables.ts";
import { SESSIONS } from "../store/tables.ts";
import { parseColumns } from "./row-chain.ts";

export const STAND_IN =
  "the change that made it is lost; a stand-in has its place, paused, so that what belongs to it can be reached";

interface StandIns {
  /** The row of the session of that id as it is at the end, with whatever its later changes tell. */
  rowFor(id: string, later: readonly RawChange[]): Row;
}

export function standIns(changes: ReadonlyMap<number, RawChange>, rows: Iterable<Row>): StandIns {
  let newestSeq = 0;
  const note = (seq: SqlValue | undefined): void => {
    if (typeof seq === "number" && seq > newestSeq) newestSeq = seq;
  };
  for (const { seq } of rows) note(seq);
  let firstAt = Number.POSITIVE_INFINITY;
  for (const change of changes.values()) {
    firstAt = Math.min(firstAt, change.at);
    if (change.entity !== SESSIONS.name) continue;
    for (const logged of [change.before, change.after]) note(parseColumns(SESSIONS, logged)?.seq);
  }
  return {
    rowFor(id, later) {
      const told: Record<string, SqlValue> = {};
      for (const { after } of later) Object.assign(told, parseColumns(SESSIONS, after));
      if (told.seq === undefined) newestSeq += 1;
      const made = {
        seq: newestSeq,
        id,
        name: `recovered-${id.slice(0, 8)}`,
        status: "paused",
        max_unfinished: LIMITS.unfinishedTasks,
        metadata: "{}",
        created_at: firstAt,
        updated_at: firstAt,
      };
      return Object.fromEntries(SESSIONS.columns.map((column) => [column, told[column] ?? columnOf(made, column)]));
    },
  };
}

function columnOf(made: Readonly<Record<string, SqlValue>>, column: string): SqlValue {
  return made[column] ?? null;
}

/** The session that a row belongs to. */
export function sessionOf(table: Table, columns: Readonly<Record<string, SqlValue>>): string | null {
  const id = table.columns.includes("session_id") ? columns.session_id : null;
  return typeof id === "string" ? id : null;
}
