/** Appending to the journal so that it is there whole and durable, or not at all. Only whoever holds the store's lock may. */

import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { hasErrorCode } from "../../base/file-errors.ts";
import { existsSync, fstatSync, mkdirSync, readdirSync } from "../../base/quick-fs.ts";
import { isPlainName, plainName } from "../../trail/journal-files.ts";
import type { JournalPiece } from "../../trail/journal-placing.ts";
import type { JournalPosition } from "./journal-loader.ts";
import { syncDirectoryNow } from "./value-files.ts";

export interface AppendPieces {
  readonly directory: string;
  readonly pieces: readonly JournalPiece[];
  /** The newest month there is a plain file of. */
  readonly newest: string | null;
  readonly isDurable: boolean;
}

/** Returns the size of the last file. When it throws, `takeBackTo` undoes what was written. */
export function appendPieces({ directory, pieces, newest, isDurable }: AppendPieces): number {
  let sizeBytes = 0;
  for (const { month, text } of pieces) {
    if (month !== newest) mkdirSync(directory, { recursive: true });
    sizeBytes = appendTo(join(directory, plainName(month)), { text, isDurable });
    if (isDurable && month !== newest) syncDirectoryNow(directory);
  }
  return sizeBytes;
}

/** Takes away what was appended behind the first `bytes` of the file of `month`, and later files. Whether that could be done. */
export function takeBackTo(directory: string, { month, bytes }: JournalPosition): boolean {
  try {
    for (const name of readdirSync(directory)) {
      if (month === null || name > `${plainName(month)}.gz`) {
        if (isPlainName(name)) rmSync(join(directory, name), { force: true });
      }
    }
    if (month !== null && existsSync(join(directory, plainName(month))))
      cutFile(join(directory, plainName(month)), bytes);
    return true;
  } catch (error) {
    return hasErrorCode(error, "ENOENT");
  }
}

interface Append {
  readonly text: string;
  readonly isDurable: boolean;
}

function appendTo(path: string, { text, isDurable }: Append): number {
  const file = openSync(path, "a");
  try {
    writeFileSync(file, text);
    if (isDurable) fdatasyncSync(file);
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

/** Takes away what stands behind the first `wholeBytes`, durably. */
export function cutFile(path: string, wholeBytes: number): void {
  const file = openSync(path, "r+");
  try {
    if (fstatSync(file).size === wholeBytes) return;
    ftruncateSync(file, wholeBytes);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}
