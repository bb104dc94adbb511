/** Where the files of a store that is a journal lie. */

import { join } from "node:path";

import { JOURNAL_DIRECTORY } from "../../trail/journal-files.ts";

export interface JsonlPlace {
  /** What holds them all. */
  readonly directory: string;
  /** The changes, a file a month. */
  readonly journal: string;
  /** Values too large for a line, by their hash. */
  readonly artifacts: string;
  /** Who works: no part of the changes. */
  readonly coordination: string;
  /** Held by whoever writes. */
  readonly lock: string;
}

export function jsonlPlace(directory: string): JsonlPlace {
  return {
    directory,
    journal: join(directory, JOURNAL_DIRECTORY),
    artifacts: join(directory, "artifacts"),
    coordination: join(directory, "coordination.json"),
    lock: join(directory, "journal.lock"),
  };
}
