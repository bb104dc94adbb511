/**
 * Values of any size in a column: JSON text, or, above the column's limit (`inlineBytesOf`), the reference `@sha256:HASH`
 * to a blob stored once. JSON never begins with `@`, so the two cannot be confused.
 */

import { PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { parseStoredJson, toJsonText } from "../base/json.ts";
import { sha256 } from "../base/sha256.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Command, Row, SqlValue } from "./command.ts";
import { oneRow, rows } from "./command.ts";

const REFERENCE = "@sha256:";

/** The hash of the blob a column refers to; `null` when the column holds its value itself. */
export function blobHashOf(column: SqlValue | undefined): string | null {
  return typeof column === "string" && column.startsWith(REFERENCE) ? column.slice(REFERENCE.length) : null;
}

/** What a column holds in the place of a blob. */
export function blobReference(hash: string): string {
  return REFERENCE + hash;
}

/** The text to store for a value. @throws PerdureError `limit-reached` above `LIMITS.valueBytes`. */
export function* storeValue(value: unknown, what: string, inlineBytes: number = LIMITS.inlineBytes): Command<string> {
  const text = toJsonText(value, what);
  // A JavaScript string's UTF-8 form is at least as long as its length and at most three times that.
  if (text.length * 3 <= inlineBytes) return text;
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= inlineBytes) return text;
  if (sizeBytes > LIMITS.valueBytes) {
    throw new PerdureError("limit-reached", {
      message: `${what} takes ${sizeBytes} bytes as JSON; at most ${LIMITS.valueBytes} are kept`,
      hint: "Keep large data as an artifact (run.artifact) and pass its name on.",
      details: { sizeBytes, limitBytes: LIMITS.valueBytes },
    });
  }
  const hash = sha256().update(text).digest("hex");
  yield* insertBlob(hash, text);
  return blobReference(hash);
}

/** `hash` is the one of `text`. Nothing happens when it is there already. */
export function* insertBlob(hash: string, text: string): Command<void> {
  const sql = "insert into blobs (hash, size_bytes, content) values (?, ?, ?) on conflict do nothing";
  yield* rows(sql, hash, Buffer.byteLength(text), text);
}

/** The value of a stored column; `null` for a column without one. */
export function* loadValue(text: SqlValue | undefined, what: string): Command<Json> {
  if (typeof text !== "string") return null;
  if (!text.startsWith(REFERENCE)) return parseStoredJson(text, what);
  const hash = text.slice(REFERENCE.length);
  const blob = yield* oneRow("select content from blobs where hash = ?", hash);
  if (typeof blob?.content === "string") return parseStoredJson(blob.content, what);
  throw new PerdureError("store-damaged", {
    message: `${what} refers to blob ${hash}, which is missing`,
    hint: "`perdure repair` mends the store; `perdure doctor` checks it.",
    details: { hash },
  });
}

/** The row with every blob reference in `columns` replaced by the text it stands for. */
export function* withValues(row: Row, columns: readonly string[]): Command<Row> {
  let loaded: Record<string, SqlValue> | null = null;
  for (const column of columns) {
    const text = row[column];
    if (typeof text !== "string" || !text.startsWith(REFERENCE)) continue;
    loaded ??= { ...row };
    loaded[column] = JSON.stringify(yield* loadValue(text, column));
  }
  return loaded ?? row;
}
