/**
 * The jsonl driver: a store whose only truth on disk is the change log, as text that people and git can read. The state is
 * an SQLite database in memory, rebuilt from it on opening. For projects of moderate size: all of it is held in memory.
 */

import { fileLock } from "../../base/file-lock.ts";
import type { ProjectId } from "../../domain/ids.ts";
import { readJournal } from "../../trail/journal-files.ts";
import { JOURNAL_VERSION } from "../journal-line.ts";
import type { Store, StoreInspection } from "../port.ts";
import type { HookedStore } from "../sqlite/hooked-store.ts";
import type { SqliteStoreOptions } from "../sqlite/sqlite-store.ts";
import { openHookedStore } from "../sqlite/sqlite-store.ts";
import { JsonlJournal } from "./jsonl-journal.ts";
import type { JsonlPlace } from "./jsonl-place.ts";
import { jsonlPlace } from "./jsonl-place.ts";
import type { ValueFiles } from "./value-files.ts";
import { valueFiles } from "./value-files.ts";

export interface JsonlStoreOptions extends Omit<SqliteStoreOptions, "path"> {
  /** Where its files lie: `journal/`, `artifacts/`, `coordination.json`. Made by the first write. */
  readonly directory: string;
}

const DEFAULT_BUSY_TIMEOUT_MS = 30_000;
const MOST_PROBLEMS = 20;

/** @throws PerdureError `store-damaged`, `store-unreachable` */
export async function openJsonlStore({
  directory,
  durability = "full",
  busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS,
  ...deps
}: JsonlStoreOptions): Promise<Store & { readonly projectId: ProjectId }> {
  const place = jsonlPlace(directory);
  const lock = fileLock(place.lock);
  const values = valueFiles({ directory: place.artifacts, random: deps.random });
  const journal = new JsonlJournal({ place, lock, values, isDurable: durability === "full", busyTimeoutMs });
  const store = openHookedStore({ path: ":memory:", ...deps }, journal);
  try {
    await journal.open(store);
  } catch (error) {
    await store.close();
    lock.close();
    throw error;
  }
  return withFiles(store, { journal, place, values });
}

interface Files {
  readonly journal: JsonlJournal;
  readonly place: JsonlPlace;
  readonly values: ValueFiles;
}

function withFiles(store: HookedStore, files: Files): Store & { readonly projectId: ProjectId } {
  let closing: Promise<void> | null = null;
  return {
    get projectId() {
      return store.projectId;
    },
    execute: (command, input, options) => store.execute(command, input, options),
    onCommit: (listener) => store.onCommit(listener),
    becomeProject: (project) => store.becomeProject(project),
    inspect: () => inspect(files),
    close() {
      closing ??= store.close().then(() => files.journal.close());
      return closing;
    },
  };
}

/** Every line, and every value that stands beside them. */
async function inspect({ place, values }: Files): Promise<StoreInspection> {
  const problems: string[] = [];
  for await (const { file, lineNumber, line, isTerminated } of readJournal(place.journal)) {
    if (problems.length >= MOST_PROBLEMS) break;
    // A line torn off at the end was never acknowledged, and another process may be writing it right now.
    if (line.kind === "damaged" && isTerminated) problems.push(`line ${lineNumber} of ${file}: ${line.why}`);
    if (line.kind !== "change") continue;
    for (const hash of line.files) {
      if (values.find(hash) === null) problems.push(`the value ${hash} of change ${line.change.seq} is missing`);
    }
  }
  return { location: place.directory, schemaVersion: JOURNAL_VERSION, problems };
}
