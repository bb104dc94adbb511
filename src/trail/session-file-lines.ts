/**
 * A session as one file, line by line: a header, its rows, its history, its large values, the contents of its artifacts, and
 * at the end what there was of each with a checksum of all lines before, so that a file that was cut or changed is known.
 */

import { PerdureError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { Row, SqlValue } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import { tableOf } from "../store/tables.ts";

export const SESSION_FILE_FORMAT = "perdure-session";
export const SESSION_FILE_VERSION = 1;

/** A value of the greatest size, escaped, with room to spare. */
export const MOST_LINE_BYTES = 64 << 20;

export interface SessionFileHeader {
  readonly exportedAt: string;
  /** Of the program that wrote it, and of the store it was in. */
  readonly perdureVersion: string;
  readonly schemaVersion: number;
  readonly project: { readonly id: string; readonly name: string };
  readonly session: { readonly id: string; readonly name: string };
  /** Whether its history is in the file, from the first change. */
  readonly hasHistory: boolean;
}

export interface SessionFileCounts {
  readonly rows: number;
  readonly changes: number;
  readonly blobs: number;
  readonly artifacts: number;
}

export type SessionFileLine =
  | { readonly kind: "header"; readonly header: SessionFileHeader }
  | { readonly kind: "row"; readonly table: string; readonly values: Row }
  | { readonly kind: "change"; readonly change: RawChange }
  | { readonly kind: "blob"; readonly hash: string; readonly text: string }
  /** Its content follows, in pieces. */
  | { readonly kind: "artifact"; readonly hash: string; readonly sizeBytes: number }
  | { readonly kind: "data"; readonly bytes: Buffer }
  | { readonly kind: "end"; readonly counts: SessionFileCounts; readonly sha256: string };

/** Without the line break. */
export function sessionFileLine(line: SessionFileLine): string {
  switch (line.kind) {
    case "header":
      return JSON.stringify({ format: SESSION_FILE_FORMAT, version: SESSION_FILE_VERSION, ...line.header });
    case "row":
      return JSON.stringify({ row: line.table, values: line.values });
    case "change":
      return JSON.stringify({ change: line.change });
    case "blob":
      return JSON.stringify({ blob: line.hash, text: line.text });
    case "artifact":
      return JSON.stringify({ artifact: line.hash, sizeBytes: line.sizeBytes });
    case "data":
      return JSON.stringify({ data: line.bytes.toString("base64") });
    case "end":
      return JSON.stringify({ end: line.counts, sha256: line.sha256 });
  }
}

/** @throws PerdureError `invalid-input`; `unsupported` for what a newer version wrote */
export function readSessionFileLine(text: string, number: number): SessionFileLine {
  const parsed = parse(text, number);
  if (parsed.format !== undefined || number === 1) return { kind: "header", header: readHeader(parsed) };
  if (parsed.row !== undefined)
    return { kind: "row", table: readTable(parsed, number), values: readRow(parsed, number) };
  if (isJsonObject(parsed.change)) return { kind: "change", change: readChange(parsed.change, number) };
  if (parsed.blob !== undefined)
    return { kind: "blob", hash: hash(parsed.blob, number), text: string(parsed.text, number) };
  if (parsed.artifact !== undefined)
    return { kind: "artifact", hash: hash(parsed.artifact, number), sizeBytes: whole(parsed.sizeBytes, number) };
  if (parsed.data !== undefined) return { kind: "data", bytes: Buffer.from(string(parsed.data, number), "base64") };
  if (isJsonObject(parsed.end)) {
    const { rows, changes, blobs, artifacts } = parsed.end;
    const counts = {
      rows: whole(rows, number),
      changes: whole(changes, number),
      blobs: whole(blobs, number),
      artifacts: whole(artifacts, number),
    };
    return { kind: "end", counts, sha256: hash(parsed.sha256, number) };
  }
  throw damagedFile(`line ${number} is none that a session file has`);
}

/** Whatever is wrong with a file, nothing of it is taken. */
export function damagedFile(what: string): PerdureError {
  return new PerdureError("invalid-input", {
    message: `This is not a whole session file: ${what}`,
    hint: "Nothing was changed. Export the session again, or copy the file again.",
  });
}

function parse(text: string, number: number): JsonObject {
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json;
  } catch {
    throw damagedFile(`line ${number} is not JSON`);
  }
  if (!isJsonObject(parsed)) throw damagedFile(`line ${number} is no object`);
  return parsed;
}

