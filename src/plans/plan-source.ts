/** The text of a plan's file: size and encoding checked, byte order mark taken off. */

import { LIMITS } from "../domain/limits.ts";
import type { Place } from "./problems.ts";
import { planError } from "./problems.ts";

/** A file's content, as read from disk or as text. `path` is what messages and task sources call it. */
export type PlanFile =
  | { readonly path: string; readonly bytes: Uint8Array }
  | { readonly path: string; readonly text: string };

export interface PlanText {
  readonly path: string;
  readonly text: string;
}

/** @throws PerdureError `limit-reached` over the size limit, `invalid-plan` naming the byte when it is not UTF-8 */
export function decodePlanFile(file: PlanFile): PlanText {
  const start: Place = { file: file.path, line: 1, column: 1 };
  const sizeBytes = "bytes" in file ? file.bytes.length : Buffer.byteLength(file.text);
  if (sizeBytes > LIMITS.planFileBytes) {
    throw planError(start, `the file is ${sizeBytes} bytes, and a plan may have ${LIMITS.planFileBytes}`, {
      code: "limit-reached",
      hint: "Split the plan into several files.",
    });
  }
  const text = "bytes" in file ? decodeUtf8(file.bytes, file.path) : file.text;
  return { path: file.path, text: withoutByteOrderMark(text) };
}

export function withoutByteOrderMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** Finds the place of an offset in a text; lines end with LF, CRLF or CR. */
export function placesIn(source: PlanText): (offset: number) => Place {
  const lineStarts = [0];
  for (const { index, 0: ending } of source.text.matchAll(/\r\n|\n|\r/g)) lineStarts.push(index + ending.length);
  return (offset) => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: source.path, line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
  };
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const offset = firstInvalidByte(bytes);
    const before = new TextDecoder().decode(bytes.subarray(0, offset));
    const place = placesIn({ path, text: before })(before.length);
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw planError(
      place,
      `not valid UTF-8: byte ${offset} of the file is 0x${(bytes[offset] ?? 0).toString(16).padStart(2, "0")}`,
      {
        hint: isUtf16 ? "The file looks like UTF-16; save it as UTF-8." : "Save the file as UTF-8.",
      },
    );
  }
}

/**
 * Where the first character that is none begins: found by halving, as a prefix cut inside a character is still valid when
 * streamed, and then by going back to the beginning of a character that does not go on as it began.
 */
function firstInvalidByte(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length;
  while (valid < invalid) {
    const middle = (valid + invalid + 1) >> 1;
    if (isValidPrefix(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle - 1;
  }
  while (valid > 0 && !isValidPrefix(bytes.subarray(0, valid), false)) valid -= 1;
  return Math.min(valid, Math.max(0, bytes.length - 1));
}

function isValidPrefix(bytes: Uint8Array, stream = true): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream });
    return true;
  } catch {
    return false;
  }
}
