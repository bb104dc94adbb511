/**
 * The journal as text: one line of JSON a change, for people, git and repair. Values that are JSON in the store are JSON
 * here too, also those the store keeps as blobs, up to `LIMITS.inlineBytes`; larger ones stay references to files named by
 * their hash. Each line ends with a checksum of what stands before it. What is read back is exactly what was written.
 */

import type { Millis } from "../base/clock.ts";
import { crc32Hex } from "../base/crc32.ts";
import { messageOf } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import { sha256 } from "../base/sha256.ts";
import { LIMITS } from "../domain/limits.ts";
import type { RawChange } from "./rebuild.ts";
import type { Table } from "./tables.ts";
import { inlineBytesOf, tableOf } from "./tables.ts";
import { blobHashOf, blobReference } from "./values.ts";

export const JOURNAL_VERSION = 1;

/** The first line of every journal file: whose changes follow. */
export interface JournalHeader {
  readonly projectId: string;
  readonly projectName: string;
  readonly projectCreatedAt: Millis;
}

export type JournalLine =
  | { readonly kind: "header"; readonly header: JournalHeader }
  | {
      readonly kind: "change";
      readonly change: RawChange;
      /** The last change of its command: up to here the state is whole. */
      readonly isEnd: boolean;
      /** Values the line holds that belong into the blobs, by hash. */
      readonly blobs: ReadonlyMap<string, string>;
      /** Hashes of larger values, which are kept as files. */
      readonly files: readonly string[];
    }
  | { readonly kind: "damaged"; readonly why: string };

/** Without the line break, like all lines here. */
export function headerToLine({ projectId, projectName, projectCreatedAt }: JournalHeader): string {
  return sealed({
    journal: JOURNAL_VERSION,
    project: projectId,
    name: projectName,
    createdAt: instantText(projectCreatedAt),
  });
}

export interface ChangeLineOptions {
  readonly isEnd: boolean;
  /** The text of a blob that stands in a column of the change; `null` leaves the reference. */
  readonly findBlob: (hash: string) => string | null;
}

export function changeToLine(change: RawChange, { isEnd, findBlob }: ChangeLineOptions): string {
  return sealed({
    seq: change.seq,
    at: instantText(change.at),
    actor: change.actor,
    verb: change.verb,
    entity: change.entity,
    key: change.rowKey,
    ...(change.sessionId === null || change.sessionId === sessionInKey(change) ? {} : { session: change.sessionId }),
    ...(change.taskId === null ? {} : { task: change.taskId }),
    ...(change.note === null ? {} : { note: change.note }),
    ...columnFields("before", openColumns(change, change.before, findBlob)),
    ...columnFields("after", openColumns(change, change.after, findBlob)),
    ...(change.part === 0 ? {} : { part: change.part }),
    ...(isEnd ? { end: true } : {}),
  });
}

/** Hashes of the blobs a change's columns refer to: what `findBlob` will be asked for. */
export function blobsOfChange(change: RawChange): readonly string[] {
  if (change.before?.includes("@sha256:") !== true && change.after?.includes("@sha256:") !== true) return [];
  return [change.before, change.after].flatMap((logged) => {
    if (logged === null) return [];
    const columns = JSON.parse(logged) as JsonObject;
    return (tableOf(change.entity)?.json ?? []).flatMap((column) => blobHashOf(columns[column] as string | null) ?? []);
  });
}

/** Anything that is not exactly what one of the functions above wrote is `damaged`. */
export function readJournalLine(line: string): JournalLine {
  try {
    const parsed = openSeal(line);
    if (parsed === null) return { kind: "damaged", why: "its checksum does not fit" };
    if (parsed.journal !== undefined) return { kind: "header", header: readHeader(parsed) };
    return readChange(parsed);
  } catch (error) {
    return { kind: "damaged", why: messageOf(error) };
  }
}

interface OpenColumns {
  readonly columns: JsonObject;
  /** Columns whose value is a file, by its hash; in `columns` they are `null`, to keep their place. */
  readonly files: Readonly<Record<string, string>>;
  /** Columns that hold the JSON value `null`, as against those that hold nothing. */
  readonly nulls: readonly string[];
}

function columnFields(name: "before" | "after", open: OpenColumns | null): JsonObject {
  if (open === null) return {};
  return {
    [name]: open.columns,
    ...(Object.keys(open.files).length === 0 ? {} : { [`${name}Files`]: open.files }),
    ...(open.nulls.length === 0 ? {} : { [`${name}Nulls`]: open.nulls }),
  };
}

function openColumns(
  { entity }: RawChange,
  logged: string | null,
  findBlob: (hash: string) => string | null,
): OpenColumns | null {
  if (logged === null) return null;
  const columns = JSON.parse(logged) as Record<string, Json | undefined>;
  const files: Record<string, string> = {};
  const nulls: string[] = [];
  for (const column of tableOf(entity)?.json ?? []) {
    const value = columns[column];
    if (typeof value !== "string") continue;
    const hash = blobHashOf(value);
    const text = hash === null ? value : findBlob(hash);
    if (text !== null && (hash === null || Buffer.byteLength(text) <= LIMITS.inlineBytes)) {
      columns[column] = JSON.parse(text) as Json;
      if (text === "null") nulls.push(column);
    } else if (hash !== null) {
      columns[column] = null;
      files[column] = hash;
    }
  }
  return { columns, files, nulls };
}

