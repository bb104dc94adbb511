/**
 * Getting out of a damaged database whatever can still be read. Works on a copy, so that looking changes nothing. Tables
 * are read from both ends; what lies behind the damage is asked for row by row where its key is known from elsewhere.
 */

import { DatabaseSync } from "node:sqlite";

import { messageOf } from "../base/errors.ts";
import { sha256 } from "../base/sha256.ts";
import type { Row, SqlValue } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import { isSameChange } from "../store/rebuild.ts";
import { rowKeyText } from "../store/rows.ts";
import type { Table } from "../store/tables.ts";
import { columnsOf, LOGGED_TABLES } from "../store/tables.ts";

export interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

export interface SalvagedTable {
  /** By row key, as the change log writes it. */
  readonly rows: ReadonlyMap<string, Row>;
  /** Every page of it could be read. */
  readonly isWhole: boolean;
}

export interface Salvage {
  /** In words; empty for a database in which nothing is wrong by itself. */
  readonly problems: readonly string[];
  readonly project: ProjectRow | null;
  readonly changes: ReadonlyMap<number, RawChange>;
  readonly isLogWhole: boolean;
  /** The newest entry of the log can be read: the rows are not newer than what it says. */
  readonly isTailWhole: boolean;
  readonly tables: ReadonlyMap<string, SalvagedTable>;
  /** The text of a blob, if it still is what its hash says. */
  blob(hash: string): string | null;
  /** Of every blob that could be listed. */
  readonly blobHashes: ReadonlySet<string>;
  /** Rows of the tables that are coordination only, as they are. */
  readonly coordination: ReadonlyMap<string, readonly Row[]>;
  close(): void;
}

/** What other copies know, to ask for behind damage. */
export interface Known {
  readonly changes: ReadonlyMap<number, RawChange>;
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
}

const LOG_COLUMNS = "seq, project_id, session_id, task_id, at, actor, verb, entity, row_key, before, after, note, part";
const COORDINATION = {
  workers: "project_id, id, host, pid, start_token, label, registered_at, lease_expires_at",
  processes: "project_id, execution_id, pid, host, start_token",
} as const;

/** `null` when SQLite cannot make anything of the file. */
export function openSalvage(path: string, known: Known): Salvage | null {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
  } catch {
    // Not even a file that can be opened.
    return null;
  }
  try {
    database.prepare("select count(*) as n from sqlite_schema").get();
    return readAll(database, known);
  } catch {
    // Its first page is no page of a database.
    database.close();
    return null;
  }
}

function readAll(database: DatabaseSync, known: Known): Salvage {
  const problems = checkPages(database);
  const log = readLog(database, known.changes);
  const tables = new Map<string, SalvagedTable>();
  for (const table of LOGGED_TABLES) tables.set(table.name, readTable(database, table, known.keys.get(table.name)));
  const coordination = new Map<string, readonly Row[]>();
  for (const [name, columns] of Object.entries(COORDINATION)) {
    coordination.set(name, scan(database, `select ${columns} from ${name}`).rows);
  }
  const hashes = scan(database, "select hash from blobs").rows.map(({ hash }) => String(hash));
  return {
    problems,
    project: readProject(database, log.projectId),
    changes: log.changes,
    isLogWhole: log.isWhole,
    isTailWhole: log.isTailWhole,
    tables,
    blob: (hash) => readBlob(database, hash),
    blobHashes: new Set(hashes),
    coordination,
    close() {
      if (database.isOpen) database.close();
    },
  };
}

function checkPages(database: DatabaseSync): readonly string[] {
  try {
    const lines = database
      .prepare("pragma integrity_check(20)")
      .all()
      .flatMap((row) => String(row.integrity_check).split("\n"));
    // With this rank also whether it says what the facts say.
    database.exec("insert into facts_text (facts_text, rank) values ('integrity-check', 1)");
    return lines.filter((line) => line !== "ok" && !line.startsWith("***"));
  } catch (error) {
    return [messageOf(error)];
  }
}

interface Scan {
  readonly rows: readonly Row[];
  readonly isWhole: boolean;
  /** The last row in the order could be read. */
  readonly isEndWhole: boolean;
}

/** All rows up to the first that cannot be read. */
function scan(database: DatabaseSync, sql: string, ...params: readonly SqlValue[]): Scan {
  const found: Row[] = [];
  try {
    for (const row of database.prepare(sql).iterate(...params)) found.push(row as Row);
    return { rows: found, isWhole: true, isEndWhole: true };
  } catch {
    return { rows: found, isWhole: false, isEndWhole: false };
  }
}

/** From both ends, without what was read twice. */
function scanBothWays(database: DatabaseSync, sql: string, order: readonly string[]): Scan {
  const forward = scan(database, `${sql} order by ${order.join(", ")}`);
  if (forward.isWhole) return forward;
  const unordered = scan(database, sql);
  const backward = scan(database, `${sql} order by ${order.map((column) => `${column} desc`).join(", ")}`);
  const found = [...forward.rows, ...unordered.rows, ...backward.rows.toReversed()];
  return { rows: found, isWhole: false, isEndWhole: backward.rows.length > 0 };
}

