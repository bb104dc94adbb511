/** Values too large for a line of the journal, as files named by their hash, written and read at once. */

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { hasErrorCode } from "../../base/file-errors.ts";
import type { Random } from "../../base/random.ts";
import { sha256 } from "../../base/sha256.ts";

export interface ValueFiles {
  /** Durable when it returns. Safe to repeat. */
  put(hash: string, text: string): void;
  /** `null` when it is missing or not what was put. */
  find(hash: string): string | null;
}

/** In the places `artifactFiles` would keep them. */
export function valueFiles({ directory, random }: { readonly directory: string; readonly random: Random }): ValueFiles {
  const pathOf = (hash: string): string => join(directory, hash.slice(0, 2), hash);
  const find = (hash: string): string | null => {
    try {
      const text = readFileSync(pathOf(hash), "utf8");
      return sha256().update(text).digest("hex") === hash ? text : null;
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return null;
      throw error;
    }
  };
  return {
    put(hash, text) {
      const path = pathOf(hash);
      // One that was damaged is no copy of it, and is replaced.
      if (find(hash) !== null) return;
      mkdirSync(dirname(path), { recursive: true });
      const temporary = `${path}.${random.uuid()}.tmp`;
      writeDurably(temporary, text);
      renameSync(temporary, path);
      syncDirectoryNow(dirname(path));
    },
    find,
  };
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, "wx");
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes durable which files a directory has. */
export function syncDirectoryNow(path: string): void {
  // Windows opens no directories; its renames are durable with the journal of the file system.
  if (process.platform === "win32") return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
