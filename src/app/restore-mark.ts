/** Saying, for every process, that a store is being restored and not whole yet. */

import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { existsSync } from "../base/quick-fs.ts";
import { replaceFile, syncDirectory } from "../base/atomic-file.ts";
import type { RestoreMark } from "../operations/operation.ts";
import type { Store } from "../store/port.ts";
import { isMarkedRestoring, markRestoring } from "../store/postgres/restore-mark.ts";

/** `path` is the file that says it. */
export function restoreMark(path: string): RestoreMark {
  return {
    isSet: async () => existsSync(path),
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

/** On a server the project itself says it. */
export function serverRestoreMark(store: Store): RestoreMark {
  return {
    isSet: () => store.execute(isMarkedRestoring, null),
    set: () => store.execute(markRestoring, { isRestoring: true }),
    clear: () => store.execute(markRestoring, { isRestoring: false }),
  };
}
