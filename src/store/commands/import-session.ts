/**
 * Bringing a session in that was exported: its own history is made again here, change by change, each proving that it fits
 * what stands before it. So the log stays complete (INV-5), and its checkpoints can be returned to. What ran where it came
 * from does not run here.
 */

import { PerdureError } from "../../base/errors.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneOf, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import type { RawChange } from "../rebuild.ts";
import { insertRow, noteChange, rowKeyText, updateRow } from "../rows.ts";
import { foreignReference, idsMadeIn, mapIds } from "../session-ids.ts";
import { columnsOf, CHECKPOINTS, ENVIRONMENTS, EXECUTIONS, SESSIONS, tableOf, TASKS } from "../tables.ts";
import type { SessionRows } from "./export-session.ts";
import { rowsOf, SESSION_TABLES } from "./export-session.ts";
import { replaySession, stepKindMapped } from "./replay-session.ts";
import { countTasks } from "./session-queries.ts";
import { insertBlob } from "../values.ts";
import { changeSessionStatus, loadSession, sessionRow } from "./session-rows.ts";
import { taskRow } from "./task-rows.ts";
import { INTERRUPTED } from "./workers.ts";

export interface ImportSession extends Pick<SessionRows, "rows" | "environments"> {
  readonly sessionId: SessionId;
  /** All changes of the session, from the first, in their order; `null` when they are not known. */
  readonly history: readonly RawChange[] | null;
  /** Give everything new ids, as a copy that remembers where it came from. */
  readonly newIds: boolean;
  /** The project it comes from, for the log. */
  readonly from: string;
  /** Whether snapshots of the workspace that its checkpoints name are here. */
  readonly hasWorkspaces: boolean;
  /** By hash, the blobs that were stored for it. */
  readonly blobs: readonly string[];
}

export interface Imported {
  readonly session: Session;
  /** Ran where it was exported, and wait here to be resumed. */
  readonly interrupted: number;
  /** Checkpoints that could not be carried over. */
  readonly lostCheckpoints: number;
}

/**
 * All or nothing. Blobs must have been stored before.
 *
 * @throws PerdureError `conflict` when something here has one of its ids, or a cleanup has taken one of its blobs; `invalid-input` when it does not add up
 */
export const importSession = defineWrite(
  "import-session",
  function* (context, input: ImportSession): Command<Imported> {
    const made = idsMadeIn(input.rows, input.history ?? []);
    refuseForeign(input, new Set([...made.values()].flatMap((ids) => [...ids])));
    if (!input.newIds) yield* refuseTaken(context, input.sessionId, made);
    yield* refuseCleanedUp(input.blobs);
    const ids = new Map<string, string>();
    if (input.newIds) for (const of of made.values()) for (const id of of) ids.set(id, context.uuid());
    for (const environment of input.environments) yield* ensureEnvironment(context, environment);
    if (input.history === null) yield* insertRows(context, input, ids);
    else {
      yield* replaySession(context, { ...input, history: input.history, ids });
      yield* refuseOther(context, input, ids);
    }
    const session = yield* sessionRow(context, ids.get(input.sessionId) ?? input.sessionId);
    const interrupted = yield* interruptRunning(context, text(session.id));
    yield* noteChange(context, SESSIONS, session, { verb: "import", note: `from ${input.from}` });
    const checkpoints = input.rows.find(([name]) => name === CHECKPOINTS.name)?.[1] ?? [];
    return {
      session: yield* loadSession(yield* pauseUnfinished(context, session)),
      interrupted,
      lostCheckpoints: input.history === null ? checkpoints.length : 0,
    };
  },
);

/** A file says what it likes; what is of another session is not touched (INV-7). */
function refuseForeign({ rows: exported, sessionId }: ImportSession, made: ReadonlySet<string>): void {
  for (const [name, found] of exported) {
    const table = tableOf(name);
    if (table === undefined || !SESSION_TABLES.includes(table)) throw doesNotAddUp(`it holds ${name}`);
    for (const row of found) {
      const foreign = foreignReference(table, row, { id: sessionId, made });
      if (foreign !== null) throw doesNotAddUp(`${name} ${rowKeyText(table, row)} leads out of it: ${foreign}`);
    }
  }
  const session = exported.find(([name]) => name === SESSIONS.name)?.[1] ?? [];
  if (session.length !== 1) throw doesNotAddUp(`it holds ${session.length} sessions`);
}

/** Ids asked for in one statement. */
const IDS_PER_QUERY = 200;

function* refuseTaken(
  context: CommandContext,
  sessionId: SessionId,
  made: ReadonlyMap<string, ReadonlySet<string>>,
): Command<void> {
  for (const [table, ids] of made) {
    const all = [...ids];
    for (let at = 0; at < all.length; at += IDS_PER_QUERY) {
      const some = all.slice(at, at + IDS_PER_QUERY);
      const marks = some.map(() => "?").join(", ");
      const sql = `select id from ${table} where project_id = ? and id in (${marks}) limit 1`;
      const taken = yield* oneRow(sql, context.projectId, ...some);
      if (taken === null) continue;
      const what = table === SESSIONS.name ? "session" : table.replace(/s$/, "");
      throw new PerdureError("conflict", {
        message: `This project already has ${what} ${text(taken.id)} of the session to import`,
        hint: "Import it as a copy: --new-ids.",
        details: { sessionId, table, id: taken.id },
      });
    }
  }
}

