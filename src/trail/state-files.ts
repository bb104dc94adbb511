/** The files that tell where the work stands: `tasks/current.json`, `memory.json`, `tasks/history/`. Rebuilt whole from the store. */

import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { replaceFile } from "../base/atomic-file.ts";
import { readKnowledge, readPresent } from "../store/commands/trail-reads.ts";
import type { Store } from "../store/port.ts";
import { CURRENT_LIMITS, currentFile } from "./current-file.ts";
import { historyFiles } from "./history-files.ts";
import { MEMORY_FILE_LIMITS, memoryFile } from "./memory-file.ts";

export interface StateFiles {
  /** Brings them up to date, at most `histories` sessions' among them. Whether all are. Only one process may be in it at a time. */
  update(histories: number): Promise<boolean>;
}

/** `directory` is `.perdure`. */
export function stateFiles({ store, directory }: { readonly store: Store; readonly directory: string }): StateFiles {
  const history = historyFiles({ store, directory: join(directory, "tasks", "history") });
  return {
    async update(histories) {
      const knowledge = await store.execute(readKnowledge, MEMORY_FILE_LIMITS);
      const present = await store.execute(readPresent, CURRENT_LIMITS);
      await ensureContent(join(directory, "tasks", "current.json"), currentFile(present, knowledge));
      await ensureContent(join(directory, "memory.json"), memoryFile(knowledge));
      return await history.update(histories);
    },
  };
}

/** Compared with what is there, so that a damaged file is replaced and one that is right costs no write. */
async function ensureContent(path: string, content: string): Promise<void> {
  const present = await readFile(path, "utf8").catch(() => null);
  if (present === content) return;
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, content);
}