function readHeader(parsed: JsonObject): SessionFileHeader {
  if (parsed.format !== SESSION_FILE_FORMAT) throw damagedFile("it does not begin as one");
  if (parsed.version !== SESSION_FILE_VERSION) {
    throw new PerdureError("unsupported", {
      message: `The session file is of version ${JSON.stringify(parsed.version)}; this program reads version ${SESSION_FILE_VERSION}`,
      hint: "Import it with the version of Perdure that exported it, or a newer one.",
    });
  }
  const { project, session } = parsed;
  if (!isJsonObject(project) || !isJsonObject(session)) throw damagedFile("it does not say whose it is");
  return {
    exportedAt: string(parsed.exportedAt, 1),
    perdureVersion: string(parsed.perdureVersion, 1),
    schemaVersion: whole(parsed.schemaVersion, 1),
    project: { id: string(project.id, 1), name: string(project.name, 1) },
    session: { id: string(session.id, 1), name: string(session.name, 1) },
    hasHistory: parsed.hasHistory === true,
  };
}

function readTable(parsed: JsonObject, number: number): string {
  const name = string(parsed.row, number);
  if (tableOf(name) !== undefined) return name;
  throw newer(`table ${JSON.stringify(name)}`);
}

function readRow(parsed: JsonObject, number: number): Row {
  const table = tableOf(string(parsed.row, number));
  if (table === undefined || !isJsonObject(parsed.values)) throw damagedFile(`line ${number} holds no row`);
  const values: Record<string, SqlValue> = {};
  for (const [column, value] of Object.entries(parsed.values)) {
    if (!table.columns.includes(column)) throw newer(`column ${column} of ${table.name}`);
    if (value !== null && typeof value !== "string" && typeof value !== "number")
      throw damagedFile(`line ${number} holds no column value in ${column}`);
    values[column] = value;
  }
  for (const column of table.key)
    if ((values[column] ?? null) === null) throw damagedFile(`line ${number} holds a row without its key`);
  return values;
}

function newer(what: string): PerdureError {
  return new PerdureError("unsupported", {
    message: `The session file has a ${what}, which this version of Perdure does not know`,
    hint: "Import it with the version of Perdure that exported it, or a newer one.",
  });
}

function readChange(change: JsonObject, number: number): RawChange {
  return {
    seq: whole(change.seq, number),
    sessionId: stringOrNull(change.sessionId, number),
    taskId: stringOrNull(change.taskId, number),
    at: integer(change.at, number),
    actor: string(change.actor, number),
    verb: string(change.verb, number),
    entity: string(change.entity, number),
    rowKey: string(change.rowKey, number),
    before: stringOrNull(change.before, number),
    after: stringOrNull(change.after, number),
    note: stringOrNull(change.note, number),
    part: whole(change.part, number),
  };
}

function string(value: Json | undefined, number: number): string {
  if (typeof value === "string") return value;
  throw damagedFile(`line ${number} lacks a text`);
}

function stringOrNull(value: Json | undefined, number: number): string | null {
  return value === null ? null : string(value, number);
}

function integer(value: Json | undefined, number: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw damagedFile(`line ${number} lacks a whole number`);
}

function whole(value: Json | undefined, number: number): number {
  const read = integer(value, number);
  if (read >= 0) return read;
  throw damagedFile(`line ${number} has a number below 0`);
}

function hash(value: Json | undefined, number: number): string {
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return value;
  throw damagedFile(`line ${number} lacks a hash`);
}