/** Until something refers to them, a cleanup beside the import takes its blobs for left over. */
function* refuseCleanedUp(hashes: readonly string[]): Command<void> {
  const all = [...new Set(hashes)];
  for (let at = 0; at < all.length; at += IDS_PER_QUERY) {
    const some = all.slice(at, at + IDS_PER_QUERY);
    const found = yield* oneRow(`select count(*) as n from blobs where ${oneOf("hash", some)}`, ...some);
    if (integer(found?.n) === some.length) continue;
    throw new PerdureError("conflict", {
      message: "A cleanup removed values of the session to import before anything referred to them",
      hint: "Nothing was changed. Import it again.",
    });
  }
}

function* ensureEnvironment(context: CommandContext, environment: Row): Command<void> {
  const sql = "select hash from environments where project_id = ? and hash = ?";
  const known = yield* oneRow(sql, context.projectId, text(environment.hash));
  if (known === null) yield* insertRow(context, ENVIRONMENTS, environment, { verb: "create" });
}

/** Without its history the session begins here as it is. Its checkpoints name changes that nobody has, and are left behind. */
function* insertRows(context: CommandContext, input: ImportSession, ids: ReadonlyMap<string, string>): Command<void> {
  for (const [name, found] of input.rows) {
    const table = tableOf(name);
    if (table === undefined || table === CHECKPOINTS) continue;
    for (const row of found) {
      const values = yield* stepKindMapped(table, mapIds(row, ids), ids);
      const origin = ids.size > 0 && table.columns.includes("origin_id") ? { origin_id: row.id ?? null } : {};
      yield* insertRow(context, table, { ...values, ...origin }, { verb: "import" });
    }
  }
}

/** What differs here from where it came from, in any case. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(["seq", "held", "origin_id", "position", "checksum", "workspace"]);

/** The rows that the history made must be those that were exported. */
function* refuseOther(context: CommandContext, input: ImportSession, ids: ReadonlyMap<string, string>): Command<void> {
  const exported = new Map(input.rows);
  for (const table of SESSION_TABLES) {
    // A message's position is its key, a checkpoint's is a place in this log.
    const compared = table.columns.filter((column) => table.key.includes(column) || !OWN_COLUMNS.has(column));
    const told = (row: Row): string => JSON.stringify(compared.map((column) => row[column] ?? null));
    const made = new Map<string, string>();
    for (const row of yield* rowsOf(context, table, ids.get(input.sessionId) ?? input.sessionId))
      made.set(rowKeyText(table, row), told(row));
    const rowsThere = exported.get(table.name) ?? [];
    for (const row of rowsThere) {
      const values = yield* stepKindMapped(table, mapIds(row, ids), ids);
      const key = rowKeyText(table, values);
      if (made.get(key) !== told(values)) throw doesNotAddUp(`its ${table.name} ${key} is not what its history made`);
    }
    if (made.size !== rowsThere.length)
      throw doesNotAddUp(`it has ${rowsThere.length} ${table.name}, and its history made ${made.size}`);
  }
}

function doesNotAddUp(what: string): PerdureError {
  return new PerdureError("invalid-input", {
    message: `The exported session does not add up: ${what}`,
    hint: "Nothing was changed. Export it again.",
  });
}

/** Its worker is elsewhere. It stays interrupted until somebody resumes it, so that nothing is done twice unasked. */
function* interruptRunning(context: CommandContext, sessionId: string): Command<number> {
  const sql = `select project_id, ${columnsOf(EXECUTIONS)} from executions
    where project_id = ? and session_id = ? and status = 'running' order by seq`;
  const running = yield* rows(sql, context.projectId, sessionId);
  const note = "it ran where it was exported";
  for (const execution of running) {
    yield* updateRow(context, EXECUTIONS, execution, {
      verb: "interrupt",
      note,
      patch: { status: "interrupted", worker_id: null, interrupt_requested: 0, updated_at: context.now },
    });
    const task = yield* taskRow(context, text(execution.task_id));
    if (task.status !== "in_progress") continue;
    yield* updateRow(context, TASKS, task, { verb: "block", patch: { ...INTERRUPTED, updated_at: context.now } });
  }
  return running.length;
}

/** Workers of this project would take it up at once, while it may still be worked where it came from. */
function* pauseUnfinished(context: CommandContext, session: Row): Command<Row> {
  if (session.status !== "active") return session;
  const { byStatus } = yield* countTasks(context, text(session.id));
  const unfinished = byStatus.pending + byStatus.blocked + byStatus.in_progress;
  return unfinished === 0 ? session : yield* changeSessionStatus(context, session, "pause", "it was imported");
}

export interface StoreBlobs {
  /** Hash and text; whoever hands them over has checked that the one is of the other. */
  readonly blobs: readonly (readonly [hash: string, text: string])[];
}

export const storeBlobs = defineWrite("store-blobs", function* (_context, input: StoreBlobs): Command<void> {
  for (const [hash, content] of input.blobs) {
    yield* insertBlob(hash, content);
  }
});