interface LogRead {
  readonly changes: Map<number, RawChange>;
  readonly isWhole: boolean;
  readonly isTailWhole: boolean;
  readonly projectId: string | null;
}

function readLog(database: DatabaseSync, known: ReadonlyMap<number, RawChange>): LogRead {
  const { rows, isWhole, isEndWhole } = scanBothWays(database, `select ${LOG_COLUMNS} from changes`, ["seq"]);
  const changes = new Map<number, RawChange>();
  const ids = new Map<string, number>();
  const take = (row: Row): void => {
    const change = toChange(row);
    if (change === null) return;
    const same = known.get(change.seq);
    // Held once: a log is the largest thing there is.
    changes.set(change.seq, same !== undefined && isSameChange(same, change) ? same : change);
    if (typeof row.project_id === "string") ids.set(row.project_id, (ids.get(row.project_id) ?? 0) + 1);
  };
  for (const row of rows) take(row);
  if (isWhole) return { changes, isWhole, isTailWhole: true, projectId: mostCounted(ids) };
  const one = `select ${LOG_COLUMNS} from changes where seq = ?`;
  for (const seq of missingIn(changes, known.keys())) for (const row of scan(database, one, seq).rows) take(row);
  return { changes, isWhole, isTailWhole: isEndWhole, projectId: mostCounted(ids) };
}

/** A damaged one says so once; the others agree. */
function mostCounted(counts: ReadonlyMap<string, number>): string | null {
  const [most] = [...counts].toSorted(([, one], [, other]) => other - one);
  return most?.[0] ?? null;
}

/** Reading one by one is slow, so only so many are asked for. */
const PROBES = 200_000;

function missingIn(changes: ReadonlyMap<number, RawChange>, others: Iterable<number>): readonly number[] {
  let greatest = 0;
  for (const seq of changes.keys()) if (seq > greatest) greatest = seq;
  for (const seq of others) if (seq > greatest) greatest = seq;
  const missing: number[] = [];
  for (let seq = 1; seq <= greatest && missing.length < PROBES; seq++) if (!changes.has(seq)) missing.push(seq);
  return missing;
}

function toChange(row: Row): RawChange | null {
  const { seq, at, part } = row;
  const { actor, verb, entity } = row;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 1) return null;
  if (typeof at !== "number" || typeof part !== "number") return null;
  if (typeof actor !== "string" || typeof verb !== "string" || typeof entity !== "string") return null;
  return {
    seq,
    at,
    part,
    actor,
    verb,
    entity,
    sessionId: textOrNull(row.session_id),
    taskId: textOrNull(row.task_id),
    rowKey: String(row.row_key),
    before: textOrNull(row.before),
    after: textOrNull(row.after),
    note: textOrNull(row.note),
  };
}

function textOrNull(value: SqlValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function readTable(database: DatabaseSync, table: Table, keys: ReadonlySet<string> = new Set()): SalvagedTable {
  const select = `select ${columnsOf(table)} from ${table.name}`;
  const order = table.hasSeq ? ["seq"] : table.key;
  const { rows, isWhole } = scanBothWays(database, select, order);
  const found = new Map<string, Row>();
  const take = (row: Row): void => {
    if (table.key.some((column) => row[column] === null || row[column] === undefined)) return;
    found.set(rowKeyText(table, row), { ...row });
  };
  for (const row of rows) take(row);
  if (isWhole) return { rows: found, isWhole };
  const one = `${select} where ${table.key.map((column) => `${column} = ?`).join(" and ")}`;
  for (const key of keys) {
    if (found.has(key)) continue;
    const parts = keyParts(table, key);
    if (parts === null) continue;
    for (const row of scan(database, one, ...parts).rows) take(row);
  }
  return { rows: found, isWhole };
}

function keyParts(table: Table, key: string): readonly SqlValue[] | null {
  if (table.key.length === 1) return [key];
  try {
    const parsed: unknown = JSON.parse(key);
    return Array.isArray(parsed) ? (parsed as readonly SqlValue[]) : null;
  } catch {
    // A key of a damaged change.
    return null;
  }
}

function readBlob(database: DatabaseSync, hash: string): string | null {
  const content = scan(database, "select content from blobs where hash = ?", hash).rows[0]?.content;
  if (typeof content !== "string") return null;
  return sha256().update(content).digest("hex") === hash ? content : null;
}

function readProject(database: DatabaseSync, projectId: string | null): ProjectRow | null {
  const row = scan(database, "select id, name, created_at from projects limit 1").rows[0];
  if (typeof row?.id === "string" && (projectId === null || row.id === projectId)) {
    return { id: row.id, name: String(row.name), createdAt: Number(row.created_at) };
  }
  return projectId === null ? null : { id: projectId, name: "", createdAt: 0 };
}