function readHeader(parsed: JsonObject): JournalHeader {
  insist(parsed.journal === JOURNAL_VERSION, `its version is ${JOURNAL_VERSION}`);
  return {
    projectId: stringIn(parsed, "project"),
    projectName: stringIn(parsed, "name"),
    projectCreatedAt: instantIn(parsed, "createdAt"),
  };
}

function readChange(parsed: JsonObject): JournalLine {
  const entity = stringIn(parsed, "entity");
  const table = tableOf(entity);
  const blobs = new Map<string, string>();
  const files: string[] = [];
  const close = (name: "before" | "after"): string | null => {
    const columns = parsed[name];
    if (columns === undefined) return null;
    insist(isJsonObject(columns), `${name} holds columns`);
    const closed = closeColumns(columns, {
      table,
      filed: parsed[`${name}Files`],
      nulls: parsed[`${name}Nulls`],
      blobs,
    });
    files.push(...closed.files);
    return closed.text;
  };
  const seq = parsed.seq;
  insist(typeof seq === "number" && Number.isSafeInteger(seq) && seq > 0, "seq is a positive whole number");
  const rowKey = stringIn(parsed, "key");
  const change: RawChange = {
    seq,
    sessionId: optionalStringIn(parsed, "session") ?? sessionInKey({ entity, rowKey }),
    taskId: optionalStringIn(parsed, "task"),
    at: instantIn(parsed, "at"),
    actor: stringIn(parsed, "actor"),
    verb: stringIn(parsed, "verb"),
    entity,
    rowKey,
    before: close("before"),
    after: close("after"),
    note: optionalStringIn(parsed, "note"),
    part: typeof parsed.part === "number" ? parsed.part : 0,
  };
  return { kind: "change", change, isEnd: parsed.end === true, blobs, files };
}

/** A row whose key begins with its session need not name it twice. */
function sessionInKey({ entity, rowKey }: Pick<RawChange, "entity" | "rowKey">): string | null {
  if (tableOf(entity)?.key[0] !== "session_id") return null;
  const [sessionId] = JSON.parse(rowKey) as readonly unknown[];
  return typeof sessionId === "string" ? sessionId : null;
}

interface CloseOptions {
  readonly table: Table | undefined;
  readonly filed: Json | undefined;
  readonly nulls: Json | undefined;
  /** Takes in what belongs there. */
  readonly blobs: Map<string, string>;
}

/** The columns as the change log holds them, and the hashes of those that are files. */
function closeColumns(
  columns: JsonObject,
  { table, filed, nulls, blobs }: CloseOptions,
): { readonly text: string; readonly files: readonly string[] } {
  const closed: Record<string, Json | undefined> = Object.assign({}, columns);
  for (const column of table?.json ?? []) {
    const value = columns[column];
    if (value === undefined || table === undefined) continue;
    if (value === null && !(Array.isArray(nulls) && nulls.includes(column))) continue;
    const text = JSON.stringify(value);
    if (Buffer.byteLength(text) <= inlineBytesOf(table, column)) {
      closed[column] = text;
      continue;
    }
    const hash = sha256().update(text).digest("hex");
    blobs.set(hash, text);
    closed[column] = blobReference(hash);
  }
  const files: string[] = [];
  if (isJsonObject(filed)) {
    for (const [column, hash] of Object.entries(filed)) {
      insist(typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash), `the file of ${column} is named by a hash`);
      closed[column] = blobReference(hash);
      files.push(hash);
    }
  }
  return { text: JSON.stringify(closed), files };
}

function insist(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`not so: ${what}`);
}

const SEAL = /,"sum":"([0-9a-f]{8})"\}$/;
const SEAL_LENGTH = `,"sum":"00000000"}`.length;

/** A line of JSON that ends with a checksum of what stands before it. */
export function sealed(content: JsonObject): string {
  const body = JSON.stringify(content).slice(0, -1);
  return `${body},"sum":"${crc32Hex(body)}"}`;
}

/** What a line holds; `null` when its checksum does not fit. */
export function openSeal(line: string): JsonObject | null {
  const [, sum] = SEAL.exec(line) ?? [];
  if (sum === undefined || crc32Hex(line.slice(0, -SEAL_LENGTH)) !== sum) return null;
  const parsed = JSON.parse(line) as Json;
  return isJsonObject(parsed) ? parsed : null;
}

function instantText(at: Millis): string {
  return new Date(at).toISOString();
}

function instantIn(parsed: JsonObject, name: string): Millis {
  const at = findInstant(stringIn(parsed, name));
  insist(at !== null, `${name} is an instant`);
  return at;
}

function stringIn(parsed: JsonObject, name: string): string {
  const value = parsed[name];
  insist(typeof value === "string", `${name} is a text`);
  return value;
}

function optionalStringIn(parsed: JsonObject, name: string): string | null {
  return parsed[name] === undefined ? null : stringIn(parsed, name);
}
