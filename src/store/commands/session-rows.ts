/** Reading one session inside a command, and the check every new piece of work goes through. */

import { PerdureError } from "../../base/errors.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Session, SessionStatus, SessionVerb } from "../../domain/session.ts";
import { sessionMachine } from "../../domain/session.ts";
import { transition } from "../../domain/state-machine.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { oneRow } from "../command.ts";
import { rowToSession, text } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { columnsOf, SESSIONS } from "../tables.ts";
import { withValues } from "../values.ts";

const SESSION_SQL = `select project_id, ${columnsOf(SESSIONS)} from sessions where project_id = ? and id = ?`;

/** The same with how many unfinished tasks the session holds. */
const LOADED_SESSION_SQL = `select project_id, ${columnsOf(SESSIONS)},
  coalesce((select unfinished from session_loads l where l.project_id = s.project_id and l.session_id = s.id), 0) as unfinished
  from sessions s where project_id = ? and id = ?`;

export function sessionRow(context: CommandContext, id: SessionId | string): Command<Row> {
  return readSession(context, { id, sql: SESSION_SQL });
}

function* readSession(
  context: CommandContext,
  { id, sql }: { readonly id: string; readonly sql: string },
): Command<Row> {
  const row = yield* oneRow(sql, context.projectId, id);
  if (row !== null) return row;
  throw new PerdureError("not-found", {
    message: `There is no session ${id}`,
    hint: "`perdure session list` shows the sessions of this project.",
    details: { sessionId: id },
  });
}

/** The session of a row, with its metadata, which may be large. */
export function* loadSession(row: Row): Command<Session> {
  return rowToSession(yield* withValues(row, ["metadata"]));
}

/** Changes a session's status by a verb of its state machine. Returns the row as it is now. */
export function* changeSessionStatus(
  context: CommandContext,
  row: Row,
  verb: SessionVerb,
  note?: string,
): Command<Row> {
  const status = transition(sessionMachine, { name: text(row.name), from: text(row.status) as SessionStatus }, verb);
  context.presumptions?.forget(rememberedAs(text(row.id)));
  const ends = status === "completed" || status === "failed" || status === "cancelled";
  return yield* updateRow(context, SESSIONS, row, {
    verb,
    note: note ?? null,
    patch: {
      status,
      updated_at: context.now,
      started_at: row.started_at ?? (status === "active" ? context.now : null),
      ended_at: ends ? context.now : null,
      end_told_at: null,
    },
  });
}

const HAS_ROOM_SQL = `exists (select 1 from sessions s
  join session_loads l on l.project_id = s.project_id and l.session_id = s.id
  where s.project_id = ? and s.id = ? and s.status = 'active' and l.unfinished <= s.max_unfinished)`;

/**
 * The same without reading it where it most likely is as it was. Then its `unfinished` is `null`, and what is presumed is that
 * it has room for what is added.
 */
export function* presumedSession(context: CommandContext, id: SessionId): Command<Row> {
  const holds = { sql: HAS_ROOM_SQL, params: [context.projectId, id] };
  const presumed = context.presumptions?.recall(rememberedAs(id), holds);
  if (presumed !== undefined) return { ...presumed, unfinished: null };
  return yield* openSessionForWork(context, id);
}

/** For `presumedSession`, of one that was read and has room for more than what is added. */
export function rememberSession(context: CommandContext, row: Row): void {
  if (row.status === "active") context.presumptions?.remember(rememberedAs(text(row.id)), row);
}

function rememberedAs(id: string): string {
  return `session ${id}`;
}

/** A session that had come to an end takes up new work; a cancelled one does not. Its `unfinished` tells how much it holds. */
export function* openSessionForWork(context: CommandContext, id: SessionId | string): Command<Row> {
  const row = yield* readSession(context, { id, sql: LOADED_SESSION_SQL });
  if (row.status === "completed" || row.status === "failed") return yield* changeSessionStatus(context, row, "reopen");
  if (row.status !== "cancelled") return row;
  throw new PerdureError("wrong-state", {
    message: `Session ${text(row.name)} is cancelled and takes no more tasks`,
    hint: "Start a new session: `perdure run PLAN` or `perdure task add`.",
    details: { sessionId: id },
  });
}
