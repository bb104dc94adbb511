/** Saying, for every process, that a store is being restored and not whole yet. */

import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { replaceFile, syncDirectory } from "../base/atomic-file.ts";
import type { RestoreMark } from "../operations/operation.ts";

/** `path` is the file that says it. */
export function restoreMark(path: string): Omit<RestoreMark, "isSet"> {
  return {
    async set() {
      await mkdir(dirname(path), { recursive: true });
      await replaceFile(path, "");
    },
    async clear() {
      await rm(path, { force: true });
      await syncDirectory(dirname(path));
    },
  };
}
